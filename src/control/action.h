// control/action.h: what the control machine wants done. The data path (server/) executes it.
//
// Contract
//   Order     Actions of one step take effect in their order as far as they touch the same copy or
//             the writer. An action on a copy whose id is lower than one already begun on that copy
//             is dropped, and so are SetSynchronous, ResolveInDoubt and Admit with a lower id than
//             the last of them: a late repetition never undoes a newer decision.
//   Report    Every action but Hold, Forget, Answer, Alert and Note is reported back once by id
//             (CasResult, RecordRead, ActionDone). `unknown` is an answer. Without one the action
//             is asked for again after kActionDeadline under a new id; all are idempotent.
//   Epoch     `epoch` is the one the action belongs to. A copy or data path that knows a newer one
//             refuses it.
//   History   Promote, Follow and Rejoin judge the copy by State::record->history as it was when
//             the step returned. They look at its identity again and fail when it is another
//             directory than the one whose report led to the action.
//   Acknowledgement
//             The data path acknowledges a commit when the primary and every copy of the last
//             set given (SetSynchronous, ResolveInDoubt, Admit) hold it durably, unless commits are
//             held. The machine sees to it that the set given always includes the set stored.
// Threads     Value types.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "control/event.h"
#include "control/record.h"

namespace spar::control {

// No new statement goes to any copy, no commit is acknowledged, until Admit. Sessions wait.
struct Hold {};

// From now on `copy` takes no write of Action::epoch or before. Done also when it is dead: its
// handles are closed and nothing of it will be acknowledged.
struct Fence {
  CopyId copy;
};

struct ReadRecord {};

struct CasRecord {
  enum class Purpose { take_epoch, record_fork, change_synchronous, command };
  std::uint64_t expected_version = 0;
  Record record;
  Purpose purpose = Purpose::take_epoch;
};

// Makes `copy` the primary of Action::epoch and stores the epoch in it; does not admit writes. Done
// with its end position, all of it durable. A log tail past the history that was never applied is
// cut (and goes to the ledger); if it was applied: failed, diverged.
struct Promote {
  CopyId copy;
};

// Decides for every commit that was under way whether the primary's log has it. One that it has
// waits for the set like any other before the client hears of it; one that it has not is answered
// or replayed.
struct ResolveInDoubt {
  CopyId primary;
  CopySet synchronous;
  bool hold_commits = false;
};

// Lifts Hold: statements go to the primary under Action::epoch.
struct Admit {
  CopyId primary;
  CopySet synchronous;
  bool hold_commits = false;
};

// After Hold: lets running commits end, and waits until `target` has received all. Done with the
// primary's end position; from then on nothing is in doubt. Hold stays.
struct Drain {
  CopyId primary;
  CopyId target;
};

// `copy` takes the log of `primary` from where it stands, after cutting an unapplied tail as in
// Promote. It never loses what the history has: where it would have to be rebuilt, it fails.
struct Follow {
  CopyId copy;
  CopyId primary;
};

// The set that acknowledgements wait for, from now on. Done when every copy in `joining` (those of
// the set that the record does not name yet) has received all that was acknowledged without it.
// Failed when one of `joining` cannot; the set waited for is then the given one all the same.
struct SetSynchronous {
  CopySet synchronous;
  CopySet joining;
  bool hold_commits = false;
};

// Looks what is in the place of a copy that failed: ActionDone::report.
struct Probe {
  CopyId copy;
};

// Brings `copy` up behind `primary` by whatever fits: the log's tail, else a snapshot and the tail.
// Done when it follows (caught_up comes later). Copies that show another identity are refused.
struct Rejoin {
  CopyId copy;
  CopyId primary;
};

// Sets what `copy` holds aside, with a ledger of what the history does not have; leaves it empty.
struct Quarantine {
  CopyId copy;
  std::string reason;
};

// The copy is no longer a member: stop using it. What it holds stays.
struct Forget {
  CopyId copy;
};

// The end of OperatorAsked.
struct Answer {
  std::uint64_t request = 0;
  bool done = false;
  std::string text;
  std::string hint;
};

// A condition that a person should know of; given once when it begins or changes.
struct Alert {
  std::string text;
};

// A decision and why, for `spar events`. `took` since the trouble began, where that says something.
struct Note {
  std::string what;
  CopyId copy;  // whom it is about; 0: the cluster
  std::string evidence;
  std::chrono::microseconds took{0};
};

struct Action {
  ActionId id;
  Epoch epoch;
  std::variant<Hold, Fence, ReadRecord, CasRecord, Promote, ResolveInDoubt, Admit, Drain, Follow,
               SetSynchronous, Probe, Rejoin, Quarantine, Forget, Answer, Alert, Note>
      what;
};

bool reports_back(const Action& action);
std::string to_string(const Action& action);

}  // namespace spar::control
