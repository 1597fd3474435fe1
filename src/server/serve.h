// server/serve.h: the node itself, from configuration to clean end.
//
// Contract    Opens every cluster of the configuration, listens, serves clients and the admin
//             socket, and returns the process's exit code once it was asked to stop (SIGTERM,
//             SIGINT) and has finished: 0 done, 1 failed (the reason was logged), 2 the
//             configuration cannot be used. A listening socket that was handed in stays open for
//             its owner.
// Threads     Called once, from the main thread of its process.
#pragma once

#include <functional>

#include "server/config.h"

namespace spar::server {

struct ServeOptions {
  int postgres_fd = -1;  // a listening socket handed down by the supervisor; -1: opens its own
  bool supervised = false;
  std::function<void()> on_ready;  // called once, when clients are being accepted
};

int serve(const Config& config, const ServeOptions& options);

}  // namespace spar::server
