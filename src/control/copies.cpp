// Every copy but the primary: noticing, judging, and bringing it back.
#include <algorithm>

#include "base/mutant.h"
#include "control/turn.h"

namespace spar::control {
namespace {

std::chrono::milliseconds back_off(unsigned failures) {
  auto delay = kRejoinDelayFirst;
  for (unsigned i = 1; i < failures && delay < kRejoinDelayMax; ++i) delay *= 2;
  return std::min(delay, kRejoinDelayMax);
}

bool is_foreign(const Record& record, const Report& report) {
  if (mutant(Mutant::accept_foreign_copy)) return false;
  return report.cluster_id != record.cluster_id || report.incarnation != record.incarnation;
}

void refuse(Turn& turn, CopyView& copy, const std::string& why) {
  copy.health = Health::refused;
  copy.lost_data = true;  // it is not what stood here
  if (copy.text != why) turn.note("copy " + turn.name(copy.id) + " is refused", why, copy.id);
  copy.text = why;
}

// Durable positions do not go back: a copy that does is an older state put in its place.
bool went_back(const Turn& turn, const CopyView& copy, const Position& now) {
  if (copy.received.sequence == Sequence{0}) return false;
  Order order = compare(now, copy.received, turn.record().history);
  return order == Order::before || order == Order::diverged;
}

void judge_identified(Turn& turn, CopyView& copy, const Report& report) {
  const Record& record = turn.record();
  if (is_foreign(record, report)) {
    return refuse(turn, copy, "it belongs to another cluster or incarnation: " + to_string(report));
  }
  const Epoch told = std::max(report.epoch, report.position.epoch);
  turn.state.newest_told = std::max(turn.state.newest_told, told);
  if (told > record.epoch && !mutant(Mutant::promote_from_old_record)) {
    return refuse(turn, copy,
                  "it knows epoch " + std::to_string(told.value) + ", the record only " +
                      std::to_string(record.epoch.value));
  }
  const bool lost_before = copy.lost_data;
  copy.lost_data = went_back(turn, copy, report.position);
  if (copy.lost_data && !lost_before) {
    turn.note("copy " + turn.name(copy.id) + " lost data",
              "it held " + spar::to_string(copy.received) + ", now " + to_string(report), copy.id);
  }
  // An elector's tail may be cut: Follow and Promote find out. All others are set aside.
  const bool elector = copy.id == record.primary || contains(record.synchronous, copy.id);
  const bool found_before = copy.diverged && report.position == copy.received;
  copy.diverged = found_before || (!elector && diverged(record, report.position));
  copy.health = Health::present;
  if (!copy.lost_data) copy.received = report.position;
  copy.text = copy.diverged ? "it holds transactions that the history does not" : "not in use yet";
}

// A copy that is neither primary nor named by a stored set may be rebuilt.
bool may_be_rebuilt(const State& state, CopyId copy) {
  return state.stage == Stage::settled && record_certain(state) &&
         !contains(state.record->synchronous, copy) && !contains(state.asked, copy);
}

template <class Body>
void start_task(Turn& turn, CopyView& copy, Task task, Body body,
                std::chrono::milliseconds deadline = kActionDeadline) {
  copy.task = task;
  copy.task_epoch = turn.record().epoch;
  copy.task_history = newest_fork(turn.record());
  turn.ask(copy.pending, turn.record().epoch, std::move(body), deadline);
}

void probe_when_due(Turn& turn, CopyView& copy) {
  const bool needed = turn.state.stage == Stage::waiting || turn.now >= copy.retry_at;
  if (needed && turn.now >= copy.look_again) start_task(turn, copy, Task::probe, Probe{copy.id});
}

void rebuild(Turn& turn, CopyView& copy) {
  if (copy.diverged) {
    copy.health = Health::quarantining;
    turn.note("copy " + turn.name(copy.id) + " is set aside", copy.text, copy.id);
    return start_task(turn, copy, Task::quarantine, Quarantine{copy.id, copy.text},
                      kRejoinDeadline);
  }
  copy.health = Health::joining;
  turn.note(
      "copy " + turn.name(copy.id) + " is brought up",
      copy.lost_data ? "it lost what it held" : "it stands at " + spar::to_string(copy.received),
      copy.id);
  start_task(turn, copy, Task::rejoin, Rejoin{copy.id, turn.state.takeover.target},
             kRejoinDeadline);
}

bool should_follow(const State& state, const CopyView& copy) {
  if (!usable(copy) || copy.following == state.record->epoch) return false;
  return copy.health == Health::serving || contains(state.record->synchronous, copy.id);
}

void drive_copy(Turn& turn, CopyView& copy) {
  State& state = turn.state;
  const bool unused = copy.health == Health::present && state.stage == Stage::waiting;
  if (copy.health == Health::absent || copy.health == Health::refused || unused) {
    return probe_when_due(turn, copy);
  }
  if (state.stage < Stage::resolving || copy.id == state.takeover.target) return;
  if (!turn.may_ask(copy.pending)) return;
  if (should_follow(state, copy)) {
    return start_task(turn, copy, Task::follow, Follow{copy.id, state.takeover.target});
  }
  const bool idle = copy.health == Health::present || copy.diverged || copy.lost_data;
  if (idle && may_be_rebuilt(state, copy.id)) rebuild(turn, copy);
}

void follows(Turn& turn, CopyView& copy, const ActionDone& done) {
  copy.health = Health::serving;
  copy.received = done.position;
  copy.following = copy.task_epoch;  // another one may have begun meanwhile
  copy.lost_data = copy.diverged = false;
  copy.serving_since = turn.now;
  copy.text.clear();
}

void task_succeeded(Turn& turn, CopyView& copy, Task task, const ActionDone& done) {
  switch (task) {
    case Task::none:
      return;
    case Task::probe:
      // Where a copy stands may be told by the forks known: it is asked again by the newest.
      if (copy.task_history == newest_fork(turn.record())) judge(turn, copy, done.report);
      return;
    case Task::follow:
      return follows(turn, copy, done);
    case Task::rejoin:
      turn.note("copy " + turn.name(copy.id) + " follows again",
                "from " + spar::to_string(done.position), copy.id);
      return follows(turn, copy, done);
    case Task::quarantine:
      copy.health = Health::present;
      copy.diverged = false;
      copy.lost_data = true;
      copy.received = {};
      return;
  }
}

void task_failed(Turn& turn, CopyView& copy, Task task, const ActionDone& done) {
  if (task == Task::probe) {
    copy.pending = {};
    copy.look_again = turn.now + kProbeDelay;
    return;
  }
  if (done.diverged) {
    copy.health = Health::present;
    copy.diverged = true;
    copy.text = done.text;
    return;
  }
  if (task == Task::follow && done.result == ActionDone::Result::unknown &&
      copy.pending.failures < kImmediateRetries && copy.health != Health::joining) {
    return;  // asked for again at once
  }
  fail_copy(turn, copy, done.text);
}

}  // namespace

void fail_copy(Turn& turn, CopyView& copy, const std::string& text) {
  copy.text = text;
  copy.caught_up = false;
  copy.following = {};
  if (copy.health == Health::absent) return;
  if (copy.health != Health::refused) ++copy.failures;
  copy.health = Health::absent;
  copy.task = Task::none;
  copy.retry_at = turn.now + back_off(copy.failures);
  copy.look_again = turn.now + std::min(kProbeDelay, back_off(copy.failures));
  copy.pending = {};
}

void judge(Turn& turn, CopyView& copy, const Report& report) {
  copy.look_again = turn.now + kProbeDelay;
  switch (report.kind) {
    case Report::Kind::unusable:
      return fail_copy(turn, copy, report.text);
    case Report::Kind::empty:
      copy.health = Health::present;
      copy.lost_data = true;
      copy.diverged = false;
      copy.text = "empty";
      return;
    case Report::Kind::identified:
      judge_identified(turn, copy, report);
  }
}

// It has caught up, so the report of its Rejoin may be lost; or it followed all the time, and the
// Rejoin, which may rebuild it, has not begun. A Follow is done only when that can do no more.
void confirm_rejoin(Turn& turn, CopyView& copy) {
  if (turn.state.stage < Stage::resolving || copy.task_epoch != turn.record().epoch) return;
  copy.pending = {};
  start_task(turn, copy, Task::follow, Follow{copy.id, turn.state.takeover.target},
             kRejoinDeadline);
}

void drive_copies(Turn& turn) {
  if (!turn.state.record || turn.state.stage == Stage::starting) return;
  for (CopyView& copy : turn.state.copies) {
    if (copy.task != Task::none && copy.pending.in_flight() && turn.now >= copy.pending.due) {
      ActionDone late;
      late.id = copy.pending.id;
      late.result = ActionDone::Result::unknown;
      late.text = "no answer in time";
      on_task_done(turn, copy, late);
    }
    if (copy.task == Task::none) drive_copy(turn, copy);
  }
}

void on_task_done(Turn& turn, CopyView& copy, const ActionDone& done) {
  const Task task = copy.task;
  copy.task = Task::none;
  if (done.result == ActionDone::Result::done) {
    copy.pending = {};
    return task_succeeded(turn, copy, task, done);
  }
  turn.retry_later(copy.pending);
  task_failed(turn, copy, task, done);
}

}  // namespace spar::control
