// server/node_lock.h: one server a data directory, and where to find it.
//
// Contract    lock_node() makes the data directory (mode 0700), locks its file `spar.pid` and
//             writes this process's pid as the first line; Code::unavailable, with the other's pid,
//             when another server holds it. The lock lasts as long as any process has the
//             descriptor. publish_address() adds the address that SQL clients reach as the second
//             line.
// Threads     Free functions.
#pragma once

#include <string>

#include "base/result.h"
#include "server/config.h"
#include "server/owned_fd.h"

namespace spar::server {

Result<OwnedFd> lock_node(const std::string& data_directory);
Result<void> publish_address(const OwnedFd& lock, const Listener& bound);

struct RunningNode {
  int pid = 0;
  std::string address;  // "127.0.0.1:6432"; empty while it is not known
};
// What the file says; Code::unavailable when no server holds the lock.
Result<RunningNode> find_running_node(const std::string& data_directory);

}  // namespace spar::server
