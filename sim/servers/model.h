// sim/servers/model.h: what a simulated database server is.
//
// Contract    A server's log is a sequence of records; a position is the byte behind one (an LSN),
//             so positions have gaps, and grow without any transaction. A record has an identity:
//             the same record on two servers has the same id, and `chain` is that of all before it,
//             so that one comparison tells whether two logs agree up to a place. The servers know
//             only bytes and timelines, as PostgreSQL does.
//             A server lives on while Spar does not see it: it may be frozen, cut off from Spar,
//             from other servers, or ended.
// Threads     Value types.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "control/record.h"
#include "engines/postgres/timeline.h"

namespace spar::sim::servers {

using engines::postgres::Lsn;
using engines::postgres::ServerLine;
using engines::postgres::TimelineId;
using engines::postgres::Xid;

using AttemptId = StrongId<struct AttemptTag>;  // one try of one operation of a client

struct LogRecord {
  std::uint64_t id = 0;
  std::uint64_t chain = 0;
  Lsn end;
  TimelineId timeline;
  Xid xid;            // 0: of the server itself
  AttemptId attempt;  // 0: not a client of Spar's
  bool ends = false;  // the transaction has ended with it
  bool commit = false;
};
using Log = std::vector<LogRecord>;

inline Lsn end_of(const Log& log, std::size_t count) {
  return count == 0 ? Lsn{} : log[count - 1].end;
}

// A backend of the server.
struct Backend {
  AttemptId attempt;
  Xid xid;
  bool asked = false;         // COMMIT has arrived
  std::size_t committed = 0;  // records of the log with its commit; 0: not yet
};

// The primary waits for all of these.
struct Waiting {
  control::CopySet names;
  bool nobody = false;  // and for a name that no server has: commits are held
  friend bool operator==(const Waiting&, const Waiting&) = default;
};

// A statement of Spar's that reached a frozen server, and was given up by Spar.
struct Late {
  TimelineId promote;  // 0: it is `waiting`
  std::optional<Waiting> waiting;
};

struct Server {
  CopyId id;

  // On its disk.
  bool there = false;    // there is data
  bool damaged = false;  // a rewind did not come to its end
  bool standby = false;  // standby.signal
  Log log;
  std::size_t durable = 0;  // records that a crash leaves
  std::optional<CopyId> upstream;
  Waiting waiting;
  std::map<TimelineId, Xid> promoted_at;  // next_xid, noted with the promotion
  std::optional<Xid> restarted_at;        // next_xid of its first start since it was admitted

  // Its processes.
  bool up = false;
  bool frozen = false;
  bool in_recovery = false;
  bool read_only = false;
  std::vector<Backend> backends;
  std::deque<Late> late;

  unsigned starts = 0;

  bool cut_off = false;  // from Spar

  bool is_primary() const { return up && !in_recovery; }
  bool answers() const { return up && !frozen && !cut_off; }

  Lsn end() const { return end_of(log, durable); }
  ServerLine line() const;
  // One past the newest transaction that has ended here.
  Xid ended_xid() const;
  // The number of the next transaction.
  Xid next_xid() const;
  bool holds(AttemptId attempt) const;  // its commit, durably
  engines::postgres::XactStatus status(Xid xid) const;
};

inline ServerLine Server::line() const {
  ServerLine line{{}, TimelineId{1}, Lsn{}};
  for (std::size_t i = 0; i < durable; ++i) {
    if (log[i].timeline != line.timeline) line.switches.push_back({line.timeline, line.end});
    line.timeline = log[i].timeline;
    line.end = log[i].end;
  }
  return line;
}

inline Xid Server::ended_xid() const {
  Xid next{3};
  for (const LogRecord& record : log) {
    if (record.ends) next = std::max(next, Xid(record.xid.value + 1));
  }
  return next;
}

inline Xid Server::next_xid() const {
  Xid next{3};
  for (const LogRecord& record : log) next = std::max(next, Xid(record.xid.value + 1));
  for (const Backend& backend : backends) next = std::max(next, Xid(backend.xid.value + 1));
  return next;
}

inline bool Server::holds(AttemptId attempt) const {
  return std::any_of(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(durable),
                     [&](const LogRecord& each) { return each.commit && each.attempt == attempt; });
}

inline engines::postgres::XactStatus Server::status(Xid xid) const {
  using engines::postgres::XactStatus;
  for (const Backend& backend : backends) {
    if (backend.xid == xid) return XactStatus::in_progress;  // also while it waits for its mirrors
  }
  if (xid >= next_xid()) return XactStatus::unborn;
  for (const LogRecord& record : log) {
    if (record.commit && record.xid == xid) return XactStatus::committed;
  }
  return XactStatus::aborted;
}

// Whether they are the same as far as both go. Servers cannot tell.
inline bool agree(const Log& a, const Log& b) {
  const std::size_t shared = std::min(a.size(), b.size());
  return shared == 0 || a[shared - 1].chain == b[shared - 1].chain;
}

// What a client of Spar's wants done once.
struct Operation {
  enum class State {
    waiting,   // for a primary: to be tried (again)
    running,   // its transaction has a number, COMMIT was not sent
    asked,     // COMMIT was sent
    in_doubt,  // and the connection is gone
    told,
  };
  std::uint64_t id = 0;
  bool knows_number = true;  // false: a single statement passed through
  State state = State::waiting;
  std::vector<AttemptId> attempts;
  CopyId server;
  Epoch epoch;
  Xid xid;
};

}  // namespace spar::sim::servers
