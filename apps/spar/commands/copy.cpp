// copy add and copy remove: the server changes the cluster, then the file is brought in line.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "server/config_edit.h"
#include "server/password.h"
#include "spar/commands/command.h"

namespace spar::app {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kPatience{120};

struct CopyOptions {
  std::string name, path, engine = "sqlite";
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
    const std::function<Result<std::string>(const std::string& text, const std::string& file,
                                            const std::string& cluster)>& edit) {
  std::string file = config_file(options);
  SPAR_ASSIGN(server::Config config, server::read_config(file));
  SPAR_ASSIGN(std::string cluster, cluster_name(config, options.cluster));
  SPAR_ASSIGN(std::string text, server::read_small_file(file, "the configuration"));
  SPAR_ASSIGN(std::string edited, edit(text, file, cluster));
  request["cluster"] = cluster;
  request["dry_run"] = options.dry_run;
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

int add(const CommonOptions& options, const CopyOptions& copy) {
  std::string path = std::filesystem::absolute(copy.path).lexically_normal().string();
  json request = {{"command", "copy_add"},
                  {"name", copy.name},
                  {"engine", copy.engine},
                  {"path", path},
                  {"replica_only", copy.replica_only}};
  server::CopyConfig entry{copy.name, copy.engine, path, copy.replica_only, {}};
  return show(options, change(options, request, [&](auto& text, auto& file, auto& cluster) {
                return server::add_copy(text, file, cluster, entry);
              }));
}

int remove(const CommonOptions& options, const std::string& name) {
  json request = {{"command", "copy_remove"}, {"name", name}};
  return show(options, change(options, request, [&](auto& text, auto& file, auto& cluster) {
                return server::remove_copy(text, file, cluster, name);
              }));
}

void add_add(CLI::App& parent, Context& context) {
  CLI::App* command =
      add_command(parent, {"add", "Add a copy; it is filled while the cluster serves",
                           "spar copy add d --path /mnt/disk2/d"});
  Options options = add_changing_options(*command);
  auto copy = std::make_shared<CopyOptions>();
  command->add_option("NAME", copy->name, "its name, new in the cluster")->required();
  command->add_option("--path", copy->path, "its directory, absent or empty")->required();
  command->add_option("--engine", copy->engine, "sqlite (the only one in this version)");
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
