#include "control/step.h"

#include <algorithm>

#include "control/election.h"
#include "control/turn.h"

namespace spar::control {

void Turn::note(std::string what, std::string evidence, CopyId copy) {
  act(state.record ? record().epoch : Epoch{},
      Note{std::move(what), copy, std::move(evidence), {}});
}

void Turn::note_timed(std::string what, std::string evidence, CopyId copy) {
  auto took = std::chrono::duration_cast<std::chrono::microseconds>(now - state.takeover.began);
  act(record().epoch, Note{std::move(what), copy, std::move(evidence), took});
}

namespace {

void apply(Turn& turn, const Tick&) {
  for (CopyView& copy : turn.state.copies) {
    if (copy.health == Health::serving && turn.now >= copy.serving_since + kForgiveAfter) {
      copy.failures = 0;
    }
  }
}

void apply(Turn& turn, const Started& started) {
  State& state = turn.state;
  state = State{};
  state.store_text = "there is no cluster record";
  if (!started.record) return;
  adopt(turn, *started.record);
  state.takeover.began = turn.now;
  state.takeover.target = turn.record().primary;
  state.takeover.reason = "start of the node";
  for (const MemberReport& member : started.members) {
    CopyView* copy = find_copy(state, member.copy);
    if (copy != nullptr) judge(turn, *copy, member.report);
  }
  state.stage = Stage::waiting;
}

// Told by the history of before a fork. What the copy holds past that fork counts as of the epoch
// before then, and would look as if the history did not have it.
bool is_outdated(const State& state, const CopyView& copy, const Observed& seen) {
  const Record& record = *state.record;
  const Takeover& takeover = state.takeover;
  const bool promoted = copy.id == takeover.target && takeover.end != Position{};
  if (promoted && seen.position.epoch < takeover.epoch) {
    return seen.position.sequence > takeover.end.sequence;
  }
  return seen.history != Epoch{} && seen.history < newest_fork(record) &&
         diverged(record, seen.position);
}

void apply(Turn& turn, const Observed& seen) {
  CopyView* copy = find_copy(turn.state, seen.copy);
  if (copy == nullptr) return;
  const bool grows =
      seen.position.sequence > copy->received.sequence && !is_outdated(turn.state, *copy, seen);
  const bool out = copy->health == Health::absent || copy->health == Health::refused ||
                   (copy->health == Health::present && copy->task != Task::follow);
  switch (seen.kind) {
    case Observed::Kind::failed:
      if (grows) copy->received = seen.position;
      if (copy->health != Health::absent) {
        turn.note("copy " + turn.name(copy->id) + " failed", seen.witness + ": " + seen.text);
      }
      return fail_copy(turn, *copy, seen.text);
    case Observed::Kind::reachable:
      if (!out || (turn.now < copy->retry_at && turn.state.stage != Stage::waiting)) return;
      copy->task = Task::none;
      copy->pending = {};
      return judge(turn, *copy, seen.report);
    case Observed::Kind::progress:
      if (copy->task == Task::rejoin) copy->pending.due = turn.now + kRejoinDeadline;
      break;
    case Observed::Kind::caught_up:
      if (copy->task == Task::rejoin) confirm_rejoin(turn, *copy);
      copy->caught_up = copy->health == Health::serving;
      break;
    case Observed::Kind::lagging:
      copy->caught_up = false;
      break;
  }
  if (copy->health == Health::serving && grows) copy->received = seen.position;
}

void apply(Turn& turn, const RecordRead& read) {
  on_read(turn, read);
}
void apply(Turn& turn, const CasResult& result) {
  on_cas(turn, result);
}
void apply(Turn& turn, const OperatorAsked& asked) {
  on_command(turn, asked);
}

void apply(Turn& turn, const ActionDone& done) {
  State& state = turn.state;
  auto is = [&](const Pending& pending) { return pending.in_flight() && pending.id == done.id; };
  if (is(state.line)) return on_line_done(turn, done);
  if (is(state.set)) return on_set_done(turn, done);
  for (CopyView& copy : state.copies) {
    if (is(copy.fence)) return on_fence_done(turn, copy, done);
    if (copy.task != Task::none && is(copy.pending)) return on_task_done(turn, copy, done);
  }
}

std::size_t mirrors_alive(const State& state) {
  return static_cast<std::size_t>(std::ranges::count_if(
      state.record->synchronous, [&](CopyId copy) { return usable(state, copy); }));
}

void watch_exposure(Turn& turn) {
  State& state = turn.state;
  const Record& record = turn.record();
  // Without a primary the set names electors, not mirrors.
  if (state.stage < Stage::resolving || !fork_known(record)) return;
  const bool exposed =
      record.durability != Durability::async && mirrors_alive(state) < record.mirrors;
  if (!exposed) {
    if (state.exposed_since)
      turn.note("protected again", "mirrors: " + to_string(record.synchronous, record));
    state.exposed_since.reset();
  } else if (!state.exposed_since) {
    state.exposed_since = turn.now;
  }
}

void add(std::string& text, const std::string& more) {
  text += (text.empty() ? "" : "; ") + more;
}

std::string condition_of(const State& state) {
  if (!state.record) return state.store_text;
  const Record& record = *state.record;
  std::string text;
  if (state.store_failures >= kImmediateRetries) {
    add(text, "the cluster record cannot be stored: " + state.store_text);
  }
  if (state.stage == Stage::waiting && record_certain(state)) add(text, election_obstacle(state));
  for (const CopyView& copy : state.copies) {
    if (copy.fence.failures >= kImmediateRetries)
      add(text, name_of(record, copy.id) + " cannot be fenced");
    if (copy.health == Health::refused)
      add(text, name_of(record, copy.id) + " is refused: " + copy.text);
  }
  if (state.exposed_since && active_primary(state)) {
    const bool holds = record.durability == Durability::mirrored_strict;
    add(text, (holds ? "commits are held" : "exposed") +
                  (": " + std::to_string(mirrors_alive(state))) + " of " +
                  std::to_string(record.mirrors) + " mirrors");
  }
  return text;
}

void watch_condition(Turn& turn) {
  std::string text = condition_of(turn.state);
  if (text == turn.state.condition) return;
  turn.state.condition = text;
  turn.act(turn.state.record ? turn.record().epoch : Epoch{},
           Alert{text.empty() ? "all is well again" : text});
}

void drive(Turn& turn) {
  if (turn.state.stage == Stage::starting) return;
  drive_store(turn);
  drive_line(turn);
  drive_request(turn);
  drive_set(turn);
  drive_copies(turn);
  watch_exposure(turn);
}

}  // namespace

Step step(const State& state, const Event& event) {
  Step result{state, {}};
  Turn turn{result.state, event.now, result.actions};
  std::visit([&](const auto& what) { apply(turn, what); }, event.what);
  drive(turn);
  watch_condition(turn);
  return result;
}

}  // namespace spar::control
