#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "server/config.h"
#include "server/listen.h"
#include "server/owned_fd.h"
#include "spar/commands/command.h"
#include "spar/commands/init.h"

namespace spar::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string quoted(const std::string& text) {
  return json(text).dump();
}

constexpr const char* kHead = "# Spar's configuration. Relative paths start at this file.\n\n";

constexpr const char* kTail = R"(
# Without any [[user]], clients from this machine are let in under any name, and listening
# elsewhere is refused. To listen elsewhere, add users and TLS:
#
# [tls]
# certificate = "server.crt"
# key = "server.key"
#
# [[user]]
# name = "app"
# password = "env:APP_PASSWORD"    # or file:PATH, or a SCRAM-SHA-256 secret as PostgreSQL has it

# [limits]                         # the defaults
# message_bytes_max = "64MiB"      # of one message from a client
# sessions_max = 200
# statement_tokens_max = 200000
# statement_nesting_max = 500
# login_timeout = "10s"
)";

// `setting` and, where the eye finds it, what it means.
std::string commented(std::string setting, const std::string& comment) {
  setting.resize(std::max<std::size_t>(setting.size() + 1, 35), ' ');
  return setting + "# " + comment + "\n";
}

bool is_server(const InitOptions& options) {
  return options.engine != "sqlite";
}

void write_node(std::ostream& out, const InitOptions& options) {
  out << "[node]\n"
      << commented("data = \"spar-data\"", "the admin socket, the lock, the cluster's record")
      << commented("postgres_listen = " + quoted(options.listen),
                   "PostgreSQL's protocol; \"\" switches it off");
}

void write_cluster(std::ostream& out, const InitOptions& options) {
  out << "\n[[cluster]]\nname = \"main\"\n"
      << commented("durability = \"mirrored\"", "mirrored | mirrored-strict | async")
      << commented("mirrors = " + std::to_string(options.copies > 1 ? 1 : 0),
                   "how many copies a COMMIT waits for")
      << (is_server(options) ? ""
                             : commented("databases = [" + quoted(options.database) + "]",
                                         "made at the first start; CREATE DATABASE makes more"));
}

void write_copy(std::ostream& out, const InitOptions& options, int index, std::uint16_t port) {
  std::string header = "[[cluster.copy]]", path = "path = " + quoted("copies/" + copy_name(index));
  out << '\n' << (index == 0 ? commented(header, "the first primary") : header + "\n");
  out << "name = " << quoted(copy_name(index)) << "\nengine = " << quoted(options.engine) << '\n';
  if (is_server(options)) {
    out << commented(
        "address = " + quoted("host=127.0.0.1 port=" + std::to_string(port) + " user=postgres"),
        "of a superuser");
    out << commented(path, "Spar makes, starts and stops the server there");
    if (index == 0) out << "# agent = \"10.0.0.5:6445\" instead of path: see `spar agent --help`\n";
    return;
  }
  out << (index == 1 ? commented(path, "better on a disk of its own") : path + "\n");
}

Error refusal(const std::string& message, const std::string& hint) {
  Error error;
  error.code = Code::io;
  error.message = message;
  error.hint = hint;
  return error;
}

Result<void> check_empty(const InitOptions& options) {
  std::error_code ignored;
  std::string file = options.directory + "/spar.toml";
  if (fs::exists(file, ignored)) {
    return std::unexpected(refusal(file + " exists already",
                                   "choose another directory, or start what is there with "
                                   "`spar serve " +
                                       file + "`"));
  }
  std::vector<std::string> homes = {"spar-data"};
  for (int i = 0; i < options.copies; ++i) homes.push_back("copies/" + copy_name(i));
  for (const std::string& name : homes) {
    std::string path = options.directory + "/" + name;
    if (fs::exists(path, ignored) && !fs::is_empty(path, ignored)) {
      return std::unexpected(refusal(path + " is not empty", "choose another directory"));
    }
  }
  return {};
}

Result<void> make_files(const InitOptions& options, const std::string& text) {
  std::error_code status;
  for (int i = 0; i < options.copies && !status; ++i) {
    fs::path path = fs::path(options.directory) / "copies";
    if (!is_server(options)) path /= copy_name(i);  // a server's belongs to the server's user
    fs::create_directories(path, status);
    if (!status && !is_server(options)) fs::permissions(path, fs::perms::owner_all, status);
  }
  std::string file = options.directory + "/spar.toml";
  std::ofstream out(file);
  out << text;
  out.close();
  if (status || !out) {
    return failure(Code::io, "cannot write " + file + (status ? ": " + status.message() : ""));
  }
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write,
                  status);  // may hold secrets
  return {};
}

int init(const InitOptions& options, const CommonOptions& common) {
  std::string file = options.directory + "/spar.toml";
  auto made = make_node(options, common.dry_run);
  if (!made) return show_error(made.error(), common.json);
  if (common.json) {
    show_json({{"ok", true}, {"config", file}, {"copies", options.copies}});
    return 0;
  }
  std::cout << (common.dry_run ? "would make " : "made ") << file << " with " << options.copies
            << (options.copies == 1 ? " copy" : " copies") << " in " << options.directory
            << "/copies\nnow: spar serve " << file << '\n';
  return 0;
}

}  // namespace

// A free port for each server; held together, so that none is found twice.
std::vector<std::uint16_t> free_ports(int count) {
  std::vector<server::OwnedFd> held;
  std::vector<std::uint16_t> ports;
  for (int i = 0; i < count; ++i) {
    auto socket = server::listen_on({"127.0.0.1", 0});
    auto bound = socket ? server::bound_to(socket->get()) : Result<server::Listener>({});
    ports.push_back(bound && bound->port > 0 ? bound->port : static_cast<std::uint16_t>(5433 + i));
    if (socket) held.push_back(std::move(*socket));
  }
  return ports;
}

std::string copy_name(int index) {
  return std::string(1, static_cast<char>('a' + index));
}

std::string node_file(const InitOptions& options) {
  std::ostringstream out;
  out << kHead;
  write_node(out, options);
  write_cluster(out, options);
  const auto ports =
      is_server(options) ? free_ports(options.copies) : std::vector<std::uint16_t>(26);
  for (int i = 0; i < options.copies; ++i) {
    write_copy(out, options, i, ports[static_cast<std::size_t>(i)]);
  }
  out << kTail;
  return out.str();
}

Result<void> make_node(const InitOptions& options, bool dry_run) {
  SPAR_TRY(check_empty(options));
  std::string text = node_file(options);
  SPAR_TRY(server::parse_config(text, options.directory + "/spar.toml"));
  if (dry_run) return {};
  return make_files(options, text);
}

void add_init(CLI::App& app, Context& context) {
  CLI::App* command =
      add_command(app, {"init", "Make a configuration and empty directories for the copies",
                        "spar init shop --copies 3 --database shop"});
  auto options = std::make_shared<InitOptions>();
  auto common = std::make_shared<CommonOptions>();
  command->add_option("DIR", options->directory, "the directory, made when absent")->required();
  command->add_option("--copies", options->copies, "how many copies (default 3)")
      ->check(CLI::Range(1, 26));
  command->add_option("--engine", options->engine, "sqlite (default) or postgres")
      ->check(CLI::IsMember({"sqlite", "postgres"}));
  command->add_option("--database", options->database, "the first database (default postgres)");
  command->add_option("--listen", options->listen, "address for SQL (default 127.0.0.1:6432)");
  command->add_flag("--json", common->json, "print JSON");
  command->add_flag("--dry-run", common->dry_run, "say what would be made, make nothing");
  command->callback([options, common, &context] { context.exit_code = init(*options, *common); });
}

}  // namespace spar::app
