// sim/model.h: what a simulated copy holds.
//
// Contract    A log is a sequence of transactions; the sequence number is the index plus one. Each
//             carries a hash of all before it, so that one comparison tells whether two logs agree
//             up to a place.
// Threads     Value types.
#pragma once

#include <algorithm>
#include <vector>

#include "control/event.h"

namespace spar::sim {

struct Transaction {
  std::uint64_t id = 0;
  Epoch epoch;
  std::uint64_t chain = 0;  // of this and all before it
};
using TransactionLog = std::vector<Transaction>;

inline void append(TransactionLog& log, std::uint64_t id, Epoch epoch) {
  std::uint64_t before = log.empty() ? 0 : log.back().chain;
  log.push_back({id, epoch, (before ^ id) * 0x9e3779b97f4a7c15u + epoch.value});
}

// What stands in the place of a copy.
struct Directory {
  bool there = true;   // false: deleted or moved away
  bool whole = false;  // false: empty, or being built
  ClusterId cluster;
  control::Incarnation incarnation;
  Epoch told;  // the newest epoch stored in it
  TransactionLog log;
  std::size_t durable = 0;  // transactions that a power cut leaves
  std::size_t applied = 0;  // transactions that its tables show: they cannot be cut

  Position position() const {
    return log.empty() ? Position{} : Position{log.back().epoch, Sequence{log.size()}};
  }
  Position durable_position() const {
    return durable == 0 ? Position{} : Position{log[durable - 1].epoch, Sequence{durable}};
  }
  bool holds(std::uint64_t id, Sequence sequence) const {
    return whole && sequence.value <= log.size() && log[sequence.value - 1].id == id;
  }
};

inline bool agree(const TransactionLog& a, const TransactionLog& b) {
  std::size_t shared = std::min(a.size(), b.size());
  return shared == 0 || a[shared - 1].chain == b[shared - 1].chain;
}

struct Copy {
  CopyId id;
  Directory directory;
  std::vector<Directory> older;  // earlier states of it, that someone may put back
  bool disk_dead = false;        // every access fails
  bool rolled_back = false;      // an older state stands in its place
  std::uint64_t generation = 1;  // counts the directories that stood in its place

  // What the process knows of it; gone after a restart.
  std::uint64_t generation_known = 0;
  bool in_use = false;
  bool told_caught_up = false;
  Epoch following;
  Epoch fenced;
  control::ActionId last_action;
};

struct Attempt {  // a commit that was not acknowledged yet
  std::uint64_t id = 0;
  Sequence sequence;
};

struct Acknowledged {
  std::uint64_t id = 0;
  Sequence sequence;
};

}  // namespace spar::sim
