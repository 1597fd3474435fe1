// doctor: examines the copies themselves, with or without a running node.
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "server/postgres/doctor.h"
#include "spar/commands/command.h"
#include "spar/table.h"

namespace spar::app {
namespace {

using nlohmann::json;
using server::postgres::Finding;
using server::postgres::Severity;

constexpr std::chrono::seconds kPatience{10};

const char* word(Severity severity) {
  switch (severity) {
    case Severity::good:
      return "ok";
    case Severity::warning:
      return "warning";
    case Severity::problem:
      break;
  }
  return "PROBLEM";
}

// An embedded copy that Spar has not made yet is none.
std::vector<Finding> examine_directories(const server::ClusterConfig& cluster) {
  std::vector<Finding> findings;
  for (const server::CopyConfig& copy : cluster.copies) {
    std::error_code ignored;
    const bool there = std::filesystem::is_directory(copy.path, ignored);
    findings.push_back({copy.name, "directory", there ? Severity::good : Severity::problem,
                        copy.path, there ? "" : "make the directory; Spar fills it"});
  }
  return findings;
}

void print(const server::ClusterConfig& cluster, const std::vector<Finding>& findings) {
  std::cout << "cluster " << cluster.name << '\n';
  Table table({"COPY", "CHECK", "STATE", "FOUND", "WHAT TO DO"});
  for (const Finding& each : findings) {
    table.add({each.copy, each.what, word(each.severity), each.found, each.remedy});
  }
  table.print(std::cout);
}

json as_json(const std::vector<Finding>& findings) {
  json all = json::array();
  for (const Finding& each : findings) {
    all.push_back({{"copy", each.copy},
                   {"check", each.what},
                   {"state", word(each.severity)},
                   {"found", each.found},
                   {"remedy", each.remedy}});
  }
  return all;
}

int examine(const CommonOptions& options) {
  auto config = server::read_config(config_file(options));
  if (!config) return show_error(config.error(), options.json);
  bool problems = false;
  json clusters = json::array();
  for (const server::ClusterConfig& cluster : config->clusters) {
    const auto findings =
        cluster.copies.front().is_server()
            ? server::postgres::examine(cluster, std::chrono::steady_clock::now() + kPatience)
            : examine_directories(cluster);
    for (const Finding& each : findings) problems |= each.severity == Severity::problem;
    clusters.push_back({{"name", cluster.name}, {"findings", as_json(findings)}});
    if (!options.json) print(cluster, findings);
  }
  if (options.json) show_json({{"ok", !problems}, {"clusters", clusters}});
  return problems ? 1 : 0;
}

}  // namespace

void add_doctor(CLI::App& app, Context& context) {
  CLI::App* command =
      add_command(app, {"doctor", "Examine the copies and say what is missing, and what mends it",
                        "spar doctor --config shop/spar.toml"});
  Options options = add_reading_options(*command);
  command->callback([options, &context] { context.exit_code = examine(*options); });
}

}  // namespace spar::app
