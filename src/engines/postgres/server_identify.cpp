// What a server says about itself.
#include <algorithm>
#include <charconv>
#include <cstdio>

#include "engines/postgres/limits.h"
#include "engines/postgres/server_control.h"

namespace spar::engines::postgres {
namespace {

// Columns of kState.
enum : std::size_t {
  kSystem,
  kInRecovery,
  kReceived,
  kApplied,
  kVersion,
  kTimelines,
  kStatus,
  kHost,
  kPort,
  kSlot
};

// The timelines that a standby may be on: the receiver's, if it runs; else the newest of the log
// files it has (a name begins with the timeline) and of the control file.
constexpr const char* kState = R"(
select (select system_identifier from pg_control_system()),
       pg_is_in_recovery(),
       case when pg_is_in_recovery()
            then greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
            else pg_current_wal_flush_lsn() end,
       case when pg_is_in_recovery() then pg_last_wal_replay_lsn()
            else pg_current_wal_flush_lsn() end,
       current_setting('server_version_num'),
       case when pg_is_in_recovery()
            then greatest(receiver.received_tli,
                          (select timeline_id from pg_control_checkpoint()),
                          (select min_recovery_end_timeline from pg_control_recovery()),
                          (select max(('x' || substr(name, 1, 8))::bit(32)::int)
                             from pg_ls_waldir() where name ~ '^[0-9A-F]{24}$'))
            else ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int
            end,
       receiver.status, receiver.sender_host, receiver.sender_port, receiver.slot_name
  from (select) as one left join pg_stat_wal_receiver as receiver on true)";

// Columns of kLook.
enum : std::size_t {
  kLookRecovery,
  kLookReceived,
  kLookApplied,
  kLookTimeline,
  kStreaming,
  kWritten
};

// received_tli is nothing while nothing is received: then nothing has changed.
constexpr const char* kLook = R"(
select pg_is_in_recovery(),
       case when pg_is_in_recovery()
            then greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
            else pg_current_wal_flush_lsn() end,
       case when pg_is_in_recovery() then pg_last_wal_replay_lsn()
            else pg_current_wal_flush_lsn() end,
       receiver.received_tli, coalesce(receiver.status = 'streaming', false),
       case when not pg_is_in_recovery() then pg_current_wal_insert_lsn() end
  from (select) as one left join pg_stat_wal_receiver as receiver on true)";

constexpr const char* kSettings = R"(
select name, setting from pg_settings
 where name in ('wal_level', 'wal_keep_size', 'wal_log_hints', 'data_checksums', 'max_wal_senders',
                'max_replication_slots', 'synchronous_standby_names', 'hot_standby',
                'max_slot_wal_keep_size', 'restore_command', 'data_directory'))";

// A file's name is its timeline, then its number in two halves; files of several timelines follow
// each other by number.
constexpr const char* kKeptLog = R"(
select min(('x' || substr(name, 9, 8))::bit(32)::bigint * ((1::bigint << 32) / file.bytes)
           + ('x' || substr(name, 17, 8))::bit(32)::bigint) * file.bytes,
       file.bytes
  from pg_ls_waldir(), (select pg_size_bytes(current_setting('wal_segment_size')) as bytes) as file
 where name ~ '^[0-9A-F]{24}$' group by file.bytes)";

template <class Number>
Number number(const Field& field) {
  Number value{};
  if (field) std::from_chars(field->data(), field->data() + field->size(), value);
  return value;
}

Lsn lsn(const Field& field) {
  return field ? parse_lsn(*field).value_or(Lsn{}) : Lsn{};
}

std::optional<Receiver> receiver_in(const std::vector<Field>& row) {
  if (!row[kStatus]) return std::nullopt;
  return Receiver{.streaming = row[kStatus] == "streaming",
                  .host = row[kHost].value_or(""),
                  .port = row[kPort].value_or(""),
                  .slot = row[kSlot].value_or("")};
}

Identity identity_in(const std::vector<Field>& row) {
  Identity identity;
  identity.system = number<std::uint64_t>(row[kSystem]);
  identity.in_recovery = row[kInRecovery] == "t";
  identity.received = lsn(row[kReceived]);
  identity.applied = lsn(row[kApplied]);
  identity.version = number<int>(row[kVersion]);
  identity.line.timeline = TimelineId(number<std::uint32_t>(row[kTimelines]));
  identity.line.end = identity.received;
  identity.receiver = receiver_in(row);
  return identity;
}

std::optional<XactStatus> status_in(const Field& text) {
  if (!text) return XactStatus::forgotten;
  if (text == "committed") return XactStatus::committed;
  if (text == "aborted") return XactStatus::aborted;
  if (text == "in progress") return XactStatus::in_progress;
  return std::nullopt;
}

}  // namespace

Result<Identity> ServerControl::identify(Monotonic deadline) {
  SPAR_ASSIGN(Rows state, link_.run(kState, deadline));
  Identity identity = identity_in(state[0]);
  SPAR_ASSIGN(identity.line.switches, switches_of(identity.line.timeline, deadline));
  SPAR_ASSIGN(Rows settings, link_.run(kSettings, deadline));
  for (const auto& row : settings) identity.settings[row[0].value_or("")] = row[1].value_or("");
  return identity;
}

Result<Look> ServerControl::look(Identity& known, Monotonic deadline) {
  SPAR_ASSIGN(Rows rows, link_.run(kLook, deadline));
  const auto& row = rows[0];
  const bool in_recovery = row[kLookRecovery] == "t";
  const TimelineId timeline(number<std::uint32_t>(row[kLookTimeline]));
  const bool turned = in_recovery != known.in_recovery ||
                      (timeline != TimelineId{} && timeline != known.line.timeline);
  if (turned) {
    SPAR_ASSIGN(known, identify(deadline));
  } else {
    known.line.end = std::max(known.line.end, lsn(row[kLookReceived]));
    known.applied = lsn(row[kLookApplied]);
  }
  return Look{.streaming = row[kStreaming] == "t", .written = lsn(row[kWritten])};
}

Result<bool> ServerControl::settled(Monotonic deadline) {
  SPAR_ASSIGN(Rows rows,
              link_.run("select not pg_is_in_recovery() or exists (select from pg_stat_activity "
                        "where backend_type = 'startup' and wait_event in ('RecoveryWalStream', "
                        "'RecoveryRetrieveRetryInterval')) or exists (select from "
                        "pg_stat_wal_receiver where status = 'streaming')",
                        deadline));
  return rows[0][0] == "t";
}

Result<Lsn> ServerControl::flushed(Monotonic deadline) {
  SPAR_ASSIGN(Rows rows, link_.run("select pg_current_wal_flush_lsn()", deadline));
  return lsn(rows[0][0]);
}

Result<KeptLog> ServerControl::kept_log(Monotonic deadline) {
  SPAR_ASSIGN(Rows rows, link_.run(kKeptLog, deadline));
  if (rows.empty()) return failure(Code::corrupt, "the server has no log files", "58P01");
  return KeptLog{Lsn(number<std::uint64_t>(rows[0][0])), number<std::uint64_t>(rows[0][1])};
}

Result<std::map<std::string, std::string, std::less<>>> ServerControl::role_secrets(
    Monotonic deadline) {
  SPAR_ASSIGN(Rows rows, link_.run("select rolname, rolpassword from pg_authid where "
                                   "rolcanlogin and rolpassword like 'SCRAM-SHA-256$%'",
                                   deadline));
  std::map<std::string, std::string, std::less<>> secrets;
  for (const auto& row : rows) secrets[row[0].value_or("")] = row[1].value_or("");
  return secrets;
}

// Timeline 1 has no file, for nothing was before it.
Result<std::vector<TimelineSwitch>> ServerControl::switches_of(TimelineId timeline,
                                                               Monotonic deadline) {
  char file[32];
  std::snprintf(file, sizeof file, "pg_wal/%08X.history", static_cast<unsigned>(timeline.value));
  SPAR_ASSIGN(Rows rows, link_.run("select pg_read_file($1, 0, $2, true)",
                                   {file, std::to_string(kHistoryBytesMax)}, deadline));
  if (!rows[0][0] && timeline.value > 1) {
    return failure(Code::corrupt, std::string("the server has lost ") + file, "58P01");
  }
  return parse_timeline_history(rows[0][0].value_or(""));
}

// Of all processes of a server, the one that every recovery starts anew.
Result<std::string> ServerControl::incarnation(Monotonic deadline) {
  SPAR_ASSIGN(Rows rows, link_.run("select max(pid::text || ' ' || backend_start) from "
                                   "pg_stat_activity where backend_type = 'checkpointer'",
                                   deadline));
  return rows[0][0].value_or("");
}

// "wraps:number"
Result<Xid> ServerControl::checkpointed_next_xid(Monotonic deadline) {
  SPAR_ASSIGN(Rows rows,
              link_.run("select split_part(next_xid, ':', 1)::bigint * (1::bigint << 32) "
                        "+ split_part(next_xid, ':', 2)::bigint "
                        "from pg_control_checkpoint()",
                        deadline));
  return Xid(number<std::uint64_t>(rows[0][0]));
}

Result<std::vector<Follower>> ServerControl::replication_state(Monotonic deadline) {
  SPAR_ASSIGN(Rows rows, link_.run("select application_name, pid, state, flush_lsn, replay_lsn, "
                                   "sync_state from pg_stat_replication order by 1, 2",
                                   deadline));
  std::vector<Follower> followers;
  for (const auto& row : rows) {
    followers.push_back({.application_name = row[0].value_or(""),
                         .pid = number<int>(row[1]),
                         .state = row[2].value_or(""),
                         .flushed = lsn(row[3]),
                         .applied = lsn(row[4]),
                         .sync_state = row[5].value_or("")});
  }
  return followers;
}

Result<XactStatus> ServerControl::xact_status(Xid transaction, Monotonic deadline) {
  auto rows = link_.run("select pg_xact_status($1::text::xid8)",
                        {std::to_string(transaction.value)}, deadline);
  if (!rows && rows.error().sqlstate == "22023") return XactStatus::unborn;  // in the future
  SPAR_TRY(rows);
  std::optional<XactStatus> status = status_in((*rows)[0][0]);
  if (status) return *status;
  return failure(Code::corrupt, "the server said a transaction was " + *(*rows)[0][0]);
}

}  // namespace spar::engines::postgres
