// What is seen of the servers, and told to the control machine.
#include <algorithm>

#include "base/log.h"
#include "server/postgres/limits.h"
#include "server/postgres/server_path.h"

namespace spar::server::postgres {

using control::Observed;

void ServerPath::watch() {
  std::lock_guard lock(mutex_);
  watching_ = true;
  for (auto& [id, copy] : copies_) {
    copy.watcher = std::thread([this, id = id] { watch_copy(id); });
  }
}

bool ServerPath::wait(milliseconds time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, time, [&] { return stop_.load(); });
}

// An idle session of ours ends at once with its server: so the connection is watched between the
// looks, and a new one tells a server that is gone from a session that was ended.
void ServerPath::watch_copy(CopyId id) {
  ServerCopy* server = find(id);
  std::optional<ServerControl> control;
  Identity known;
  Monotonic write_at{};
  while (!stop_) {
    if (!control) {
      auto made = server->control(in(kAnswerWithin));
      Result<Identity> identity = made ? made->identify(in(kAnswerWithin))
                                       : Result<Identity>(std::unexpected(made.error()));
      if (!identity) {
        tell_lost(id, "connection", identity.error().message);
        if (!wait(kLookForLost)) return;
        continue;
      }
      if (auto same = same_incarnation(id, *made); !same) {
        tell_lost(id, "restart", same.error().message);
        if (!wait(kLookForLost)) return;
        continue;
      }
      known = std::move(*identity);
      control = std::move(*made);
      (void)control->link().run("set synchronous_commit = local", in(kAnswerWithin));
    }
    Result<void> looked = look_once(id, *control, known);
    bool primary = !known.in_recovery;
    if (looked && primary && std::chrono::steady_clock::now() >= write_at - early(id) &&
        !is_stray_primary(id)) {
      looked = write_once(*control);
      if (looked) looked = read_roles(*control);
      write_at = in(kWriteProbeEvery);
    }
    if (!looked && !control->link().usable()) {
      const bool frozen = looked.error().code == Code::deadline;
      control.reset();
      if (frozen) tell_lost(id, "probe", looked.error().message);
      continue;  // refused now, or only our session was ended
    }
    if (!looked) tell_lost(id, "probe", looked.error().message);
    if (stop_) return;
    if (control->link().lost_before(in(look_every()))) control.reset();
  }
}

// While sessions read elsewhere, what was written and is not flushed holds them back: a write flushes
// it. (A commit is flushed at once; what remains is what a read leaves behind in pages.)
milliseconds ServerPath::early(CopyId id) const {
  if (look_every() == kLookEvery) return milliseconds(0);
  std::lock_guard lock(mutex_);
  auto copy = copies_.find(id);
  const bool behind =
      copy != copies_.end() && copy->second.seen.written > copy->second.seen.applied;
  return behind ? kWriteProbeEvery - kLookEvery : milliseconds(0);
}

// What hangs on the way to the disk hangs here.
Result<void> ServerPath::write_once(ServerControl& control) {
  auto written = control.write(in(kAnswerWithin));
  if (written || written.error().sqlstate == "25006") return {};  // fenced meanwhile
  return written;
}

Result<void> ServerPath::read_roles(ServerControl& control) {
  SPAR_ASSIGN(auto roles, control.role_secrets(in(kAnswerWithin)));
  std::lock_guard lock(mutex_);
  roles_ = std::move(roles);
  return {};
}

Result<std::optional<std::string>> ServerPath::secret_of(std::string_view role) const {
  std::lock_guard lock(mutex_);
  if (!roles_) {
    return failure(Code::unavailable, "the cluster has no primary yet", "57P03");
  }
  auto found = roles_->find(role);
  if (found == roles_->end()) return std::optional<std::string>();
  return std::optional(found->second);
}

// A primary that started anew between two looks has lost its sessions and may give transaction
// numbers again: it is lost, and may be elected again.
Result<void> ServerPath::same_incarnation(CopyId id, ServerControl& control) {
  SPAR_ASSIGN(std::string incarnation, control.incarnation(in(kAnswerWithin)));
  std::lock_guard lock(mutex_);
  const bool admitted = place_ && id == admitted_copy_;
  if (!admitted || incarnation == admitted_) return {};
  return failure(Code::copy_lost, "it has started anew");
}

// Somebody else is the record's primary, and this one does not know it yet.
bool ServerPath::is_stray_primary(CopyId id) const {
  std::lock_guard lock(mutex_);
  return record_.primary != id;
}

Result<void> ServerPath::look_once(CopyId id, ServerControl& control, Identity& known) {
  const Monotonic asked = in(milliseconds(0));
  SPAR_ASSIGN(const engines::postgres::Look look, control.look(known, in(kAnswerWithin)));
  if (!known.in_recovery && is_stray_primary(id)) {
    auto fenced = control.fence(in(kAnswerWithin));
    if (fenced) log_info("server", find(id)->name() + " was primary and is read-only now");
    return fenced;
  }
  Seen now;
  now.up = true;
  now.line = known.line;
  now.applied = known.applied;
  now.in_recovery = known.in_recovery;
  now.near = look.streaming || !known.in_recovery;
  now.streams = look.streaming && known.in_recovery;
  now.written = look.written;
  now.asked = asked;
  tell_seen(id, std::move(now));
  return {};
}

void ServerPath::tell_seen(CopyId id, Seen now) {
  std::optional<Observed> told;
  const Monotonic time = std::chrono::steady_clock::now();
  bool still = false;
  {
    std::lock_guard lock(mutex_);
    now.position = engines::postgres::place(now.line, history_).position;
    Seen& last = copies_[id].seen;
    const Seen& primary = copies_[record_.primary].seen;
    const Position& at = primary.position;
    now.near = now.near && now.position.epoch == at.epoch &&
               now.position.sequence.value + kCaughtUpBytes >= at.sequence.value;
    if (id == record_.primary) now.near = false;
    if (id == record_.primary && place_) trail_.primary_at(now.position.sequence, time);
    now.busy = last.busy;
    now.advice = last.advice;
    now.told = last.told;
    now.told_at = last.told_at;
    const bool advanced = !(now.position == last.position);
    now.moved_at = advanced || last.busy > 0 ? time : last.moved_at;
    still = stands_still(id, now, time);
    now.near = now.near && !still;
    const bool moved = !(now.position == last.told) && now.asked - last.told_at >= kLookEvery;
    if (now.busy == 0 && (now.near != last.near || moved)) {
      auto kind = now.near == last.near ? Observed::Kind::progress
                  : now.near            ? Observed::Kind::caught_up
                                        : Observed::Kind::lagging;
      told = Observed{id, kind, "replication", "", now.position, {}, newest_fork(record_)};
      now.told = now.position;
      now.told_at = now.asked;
    }
    if (now.busy > 0) now.near = last.near;
    last = std::move(now);
    note_reads(id, last);
  }
  tell_copies();
  if (told) ears_.observed(std::move(*told));
  if (still) tell_lost(id, "replication", "it receives nothing of what its primary holds");
}

void ServerPath::tell_lost(CopyId id, const std::string& witness, const std::string& text) {
  {
    std::lock_guard lock(mutex_);
    reads_.lost(id);
  }
  tell_copies();
  Observed seen;
  {
    std::lock_guard lock(mutex_);
    Seen& last = copies_[id].seen;
    last.up = false;
    if (last.busy > 0 || last.told_lost) return;
    last.told_lost = true;
    last.near = false;
    seen.position = engines::postgres::place(last.line, history_).position;
    seen.history = newest_fork(record_);
  }
  seen.copy = id;
  seen.kind = Observed::Kind::failed;
  seen.witness = witness;
  seen.text = text;
  ears_.observed(std::move(seen));
}

}  // namespace spar::server::postgres
