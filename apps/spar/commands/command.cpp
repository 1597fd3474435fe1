#include "spar/commands/command.h"

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "server/admin.h"

namespace spar::app {
namespace {

using nlohmann::json;

Error error_in(const json& answer) {
  Error error;
  error.code = Code::unavailable;
  const json& said = answer.contains("error") ? answer["error"] : json::object();
  error.message = said.value("message", "the server did not say why");
  error.hint = said.value("hint", "");
  return error;
}

}  // namespace

CLI::App* add_command(CLI::App& parent, const Description& description) {
  CLI::App* command = parent.add_subcommand(description.name, description.summary);
  command->footer("Example:\n  " + description.example);
  return command;
}

Options add_reading_options(CLI::App& command) {
  auto options = std::make_shared<CommonOptions>();
  command.add_option("--config", options->config,
                     "configuration file (default: ./spar.toml, then $SPAR_CONFIG)");
  command.add_flag("--json", options->json, "print JSON");
  return options;
}

Options add_changing_options(CLI::App& command) {
  Options options = add_reading_options(command);
  command.add_option("--cluster", options->cluster, "which cluster, when there are several");
  command.add_flag("--dry-run", options->dry_run, "say what would be done, change nothing");
  return options;
}

std::string config_file(const CommonOptions& options) {
  if (std::filesystem::is_directory(options.config)) return options.config + "/spar.toml";
  if (!options.config.empty()) return options.config;
  const char* variable = std::getenv("SPAR_CONFIG");
  if (variable != nullptr && !std::filesystem::exists("spar.toml")) return variable;
  return "spar.toml";
}

Result<json> ask_node(const server::Config& config, const json& request,
                      std::chrono::seconds patience) {
  auto answer = server::admin_call(server::admin_socket_path(config), request,
                                   std::chrono::steady_clock::now() + patience);
  if (!answer) {
    if (answer.error().code == Code::unavailable) {
      answer.error().hint = "start it with `spar serve " + config.file + "`";
    }
    return answer;
  }
  if (!answer->value("ok", false)) return std::unexpected(error_in(*answer));
  return answer;
}

Result<json> ask_server(const CommonOptions& options, const json& request,
                        std::chrono::seconds patience) {
  SPAR_ASSIGN(server::Config config, server::read_config(config_file(options)));
  return ask_node(config, request, patience);
}

int show_error(const Error& error, bool json_wanted) {
  if (json_wanted) {
    show_json(server::admin_error(error));
  } else {
    std::cerr << "spar: " << error.message << '\n';
    if (!error.hint.empty()) std::cerr << "  " << error.hint << '\n';
  }
  return error.code == Code::invalid ? 2 : 1;
}

void show_json(const json& value) {
  std::cout << value.dump(2, ' ', false, json::error_handler_t::replace) << std::endl;
}

}  // namespace spar::app
