// A standby becomes primary, or follows another one.
#include <algorithm>
#include <charconv>

#include "engines/postgres/limits.h"
#include "engines/postgres/server_control.h"

namespace spar::engines::postgres {
namespace {

constexpr const char* kDefaultPort = "5432";
// In the data directory: the timeline of the last promotion and the transaction number that came
// next when it began.
constexpr const char* kPromotionNote = "spar_promotion";

// Nothing arrives any more, and what had arrived is applied: the process that replays the log
// waits to ask its source again.
constexpr const char* kAllApplied =
    "not exists (select from pg_stat_activity where backend_type = 'walreceiver') and exists "
    "(select from pg_stat_activity where backend_type = 'startup' and wait_event = "
    "'RecoveryRetrieveRetryInterval')";

// The view shows "streaming" before the source has agreed to; the receiver waits in its main loop
// only after that.
constexpr const char* kFollows =
    "exists (select from pg_stat_wal_receiver r join pg_stat_activity a using (pid) "
    "where r.status = 'streaming' and a.wait_event = 'WalReceiverMain' "
    "and (r.sender_host = $1 or $1 = '') and r.sender_port::text = $2 "
    "and coalesce(r.slot_name, '') = $3)";

// One past the newest transaction that has ended here.
constexpr const char* kXmax = "pg_snapshot_xmax(pg_current_snapshot())";

Xid xid_in(const Field& text) {
  Xid xid;
  if (text) std::from_chars(text->data(), text->data() + text->size(), xid.value);
  return xid;
}

// In a block: a history file for each number between `from` and `to` that has none, so that nobody
// takes it. `at` is SQL: where `from` ends.
std::string take_timelines(TimelineId from, TimelineId to, const std::string& at) {
  return "for taken in " + std::to_string(from.value + 1) + " .. " + std::to_string(to.value - 1) +
         " loop file := '/pg_wal/' || lpad(upper(to_hex(taken)), 8, '0') || '.history'; "
         "if (pg_stat_file('.' || file, true)).size is null then "
         "execute format('copy (values (%s, %L, %L)) to %L', " +
         std::to_string(from.value) + ", " + at +
         ", 'not used', current_setting('data_directory') || file); end if; end loop; ";
}

std::string in_block(const std::string& statements) {
  return "do $$ declare file text; begin " + statements + " end $$";
}

Result<void> check_step(TimelineId from, TimelineId to) {
  if (to > from && to.value - from.value <= kTimelinesSkippedMax) return {};
  return failure(Code::invalid, "a server on timeline " + std::to_string(from.value) +
                                    " cannot begin timeline " + std::to_string(to.value));
}

// The number whose lower half is `lower`, in the 2^32 before `newer`.
Xid widened(std::uint32_t lower, Xid newer) {
  constexpr std::uint64_t kWrap = std::uint64_t{1} << 32;
  std::uint64_t full = (newer.value & ~(kWrap - 1)) | lower;
  return Xid(full >= newer.value && full >= kWrap ? full - kWrap : full);
}

}  // namespace

// next_xid is read before the promotion, when nothing changes any more: afterwards the server
// itself gives numbers away (autovacuum). The switch point proves that nothing came in between.
Result<Promoted> ServerControl::promote(TimelineId timeline, Monotonic deadline) {
  SPAR_ASSIGN(Identity before, identify(deadline));
  if (!before.in_recovery) {
    SPAR_ASSIGN(Promoted promoted, primary_end(deadline));
    if (promoted.timeline != timeline || promoted.switch_point == Lsn{}) return promoted;
    SPAR_ASSIGN(promoted.next_xid, noted_next_xid(timeline, promoted.next_xid, deadline));
    return promoted;
  }
  SPAR_TRY(check_step(before.line.timeline, timeline));
  SPAR_TRY(stop_receiving(deadline));
  SPAR_ASSIGN(Rows last,
              link_.run(std::string("select pg_last_wal_replay_lsn(), ") + kXmax, deadline));
  SPAR_TRY(run_promotion(before.line.timeline, timeline, deadline));
  SPAR_TRY(wait_until("not pg_is_in_recovery()", {}, "the server was not promoted", deadline));
  SPAR_ASSIGN(Promoted promoted, primary_end(deadline));
  if (last[0][0] != to_string(promoted.switch_point)) return promoted;
  SPAR_ASSIGN(promoted.next_xid, past_prepared(xid_in(last[0][1]), promoted.next_xid, deadline));
  return promoted;
}

// Takes the numbers between and promotes in one statement: a standby that was left with them would
// believe in timelines that nobody writes.
Result<void> ServerControl::run_promotion(TimelineId from, TimelineId to, Monotonic deadline) {
  std::string take = take_timelines(from, to, "pg_last_wal_replay_lsn()");
  std::string note = "execute format('copy (values (%s, %L)) to %L', " + std::to_string(to.value) +
                     ", " + kXmax + ", current_setting('data_directory') || '/" + kPromotionNote +
                     "'); ";
  SPAR_TRY(link_.run(in_block(take + note + "perform pg_promote(false);"), deadline));
  return {};
}

// A promotion that is asked for again: by now the server has given numbers away itself (autovacuum),
// so that what was noted just before it counts. 0: the note is lost.
Result<Xid> ServerControl::noted_next_xid(TimelineId timeline, Xid newest, Monotonic deadline) {
  SPAR_ASSIGN(Rows rows,
              link_.run("select pg_read_file($1, 0, 100, true)", {kPromotionNote}, deadline));
  const std::string text = rows[0][0].value_or("");
  const std::string begin = std::to_string(timeline.value) + "\t";
  if (!text.starts_with(begin)) return Xid{};
  return past_prepared(xid_in(text.substr(begin.size())), newest, deadline);
}

// A follower asks for the history of every number up to its primary's timeline. COPY does not sync:
// what a crash took is written again.
Result<void> ServerControl::fill_gaps(const ServerLine& line, Monotonic deadline) {
  std::string take;
  for (std::size_t i = 0; i < line.switches.size(); ++i) {
    bool last = i + 1 == line.switches.size();
    TimelineId next = last ? line.timeline : line.switches[i + 1].timeline;
    const TimelineSwitch& left = line.switches[i];
    if (next.value == left.timeline.value + 1) continue;
    take += take_timelines(left.timeline, next, "'" + to_string(left.at) + "'::pg_lsn");
  }
  if (!take.empty()) SPAR_TRY(link_.run(in_block(take), deadline));
  return {};
}

Result<void> ServerControl::stop_receiving(Monotonic deadline) {
  SPAR_TRY(link_.run("select pg_wal_replay_resume() where pg_is_wal_replay_paused()", deadline));
  SPAR_TRY(alter("primary_conninfo", "", deadline));
  SPAR_TRY(reload(deadline));
  return wait_until(kAllApplied, {}, "the server did not apply all that it had received", deadline);
}

// Prepared transactions outlive a promotion and can still commit: theirs are known numbers.
Result<Xid> ServerControl::past_prepared(Xid next, Xid newest, Monotonic deadline) {
  SPAR_ASSIGN(Rows rows, link_.run("select transaction from pg_prepared_xacts", deadline));
  for (const auto& row : rows) {
    auto lower = static_cast<std::uint32_t>(xid_in(row[0]).value);
    next = std::max(next, Xid(widened(lower, newest).value + 1));
  }
  return next;
}

Result<Promoted> ServerControl::primary_end(Monotonic deadline) {
  SPAR_ASSIGN(Identity identity, identify(deadline));
  SPAR_TRY(fill_gaps(identity.line, deadline));
  SPAR_ASSIGN(Rows xmax, link_.run(std::string("select ") + kXmax, deadline));
  Promoted promoted{.timeline = identity.line.timeline, .next_xid = xid_in(xmax[0][0])};
  if (!identity.line.switches.empty()) promoted.switch_point = identity.line.switches.back().at;
  return promoted;
}

Result<void> ServerControl::follow(const Conninfo& primary, const std::string& slot,
                                   Monotonic deadline) {
  SPAR_ASSIGN(Rows state, link_.run("select pg_is_in_recovery()", deadline));
  if (state[0][0] == "f") {
    return failure(Code::invalid, "a primary cannot follow another one before it was rewound");
  }
  std::string port = primary.get("port");
  SPAR_TRY(alter("primary_conninfo", primary.without_password(), deadline));
  SPAR_TRY(alter("primary_slot_name", slot, deadline));
  SPAR_TRY(reload(deadline));
  return wait_until(kFollows, {primary.named_host(), port.empty() ? kDefaultPort : port, slot},
                    "the server did not come to follow its primary", deadline);
}

}  // namespace spar::engines::postgres
