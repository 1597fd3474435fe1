// server/listen.h: TCP listening sockets.
#pragma once

#include "base/result.h"
#include "server/config.h"
#include "server/owned_fd.h"

namespace spar::server {

// A listening socket, closed on exec; Code::io says the address and the reason.
Result<OwnedFd> listen_on(const Listener& listener);
// What a listening socket is bound to, with the port that the system picked.
Result<Listener> bound_to(int fd);

std::string to_string(const Listener& listener);  // "127.0.0.1:6432", "[::1]:6432"

}  // namespace spar::server
