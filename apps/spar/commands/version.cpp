#include <iostream>
#include <nlohmann/json.hpp>

#include "spar/commands/command.h"

namespace spar::app {

void add_version(CLI::App& app, Context& context) {
  CLI::App* command = add_command(app, {"version", "Print the version", "spar version --json"});
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "print JSON");
  command->callback([json, &context] {
    if (*json) {
      show_json({{"name", "spar"}, {"version", kVersion}});
    } else {
      std::cout << "spar " << kVersion << '\n';
    }
    context.exit_code = 0;
  });
}

}  // namespace spar::app
