// agent/remote/limits.h: the bounds of the way to an agent on another machine.
#pragma once

#include <chrono>
#include <cstddef>

namespace spar::agent::remote {

using std::chrono::milliseconds;

inline constexpr std::size_t kRequestMax = 256u << 10;  // bytes of one message
inline constexpr std::size_t kAnswerMax = 1u << 20;
inline constexpr std::size_t kNameMax = 63;  // of a server; and of an order's id
inline constexpr std::size_t kTimelineEndsMax = 4'000;
inline constexpr int kConnectionsMax = 64;         // at one agent, those that say nothing included
inline constexpr std::size_t kOutcomesKept = 256;  // of orders that have ended
inline constexpr std::size_t kIdleConnectionsMax = 2;  // that a client keeps to one agent
inline constexpr milliseconds kConnectTime{3'000};     // until a connection can be used
inline constexpr milliseconds kHandshakeTime{5'000};   // at the agent
inline constexpr milliseconds kMessageTime{10'000};    // from a message's first byte to its last
inline constexpr milliseconds kSilenceMax{600'000};    // of a client between two requests
inline constexpr milliseconds kOrderTimeMax{86'400'000};
inline constexpr milliseconds kReturnTime{3'000};  // for an agent to be there again after a break
inline constexpr milliseconds kAnswerGrace{500};   // the agent ends that much before its caller
inline constexpr milliseconds kStopPatience{10'000};

}  // namespace spar::agent::remote
