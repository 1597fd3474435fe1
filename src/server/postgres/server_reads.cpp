// Which of the servers may answer reads, as the looks at them say.
#include "server/postgres/limits.h"
#include "server/postgres/server_path.h"

namespace spar::server::postgres {
namespace {

Monotonic::rep ticks_now() {
  return in(milliseconds(0)).time_since_epoch().count();
}

}  // namespace

gateway::relay::ReadMapPtr ServerPath::read_map() const {
  reads_asked_ = ticks_now();
  std::lock_guard lock(mutex_);
  return reads_.map();
}

milliseconds ServerPath::look_every() const {
  const Monotonic::duration since(ticks_now() - reads_asked_);
  return since < kReadsLast ? kLookForReads : kLookEvery;
}

// REQUIRES: the lock. Only a server that has come over to the primary's line is fit: another may
// still receive from a lost one. A server of another line, or one that is being worked on, leaves the map.
void ServerPath::note_reads(CopyId id, const Seen& now) {
  if (!place_) return;
  if (id == record_.primary) return reads_.primary_at(now.written, now.asked);
  const Position& primary = copies_[record_.primary].seen.position;
  const Copy& copy = copies_[id];
  const bool fit = reads_.knows_primary() && now.busy == 0 && now.streams &&
                   copy.server != nullptr && control::find_member(record_, id) != nullptr &&
                   now.position.epoch == primary.epoch && !control::diverged(record_, now.position);
  if (!fit) return reads_.lost(id);
  reads_.copy_at(
      id, {.host = copy.server->host(), .port = copy.server->port(), .tls = copy.server->tls()},
      now.applied, now.asked);
}

void ServerPath::tell_copies() {
  {
    std::lock_guard lock(mutex_);
    if (!reads_.take_changed()) return;
  }
  if (gateway_.changed) gateway_.changed(RouteChange::copies);
}

}  // namespace spar::server::postgres
