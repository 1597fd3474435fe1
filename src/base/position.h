// base/position.h: a place in a cluster's history, and when two places can be compared.
//
// Contract    A position names the newest transaction that a copy holds: the epoch whose primary
//             wrote it and its sequence number. Sequence numbers never repeat along one history,
//             but a lost primary may hold numbers that its successor gave to other transactions;
//             only the history of forks tells.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"

namespace spar {

struct Position {
  Epoch epoch;
  Sequence sequence;
  friend constexpr bool operator==(const Position&, const Position&) = default;
};

// Epoch `epoch` began after sequence `after` of the epoch before it: its first own transaction is
// `after` + 1. Ordered by epoch, gaps allowed (an epoch that never admitted a write).
struct Fork {
  Epoch epoch;
  Sequence after;
  friend constexpr bool operator==(const Fork&, const Fork&) = default;
};
using History = std::vector<Fork>;

enum class Order { before, equal, after, diverged };

// Where `a` stands relative to `b`. Both must belong to the cluster and incarnation of `history`.
// Diverged when neither is a prefix of the other: one holds transactions past the fork that ended
// its epoch.
Order compare(const Position& a, const Position& b, const History& history);

// The newest sequence that `position` shares with the current history: its own sequence, or the
// first fork after its epoch, whichever is smaller.
Sequence common_prefix(const Position& position, const History& history);

std::string to_string(const Position& position);  // "epoch/sequence"
bool parse_position(std::string_view text, Position& position);

}  // namespace spar
