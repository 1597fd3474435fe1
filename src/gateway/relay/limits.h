// gateway/relay/limits.h: what one relayed client, and all of them together, may cost.
#pragma once

#include <chrono>
#include <cstddef>

#include "gateway/relay/pool.h"
#include "gateway/relay/relay_session.h"

namespace spar::gateway::relay {

struct RelayLimits {
  SessionLimits session;
  PoolLimits pool;  // of one database and user
  std::size_t prepared_per_connection_max = 500;
  std::size_t sessions_max = 10'000;                // connections that are logging in included
  std::size_t waiting_input_bytes_max = 64u << 10;  // read from a client that waits for a server
  // Output that one side has not taken: from here on the other side is not read, until it is half.
  std::size_t backlog_bytes_max = 1u << 20;
  std::chrono::milliseconds login_timeout{10'000};
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds drain_timeout{10'000};  // what a client left running may take
  std::chrono::milliseconds shutdown_timeout{5'000};
  // What new transactions wait, at most, for those to be repeated that were lost with a server.
  std::chrono::milliseconds repeats_first_max{500};
};

}  // namespace spar::gateway::relay
