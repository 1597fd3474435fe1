// control/limits.h: every bound of the control room, by name.
#pragma once

#include <chrono>
#include <cstddef>

namespace spar::control {

// The record.
inline constexpr std::size_t kMembersMax = 32;
inline constexpr std::size_t kForksMax = 1000;  // older ones are dropped: Record::comparable_from
inline constexpr std::size_t kNameBytesMax = 63;
inline constexpr std::size_t kLocationBytesMax = 4096;
inline constexpr std::size_t kForkNoteBytesMax = 128;
inline constexpr std::size_t kRecordBytesMax = 1u << 20;

// How long an action may stay without a report before it counts as unknown and is asked for again.
inline constexpr std::chrono::milliseconds kActionDeadline{5000};
inline constexpr std::chrono::milliseconds kDrainDeadline{10000};
// Rejoining may copy everything; the clock starts again with every sign of progress.
inline constexpr std::chrono::milliseconds kRejoinDeadline{120000};

// An action that failed or is unknown is repeated at once this often, then after a pause.
inline constexpr unsigned kImmediateRetries = 3;
inline constexpr std::chrono::milliseconds kRetryDelay{200};

// A failed copy: how often to look for it, and how long to wait before using it again. The wait
// doubles with each failure and is forgotten after it has served well for a while.
inline constexpr std::chrono::milliseconds kProbeDelay{500};
inline constexpr std::chrono::milliseconds kRejoinDelayFirst{250};
inline constexpr std::chrono::milliseconds kRejoinDelayMax{30000};
inline constexpr std::chrono::milliseconds kForgiveAfter{60000};

}  // namespace spar::control
