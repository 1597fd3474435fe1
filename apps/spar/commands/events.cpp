#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "spar/commands/command.h"
#include "spar/table.h"

namespace spar::app {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kFollowEvery{500};

std::string took(const json& event) {
  if (!event.contains("took_ms") || event["took_ms"].is_null()) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", event["took_ms"].get<double>());
  return text;
}

void print_followed(const json& event, bool as_json) {
  if (as_json) {
    std::cout << event.dump() << std::endl;
    return;
  }
  std::cout << event.value("time", "") << "  " << event.value("what", "");
  std::string copy = event.value("copy", "");
  if (!copy.empty()) std::cout << ' ' << copy;
  std::cout << " (" << took(event) << "): " << event.value("evidence", "") << std::endl;
}

void print_table(const json& events) {
  Table table({"TIME", "CLUSTER", "WHAT", "COPY", "TOOK", "EVIDENCE"});
  for (const json& event : events) {
    table.add({event.value("time", ""), event.value("cluster", ""), event.value("what", ""),
               event.value("copy", ""), took(event), event.value("evidence", "")});
  }
  table.print(std::cout);
}

// Until interrupted. A server that is being started again is waited for.
int follow(const CommonOptions& options) {
  auto config = server::read_config(config_file(options));
  if (!config) return show_error(config.error(), options.json);
  std::uint64_t last = 0;
  while (std::cout) {
    auto answer =
        ask_node(*config, {{"command", "events"}, {"after", last}}, std::chrono::seconds(10));
    for (const json& event : answer ? answer->value("events", json::array()) : json::array()) {
      last = std::max(last, event.value("id", last));
      print_followed(event, options.json);
    }
    std::this_thread::sleep_for(kFollowEvery);
  }
  return 0;
}

int print_events(const CommonOptions& options) {
  auto answer = ask_server(options, {{"command", "events"}, {"after", 0}});
  if (!answer) return show_error(answer.error(), options.json);
  if (options.json) {
    show_json(*answer);
  } else {
    print_table(answer->value("events", json::array()));
  }
  return 0;
}

}  // namespace

void add_events(CLI::App& app, Context& context) {
  CLI::App* command =
      add_command(app, {"events", "Show what was decided, on which evidence and how long it took",
                        "spar events --follow"});
  Options options = add_reading_options(*command);
  auto following = std::make_shared<bool>(false);
  command->add_flag("--follow", *following, "go on and print events as they happen");
  command->callback([options, following, &context] {
    context.exit_code = *following ? follow(*options) : print_events(*options);
  });
}

}  // namespace spar::app
