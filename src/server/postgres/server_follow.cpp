// The copies that are not the primary: behind it by SQL, by a rewind, or filled anew.
#include <algorithm>

#include "base/log.h"
#include "server/postgres/server_path_parts.h"

namespace spar::server::postgres {

using control::ActionDone;
using control::Record;
using engines::postgres::Placement;

// A standby that does not come to follow has diverged, or lacks what its primary has thrown away.
Result<void> ServerPath::follow_by_sql(ServerCopy& copy, const ServerCopy& primary,
                                       Monotonic deadline) {
  SPAR_ASSIGN(ServerControl control, copy.control(deadline));
  SPAR_TRY(control.follow(primary.upstream_for(copy), engines::postgres::slot_name(copy.id()),
                          deadline));
  // Slots of the time when it was primary would hold its log back for ever.
  return control.ensure_slots({}, deadline);
}

// It was primary, or holds what the history does not. An error: it does not answer.
Result<bool> ServerPath::is_stray(ServerCopy& copy, const Record& record) {
  const Monotonic deadline = in(kAnswerWithin);
  SPAR_ASSIGN(ServerControl control, copy.control(deadline));
  SPAR_ASSIGN(Identity identity, control.identify(deadline));
  Placement place = placement_of(identity.line, record);
  return !identity.in_recovery || place.unrecorded || control::diverged(record, place.position);
}

Result<Position> ServerPath::make_follow(ServerCopy& copy, ServerCopy& primary, bool may_rebuild,
                                         Epoch epoch, const Record& record, Monotonic deadline) {
  std::string missing;
  {
    SPAR_ASSIGN(ServerControl source, primary.control(deadline));
    SPAR_TRY(keep_slots(source, primary.id(), record, deadline));
    missing = missing_log(copy, source, deadline).value_or("");  // else its agent is asked
  }
  if (stop_) return failure(Code::cancelled, "the node stops");
  Result<void> followed = follow_as_it_is(copy, primary, missing, record, deadline);
  if (!followed && !may_rebuild) return std::unexpected(followed.error());
  if (!followed && !copy.managed() && followed.error().code == Code::deadline) {
    return needs_a_person(followed.error().message,
                          "its log says why: its primary may not let it in (pg_hba.conf, "
                          "the password in ~/.pgpass), or has no max_wal_senders left");
  }
  if (!followed) {
    SPAR_TRY(take_apart(copy, primary, missing, epoch, record, deadline));
    deadline = in(kRebuildTime);
    SPAR_TRY(follow_by_sql(copy, primary, deadline));
  }
  SPAR_ASSIGN(ServerControl control, copy.control(deadline));
  SPAR_ASSIGN(Identity identity, control.identify(deadline));
  return placement_of(identity.line, record).position;
}

Result<void> ServerPath::follow_as_it_is(ServerCopy& copy, ServerCopy& primary,
                                         const std::string& missing, const Record& record,
                                         Monotonic deadline) {
  SPAR_ASSIGN(const bool stray, is_stray(copy, record));
  if (stray) return failure(Code::unavailable, copy.name() + " is no standby");
  if (!missing.empty()) return failure(Code::unavailable, missing);
  return follow_by_sql(copy, primary, std::min(deadline, in(kActionTime)));
}

Result<void> ServerPath::take_apart(ServerCopy& copy, ServerCopy& primary,
                                    const std::string& missing, Epoch epoch, const Record& record,
                                    Monotonic deadline) {
  Patience patience(*this, copy.id());
  std::string useless = missing;
  if (copy.managed()) {
    SPAR_ASSIGN(agent::AgentReport seen, copy.look(in(kAgentTime)));
    auto written = seen.has_data ? write_ledger(copy, record) : Result<void>();
    // Nothing is destroyed that stands in no ledger: it is tried again, or set aside as it is.
    if (!written && !ServerCopy::needs_rebuild(written.error())) return written;
    if (!written) useless = "no ledger can be made of it: " + written.error().message;
  }
  SPAR_ASSIGN(std::string done, useless.empty() ? copy.bring_behind(epoch, primary, deadline)
                                                : copy.fill_anew(epoch, primary, useless));
  ears_.noted("copy " + copy.name() + " was made a standby", copy.name(), done);
  return {};
}

ActionDone ServerPath::follow(const control::Follow& what, Epoch epoch, const Record& record) {
  auto copy = known(what.copy), primary = known(what.primary);
  if (!copy) return did_not(copy.error());
  if (!primary) return did_not(primary.error());
  Busy busy(*this, what.copy);
  // A copy that the stored set may name is not taken apart: it leaves the set first.
  if (auto stray = is_stray(**copy, record); stray && *stray) {
    return did_diverge((*copy)->name() + " was primary, and has to be rewound");
  }
  auto position = make_follow(**copy, **primary, false, epoch, record, in(kRebuildTime));
  return position ? succeeded(*position) : unsure_or_failed(position.error());
}

ActionDone ServerPath::rejoin(const control::Rejoin& what, Epoch epoch, const Record& record) {
  auto copy = known(what.copy), primary = known(what.primary);
  if (!copy) return did_not(copy.error());
  if (!primary) return did_not(primary.error());
  Busy busy(*this, what.copy);
  auto position = make_follow(**copy, **primary, true, epoch, record, in(kRebuildTime));
  {
    std::lock_guard lock(mutex_);
    Seen& seen = copies_[what.copy].seen;
    seen.advice = position || position.error().hint.empty()
                      ? ""
                      : position.error().message + ": " + position.error().hint;
  }
  return position ? succeeded(*position) : unsure_or_failed(position.error());
}

// What it holds is written down when it is rewound; until then it only may not be used.
ActionDone ServerPath::quarantine(CopyId copy, const Record& record) {
  auto server = known(copy);
  if (!server) return did_not(server.error());
  Busy busy(*this, copy);
  if (!(*server)->managed() || !(*server)->has_data(in(kAgentTime))) return succeeded();
  if (auto written = write_ledger(**server, record); !written) {  // when it is rewound, at last
    log_warning("server", "no ledger of " + (*server)->name() + ": " + written.error().message);
  }
  return succeeded();
}

}  // namespace spar::server::postgres
