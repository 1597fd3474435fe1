// completion: a script for the shell, made from the command line's own description.
#include <iostream>

#include "spar/commands/command.h"

namespace spar::app {
namespace {

std::vector<const CLI::App*> subcommands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::string words_for(const CLI::App& app) {
  std::string words;
  for (const CLI::App* command : subcommands(app)) words += command->get_name() + " ";
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
  }
  return words;
}

// One `case` line for each command, nested ones as "copy add".
void write_cases(const CLI::App& app, const std::string& path, std::string& out) {
  out += "    '" + path + "') words='" + words_for(app) + "' ;;\n";
  for (const CLI::App* command : subcommands(app)) {
    write_cases(*command, path + (path.empty() ? "" : " ") + command->get_name(), out);
  }
}

std::string bash_script(const CLI::App& app) {
  std::string cases;
  write_cases(app, "", cases);
  return R"(_spar() {
  local path= words= word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $path:$word in
      *:-*) ;;
      :*) path=$word ;;
      copy:add | copy:remove) path="copy $word" ;;
    esac
  done
  case $path in
)" + cases +
         R"(  esac
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _spar spar
)";
}

std::string script_for(const std::string& shell, const CLI::App& app) {
  if (shell == "bash") return bash_script(app);
  return "#compdef spar\nautoload -U +X bashcompinit && bashcompinit\n" + bash_script(app);
}

}  // namespace

void add_completion(CLI::App& app, Context& context) {
  CLI::App* command = add_command(app, {"completion", "Print a completion script for a shell",
                                        "spar completion bash >/etc/bash_completion.d/spar"});
  auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  command->callback([shell, &app, &context] {
    std::cout << script_for(*shell, app);
    context.exit_code = 0;
  });
}

}  // namespace spar::app
