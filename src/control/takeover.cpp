// The line of a change of primary. Every stage asks for one thing and moves on when it is there.
#include <algorithm>

#include "base/mutant.h"
#include "control/election.h"
#include "control/turn.h"

namespace spar::control {
namespace {

void drive_fences(Turn& turn) {
  for (CopyView& copy : turn.state.copies) {
    if (copy.fence.in_flight() && turn.now >= copy.fence.due) turn.retry_later(copy.fence);
    if (copy.fence_to <= copy.fenced || !turn.may_ask(copy.fence)) continue;
    turn.ask(copy.fence, copy.fence_to, Fence{copy.id});
  }
}

void fence(Turn& turn, CopyId copy, Epoch epoch) {
  CopyView* view = find_copy(turn.state, copy);
  if (view == nullptr || view->fence_to >= epoch) return;
  view->fence_to = epoch;
  view->fence = {};
  drive_fences(turn);
}

bool others_fenced(const State& state) {
  return std::ranges::all_of(state.copies, [&](const CopyView& copy) {
    return copy.id == state.takeover.target || copy.fence_to <= copy.fenced;
  });
}

bool has_primary(Stage stage) {
  return stage >= Stage::promoting;
}

bool record_names_ours(const State& state) {
  return state.record->epoch == state.takeover.epoch &&
         state.record->primary == state.takeover.target;
}

// Why the change of primary, or the primary itself, cannot go on; empty when it can.
std::string broken(const State& state) {
  if (!has_primary(state.stage)) return {};
  const CopyView* target = find_copy(state, state.takeover.target);
  if (target == nullptr) return "the primary is no member any more";
  if (!usable(*target)) {
    return name_of(*state.record, target->id) + " cannot be used: " + target->text;
  }
  if (record_certain(state) && !record_names_ours(state)) return "the record names another primary";
  return {};
}

void keep_primary(Turn& turn, CopyId target) {
  Takeover& takeover = turn.state.takeover;
  takeover.from = takeover.target = target;
  takeover.epoch = turn.record().epoch;
  takeover.end = {};
  turn.state.stage = Stage::promoting;
  turn.state.line = {};
  turn.note("election: " + turn.name(target) + " stays primary",
            "no copy can hold more of epoch " + std::to_string(takeover.epoch.value) +
                ": it ends at " + spar::to_string(find_copy(turn.state, target)->received),
            target);
}

bool elect_next(Turn& turn) {
  if (!record_certain(turn.state)) return false;
  std::optional<CopyId> target = elect(turn.state);
  if (!target) return false;
  if (may_keep_epoch(turn.state, *target)) {
    keep_primary(turn, *target);
  } else {
    begin_takeover(turn, *target, turn.state.takeover.reason);
  }
  return true;
}

void enter(Turn& turn, Stage stage) {
  turn.state.stage = stage;
  turn.state.line = {};
}

bool after_store(Turn& turn) {
  State& state = turn.state;
  if (mutant(Mutant::skip_epoch_store) && others_fenced(state)) {
    enter(turn, Stage::promoting);
    return true;
  }
  if (!record_certain(state)) return false;
  if (!record_names_ours(state)) {
    answer(turn, false, "the record was changed by someone else", "look at the status, try again");
    enter(turn, Stage::waiting);
    return true;
  }
  if (!usable(state, state.takeover.target)) {
    hold_and_fence(turn, turn.name(state.takeover.target) + " failed before it was promoted");
    return true;
  }
  if (!others_fenced(state)) return false;
  enter(turn, Stage::promoting);
  return true;
}

bool record_fork(Turn& turn) {
  State& state = turn.state;
  if (!record_certain(state)) return false;
  if (fork_known(turn.record()) || mutant(Mutant::skip_fork_store)) {
    enter(turn, Stage::resolving);
    return true;
  }
  Record wanted = turn.record();
  add_fork(wanted, state.takeover.end.sequence, state.takeover.note);
  wanted.synchronous = mirrors_at_fork(state, wanted);
  start_cas(turn, std::move(wanted), CasRecord::Purpose::record_fork);
  return false;
}

// Asks for the action of this stage, unless it is under way.
template <class Body>
bool ask_line(Turn& turn, Body body, std::chrono::milliseconds deadline = kActionDeadline) {
  State& state = turn.state;
  if (turn.may_ask(state.line)) {
    turn.ask(state.line, state.takeover.epoch, std::move(body), deadline);
  }
  return false;
}

bool admit(Turn& turn) {
  State& state = turn.state;
  if (!turn.may_ask(state.line)) return false;
  state.asked = turn.record().synchronous;
  state.asked_hold = holds_commits(turn.record());
  state.asked_done = false;
  state.set = {};
  return ask_line(turn, Admit{state.takeover.target, state.asked, state.asked_hold});
}

bool mirrors_usable(const State& state) {
  return std::ranges::all_of(state.record->synchronous,
                             [&](CopyId copy) { return usable(state, copy); });
}

bool drain(Turn& turn) {
  State& state = turn.state;
  if (!state.request) return false;
  const auto& asked = std::get<Switchover>(state.request->command);
  if (!usable(state, asked.to)) {
    end_drain(turn, turn.name(asked.to) + " cannot be used");
    return true;
  }
  if (!mirrors_usable(state)) {
    end_drain(turn, "a mirror failed");
    return true;
  }
  if (turn.now >= state.request->asked + kDrainDeadline) {
    end_drain(turn, "it did not come to rest in time");
    return true;
  }
  return ask_line(turn, Drain{state.takeover.target, asked.to}, kDrainDeadline);
}

// One move of the line; true when the stage changed and there may be another.
bool advance(Turn& turn) {
  const Takeover& takeover = turn.state.takeover;
  switch (turn.state.stage) {
    case Stage::starting:
    case Stage::settled:
      return false;
    case Stage::waiting:
      return elect_next(turn);
    case Stage::storing:
      return after_store(turn);
    case Stage::promoting:
      return ask_line(turn, Promote{takeover.target});
    case Stage::forking:
      return record_fork(turn);
    case Stage::resolving:
      return ask_line(turn, ResolveInDoubt{takeover.target, turn.record().synchronous,
                                           holds_commits(turn.record())});
    case Stage::admitting:
      return admit(turn);
    case Stage::draining:
      break;
  }
  return drain(turn);
}

void promoted(Turn& turn, const ActionDone& done) {
  const Position& end = done.position;
  State& state = turn.state;
  CopyView& copy = *find_copy(state, state.takeover.target);
  copy.received = end;
  if (diverged(turn.record(), end)) {
    copy.diverged = true;
    copy.text = "its log goes past a fork, at " + spar::to_string(end);
    return;  // broken() sees it
  }
  copy.health = Health::serving;
  copy.following = state.takeover.epoch;
  copy.serving_since = turn.now;
  copy.text.clear();
  state.takeover.end = end;
  state.takeover.note = done.note;
  turn.note_timed(turn.name(copy.id) + " is promoted",
                  "its history ends at " + spar::to_string(end), copy.id);
  enter(turn, Stage::forking);
}

void admitted(Turn& turn) {
  State& state = turn.state;
  enter(turn, Stage::settled);
  state.settled_once = true;
  state.asked_done = true;
  turn.note_timed(turn.name(state.takeover.target) + " is primary and accepts writes",
                  state.takeover.reason, state.takeover.target);
  if (state.request && state.request->begun) {
    answer(turn, true,
           turn.name(state.takeover.target) + " is primary in epoch " +
               std::to_string(state.takeover.epoch.value));
  }
}

void drained(Turn& turn, const Position& end) {
  State& state = turn.state;
  const CopyId to = std::get<Switchover>(state.request->command).to;
  find_copy(state, to)->received = end;
  find_copy(state, state.takeover.target)->received = end;
  state.request->begun = true;
  begin_takeover(turn, to, "switchover to " + turn.name(to) + " by the operator");
}

void line_failed(Turn& turn, const ActionDone& done) {
  State& state = turn.state;
  turn.retry_later(state.line);
  if (state.stage == Stage::draining) return end_drain(turn, done.text);
  if (state.stage != Stage::promoting) return;
  CopyView& copy = *find_copy(state, state.takeover.target);
  if (done.diverged) {
    copy.diverged = true;
    copy.text = done.text;
  } else if (done.result == ActionDone::Result::failed ||
             state.line.failures >= kImmediateRetries) {
    fail_copy(turn, copy, "promotion failed: " + done.text);
  }
}

}  // namespace

void begin_takeover(Turn& turn, CopyId target, std::string reason) {
  State& state = turn.state;
  Record wanted = turn.record();
  const CopyId from = wanted.primary;
  state.takeover.from = from;
  state.takeover.target = target;
  state.takeover.end = {};
  state.takeover.reason = std::move(reason);
  if (from != target) fence(turn, from, wanted.epoch);
  turn.note("election: " + turn.name(target) + " is to be primary",
            state.takeover.reason + "; it received " +
                spar::to_string(find_copy(state, target)->received) + ", mirrors were " +
                to_string(wanted.synchronous, wanted),
            target);
  // Until the fork is recorded nothing happens in the new epoch, so that all who hold everything
  // acknowledged stay electable: the set is narrowed together with the fork.
  if (find_member(wanted, from)->may_be_primary)
    wanted.synchronous = with(wanted.synchronous, from);
  wanted.synchronous = without(std::move(wanted.synchronous), target);
  wanted.primary = target;
  ++wanted.epoch.value;
  state.takeover.epoch = wanted.epoch;
  enter(turn, Stage::storing);
  start_cas(turn, std::move(wanted), CasRecord::Purpose::take_epoch);
}

void hold_and_fence(Turn& turn, std::string reason) {
  State& state = turn.state;
  if (state.stage == Stage::settled) state.takeover.began = turn.now;
  turn.act(state.takeover.epoch, Hold{});
  turn.note("hold: no primary", reason, state.takeover.target);
  fence(turn, state.takeover.target, state.takeover.epoch);
  for (CopyView& copy : state.copies) {
    copy.caught_up = false;
    if (copy.task != Task::follow) continue;  // whom it was to follow is gone
    if (copy.health == Health::joining) fail_copy(turn, copy, "its primary is gone");
    copy.task = Task::none;
    copy.pending = {};
  }
  if (state.request && (state.request->begun || state.stage == Stage::draining)) {
    answer(turn, false, reason, "the cluster elects a primary by itself; look at the status");
  }
  state.takeover.reason = std::move(reason);
  enter(turn, Stage::waiting);
}

void begin_drain(Turn& turn) {
  State& state = turn.state;
  state.takeover.began = turn.now;
  turn.act(state.takeover.epoch, Hold{});
  enter(turn, Stage::draining);
}

void end_drain(Turn& turn, const std::string& why) {
  answer(turn, false, "no switchover: " + why, "the primary stays; try again later");
  enter(turn, Stage::admitting);
}

void drive_line(Turn& turn) {
  drive_fences(turn);
  State& state = turn.state;
  if (state.line.in_flight() && turn.now >= state.line.due) {
    ActionDone late;
    late.text = "no answer in time";
    late.result = ActionDone::Result::unknown;
    line_failed(turn, late);
  }
  if (std::string why = broken(state); !why.empty()) hold_and_fence(turn, std::move(why));
  while (advance(turn)) {
  }
}

void on_line_done(Turn& turn, const ActionDone& done) {
  if (done.result != ActionDone::Result::done) return line_failed(turn, done);
  switch (turn.state.stage) {
    case Stage::promoting:
      return promoted(turn, done);
    case Stage::resolving:
      return enter(turn, Stage::admitting);
    case Stage::admitting:
      return admitted(turn);
    case Stage::draining:
      return drained(turn, done.position);
    default:
      return;
  }
}

void on_fence_done(Turn& turn, CopyView& copy, const ActionDone& done) {
  if (done.result != ActionDone::Result::done) return turn.retry_later(copy.fence);
  copy.fence = {};
  copy.fenced = copy.fence_to;
}

}  // namespace spar::control
