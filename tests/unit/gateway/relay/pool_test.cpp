#include "gateway/relay/pool.h"

#include <gtest/gtest.h>

namespace spar::gateway::relay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Monotonic kNow{seconds(1000)};

Pool filled(std::size_t connections, PoolLimits limits = {}) {
  Pool pool(limits);
  for (ConnectionId id = 0; id < connections; ++id) {
    pool.opening();
    pool.opened();
    EXPECT_FALSE(pool.offer(id, kNow));
  }
  return pool;
}

TEST(Pool, LendsTheConnectionThatWasUsedLast) {
  Pool pool = filled(3);
  EXPECT_EQ(pool.acquire(7, kNow), ConnectionId{2});
  EXPECT_EQ(pool.acquire(8, kNow), ConnectionId{1});
  EXPECT_FALSE(pool.offer(2, kNow));
  EXPECT_EQ(pool.acquire(9, kNow), ConnectionId{2});
  EXPECT_EQ(pool.size(), 3u);
}

TEST(Pool, ServesThoseWhoWaitInTheirOrder) {
  Pool pool = filled(1);
  EXPECT_EQ(pool.acquire(7, kNow), ConnectionId{0});
  for (SessionId session : {8u, 9u, 10u}) EXPECT_FALSE(pool.acquire(session, kNow));
  pool.abandon(9);
  EXPECT_EQ(pool.offer(0, kNow), SessionId{8});
  EXPECT_EQ(pool.offer(0, kNow), SessionId{10});
  EXPECT_EQ(pool.offer(0, kNow), std::nullopt);
  EXPECT_EQ(pool.idle(), 1u);
}

TEST(Pool, OpensAsManyAsWaitUpToTheLimit) {
  Pool pool(PoolLimits{.connections_max = 2});
  EXPECT_EQ(pool.connections_wanted(kNow), 0u);
  pool.acquire(1, kNow);
  EXPECT_EQ(pool.connections_wanted(kNow), 1u);
  pool.opening();
  EXPECT_EQ(pool.connections_wanted(kNow), 0u);
  pool.acquire(2, kNow);
  pool.acquire(3, kNow);
  EXPECT_EQ(pool.connections_wanted(kNow), 1u);
  pool.opening();
  EXPECT_EQ(pool.connections_wanted(kNow), 0u);
  pool.opened();
  pool.opened();
  EXPECT_EQ(pool.offer(0, kNow), SessionId{1});
  EXPECT_EQ(pool.offer(1, kNow), SessionId{2});
  pool.lost(0);
  EXPECT_EQ(pool.connections_wanted(kNow), 1u);
}

TEST(Pool, PausesAfterFailuresAndThenTriesOne) {
  Pool pool(PoolLimits{.connections_max = 5});
  for (SessionId session = 0; session < 4; ++session) pool.acquire(session, kNow);
  EXPECT_EQ(pool.connections_wanted(kNow), 4u);
  pool.opening();
  pool.open_failed(kNow);
  EXPECT_EQ(pool.connections_wanted(kNow), 0u);
  EXPECT_EQ(pool.retry_at(), kNow + milliseconds(50));
  EXPECT_EQ(pool.connections_wanted(kNow + milliseconds(50)), 1u);
  pool.opening();
  EXPECT_EQ(pool.connections_wanted(kNow + milliseconds(60)), 0u);
  pool.open_failed(kNow);
  EXPECT_EQ(pool.retry_at(), kNow + milliseconds(100));
  for (int i = 0; i < 10; ++i) {
    pool.opening();
    pool.open_failed(kNow);
  }
  EXPECT_EQ(pool.retry_at(), kNow + seconds(1));
  pool.opening();
  pool.opened();
  EXPECT_EQ(pool.offer(0, kNow), SessionId{0});
  EXPECT_EQ(pool.connections_wanted(kNow), 3u);
}

TEST(Pool, ClosesWhatWasIdleForTooLong) {
  Pool pool = filled(3, {.idle_max = seconds(10)});
  auto lent = pool.acquire(1, kNow);
  pool.offer(*lent, kNow + seconds(5));
  EXPECT_TRUE(pool.expired(kNow + seconds(9)).empty());
  EXPECT_EQ(pool.expired(kNow + seconds(10)), (std::vector<ConnectionId>{0, 1}));
  EXPECT_EQ(pool.size(), 1u);
  EXPECT_EQ(pool.take_idle(), std::vector<ConnectionId>{2});
  EXPECT_EQ(pool.size(), 0u);
}

TEST(Pool, EndsWaitsThatAreTooLong) {
  Pool pool({.connections_max = 0, .wait_max = seconds(10)});
  pool.acquire(1, kNow);
  pool.acquire(2, kNow + seconds(5));
  EXPECT_EQ(pool.overdue(kNow + seconds(10)), std::vector<SessionId>{1});
  EXPECT_EQ(pool.waiting(), 1u);
}

}  // namespace
}  // namespace spar::gateway::relay
