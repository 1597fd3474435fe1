// gateway/relay/pool.h: who gets which server connection, of one database and user.
//
// Contract    A session asks with acquire(): it gets an idle connection (the one used last, whose
//             caches are warm), or waits its turn. connections_wanted() says how many more should
//             be opened now. A connection that has become free is offered with offer(): it goes to
//             whoever waits longest, or is idle. Every waiting session is in the queue once.
// Bounds      connections_max; a wait ends after wait_max (overdue()), an idleness after idle_max
//             (expired()); after a failed attempt the next waits retry_min, doubling to retry_max.
// Threads     Value type; no synchronisation, no clock: times are handed in.
// Invariants  I1 A connection is opening, idle or lent, and counted once.
//             I2 No connection is idle while a session waits.
// Not here    Sockets, logins, what a session does with its connection.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/time.h"

namespace spar::gateway::relay {

using ConnectionId = std::uint32_t;
using SessionId = std::uint32_t;

struct PoolLimits {
  std::size_t connections_max = 20;
  std::chrono::milliseconds wait_max{120'000};
  std::chrono::milliseconds idle_max{600'000};
  std::chrono::milliseconds retry_min{50};
  std::chrono::milliseconds retry_max{1'000};
};

class Pool {
 public:
  explicit Pool(const PoolLimits& limits = {}) : limits_(limits) {}

  std::optional<ConnectionId> acquire(SessionId session, Monotonic now);
  void abandon(SessionId session);  // it no longer waits

  std::size_t connections_wanted(Monotonic now) const;
  bool may_open(Monotonic now) const { return now >= retry_at_; }
  void opening() { ++opening_; }
  void opened();
  void open_failed(Monotonic now);
  void retry_now();  // what made the last attempts fail may be over
  // When connections_wanted() may say more; kNoDeadline: not because of time.
  Monotonic retry_at() const;

  // A connection is free: to this session, or nobody waits and it is idle.
  std::optional<SessionId> offer(ConnectionId connection, Monotonic now);
  // It is gone, whether it was lent or idle.
  void lost(ConnectionId connection);

  std::vector<ConnectionId> expired(Monotonic now);        // idle for too long; they count as lost
  std::vector<SessionId> overdue(Monotonic now);           // waited for too long; they wait no more
  std::vector<ConnectionId> take_idle();                   // all of them; they count as lost
  void give_back(ConnectionId connection, Monotonic now);  // one of these after all
  std::vector<SessionId> take_waiting();                   // all of them; they wait no more

  std::size_t size() const { return open_ + opening_; }
  std::size_t opening_now() const { return opening_; }
  std::size_t idle() const { return idle_.size(); }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Idle {
    ConnectionId connection;
    Monotonic since;
  };
  struct Waiting {
    SessionId session;
    Monotonic since;
  };

  PoolLimits limits_;
  std::vector<Idle> idle_;  // used last at the back
  std::deque<Waiting> waiting_;
  std::size_t open_ = 0;  // idle and lent
  std::size_t opening_ = 0;
  std::chrono::milliseconds pause_{0};  // after the last failure
  Monotonic retry_at_ = Monotonic::min();
};

}  // namespace spar::gateway::relay
