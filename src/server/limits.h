// server/limits.h: the bounds of sessions and of the running server.
#pragma once

#include <chrono>
#include <cstddef>

namespace spar::server {

inline constexpr std::size_t kReplayBytesMax = 64u << 20;  // remembered of one transaction
// Of one result inside a writing transaction
inline constexpr std::size_t kHeldResultBytesMax = 256u << 20;
// Then the outcome is unknown (08007)
inline constexpr std::chrono::milliseconds kCommitWait{30'000};
// Of a result, before its first row is given
inline constexpr std::size_t kReadAheadBytes = 64u << 10;
inline constexpr int kSchemaRetriesMax = 5;  // a statement that meets a schema change under it
inline constexpr std::chrono::milliseconds kJoinPatience{2'000};  // for a new mirror to catch up
inline constexpr std::size_t kEventsKept = 1000;

}  // namespace spar::server
