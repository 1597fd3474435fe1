#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/size_text.h"
#include "spar/commands/command.h"
#include "spar/table.h"

namespace spar::app {
namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* key) {
  if (!object.contains(key) || object[key].is_null()) return "-";
  return object[key].is_string() ? object[key].get<std::string>() : object[key].dump();
}

std::string or_none(const std::string& text) {
  return text.empty() ? "none" : text;
}

std::string seconds_text(double seconds) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(1) << seconds << " s";
  return out.str();
}

std::string protection(const json& cluster) {
  if (text_of(cluster, "primary").empty()) return "NO PRIMARY: clients wait";
  if (cluster.value("protected", false)) return "protected";
  return "EXPOSED for " + seconds_text(cluster.value("exposed_seconds", 0.0)) +
         ": the loss of the primary now would lose commits";
}

// Of a copy that knows: embedded ones are behind by changes, not by bytes.
std::string behind_text(const json& copy) {
  if (!copy.contains("behind_bytes")) return "-";
  return size_text(copy["behind_bytes"].get<std::uint64_t>());
}

void print_cluster(const json& cluster) {
  std::cout << "cluster " << text_of(cluster, "name") << ": epoch " << text_of(cluster, "epoch")
            << ", primary " << or_none(text_of(cluster, "primary")) << ", "
            << text_of(cluster, "durability") << ", acknowledged "
            << text_of(cluster, "acknowledged") << '\n'
            << "  " << protection(cluster)
            << (cluster.value("paused", false) ? "; PAUSED: nothing is repaired by itself" : "")
            << '\n';
  std::string condition = cluster.value("condition", "");
  if (!condition.empty()) std::cout << "  " << condition << '\n';
  std::cout << '\n';
  Table table(
      {"COPY", "ENGINE", "ROLE", "HEALTH", "RECEIVED", "APPLIED", "LAG", "BEHIND", "WHERE"});
  for (const json& copy : cluster.value("copies", json::array())) {
    int lag = copy.value("lag_ms", -1);
    table.add({text_of(copy, "name"), text_of(copy, "engine"), text_of(copy, "role"),
               text_of(copy, "health"), text_of(copy, "received"), text_of(copy, "applied"),
               lag < 0 ? "-" : std::to_string(lag) + " ms", behind_text(copy),
               text_of(copy, copy.contains("address") ? "address" : "path")});
  }
  table.print(std::cout);
}

int print_status(const CommonOptions& options) {
  auto answer = ask_server(options, {{"command", "status"}});
  if (!answer) return show_error(answer.error(), options.json);
  if (options.json) {
    show_json(*answer);
    return 0;
  }
  const json& node = (*answer)["node"];
  std::cout << "spar " << text_of(node, "version") << ", pid " << text_of(node, "pid")
            << ", started " << text_of(node, "started") << '\n';
  for (const json& cluster : answer->value("clusters", json::array())) {
    std::cout << '\n';
    print_cluster(cluster);
  }
  return 0;
}

}  // namespace

void add_status(CLI::App& app, Context& context) {
  CLI::App* command = add_command(
      app, {"status", "Show the clusters, their copies and how they are", "spar status --json"});
  Options options = add_reading_options(*command);
  command->callback([options, &context] { context.exit_code = print_status(*options); });
}

}  // namespace spar::app
