// The mirrors: which copies an acknowledgement waits for. A copy enters the data path's set before
// the record's, and leaves the record's before the data path's.
#include <algorithm>
#include <iterator>

#include "base/mutant.h"
#include "control/election.h"
#include "control/turn.h"

namespace spar::control {
namespace {

bool is_subset(const CopySet& small, const CopySet& large) {
  return std::ranges::includes(large, small);
}

CopySet united(CopySet set, const CopySet& other) {
  for (CopyId copy : other) set = with(std::move(set), copy);
  return set;
}

// The members of the record's set that still do their part, at most as many as asked for.
CopySet still_good(const State& state, const Record& record, CopyId last_choice) {
  CopySet kept;
  for (CopyId copy : record.synchronous) {
    if (copy != last_choice && kept.size() < record.mirrors && usable(state, copy)) {
      kept.push_back(copy);
    }
  }
  if (contains(record.synchronous, last_choice) && kept.size() < record.mirrors &&
      usable(state, last_choice)) {
    kept = with(std::move(kept), last_choice);
  }
  return kept;
}

bool may_enter(const Record& record, const CopyView& copy) {
  const Member* member = find_member(record, copy.id);
  return usable(copy) && copy.health == Health::serving && copy.caught_up &&
         copy.following == record.epoch && copy.id != record.primary && member->may_be_primary;
}

CopySet filled_up(const State& state, const Record& record, CopySet set) {
  while (set.size() < record.mirrors) {
    const CopyView* chosen = nullptr;
    for (const CopyView& copy : state.copies) {
      if (!may_enter(record, copy) || contains(set, copy.id)) continue;
      if (chosen == nullptr || copy.failures < chosen->failures) chosen = &copy;
    }
    if (chosen == nullptr) break;
    set = with(std::move(set), chosen->id);
  }
  return set;
}

// mirrored_strict does not let a lost mirror out before there is another, unless it can no longer
// hold what it acknowledged.
CopySet with_absent(const State& state, const Record& record, CopySet set) {
  if (record.durability != Durability::mirrored_strict) return set;
  for (CopyId copy : record.synchronous) {
    const CopyView* view = find_copy(state, copy);
    if (set.size() < record.mirrors && view->health == Health::absent && !view->lost_data &&
        !view->diverged) {
      set = with(std::move(set), copy);
    }
  }
  return set;
}

CopySet desired(const State& state) {
  const Record& record = *state.record;
  if (record.durability == Durability::async) return {};
  CopySet set = still_good(state, record, CopyId{});
  if (!record.paused) set = filled_up(state, record, std::move(set));
  return with_absent(state, record, std::move(set));
}

// Tells the data path, unless it knows or is being told.
void tell(Turn& turn, const CopySet& set) {
  State& state = turn.state;
  const bool hold = holds_commits(turn.record());
  const bool same = state.asked == set && state.asked_hold == hold;
  if (same && (state.asked_done || !turn.may_ask(state.set))) return;
  if (!same) state.set = {};
  state.asked = set;
  state.asked_hold = hold;
  state.asked_done = false;
  CopySet joining;
  std::ranges::set_difference(set, turn.record().synchronous, std::back_inserter(joining));
  turn.ask(state.set, turn.record().epoch, SetSynchronous{set, std::move(joining), hold});
}

void store_set(Turn& turn, CopySet goal) {
  Record wanted = turn.record();
  turn.note("mirrors: " + to_string(goal, wanted),
            "they were " + to_string(wanted.synchronous, wanted) + ", wanted are " +
                std::to_string(wanted.mirrors));
  wanted.synchronous = std::move(goal);
  start_cas(turn, std::move(wanted), CasRecord::Purpose::change_synchronous);
}

}  // namespace

CopySet mirrors_at_fork(const State& state, const Record& wanted) {
  if (wanted.durability == Durability::async) return {};
  Record narrowed = wanted;
  std::erase_if(narrowed.synchronous, [&](CopyId copy) {
    const CopyView* view = find_copy(state, copy);
    return diverged(wanted, view->received) || (copy == state.takeover.from && !usable(*view));
  });
  return with_absent(state, narrowed, still_good(state, narrowed, state.takeover.from));
}

void drive_set(Turn& turn) {
  State& state = turn.state;
  if (state.set.in_flight() && turn.now >= state.set.due) turn.retry_later(state.set);
  if (state.stage != Stage::settled || !record_certain(state)) return;
  const CopySet& stored = turn.record().synchronous;
  CopySet goal = desired(state);
  if (goal == stored) return tell(turn, stored);
  if (mutant(Mutant::shrink_set_unstored) && is_subset(goal, stored)) tell(turn, goal);
  CopySet both = united(stored, goal);
  if (both != stored && !(state.asked_done && is_subset(both, state.asked))) {
    return tell(turn, both);
  }
  store_set(turn, std::move(goal));
}

void on_set_done(Turn& turn, const ActionDone& done) {
  State& state = turn.state;
  if (done.result != ActionDone::Result::done) return turn.retry_later(state.set);
  state.set = {};
  state.asked_done = true;
}

}  // namespace spar::control
