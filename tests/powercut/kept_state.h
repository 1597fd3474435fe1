// tests/powercut/kept_state.h: a state that failed, in a directory, so that it can be looked at and
// recovered again: its files under `disk/`, what must be found in it in `expected`.
#pragma once

#include <string>

#include "tests/powercut/recovery.h"

namespace spar::test {

void keep_state(const State& state, const std::string& directory);
State kept_state(const std::string& directory);

}  // namespace spar::test
