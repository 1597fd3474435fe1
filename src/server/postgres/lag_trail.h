// server/postgres/lag_trail.h: since when the primary has held what a copy does not hold yet.
//
// Contract    By Spar's own steady clock alone: the clocks of servers differ, and jump.
//             primary_at() is told where the primary is, again and again. lag() then says for how
//             long at most it has held something past `at`: 0 when it does not, -1 before the
//             first telling. The further back, the coarser.
// Threads     Value type; no synchronisation.
#pragma once

#include <chrono>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace spar::server::postgres {

class LagTrail {
 public:
  void primary_at(Sequence at, Monotonic now);
  std::chrono::milliseconds lag(Sequence at, Monotonic now) const;

 private:
  struct Step {
    Sequence at;
    Monotonic last_seen;  // the primary held no more than that then
  };
  std::vector<Step> steps_;  // ascending, kStepsMax at most
};

}  // namespace spar::server::postgres
