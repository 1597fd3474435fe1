// control/state.h: all that the control machine remembers between two steps.
//
// Contract    A small value: copyable, printable, and derivable again from the stored record and
//             what the copies report (Started) after a restart.
// States      starting -> (waiting) -> [storing ->] promoting -> [forking ->] resolving ->
//             admitting -> settled -> [draining -> storing ...]; the table stands in README.md.
// Threads     Value types.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "control/action.h"
#include "control/event.h"
#include "control/record.h"

namespace spar::control {

enum class Stage {
  starting,   // nothing is known yet
  waiting,    // no copy may be primary: waits for one, or for a person
  storing,    // compare-and-set of the next epoch under way; the old primary is being fenced
  promoting,  // Promote under way
  forking,    // compare-and-set of the fork under way
  resolving,  // ResolveInDoubt under way
  admitting,  // Admit under way
  settled,    // the primary accepts writes
  draining,   // switchover: Drain under way
};

enum class Health {
  absent,        // failed, or not there
  present,       // whole and ours, but not in use
  joining,       // Rejoin under way: may be anything between empty and whole
  serving,       // in use
  quarantining,  // Quarantine under way
  refused,       // another cluster's, or newer than the record: not touched
};

// One action under way. id 0: none; then `due` is when it may be asked for (again).
struct Pending {
  ActionId id;
  unsigned failures = 0;
  Monotonic due{};
  bool in_flight() const { return id != ActionId{}; }
};

enum class Task { none, probe, follow, rejoin, quarantine };

struct CopyView {
  CopyId id;
  Health health = Health::absent;
  Position received;  // durable
  Epoch following;    // the epoch whose log it takes; the epoch itself for the primary
  bool caught_up = false;
  bool lost_data = false;  // no longer holds what it held: empty, or older than it was
  bool diverged = false;   // holds what the history does not
  std::string text;        // what is wrong

  Task task = Task::none;
  Epoch task_epoch;    // the epoch it was asked for in
  Epoch task_history;  // and the newest fork of then
  Pending pending;

  Epoch fence_to;  // wanted: no write of this epoch or before
  Epoch fenced;    // done
  Pending fence;

  unsigned failures = 0;   // of a copy that had been usable; decides the back-off
  Monotonic retry_at{};    // not to be used again before
  Monotonic look_again{};  // not to be probed again before
  Monotonic serving_since{};
};

// A change of primary, from the loss (or the start, or the command) to the end.
struct Takeover {
  CopyId from;
  CopyId target;
  Epoch epoch;
  Position end;      // of the promoted copy, from its promotion on
  std::string note;  // and what its engine has to remember of that
  Monotonic began{};
  std::string reason;
};

struct Request {
  std::uint64_t id = 0;
  Command command;
  Monotonic asked{};
  bool begun = false;  // the takeover that it asked for is under way
};

struct PendingCas {
  ActionId id;
  Record wanted;
  CasRecord::Purpose purpose = CasRecord::Purpose::take_epoch;
  Monotonic due{};
};

struct State {
  Stage stage = Stage::starting;
  bool settled_once = false;     // since the start: the record is known to be the newest
  Epoch newest_told;             // the newest epoch that any copy of ours was told of
  std::optional<Record> record;  // as stored, when record_certain()
  std::vector<CopyView> copies;  // one a member
  Takeover takeover;
  Pending line;  // Promote, ResolveInDoubt, Admit or Drain, as `stage` says

  std::optional<PendingCas> cas;
  bool must_read = false;  // a compare-and-set was lost or is unknown
  Pending read;
  std::string store_text;  // why it could not be read or written
  unsigned store_failures = 0;
  Monotonic store_due{};

  CopySet asked;  // the set last given to the data path
  bool asked_hold = false;
  bool asked_done = false;  // and confirmed
  Pending set;

  std::optional<Request> request;
  std::optional<Monotonic> exposed_since;  // fewer mirrors than asked for since then
  std::string condition;                   // what keeps the cluster from being well; "" if nothing
  ActionId next_id{1};
};

// Whether `record` is what is stored, as far as anyone can know.
bool record_certain(const State& state);
const CopyView* find_copy(const State& state, CopyId copy);
CopyView* find_copy(State& state, CopyId copy);
// Whether it is whole, ours, and holds all that it ever held.
bool usable(const CopyView& copy);
bool usable(const State& state, CopyId copy);
// The primary that accepts writes now, or nothing.
std::optional<CopyId> active_primary(const State& state);

std::string_view to_string(Stage stage);
std::string_view to_string(Health health);
// "primary", "mirror", "replica", "rebuilding" or "down"
std::string_view role_of(const State& state, const CopyView& copy);
std::string to_string(const State& state);  // several lines

}  // namespace spar::control
