// base/time.h: time as values. Who needs the clock is handed a reading; base never asks one.
#pragma once

#include <chrono>

namespace spar {

using Monotonic = std::chrono::steady_clock::time_point;  // for deadlines and durations
using Microseconds = std::chrono::microseconds;

// Microseconds since 2000-01-01 00:00:00 UTC, as PostgreSQL counts timestamps.
using Timestamp = std::chrono::duration<std::int64_t, std::micro>;

inline constexpr Monotonic kNoDeadline = Monotonic::max();

}  // namespace spar
