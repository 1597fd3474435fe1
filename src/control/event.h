// control/event.h: what the control machine is told.
//
// Contract    Reports about one copy arrive in the order they happened. A position is one that the
//             copy holds durably: it never goes back, and a copy whose position does is not
//             trusted.
// Threads     Value types.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "control/record.h"

namespace spar::control {

using ActionId = StrongId<struct ActionTag>;

// What was found in the place of a copy.
struct Report {
  enum class Kind {
    unusable,    // nothing there, or it cannot be read or written: `text` says why
    empty,       // an empty place, or a copy that was being built and is not whole
    identified,  // a whole copy
  };
  Kind kind = Kind::unusable;
  ClusterId cluster_id;
  Incarnation incarnation;
  Epoch epoch;  // the newest epoch it was told of (Promote, Follow); at least position.epoch
  Position position;
  std::string text;
};

struct MemberReport {
  CopyId copy;
  Report report;
};

// The process has started: nothing is open yet, no statement runs.
struct Started {
  std::optional<Record> record;
  std::vector<MemberReport> members;
};

struct Tick {};

struct Observed {
  enum class Kind {
    failed,     // proved dead: Spar was its only user and has stopped using it; position: what it
                // is known to have held durably
    reachable,  // `report` was found in the place of a copy that had failed
    progress,   // position: what it has received
    caught_up,  // follows the primary closely; told again after every Follow and Rejoin
    lagging,    // no longer
  };
  CopyId copy;
  Kind kind = Kind::failed;
  std::string witness;  // who saw it: "flush", "read", "inode check", "probe"
  std::string text;     // what was seen, for people
  Position position;
  Report report;
  // The newest fork that `position` was told by; 0: its epoch stands in the copy itself.
  Epoch history = {};
};

// The answer to ReadRecord. `error` is set when it could not be read.
struct RecordRead {
  ActionId id;
  std::optional<Record> record;
  std::string error;
};

enum class Cas {
  ok,
  lost,     // the version was not the expected one; nothing was stored
  unknown,  // stored or not
};

struct CasResult {
  ActionId id;
  Cas result = Cas::unknown;
  std::string text;
};

struct ActionDone {
  enum class Result { done, failed, unknown };
  ActionId id;
  Result result = Result::done;
  std::string text;
  Position position;      // Promote, Drain, Follow, Rejoin: where the copy ends
  std::string note;       // Promote: for Record::fork_notes
  bool diverged = false;  // Promote, Follow, Rejoin failed: it holds what the history does not
  Report report;          // Probe
};

// Commands of the administrator. `request` names the Answer that will follow.
struct Switchover {
  CopyId to;  // CopyId{}: the best
};
struct Failover {
  CopyId to;  // CopyId{}: the best
  bool accept_data_loss = false;
};
struct Pause {};
struct Resume {};
struct Add {
  Member member;  // its id is chosen here
};
struct Remove {
  CopyId copy;
};
struct Configure {
  std::uint32_t mirrors = 1;
  Durability durability = Durability::mirrored;
};
using Command = std::variant<Switchover, Failover, Pause, Resume, Add, Remove, Configure>;

struct OperatorAsked {
  std::uint64_t request = 0;
  Command command;
};

struct Event {
  Monotonic now;  // when the shell saw it
  std::variant<Tick, Started, Observed, RecordRead, CasResult, ActionDone, OperatorAsked> what;
};

std::string to_string(const Report& report);
std::string to_string(const Event& event);
std::string_view name_of(const Command& command);

}  // namespace spar::control
