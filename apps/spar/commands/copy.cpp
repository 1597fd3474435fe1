// copy add and copy remove: the server changes the cluster, then the file is brought in line.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "server/address.h"
#include "server/config_edit.h"
#include "server/password.h"
#include "spar/commands/command.h"
#include "spar/commands/init.h"

namespace spar::app {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kPatience{120};

struct CopyOptions {
  std::string name, path, engine, address, agent, agent_name, programs;
  bool replica_only = false;
};

Result<void> replace_file(const std::string& file, const std::string& text) {
  std::string fresh = file + ".new";
  std::ofstream out(fresh, std::ios::trunc);
  out << text;
  out.close();
  std::error_code status;
  if (out) std::filesystem::rename(fresh, file, status);
  if (!out || status) return failure(Code::io, "cannot write " + file);
  return {};
}

Result<std::string> cluster_name(const server::Config& config, const std::string& asked) {
  if (!asked.empty()) return asked;
  if (config.clusters.size() == 1) return config.clusters[0].name;
  return failure(Code::invalid, "there are several clusters: name one with --cluster");
}

// The server is asked only when the file can follow.
Result<json> change(
    const CommonOptions& options, json request,
    const std::function<Result<std::string>(const std::string& text, const server::Config& config,
                                            const std::string& cluster)>& edit) {
  std::string file = config_file(options);
  SPAR_ASSIGN(server::Config config, server::read_config(file));
  SPAR_ASSIGN(std::string cluster, cluster_name(config, options.cluster));
  SPAR_ASSIGN(std::string text, server::read_small_file(file, "the configuration"));
  SPAR_ASSIGN(std::string edited, edit(text, config, cluster));
  request["cluster"] = cluster;
  request["dry_run"] = options.dry_run;
  request["configuration"] = edited;
  SPAR_ASSIGN(json answer, ask_node(config, request, kPatience));
  if (!options.dry_run) SPAR_TRY(replace_file(file, edited));
  return answer;
}

int show(const CommonOptions& options, const Result<json>& answer) {
  if (!answer) return show_error(answer.error(), options.json);
  if (options.json) {
    show_json(*answer);
  } else {
    std::cout << answer->value("message", "done") << '\n';
  }
  return 0;
}

std::string absolute(const std::string& path) {
  if (path.empty()) return "";
  return std::filesystem::absolute(path).lexically_normal().string();
}

// What was not said of a server's address is as the others have it, and a port is found for one that
// Spar makes.
Result<engines::postgres::Conninfo> address_of(const server::CopyConfig& like,
                                               const CopyOptions& copy) {
  if (!copy.address.empty()) return engines::postgres::Conninfo::parse(copy.address);
  if (copy.path.empty()) {
    Failure missing = failure(Code::invalid, "a server needs an address, or a directory");
    missing.error().hint =
        "--address of one that runs (with --agent, if it has one); or --path, where Spar makes it";
    return missing;
  }
  engines::postgres::Conninfo address = like.address;
  address.set("host", "127.0.0.1");
  address.set("hostaddr", "");
  address.set("port", std::to_string(free_ports(1).front()));
  return address;
}

Result<server::CopyConfig> entry_of(const server::Config& config, const std::string& cluster,
                                    const CopyOptions& copy) {
  const server::ClusterConfig* found = config.find_cluster(cluster);
  if (found == nullptr) {
    return failure(Code::invalid, config.file + " has no cluster \"" + cluster + "\"");
  }
  const server::CopyConfig& like = found->copies.front();
  server::CopyConfig entry{copy.name,
                           copy.engine.empty() ? like.engine : copy.engine,
                           absolute(copy.path),
                           copy.replica_only,
                           {},
                           {}};
  if (!entry.is_server()) {
    if (!copy.path.empty()) return entry;
    return failure(Code::invalid, "an embedded copy needs a directory: --path DIR");
  }
  SPAR_ASSIGN(entry.address, address_of(like, copy));
  entry.programs = absolute(copy.programs);
  if (copy.agent.empty()) return entry;
  if (!server::parse_address(copy.agent, entry.agent.at)) {
    return failure(Code::invalid, "--agent cannot be \"" + copy.agent +
                                      "\": it is ADDRESS:PORT, the address numeric");
  }
  entry.agent.name = copy.agent_name.empty() ? entry.agent.at.host : copy.agent_name;
  return entry;
}

int add(const CommonOptions& options, const CopyOptions& copy) {
  json request = {{"command", "copy_add"},
                  {"name", copy.name},
                  {"path", absolute(copy.path)},
                  {"replica_only", copy.replica_only}};
  return show(options, change(options, request,
                              [&](auto& text, auto& config, auto& cluster) -> Result<std::string> {
                                SPAR_ASSIGN(auto entry, entry_of(config, cluster, copy));
                                return server::add_copy(text, config.file, cluster, entry);
                              }));
}

int remove(const CommonOptions& options, const std::string& name) {
  json request = {{"command", "copy_remove"}, {"name", name}};
  return show(options, change(options, request, [&](auto& text, auto& config, auto& cluster) {
                return server::remove_copy(text, config.file, cluster, name);
              }));
}

void add_add(CLI::App& parent, Context& context) {
  CLI::App* command =
      add_command(parent, {"add", "Add a copy; it is filled while the cluster serves",
                           "spar copy add d --path /mnt/disk2/d\n"
                           "  spar copy add d --address \"host=10.0.0.7 user=postgres\" "
                           "--agent 10.0.0.7:6445"});
  Options options = add_changing_options(*command);
  auto copy = std::make_shared<CopyOptions>();
  command->add_option("NAME", copy->name, "its name, new in the cluster")->required();
  command->add_option("--path", copy->path,
                      "its directory, absent or empty; of a server that Spar makes and runs, too");
  command->add_option("--address", copy->address, "of a server: how its superuser connects");
  command->add_option("--agent", copy->agent, "ADDRESS:PORT of the server's spar agent");
  command->add_option("--agent-name", copy->agent_name,
                      "that the agent's certificate has (the address)");
  command->add_option("--programs", copy->programs,
                      "where the PostgreSQL is that Spar starts (the newest installed)");
  command->add_option("--engine", copy->engine, "sqlite or postgres (as the other copies)");
  command->add_flag("--replica", copy->replica_only, "never make it a mirror or the primary");
  command->callback([options, copy, &context] { context.exit_code = add(*options, *copy); });
}

void add_remove(CLI::App& parent, Context& context) {
  CLI::App* command = add_command(
      parent,
      {"remove", "Take a copy out of the cluster; its directory stays", "spar copy remove d"});
  Options options = add_changing_options(*command);
  auto name = std::make_shared<std::string>();
  command->add_option("NAME", *name, "the copy")->required();
  command->callback([options, name, &context] { context.exit_code = remove(*options, *name); });
}

}  // namespace

void add_copy(CLI::App& app, Context& context) {
  CLI::App* command =
      add_command(app, {"copy", "Add or remove a copy", "spar copy add d --path /mnt/disk2/d"});
  command->require_subcommand(1);
  add_add(*command, context);
  add_remove(*command, context);
}

}  // namespace spar::app
