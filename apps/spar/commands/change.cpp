// switchover, failover, pause and resume: one request each, one line in answer.
#include <iostream>
#include <nlohmann/json.hpp>

#include "spar/commands/command.h"

namespace spar::app {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kPatience{60};  // the server has its own, shorter deadlines

int change(const CommonOptions& options, json request) {
  request["cluster"] = options.cluster;
  request["dry_run"] = options.dry_run;
  auto answer = ask_server(options, request, kPatience);
  if (!answer) return show_error(answer.error(), options.json);
  if (options.json) {
    show_json(*answer);
  } else {
    std::cout << answer->value("message", "done") << '\n';
  }
  return 0;
}

void add_plain(CLI::App& app, Context& context, const Description& description) {
  CLI::App* command = add_command(app, description);
  Options options = add_changing_options(*command);
  command->callback([options, &context, name = description.name] {
    context.exit_code = change(*options, {{"command", name}});
  });
}

}  // namespace

void add_switchover(CLI::App& app, Context& context) {
  CLI::App* command =
      add_command(app, {"switchover", "Move the right to write to another copy, losing nothing",
                        "spar switchover --to b"});
  Options options = add_changing_options(*command);
  auto to = std::make_shared<std::string>();
  command->add_option("--to", *to, "the copy to become primary (default: the best mirror)");
  command->callback([options, to, &context] {
    context.exit_code = change(*options, {{"command", "switchover"}, {"to", *to}});
  });
}

void add_failover(CLI::App& app, Context& context) {
  CLI::App* command =
      add_command(app, {"failover", "Promote a copy although the primary does not answer",
                        "spar failover --to c --accept-data-loss --dry-run"});
  Options options = add_changing_options(*command);
  auto to = std::make_shared<std::string>();
  auto accept = std::make_shared<bool>(false);
  command->add_option("--to", *to, "the copy to become primary")->required();
  command->add_flag("--accept-data-loss", *accept,
                    "promote even a copy that lacks acknowledged commits; says what is lost");
  command->callback([options, to, accept, &context] {
    context.exit_code =
        change(*options, {{"command", "failover"}, {"to", *to}, {"accept_data_loss", *accept}});
  });
}

void add_pause(CLI::App& app, Context& context) {
  add_plain(app, context,
            {"pause", "Stop automatic failover and rebuilding, for maintenance", "spar pause"});
}

void add_resume(CLI::App& app, Context& context) {
  add_plain(app, context, {"resume", "Undo pause", "spar resume"});
}

}  // namespace spar::app
