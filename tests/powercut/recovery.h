// tests/powercut/recovery.h: starts a server on what a power cut left, and looks at all it holds.
#pragma once

#include <string>

#include "tests/powercut/history.h"

namespace spar::test {

// What is wrong with the state that a cut at `moment` leaves, "" when nothing is.
std::string check_state(const History& history, std::uint64_t moment, std::uint64_t seed);

}  // namespace spar::test
