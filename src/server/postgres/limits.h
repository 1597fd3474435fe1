// server/postgres/limits.h: the times of a cluster of PostgreSQL servers, and deadlines made of them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace spar::server::postgres {

using std::chrono::milliseconds;

inline constexpr milliseconds kLookEvery{100};       // at each server
inline constexpr milliseconds kLookForReads{10};     // while sessions read elsewhere
inline constexpr milliseconds kReadsLast{1'000};     // after the last of them asked
inline constexpr milliseconds kLookForLost{500};     // at one that does not answer
inline constexpr milliseconds kAnswerWithin{1'000};  // else a server is taken for frozen
inline constexpr milliseconds kWriteProbeEvery{1'000};
inline constexpr milliseconds kActionTime{4'500};     // less than control::kActionDeadline
inline constexpr milliseconds kSettleTime{3'000};     // a standby reads its own log after a start
inline constexpr milliseconds kStartTime{60'000};     // of a server: it may have much log to replay
inline constexpr milliseconds kRebuildTime{110'000};  // less than control::kRejoinDeadline
inline constexpr milliseconds kCopyTime{86'400'000};  // of a base backup: as long as it takes
inline constexpr milliseconds kPatienceEvery{20'000};  // meanwhile, less than kRejoinDeadline
inline constexpr milliseconds kJoinPatience{2'000};    // for a new mirror to catch up
inline constexpr milliseconds kStopTime{20'000};
inline constexpr milliseconds kEndTime{5'000};    // of an old primary, by its agent
inline constexpr milliseconds kAgentTime{2'000};  // for its agent to say how a server is
inline constexpr milliseconds kPidTime{200};      // and its process, for people
inline constexpr milliseconds kPidKnownFor{1'000};
inline constexpr milliseconds kLookAtCatalogues{1'000};
inline constexpr milliseconds kCatalogueTime{30'000};
inline constexpr std::size_t kDatabasesMax = 100;        // whose catalogues are kept
inline constexpr milliseconds kStandsStillTime{10'000};  // a replica that receives nothing new
inline constexpr milliseconds kMirrorStillTime{3'000};   // a mirror: commits wait for it meanwhile
inline constexpr milliseconds kLedgerTime{30'000};       // a lost primary's log is read
inline constexpr milliseconds kDeadStandbyTime{20'000};  // then its primary hangs up
inline constexpr std::size_t kLagStepsMax = 1'000;       // remembered places of the primary
inline constexpr std::uint64_t kCaughtUpBytes = 16u << 20;  // of log that a mirror may lack to join

inline Monotonic in(milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

}  // namespace spar::server::postgres
