// control/step.h: decides who may write, and keeps the cluster's copies in their roles.
//
// Contract    step() is a function: what is remembered, and what happened, give what to remember
//             and what to do. It decides by comparing the stored record with the state of the
//             copies, so that any event may come at any time and a lost one costs a delay, never a
//             wrong decision. No action waits for a Tick unless it failed before.
// Invariants  I1 Promote is given only for an epoch and a copy that a stored record names.
//             I2 Only {primary} + synchronous set of the stored record are promoted without
//                accept_data_loss, and only while they are whole, ours and not older than they
//                were.
//             I3 The set that the data path waits for includes the stored set, and the set in any
//                compare-and-set under way, at every moment.
//             I4 A copy is rebuilt or set aside only when the stored set does not name it.
//             I5 Nothing is promoted on a record older than what a copy was told.
// Threads     Pure; no synchronisation.
// Not here    Executing actions (server/), storing records (coordination/).
#pragma once

#include <vector>

#include "control/action.h"
#include "control/event.h"
#include "control/state.h"

namespace spar::control {

struct Step {
  State state;
  std::vector<Action> actions;
};

Step step(const State& state, const Event& event);

}  // namespace spar::control
