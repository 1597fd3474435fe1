// engines/postgres/timeline.h: where a server stands in the cluster's history.
//
// PostgreSQL tells its histories apart by timelines: each promotion begins a new one, at the byte
// where the log of the one before ended for the promoted server. Spar tells them apart by epochs.
// The two do not count alike: an epoch that was stored but whose copy was never promoted has no
// timeline, and an epoch that began with the same primary (the node started again) goes on with the
// timeline of the one before. So the record keeps the timeline beside each fork (`ServerFork`), and
// a Position is {epoch, sequence = LSN}.
//
// Left alone, PostgreSQL gives a new timeline the first number that the promoted server has not
// heard of. Two servers that are promoted one after the other, of which the second never heard of
// the first, begin the *same* timeline, often at the same byte; afterwards nothing tells their logs
// apart, and pg_rewind finds nothing to do. So the number comes from the epoch (timeline_for),
// which is never used twice, and numbers in between stay unused (ServerControl::promote).
//
// Contract    place() finds the last fork that lies on the server's own line:
//               - the fork of a promotion, when the server's line goes over into its timeline, and
//                 at its byte;
//               - the fork without one (the same primary again, or an old one that had not gone
//                 past the forks since), when the server holds more than its byte on that timeline.
//             The position is the server's LSN in that fork's epoch. Then spar::compare() finds who
//             diverged: a server that stayed on an old timeline and holds more than the fork there
//             has a position past the fork of a later epoch.
//             When the line goes on into a timeline that no fork has, `unrecorded` says where. That
//             is a promotion whose fork was not stored yet (ask promote() again), or one that Spar
//             did not order: such a server is diverged whatever its position says.
//             A server older than the oldest fork has the epoch before it.
// Invariants  Two servers on one line have positions that compare as their LSNs do.
// Threads     Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "engines/postgres/lsn.h"

namespace spar::engines::postgres {

// `timeline` was left at `at`, for the next of the list or for the server's own.
struct TimelineSwitch {
  TimelineId timeline;
  Lsn at;
  friend constexpr bool operator==(const TimelineSwitch&, const TimelineSwitch&) = default;
};

// A timeline history file (pg_wal/0000000N.history). Code::corrupt for anything else.
Result<std::vector<TimelineSwitch>> parse_timeline_history(std::string_view text);

// The log of one server, from the cluster's beginning to its newest byte.
struct ServerLine {
  std::vector<TimelineSwitch> switches;  // ascending
  TimelineId timeline;
  Lsn end;
};

// What the record keeps about an epoch of a cluster of PostgreSQL servers.
struct ServerFork {
  Fork fork;            // `after` is the LSN
  TimelineId timeline;  // that its primary writes
  Xid next_xid;         // see Promoted
};
using ServerHistory = std::vector<ServerFork>;  // ascending, gaps allowed

// What stands beside a fork in the cluster record: "timeline next_xid before_first".
struct ForkNote {
  TimelineId timeline;
  Xid next_xid;
  std::uint32_t before_first = 0;  // see timeline_for
  friend constexpr bool operator==(const ForkNote&, const ForkNote&) = default;
};
std::string to_string(const ForkNote& note);
std::optional<ForkNote> parse_fork_note(std::string_view text);
// The forks that have such a note.
ServerHistory server_history(const History& history, const std::map<Epoch, std::string>& notes);

// Of the promotion for `epoch`. `before_first` is the number of timelines that the server had when
// the cluster's first epoch began: 0 for one that Spar made.
TimelineId timeline_for(Epoch epoch, std::uint32_t before_first = 0);

History forks_of(const ServerHistory& history);

struct Placement {
  Position position;
  std::optional<Lsn> unrecorded;  // it is on a line of its own from here
};

Placement place(const ServerLine& line, const ServerHistory& history);

// What became of a transaction of a lost primary, as its successor knows it.
enum class XactStatus {
  committed,
  aborted,
  in_progress,
  forgotten,  // too long ago
  unborn,     // this server has not given that number yet
};
enum class Outcome { committed, not_committed, unknown };

// `next_xid` is that of the fork which ended the transaction's epoch: from there on the new primary
// gives the same numbers to other transactions, so their status says nothing.
Outcome outcome_of(Xid transaction, Xid next_xid, XactStatus status);
// Where its number is known not to have been given again.
Outcome outcome_of(XactStatus status);

}  // namespace spar::engines::postgres
