// The line of succession on servers: who is promoted, and what its commits wait for.
#include <algorithm>

#include "server/postgres/server_path_parts.h"

namespace spar::server::postgres {

using control::ActionDone;
using control::Record;
using engines::postgres::ForkNote;
using engines::postgres::Lsn;
using engines::postgres::Placement;
using engines::postgres::TimelineId;
using engines::postgres::Xid;

namespace {

// No follower has this name: while it stands in the set, commits wait.
constexpr const char* kNobody = "spar held commits";

std::uint32_t before_first(const Record& record) {
  for (const auto& [epoch, text] : record.fork_notes) {
    if (auto note = engines::postgres::parse_fork_note(text)) return note->before_first;
  }
  return 0;
}

}  // namespace

Result<void> ServerPath::keep_slots(ServerControl& primary, CopyId copy, const Record& record,
                                    Monotonic deadline) {
  std::vector<std::string> slots;
  for (const control::Member& member : record.members) {
    if (member.id != copy) slots.push_back(engines::postgres::slot_name(member.id));
  }
  return primary.ensure_slots(slots, deadline);
}

Result<Position> ServerPath::promote_server(ServerCopy& copy, Epoch epoch, const Record& record,
                                            ActionDone& done) {
  const Monotonic deadline = in(kActionTime);
  SPAR_ASSIGN(ServerControl control, copy.control(deadline));
  SPAR_ASSIGN(Identity before, control.identify(deadline));
  const std::uint32_t first = before_first(record);
  const TimelineId timeline = engines::postgres::timeline_for(epoch, first);
  Placement place = placement_of(before.line, record);
  const bool promoted_already = !before.in_recovery && before.line.timeline == timeline;
  if (place.unrecorded && !promoted_already) {
    done =
        did_diverge(copy.name() + " is on timeline " + std::to_string(before.line.timeline.value) +
                    ", which the cluster's history does not have");
    return place.position;
  }
  if (control::diverged(record, place.position)) {
    done = did_diverge(copy.name() + " holds " + to_string(place.position) +
                       ", past the fork of its epoch");
    return place.position;
  }
  SPAR_ASSIGN(auto promoted, control.promote(timeline, deadline));
  SPAR_TRY(keep_slots(control, copy.id(), record, deadline));
  Position end = place.position;
  const bool now_on_its_own = promoted.timeline == timeline && promoted.switch_point != Lsn{};
  if (now_on_its_own && !control::fork_known(record)) {
    end.sequence = Sequence(promoted.switch_point.value);
  } else {
    SPAR_ASSIGN(Identity after, control.identify(deadline));
    end = placement_of(after.line, record).position;
  }
  SPAR_ASSIGN(Xid next, next_xid_of(control, copy.id(), promoted, now_on_its_own,
                                    control::fork_known(record), deadline));
  done = succeeded(end);
  done.note = engines::postgres::to_string(ForkNote{promoted.timeline, next, first});
  return end;
}

// What the fork has to remember (server_outcome.cpp says what for).
Result<Xid> ServerPath::next_xid_of(ServerControl& control, CopyId copy,
                                    const engines::postgres::Promoted& promoted, bool now_promoted,
                                    bool fork_known, Monotonic deadline) {
  if (fork_known) return promoted.next_xid;  // the one that is stored counts
  if (now_promoted && promoted.next_xid != Xid{}) return promoted.next_xid;
  if (now_promoted) {
    return failure(Code::corrupt, "it does not know any more which transaction was its first");
  }
  SPAR_ASSIGN(std::string incarnation, control.incarnation(deadline));
  {
    std::lock_guard lock(mutex_);
    if (copy == admitted_copy_ && incarnation == admitted_) return Xid(~std::uint64_t{0});
  }
  return control.checkpointed_next_xid(deadline);
}

ActionDone ServerPath::promote(CopyId copy, Epoch epoch, const Record& record) {
  auto server = known(copy);
  if (!server) return did_not(server.error());
  Busy busy(*this, copy);
  ActionDone done;
  auto end = promote_server(**server, epoch, record, done);
  if (!end) return unsure_or_failed(end.error());
  return done;
}

// The connection on which it was told is good for what comes next.
Result<engines::postgres::ServerControl> ServerPath::tell_set(CopyId primary,
                                                              const control::CopySet& set,
                                                              bool hold_commits,
                                                              const Record& record,
                                                              Monotonic deadline) {
  SPAR_ASSIGN(ServerCopy * server, known(primary));
  SPAR_ASSIGN(ServerControl control, server->control(deadline));
  std::vector<std::string> names;
  for (CopyId copy : set) names.push_back(control::name_of(record, copy));
  if (hold_commits) names.push_back(kNobody);
  SPAR_TRY(control.set_synchronous(names, static_cast<int>(names.size()), deadline));
  return control;
}

ActionDone ServerPath::resolve(const control::ResolveInDoubt& what, Epoch epoch,
                               const Record& record) {
  if (record.history.empty() || record.history.back().epoch != epoch) {
    Error error;
    error.message = "the fork of epoch " + std::to_string(epoch.value) + " is not recorded";
    return did_not(error);
  }
  auto control =
      tell_set(what.primary, what.synchronous, what.hold_commits, record, in(kActionTime));
  return control ? succeeded() : unsure_or_failed(control.error());
}

ActionDone ServerPath::admit(const control::Admit& what, Epoch epoch, const Record& record) {
  const Monotonic deadline = in(kActionTime);
  auto server = known(what.primary);
  auto control = tell_set(what.primary, what.synchronous, what.hold_commits, record, deadline);
  if (!control) return unsure_or_failed(control.error());
  if (auto open = control->unfence(deadline); !open) return unsure_or_failed(open.error());
  if (auto roles = read_roles(*control); !roles) return unsure_or_failed(roles.error());
  auto incarnation = control->incarnation(deadline);
  if (!incarnation) return unsure_or_failed(incarnation.error());
  {
    std::lock_guard lock(mutex_);
    if (epoch <= fenced_to_) {
      return did_not(failure(Code::invalid, "the epoch was fenced meanwhile").error());
    }
    admitted_copy_ = what.primary;
    admitted_ = *incarnation;
    drained_ = CopyId{};
    place_ = Place{(*server)->host(), (*server)->port(), epoch, (*server)->tls()};
    reads_.open(epoch, record_.history, in(milliseconds(0)));
    copies_[what.primary].seen.told_lost = false;
  }
  changed_.notify_all();
  if (gateway_.changed) gateway_.changed(RouteChange::open);
  return succeeded();
}

Result<void> ServerPath::wait_received(ServerCopy& target, Lsn lsn, Monotonic deadline) {
  SPAR_ASSIGN(ServerControl control, target.control(deadline));
  while (true) {
    SPAR_ASSIGN(Identity identity, control.identify(deadline));
    if (identity.received >= lsn) return {};
    if (in(milliseconds(20)) >= deadline) {
      return failure(Code::deadline, target.name() + " did not receive all in time", "57014");
    }
    if (!wait(milliseconds(5))) return failure(Code::cancelled, "the node stops");
  }
}

// After the fence nobody writes; what the server itself adds to its log later is no transaction.
ActionDone ServerPath::drain(const control::Drain& what, const Record& record) {
  auto primary = known(what.primary), target = known(what.target);
  if (!primary) return did_not(primary.error());
  if (!target) return did_not(target.error());
  const Monotonic deadline = in(control::kDrainDeadline - std::chrono::seconds(1));
  while (gateway_.busy && gateway_.busy() > 0) {
    if (in(milliseconds(0)) >= deadline) {
      return did_not(failure(Code::deadline,
                             std::to_string(gateway_.busy()) + " transactions are still running")
                         .error());
    }
    if (!wait(milliseconds(2))) return did_not(Error{});
  }
  auto control = (*primary)->control(deadline);
  if (!control) return unsure_or_failed(control.error());
  if (auto fenced = control->fence(deadline); !fenced) return unsure_or_failed(fenced.error());
  auto identity = control->identify(deadline);
  if (!identity) return unsure_or_failed(identity.error());
  if (auto got = wait_received(**target, identity->received, deadline); !got) {
    return unsure_or_failed(got.error());
  }
  {
    std::lock_guard lock(mutex_);
    drained_ = what.primary;
  }
  return succeeded(placement_of(identity->line, record).position);
}

// Acknowledged without it is what the primary has flushed now, when commits wait for it already.
Result<void> ServerPath::wait_joined(ServerControl& control, const control::CopySet& joining,
                                     const Record& record, Monotonic deadline) {
  SPAR_ASSIGN(const Lsn end, control.flushed(deadline));
  while (true) {
    SPAR_ASSIGN(auto followers, control.replication_state(deadline));
    auto has_all = [&](CopyId copy) {
      return std::ranges::any_of(followers, [&](const engines::postgres::Follower& each) {
        return each.application_name == control::name_of(record, copy) && each.flushed >= end;
      });
    };
    if (std::ranges::all_of(joining, has_all)) return {};
    if (in(milliseconds(0)) >= deadline) {
      return failure(Code::deadline, "a new mirror has not received what was acknowledged");
    }
    if (!wait(milliseconds(2))) return failure(Code::cancelled, "the node stops");
  }
}

ActionDone ServerPath::set_synchronous(const control::SetSynchronous& what, const Record& record) {
  auto control =
      tell_set(record.primary, what.synchronous, what.hold_commits, record, in(kActionTime));
  if (!control) return unsure_or_failed(control.error());
  if (what.joining.empty()) return succeeded();
  auto joined = wait_joined(*control, what.joining, record, in(kJoinPatience));
  return joined ? succeeded() : did_not(joined.error());
}

}  // namespace spar::server::postgres
