#include "control/state.h"

#include <algorithm>

namespace spar::control {

bool record_certain(const State& state) {
  return state.record.has_value() && !state.cas && !state.must_read;
}

const CopyView* find_copy(const State& state, CopyId copy) {
  auto found = std::ranges::find(state.copies, copy, &CopyView::id);
  return found == state.copies.end() ? nullptr : &*found;
}

CopyView* find_copy(State& state, CopyId copy) {
  return const_cast<CopyView*>(find_copy(std::as_const(state), copy));
}

bool usable(const CopyView& copy) {
  return (copy.health == Health::present || copy.health == Health::serving) && !copy.lost_data &&
         !copy.diverged;
}

bool usable(const State& state, CopyId copy) {
  const CopyView* view = find_copy(state, copy);
  return view != nullptr && usable(*view);
}

std::optional<CopyId> active_primary(const State& state) {
  if (state.stage != Stage::settled && state.stage != Stage::draining) return std::nullopt;
  return state.takeover.target;
}

std::string_view role_of(const State& state, const CopyView& copy) {
  const Record& record = *state.record;
  if (copy.health == Health::joining || copy.health == Health::quarantining) return "rebuilding";
  if (!usable(copy)) return "down";
  if (copy.id == record.primary) return "primary";
  return contains(record.synchronous, copy.id) ? "mirror" : "replica";
}

}  // namespace spar::control
