// server/config.h: the configuration file as plain values, every key checked.
//
// Contract    read_config() and parse_config() give a Config in which every value is usable: paths
//             are absolute (relative ones start at the file's directory), names are unique, limits
//             are inside their ranges, addresses are numeric. What is wrong comes back as
//             Code::invalid with the message `file:line:column: what is wrong` and the hint
//             `allowed: ...`. Keys that belong to later versions are accepted with a warning,
//             engines are not. Passwords that stand elsewhere (env:, file:) are read by
//             resolve_password() only, so that `spar status` needs no secret.
// Threads     Value types.
// Not here    Changing the file (config_edit.h). Whether directories exist and ports are free.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engines/postgres/conninfo.h"
#include "gateway/limits.h"

namespace spar::server {

struct Listener {
  std::string host;        // numeric IPv4 or IPv6, without brackets; empty: this listener is off
  std::uint16_t port = 0;  // 0: the system picks a free one
  bool on() const { return !host.empty(); }
};

enum class Durability { mirrored, mirrored_strict, async };

// Another process starts and stops a server: `spar agent` on its machine.
struct AgentAddress {
  Listener at;
  std::string name;  // that the agent's certificate must have; the host when nothing else is said
};

struct CopyConfig {
  std::string name;
  std::string engine;                   // "sqlite" or "postgres" in this version
  std::string path;                     // absolute; of a server: where Spar starts it, or empty
  bool replica_only = false;            // role = "replica": never a mirror, never the primary
  engines::postgres::Conninfo address;  // of a server; its host is numeric or a socket's directory
  AgentAddress agent;                   // of a server, instead of `path`; off without one
  std::string programs = {};            // absolute: where PostgreSQL's are for `path`; "": found
  bool is_server() const { return engine != "sqlite"; }
};

struct ClusterConfig {
  std::string name;
  Durability durability = Durability::mirrored;
  int mirrors = 1;  // how many copies an acknowledgement waits for
  std::vector<std::string> databases;
  std::vector<CopyConfig> copies;
};

struct Password {
  enum class Kind { plain, scram, environment, file };
  Kind kind = Kind::plain;
  std::string value;  // the password, the SCRAM secret, the variable's name, or the absolute path
};

struct UserConfig {
  std::string name;
  Password password;
};

struct TlsConfig {
  std::string certificate;  // absolute paths of PEM files; empty: no TLS
  std::string key;
  bool on() const { return !certificate.empty(); }
};

// What Spar shows its agents, and who signed what they show.
struct AgentTlsConfig {
  std::string certificate;  // absolute paths of PEM files; empty: no copy has an agent
  std::string key;
  std::string authority;
};

struct Config {
  std::string file;            // as it was named
  std::string data_directory;  // absolute: admin.sock, the lock, the cluster records
  Listener postgres{"127.0.0.1", 6432};
  Listener console;  // HTTP, read-only; on loopback alone
  TlsConfig tls;
  AgentTlsConfig agent_tls;
  gateway::Limits limits;  // the table [limits]; ranges stand beside the parser in config.cpp
  std::chrono::milliseconds write_pause_max{
      30'000};  // there too: how long a session waits for a primary
  std::vector<ClusterConfig> clusters;
  std::vector<UserConfig> users;
  std::vector<std::string> warnings;  // `file:line:column: ...`, one line each

  const ClusterConfig* find_cluster(std::string_view name) const;
};

// Code::invalid for what the file says, Code::io when it cannot be read.
Result<Config> read_config(const std::string& file);
// `file` names the text in messages and anchors relative paths.
Result<Config> parse_config(std::string_view text, const std::string& file);

// The SCRAM secret or the plain password itself, read from where it stands.
Result<Password> resolve_password(const UserConfig& user);

// Where the commands find the running server of this node.
std::string admin_socket_path(const Config& config);

}  // namespace spar::server
