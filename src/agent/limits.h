// agent/limits.h: the bounds of host-side work.
#pragma once

#include <chrono>
#include <cstddef>

namespace spar::agent {

inline constexpr std::size_t kOutputKeptMax = 64u << 10;   // the end of what a program printed
inline constexpr std::size_t kSmallFileMax = 1u << 20;     // settings and state files
inline constexpr std::size_t kLogTailMax = 2000;           // of a server's log, in an error
inline constexpr std::size_t kSocketPathMax = 107;         // sockaddr_un, without its zero
inline constexpr int kSetAsideMax = 1000;                  // directories set aside in one place
inline constexpr std::chrono::milliseconds kAskEvery{50};  // whether a program shall go on
inline constexpr std::chrono::milliseconds kLookEvery{5};  // at a server that starts or ends
// A server that was filled anew; what came with its base backup has to be replayed.
inline constexpr std::chrono::milliseconds kStartCopiedTime{600'000};
// Before a rewind; then it is ended as a crash would.
inline constexpr std::chrono::milliseconds kStopInOrderTime{20'000};

}  // namespace spar::agent
