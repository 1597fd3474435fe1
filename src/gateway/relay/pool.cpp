#include "gateway/relay/pool.h"

#include <algorithm>

#include "base/assert.h"

namespace spar::gateway::relay {

std::optional<ConnectionId> Pool::acquire(SessionId session, Monotonic now) {
  if (waiting_.empty() && !idle_.empty()) {
    const ConnectionId connection = idle_.back().connection;
    idle_.pop_back();
    return connection;
  }
  waiting_.push_back({.session = session, .since = now});
  return std::nullopt;
}

void Pool::abandon(SessionId session) {
  std::erase_if(waiting_, [&](const Waiting& one) { return one.session == session; });
}

std::size_t Pool::connections_wanted(Monotonic now) const {
  if (waiting_.size() <= opening_ || now < retry_at_) return 0;
  const std::size_t room = limits_.connections_max - std::min(limits_.connections_max, size());
  // After a failure one attempt must succeed before there are many again.
  const std::size_t wanted = std::min(waiting_.size() - opening_, room);
  return pause_.count() > 0 ? std::min<std::size_t>(wanted, opening_ == 0 ? 1 : 0) : wanted;
}

void Pool::opened() {
  SPAR_ASSERT(opening_ > 0);
  --opening_;
  ++open_;
  pause_ = std::chrono::milliseconds(0);
  retry_at_ = Monotonic::min();
}

void Pool::open_failed(Monotonic now) {
  SPAR_ASSERT(opening_ > 0);
  --opening_;
  pause_ = std::clamp(pause_ * 2, limits_.retry_min, limits_.retry_max);
  retry_at_ = now + pause_;
}

void Pool::retry_now() {
  pause_ = std::chrono::milliseconds(0);
  retry_at_ = Monotonic::min();
}

Monotonic Pool::retry_at() const {
  return waiting_.size() > opening_ && pause_.count() > 0 ? retry_at_ : kNoDeadline;
}

std::optional<SessionId> Pool::offer(ConnectionId connection, Monotonic now) {
  if (waiting_.empty()) {
    idle_.push_back({.connection = connection, .since = now});
    return std::nullopt;
  }
  const SessionId session = waiting_.front().session;
  waiting_.pop_front();
  return session;
}

void Pool::lost(ConnectionId connection) {
  SPAR_ASSERT(open_ > 0);
  --open_;
  std::erase_if(idle_, [&](const Idle& one) { return one.connection == connection; });
}

std::vector<ConnectionId> Pool::expired(Monotonic now) {
  std::vector<ConnectionId> out;
  std::erase_if(idle_, [&](const Idle& one) {
    if (now - one.since < limits_.idle_max) return false;
    out.push_back(one.connection);
    return true;
  });
  open_ -= out.size();
  return out;
}

std::vector<SessionId> Pool::overdue(Monotonic now) {
  std::vector<SessionId> out;
  while (!waiting_.empty() && now - waiting_.front().since >= limits_.wait_max) {
    out.push_back(waiting_.front().session);
    waiting_.pop_front();
  }
  return out;
}

std::vector<ConnectionId> Pool::take_idle() {
  std::vector<ConnectionId> out;
  for (const Idle& one : idle_) out.push_back(one.connection);
  idle_.clear();
  open_ -= out.size();
  return out;
}

void Pool::give_back(ConnectionId connection, Monotonic now) {
  ++open_;
  idle_.push_back({.connection = connection, .since = now});
}

std::vector<SessionId> Pool::take_waiting() {
  std::vector<SessionId> out;
  for (const Waiting& one : waiting_) out.push_back(one.session);
  waiting_.clear();
  return out;
}

}  // namespace spar::gateway::relay
