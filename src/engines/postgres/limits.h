// engines/postgres/limits.h: the bounds of a PostgreSQL copy.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace spar::engines::postgres {

inline constexpr std::chrono::milliseconds kLookEvery{5};  // at a condition the server must reach
inline constexpr std::size_t kHistoryBytesMax = 1u << 20;  // of a timeline history file
inline constexpr std::uint32_t kTimelinesSkippedMax = 100'000;  // by one promotion
// What users made in a database whose catalogues are read: some 100 bytes each while routing.
inline constexpr std::size_t kCatalogueObjectsMax = 300'000;
inline constexpr std::size_t kNodeTreeBytesMax = 1u
                                                 << 18;  // a longer one counts as one that writes
inline constexpr std::size_t kNodeTreesAtOnce = 100;     // held in memory while they are read
inline constexpr std::size_t kMessageBytesMax = 1000;    // of a server's message in an error

}  // namespace spar::engines::postgres
