// spar/commands/command.h: what every command of `spar` shares: its options, the way to the running
// server, and how results and errors are shown.
//
// Contract    add_X() puts command X with its options, help and example on the command line; when
//             it was chosen, CLI11 runs its callback, which leaves the exit code in `context`:
//             0 done, 1 failed, 2 wrong usage. Results go to stdout, errors to stderr; with --json
//             both are one JSON document on stdout.
// Threads     Main thread.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "server/config.h"
#include "server/version.h"

namespace spar::app {

struct Context {
  std::string program;  // this executable's path, for starting itself again
  int exit_code = 0;
};

struct CommonOptions {
  std::string config;  // empty: ./spar.toml, then $SPAR_CONFIG
  std::string cluster;
  bool json = false;
  bool dry_run = false;
};
using Options = std::shared_ptr<CommonOptions>;

// A command's description, with its example at the end of its help.
struct Description {
  std::string name, summary, example;
};
CLI::App* add_command(CLI::App& parent, const Description& description);
// --config and --json; for commands that change something also --cluster and --dry-run.
Options add_reading_options(CLI::App& command);
Options add_changing_options(CLI::App& command);

void add_init(CLI::App& app, Context& context);
void add_serve(CLI::App& app, Context& context);
void add_agent(CLI::App& app, Context& context);
void add_status(CLI::App& app, Context& context);
void add_events(CLI::App& app, Context& context);
void add_doctor(CLI::App& app, Context& context);
void add_switchover(CLI::App& app, Context& context);
void add_failover(CLI::App& app, Context& context);
void add_copy(CLI::App& app, Context& context);
void add_pause(CLI::App& app, Context& context);
void add_resume(CLI::App& app, Context& context);
void add_demo(CLI::App& app, Context& context);
void add_version(CLI::App& app, Context& context);
void add_completion(CLI::App& app, Context& context);

// The configuration file that `options` mean, which need not exist.
std::string config_file(const CommonOptions& options);

// Asks the running server; an answer that is not ok comes back as its error.
Result<nlohmann::json> ask_server(const CommonOptions& options, const nlohmann::json& request,
                                  std::chrono::seconds patience = std::chrono::seconds(10));
Result<nlohmann::json> ask_node(const server::Config& config, const nlohmann::json& request,
                                std::chrono::seconds patience);

// Shows an error and gives the exit code for it.
int show_error(const Error& error, bool json);
void show_json(const nlohmann::json& value);

using server::kVersion;

}  // namespace spar::app
