// server/agent_config.h: the configuration file of `spar agent` as plain values, every key checked.
//
// Contract    As server/config.h: paths are absolute, names unique, addresses numeric; what is wrong
//             comes back as Code::invalid with `file:line:column: what is wrong` and what is
//             allowed. There is no agent without certificates.
// Threads     Value types.
// Not here    Whether the files and directories are there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/postgres_server.h"
#include "agent/remote/tls.h"
#include "base/result.h"
#include "server/config.h"

namespace spar::server {

struct AgentServerConfig {
  std::string name;  // of the copy in Spar's configuration
  agent::ServerPlace place;
  std::string programs;  // PostgreSQL's directory of programs; empty: the newest installed
};

struct AgentConfig {
  std::string file;
  Listener listen;
  agent::remote::TlsFiles tls;
  std::vector<std::string> allow;  // names in clients' certificates; empty: any that is signed
  std::vector<AgentServerConfig> servers;
};

// Code::invalid for what the file says, Code::io when it cannot be read.
Result<AgentConfig> read_agent_config(const std::string& file);
Result<AgentConfig> parse_agent_config(std::string_view text, const std::string& file);

}  // namespace spar::server
