// server/local_socket.h: Unix sockets by path, and lines with a deadline.
//
// Contract    Paths of any length work: one longer than a socket address holds is reached through
//             its opened directory (/proc/self/fd). Every wait ends at its deadline with
//             Code::deadline.
// Threads     Values and free functions; one thread a descriptor.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "server/owned_fd.h"

namespace spar::server {

// A listening socket of mode 0600. A socket file that nobody answers is replaced; one that somebody
// answers is Code::unavailable, and so is a file of another kind Code::invalid.
Result<OwnedFd> listen_locally(const std::string& path);
// Code::unavailable when nobody answers at `path`.
Result<OwnedFd> connect_locally(const std::string& path, Monotonic deadline);

// Up to and without the newline. Code::invalid past size_max bytes, Code::io at an early end.
Result<std::string> receive_line(int fd, std::size_t size_max, Monotonic deadline);
Result<void> send_line(int fd, std::string_view line, Monotonic deadline);

}  // namespace spar::server
