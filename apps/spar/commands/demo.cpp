#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <iostream>

#include "spar/commands/command.h"
#include "spar/demo/story.h"

namespace spar::app {
namespace {

namespace fs = std::filesystem;

struct DemoOptions {
  bool stay = false;
  bool keep = false;
  int port = 0;
};

void watch_for_ctrl_c() {
  struct sigaction action{};
  action.sa_handler = [](int) { Story::interrupt(); };
  for (int signal : {SIGINT, SIGTERM}) ::sigaction(signal, &action, nullptr);
}

int play(const DemoOptions& options, const std::string& program, const std::string& directory) {
  Story story(program, directory, options.port);
  auto verdict = story.play();
  if (!verdict) return show_error(verdict.error(), false);
  story.print(*verdict);
  if (options.stay) story.stay();
  return verdict->holds() ? 0 : 1;
}

int demo(const DemoOptions& options, const std::string& program) {
  watch_for_ctrl_c();
  std::string directory = (fs::temp_directory_path() / "spar-demo-XXXXXX").string();
  if (::mkdtemp(directory.data()) == nullptr) {
    return show_error(
        {.message = "cannot make a directory in " + fs::temp_directory_path().string()}, false);
  }
  int code = play(options, program, directory);
  if (options.keep || code != 0) {
    std::cout << "what is left is in " << directory << std::endl;
  } else {
    std::error_code ignored;
    fs::remove_all(directory, ignored);
  }
  return code;
}

}  // namespace

void add_demo(CLI::App& app, Context& context) {
  CLI::App* command =
      add_command(app, {"demo", "Lose copies and the server itself under load, and lose nothing",
                        "spar demo --stay"});
  auto options = std::make_shared<DemoOptions>();
  command->add_flag("--stay", options->stay, "go on serving afterwards, until Ctrl-C");
  command->add_flag("--keep", options->keep, "leave the directory behind");
  command->add_option("--port", options->port, "port for SQL (default: a free one)")
      ->check(CLI::Range(0, 65535));
  command->callback([options, &context] { context.exit_code = demo(*options, context.program); });
}

}  // namespace spar::app
