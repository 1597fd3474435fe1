// control/turn.h: one call of step() while it runs: the state being changed and the actions so far.
//
// Contract    Private to this room. Each drive_ function compares the state with what it should be
//             and asks for the next thing that is missing; all may be called at any time.
// Threads     One call, one thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "control/action.h"
#include "control/event.h"
#include "control/limits.h"
#include "control/state.h"

namespace spar::control {

struct Turn {
  State& state;
  Monotonic now;
  std::vector<Action>& actions;

  const Record& record() const { return *state.record; }
  std::string name(CopyId copy) const { return name_of(record(), copy); }

  template <class Body>
  ActionId act(Epoch epoch, Body body) {
    ActionId id = state.next_id;
    ++state.next_id.value;
    actions.push_back({id, epoch, std::move(body)});
    return id;
  }
  template <class Body>
  void ask(Pending& pending, Epoch epoch, Body body,
           std::chrono::milliseconds deadline = kActionDeadline) {
    pending.id = act(epoch, std::move(body));
    pending.due = now + deadline;
  }
  bool may_ask(const Pending& pending) const { return !pending.in_flight() && now >= pending.due; }
  // The action failed or is unknown: when it may be asked for again.
  void retry_later(Pending& pending) const {
    pending.id = {};
    ++pending.failures;
    pending.due = pending.failures < kImmediateRetries ? now : now + kRetryDelay;
  }
  void note(std::string what, std::string evidence, CopyId copy = {});
  // The same with the time since the change of primary began.
  void note_timed(std::string what, std::string evidence, CopyId copy);
};

// store.cpp: the record and its compare-and-set.
void start_cas(Turn& turn, Record wanted, CasRecord::Purpose purpose);
void adopt(Turn& turn, Record record);
void drive_store(Turn& turn);
void on_cas(Turn& turn, const CasResult& result);
void on_read(Turn& turn, const RecordRead& read);

// takeover.cpp: the line from the loss of a primary to the next one's first write.
void begin_takeover(Turn& turn, CopyId target, std::string reason);
void hold_and_fence(Turn& turn, std::string reason);
void begin_drain(Turn& turn);
void end_drain(Turn& turn, const std::string& why);
void drive_line(Turn& turn);
void on_line_done(Turn& turn, const ActionDone& done);
void on_fence_done(Turn& turn, CopyView& copy, const ActionDone& done);

// synchronous.cpp: the mirrors.
CopySet mirrors_at_fork(const State& state, const Record& wanted);
void on_set_done(Turn& turn, const ActionDone& done);
void drive_set(Turn& turn);

// copies.cpp: every copy but the primary.
void fail_copy(Turn& turn, CopyView& copy, const std::string& text);
void judge(Turn& turn, CopyView& copy, const Report& report);
void drive_copies(Turn& turn);
void confirm_rejoin(Turn& turn, CopyView& copy);
void on_task_done(Turn& turn, CopyView& copy, const ActionDone& done);

// commands.cpp: what the administrator asked for.
void answer(Turn& turn, bool done, std::string text, std::string hint = {});
void drive_request(Turn& turn);
void on_command(Turn& turn, const OperatorAsked& asked);

}  // namespace spar::control
