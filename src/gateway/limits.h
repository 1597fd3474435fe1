// gateway/limits.h: what one client, and all of them together, may cost. The configuration sets
// them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "query/statement.h"

namespace spar::gateway {

struct Limits {
  // Of one session.
  std::uint64_t message_bytes_max = 64u << 20;
  std::uint32_t login_message_bytes_max = 8u << 10;
  query::ParseLimits parse;
  std::size_t held_output_bytes_max = 64u << 20;  // answers of an implicit transaction that wrote
  std::size_t flush_bytes = 64u << 10;            // output beyond this is sent at once
  std::size_t prepared_statements_max = 10'000;
  std::size_t portals_max = 1'000;
  std::size_t custom_settings_max = 1'000;
  std::size_t setting_bytes_max = 64u << 10;
  std::size_t cached_texts_max = 64;              // analysed statements kept by their exact text
  std::size_t cached_text_bytes_max = 16u << 10;  // longer texts are not kept
  std::size_t copy_batch_rows = 1'000;
  std::size_t copy_batch_bytes = 1u << 20;

  // Of all sessions.
  std::uint32_t sessions_max = 200;
  std::uint32_t logins_max = 100;  // connections that have not logged in, cancel requests included
  std::chrono::milliseconds login_timeout{10'000};
  std::chrono::milliseconds write_timeout{600'000};   // a client that does not read
  std::chrono::milliseconds shutdown_timeout{5'000};  // how long open transactions may go on
  std::chrono::seconds keepalive_idle{60};
  std::chrono::seconds keepalive_interval{10};
  int keepalive_probes = 6;
};

}  // namespace spar::gateway
