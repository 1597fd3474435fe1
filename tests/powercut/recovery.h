// tests/powercut/recovery.h: starts a server on what a power cut left, and looks at all it holds.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/powercut/history.h"

namespace spar::test {

// A disk after a power cut, and what must be found on it.
struct State {
  std::unique_ptr<RecordingDisk> disk;
  bool shop = false;                              // the tables were acknowledged
  std::vector<std::int64_t> acknowledged;         // transactions, by their numbers
  std::map<std::int64_t, std::int64_t> payments;  // as History::payments
};

State state_after(const History& history, std::uint64_t moment, std::uint64_t seed);

// Recovers; what is wrong then, "" when nothing is.
std::string check_state(const State& state);

}  // namespace spar::test
