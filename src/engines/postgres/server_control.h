// engines/postgres/server_control.h: what Spar asks of a PostgreSQL server through SQL, as a
// superuser; no agent is needed.
//
// Contract    Every call ends by its deadline with one of ServerLink's errors; all can be repeated.
//             Settings are changed by ALTER SYSTEM and a reload, and a call returns when the server
//             works by them.
// Threads     One at a time.
// Not here    Starting, stopping, rewinding (agent/). Which copy should be what (control/).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engines/postgres/server_link.h"
#include "engines/postgres/timeline.h"

namespace spar::engines::postgres {

// Our replication slots begin with it; others are left alone.
inline constexpr const char* kSlotPrefix = "spar_";
std::string slot_name(CopyId copy);  // "spar_7"

struct Receiver {
  bool streaming = false;
  std::string host, port, slot;  // whom it follows
};

struct Identity {
  std::uint64_t system = 0;  // of all servers that began with the same initdb
  bool in_recovery = false;
  ServerLine line;        // timelines, up to what it has received and flushed
  Lsn received, applied;  // equal on a primary: what it has flushed
  std::optional<Receiver> receiver;
  int version = 0;  // 150018
  // wal_level, wal_keep_size (MB), max_slot_wal_keep_size (MB, -1: no bound), wal_log_hints,
  // data_checksums, max_wal_senders, max_replication_slots, synchronous_standby_names, hot_standby,
  // restore_command, data_directory
  std::map<std::string, std::string> settings;
};

// The end of a promotion, and what its fork must remember.
struct Promoted {
  TimelineId timeline;
  Lsn switch_point;  // where the timeline before ended; 0 on a server that was never promoted
  // The lost primary gave this number and greater ones to transactions of which nothing arrived
  // here; this server gives them again. None of the old ones is committed.
  Xid next_xid;
};

struct Follower {
  std::string application_name;
  int pid = 0;
  std::string state;  // startup, catchup, streaming, backup, stopping
  Lsn flushed, applied;
  std::string sync_state;  // async, potential, sync, quorum
};

// What a look gives beside an Identity.
struct Look {
  bool streaming = false;  // receives from another server
  Lsn written;             // by a primary: no record is behind it, flushed or not
};

// The log that a server still has: whole files of it, up to its end.
struct KeptLog {
  Lsn oldest;  // where the first one begins
  std::uint64_t file_bytes = 0;
  // Whether a standby that holds all before `at` can go on from here. It asks for whole files.
  bool reaches(Lsn at) const {
    return file_bytes == 0 || at.value - at.value % file_bytes >= oldest.value;
  }
};

class ServerControl {
 public:
  static Result<ServerControl> connect(const Conninfo& address, Monotonic deadline);
  explicit ServerControl(ServerLink link) : link_(std::move(link)) {}

  Result<Identity> identify(Monotonic deadline);
  // Brings `known`, of an identify() on this server, up to date for less: all of it anew only when
  // the server has turned (another timeline, a primary that was a standby).
  Result<Look> look(Identity& known, Monotonic deadline);
  // False while a standby that has started is still reading its own log, and so tells less than it
  // holds.
  Result<bool> settled(Monotonic deadline);
  Result<Lsn> flushed(Monotonic deadline);  // of a primary
  Result<KeptLog> kept_log(Monotonic deadline);
  Result<std::vector<Follower>> replication_state(Monotonic deadline);
  Result<XactStatus> xact_status(Xid transaction, Monotonic deadline);
  Result<void> end_session_of(Xid transaction, Monotonic deadline);
  // Another after each start, and after each recovery from a crash of one of its processes: which
  // may give numbers again that it had given and not written down.
  Result<std::string> incarnation(Monotonic deadline);
  // The number that came next at its last checkpoint: what was given before its last crash and
  // survived is below, unless it has given it again.
  Result<Xid> checkpointed_next_xid(Monotonic deadline);

  // Stops receiving, applies all that was received, and becomes primary on this timeline (see
  // timeline_for), for which it keeps the numbers below free by a history file each. Asked again:
  // the same, but next_xid is 0 when a crash took the note of it. On a primary of another
  // timeline: where it is now; next_xid then counts those that it has given itself. Code::invalid
  // when the timeline is not a later one than a standby's.
  Result<Promoted> promote(TimelineId timeline, Monotonic deadline);
  // Returns when it streams from there. Code::deadline when it does not get there: so also when
  // it has diverged. A password in the address is not passed on, for the server would write it into
  // its log: it must find it by itself (the agent's PGPASSFILE, ~/.pgpass), or need none.
  Result<void> follow(const Conninfo& primary, const std::string& slot, Monotonic deadline);
  // A commit waits for k of these (their application_name), or for nobody. Returns when every
  // commit from now on does.
  Result<void> set_synchronous(const std::vector<std::string>& names, int k, Monotonic deadline);
  // Exactly these slots of ours, each holding the log from now on if it was not there. A server
  // that follows another one wants none.
  Result<void> ensure_slots(const std::vector<std::string>& names, Monotonic deadline);

  // No transaction writes any more, and no session but Spar's own is left. A session could set
  // itself writable again: only Spar's gateway may be let in.
  Result<void> fence(Monotonic deadline);
  Result<void> unfence(Monotonic deadline);
  Result<void> checkpoint(Monotonic deadline);
  // A transaction of our own through the log to the disk, and to those that a commit of this
  // connection waits for (synchronous_commit).
  Result<void> write(Monotonic deadline);
  // SCRAM secrets of the roles that can log in, by name.
  Result<std::map<std::string, std::string, std::less<>>> role_secrets(Monotonic deadline);
  Result<void> terminate(const std::vector<int>& sessions, Monotonic deadline);

  ServerLink& link() { return link_; }

 private:
  // "ALTER SYSTEM SET name = value" without a reload; "" resets it.
  Result<void> alter(const std::string& name, const std::string& value, Monotonic deadline);
  Result<void> reload(Monotonic deadline);
  Result<std::string> setting(const std::string& name, Monotonic deadline);
  Result<void> set_and_wait(const std::string& name, const std::string& value, Monotonic deadline);
  // Looks until `condition` (an SQL expression) is true.
  Result<void> wait_until(const std::string& condition, const std::vector<std::string>& parameters,
                          const std::string& what, Monotonic deadline);
  Result<void> wake_senders(Monotonic deadline);
  Result<void> end_sessions(Monotonic deadline);
  Result<void> drop_slots_but(const std::vector<std::string>& names, Monotonic deadline);

  Result<void> stop_receiving(Monotonic deadline);
  Result<void> run_promotion(TimelineId from, TimelineId to, Monotonic deadline);
  Result<void> fill_gaps(const ServerLine& line, Monotonic deadline);
  Result<Promoted> primary_end(Monotonic deadline);
  Result<Xid> noted_next_xid(TimelineId timeline, Xid newest, Monotonic deadline);
  Result<Xid> past_prepared(Xid next, Xid newest, Monotonic deadline);
  Result<std::vector<TimelineSwitch>> switches_of(TimelineId timeline, Monotonic deadline);

  ServerLink link_;
};

// ANY k ("a", "b"); "" without names. Code::invalid when k is not 1 .. the number of names.
Result<std::string> synchronous_names(const std::vector<std::string>& names, int k);

}  // namespace spar::engines::postgres
