// replicate/limits.h: the bounds of the data path of one cluster.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace spar::replicate {

inline constexpr std::size_t kWindowBytesMax = 32u << 20;  // acknowledged records kept in memory
inline constexpr std::size_t kFlushBytesMax = 4u << 20;    // of one log flush
inline constexpr std::size_t kApplyBytesMax = 1u << 20;    // of one transaction of a follower
inline constexpr std::size_t kApplyRecordsMax = 512;
inline constexpr std::size_t kHistoryReadBytes = 4u << 20;   // of one read from a log on disk
inline constexpr std::uint64_t kCheckpointRecords = 4000;    // between checkpoints of a copy
inline constexpr std::uint64_t kLogTailRecords = 20'000;     // kept though everyone has them
inline constexpr std::uint64_t kCaughtUpRecords = 64;        // a follower this near has caught up
inline constexpr std::uint64_t kLogKeepRecords = 1'000'000;  // for a copy that is away
// For a mirror to flush what it was sent
inline constexpr std::chrono::milliseconds kPromoteDrain{2000};
inline constexpr std::chrono::milliseconds kInspectEvery{15};
inline constexpr std::chrono::milliseconds kMaintainEvery{100};
// A client's patience with a failover
inline constexpr std::chrono::milliseconds kAdmitWait{30'000};
// A log flush slower than this is a failure
inline constexpr std::chrono::milliseconds kFlushStall{3000};
// How often a waiting writer looks for a cancel
inline constexpr std::chrono::milliseconds kCancelLook{50};
inline constexpr std::chrono::microseconds kRetryPause{200};  // of a session whose copy was lost
inline constexpr std::size_t kWritersWaitingMax = 10'000;

}  // namespace spar::replicate
