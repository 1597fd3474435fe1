#include "server/postgres/lag_trail.h"

#include <algorithm>

#include "server/postgres/limits.h"

namespace spar::server::postgres {

// A new primary may be behind the lost one.
void LagTrail::primary_at(Sequence at, Monotonic now) {
  while (!steps_.empty() && steps_.back().at > at) steps_.pop_back();
  if (!steps_.empty() && steps_.back().at == at) {
    steps_.back().last_seen = now;
    return;
  }
  if (steps_.size() >= kLagStepsMax) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < steps_.size(); i += 2) steps_[kept++] = steps_[i];
    steps_.resize(kept);
  }
  steps_.push_back({at, now});
}

std::chrono::milliseconds LagTrail::lag(Sequence at, Monotonic now) const {
  if (steps_.empty()) return std::chrono::milliseconds(-1);
  auto first_past = std::ranges::upper_bound(steps_, at, {}, &Step::at);
  if (first_past == steps_.end()) return std::chrono::milliseconds(0);
  const Step& before = first_past == steps_.begin() ? *first_past : *(first_past - 1);
  return std::chrono::duration_cast<std::chrono::milliseconds>(now - before.last_seen);
}

}  // namespace spar::server::postgres
