// control/election.h: which copies may become primary, as pure questions about a state.
//
// Contract    An automatic election chooses only among the primary and the synchronous set of the
//             stored record: each of them holds all that was acknowledged. Among them the one that
//             received most wins, because that leaves the fewest outcomes in doubt.
// Threads     Pure.
#pragma once

#include <optional>
#include <string>

#include "control/state.h"

namespace spar::control {

// Why no copy may be elected, for people; empty when one may. REQUIRES: state.record.
std::string election_obstacle(const State& state);

// The copy to be primary next. A paused cluster keeps its primary or has none.
std::optional<CopyId> elect(const State& state);

// The best copy for a switchover or failover ordered by the operator, the primary excluded. With
// `any`, copies outside the synchronous set too: what they lack is lost.
std::optional<CopyId> best_successor(const State& state, bool any);

// Whether `target` may go on under the record's epoch: it is the record's primary, has not been
// fenced, and no copy can hold a transaction of this epoch that it has not.
bool may_keep_epoch(const State& state, CopyId target);

// The newest transaction of `copy` that the current history has too.
Sequence shared_sequence(const State& state, const CopyView& copy);

// At the start a copy knew of an epoch that the record does not: the record is an old one.
bool record_is_old(const State& state);

}  // namespace spar::control
