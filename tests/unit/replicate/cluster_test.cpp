#include "replicate/cluster.h"

#include <future>

#include "tests/unit/replicate/rig.h"

namespace spar::replicate {
namespace {

TEST(Cluster, NobodyIsServedBeforeAdmission) {
  Rig rig;
  rig.add(kFirst);
  Monotonic at_once = std::chrono::steady_clock::now();
  auto lease = rig.cluster.begin_read({}, at_once);
  ASSERT_FALSE(lease);
  EXPECT_EQ(lease.error().sqlstate, "57P03");
  EXPECT_FALSE(rig.cluster.begin_write({100, at_once, nullptr}, at_once));
}

TEST(Cluster, SessionsWaitForAPrimary) {
  Rig rig;
  rig.add(kFirst);
  auto session = std::async(std::launch::async, [&] { return rig.write() != nullptr; });
  rig.serve(kFirst, {}, Epoch(1));
  EXPECT_TRUE(session.get());
}

TEST(Cluster, CommitsAreWaitedForAndReachTheMirror) {
  Rig rig;
  rig.add(kFirst);
  auto mirror = rig.add(kSecond);
  rig.serve(kFirst, {kSecond}, Epoch(1));
  Position position = rig.create_shop();
  EXPECT_EQ(rig.settled(position), Outcome::committed);
  EXPECT_EQ(mirror->received(), position) << "durable there before it is acknowledged";
  EXPECT_TRUE(eventually([&] { return mirror->applied() == position; }));
}

TEST(Cluster, ATransactionThatWroteNothingHasNoPosition) {
  Rig rig;
  rig.add(kFirst);
  rig.serve(kFirst, {}, Epoch(1));
  auto lease = rig.write();
  auto position = lease->commit(TransactionId(1), Timestamp(0));
  ASSERT_TRUE(position);
  EXPECT_FALSE(position->has_value());
  EXPECT_TRUE(rig.write(101)) << "the right to write is free again";
}

// K1: whichever copy answers, it holds what was acknowledged when the read began.
TEST(Cluster, AStrictReadHoldsEverythingAcknowledged) {
  Rig rig;
  rig.add(kFirst);
  rig.add(kSecond);
  rig.add(kThird);
  rig.serve(kFirst, {kSecond}, Epoch(1));
  rig.create_shop();
  for (std::int64_t id = 2; id < 60; ++id) {
    ASSERT_EQ(rig.settled(rig.add_account(id)), Outcome::committed);
    auto lease = rig.cluster.begin_read({}, soon());
    ASSERT_TRUE(lease);
    ASSERT_EQ(Rig::accounts((*lease)->session()), static_cast<std::size_t>(id));
  }
}

TEST(Cluster, ReadsGoToThePrimaryAloneWhereThatIsAskedFor) {
  Rig rig;
  rig.add(kFirst);
  auto mirror = rig.add(kSecond);
  rig.serve(kFirst, {kSecond}, Epoch(1));
  Position position = rig.create_shop();
  ASSERT_TRUE(eventually([&] { return mirror->applied() == position; }));
  ReadNeed need;
  need.primary_only = true;
  for (int i = 0; i < 3; ++i) {
    auto lease = rig.cluster.begin_read(need, soon());
    ASSERT_TRUE(lease);
    EXPECT_EQ((*lease)->member().id(), kFirst);
  }
}

// A lease of a follower may outlive that: what it then reads may not be acknowledged, and says so.
TEST(Cluster, ALeaseOfAFollowerThatIsPromotedTellsWhatItSees) {
  Rig rig;
  auto old = rig.add(kFirst);
  auto mirror = rig.add(kSecond);
  rig.serve(kFirst, {kSecond}, Epoch(1));
  Position position = rig.create_shop();
  ASSERT_TRUE(eventually([&] { return mirror->applied() == position; }));
  std::unique_ptr<ReadLease> lease;
  while (!lease || lease->member().id() != kSecond) {
    auto given = rig.cluster.begin_read({}, soon());
    ASSERT_TRUE(given);
    lease = std::move(*given);
  }
  Error error;
  error.message = "destroyed";
  old->fail(error);
  rig.serve(kSecond, {kThird}, Epoch(2));  // whose mirror is away
  Position doubtful = rig.add_account(2);
  EXPECT_EQ(Rig::accounts(lease->session()), 2u);
  EXPECT_EQ(lease->session().seen(), doubtful);
  EXPECT_FALSE(rig.cluster.pipeline().settled(lease->session().seen()));
}

TEST(Cluster, AFailoverKeepsWhatTheMirrorHeldAndResolvesTheRest) {
  Rig rig;
  auto old = rig.add(kFirst);
  rig.add(kSecond);
  rig.serve(kFirst, {kSecond}, Epoch(1));
  ASSERT_EQ(rig.settled(rig.create_shop()), Outcome::committed);
  rig.disk.fail_under(Rig::directory(kSecond) + "/log", test::Fault::hang, test::Calls::writes);
  Position doubtful = rig.add_account(2);
  rig.disk.wait_until_hanging(1);
  Error error;
  error.message = "destroyed";
  old->fail(error);
  rig.cluster.fence(kFirst);
  rig.disk.heal();  // the mirror gets it after all
  rig.serve(kSecond, {}, Epoch(2));
  EXPECT_EQ(rig.settled(doubtful), Outcome::committed);
  EXPECT_EQ(rig.settled(rig.add_account(3)), Outcome::committed);
  auto lease = rig.cluster.begin_read({}, soon());
  ASSERT_TRUE(lease);
  EXPECT_EQ((*lease)->member().id(), kSecond);
  EXPECT_EQ(Rig::accounts((*lease)->session()), 3u);
}

TEST(Cluster, NothingIsPublishedAfterTheFence) {
  Rig rig;
  rig.add(kFirst);
  rig.serve(kFirst, {}, Epoch(1));
  ASSERT_EQ(rig.settled(rig.create_shop()), Outcome::committed);
  auto lease = rig.write();
  Rig::insert(*lease, 2);
  rig.cluster.fence(kFirst);
  auto position = lease->commit(TransactionId(1), Timestamp(0));
  ASSERT_FALSE(position);
  EXPECT_EQ(position.error().code, Code::copy_lost);
  EXPECT_EQ(rig.cluster.pipeline().published().sequence, Sequence(1));
}

// A transaction that was open when its primary died is repeated on the very state it had seen.
TEST(Cluster, WhoHeldTheRightToWriteGoesFirstOnTheNextPrimary) {
  Rig rig;
  auto old = rig.add(kFirst);
  rig.add(kSecond);
  rig.serve(kFirst, {kSecond}, Epoch(1));
  ASSERT_EQ(rig.settled(rig.create_shop()), Outcome::committed);
  auto lease = rig.write(100);
  Error error;
  error.message = "destroyed";
  old->fail(error);
  rig.cluster.fence(kFirst);
  rig.serve(kSecond, {}, Epoch(2));
  auto stranger = std::async(std::launch::async, [&] { return rig.write(200); });
  auto again = rig.write(100);
  lease.reset();
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->member().id(), kSecond);
  EXPECT_EQ(stranger.wait_for(std::chrono::milliseconds(0)), std::future_status::timeout);
  again.reset();
  EXPECT_NE(stranger.get(), nullptr);
}

TEST(Cluster, DrainLetsTheWriterEndAndStopsTheNext) {
  Rig rig;
  rig.add(kFirst);
  auto mirror = rig.add(kSecond);
  rig.serve(kFirst, {kSecond}, Epoch(1));
  ASSERT_EQ(rig.settled(rig.create_shop()), Outcome::committed);
  auto lease = rig.write();
  Rig::insert(*lease, 2);
  rig.cluster.hold();
  auto drained = std::async(std::launch::async, [&] { return rig.cluster.drain(kSecond, soon()); });
  Position position = Rig::finish(*lease);
  auto end = drained.get();
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(*end, position);
  EXPECT_EQ(mirror->received(), position);
}

TEST(Cluster, DrainGivesUpOnACopyThatDoesNotReceive) {
  Rig rig;
  rig.add(kFirst);
  rig.add(kSecond);
  rig.serve(kFirst, {kSecond}, Epoch(1));
  ASSERT_EQ(rig.settled(rig.create_shop()), Outcome::committed);
  rig.disk.fail_under(Rig::directory(kSecond) + "/log", test::Fault::hang, test::Calls::writes);
  rig.add_account(2);
  rig.disk.wait_until_hanging(1);
  rig.cluster.hold();
  auto end = rig.cluster.drain(kSecond, std::chrono::steady_clock::now());
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Code::deadline);
  rig.disk.heal();
}

TEST(Cluster, AMemberTakenOutIsSweptOnceNobodyUsesIt) {
  Rig rig;
  rig.add(kFirst);
  rig.add(kSecond);
  rig.serve(kFirst, {}, Epoch(1));
  rig.cluster.remove(kSecond);
  EXPECT_EQ(rig.cluster.member(kSecond), nullptr);
  EXPECT_TRUE(eventually([&] { return rig.cluster.at_rest(kSecond); }));
  rig.cluster.sweep();
  auto again = rig.add(kSecond);
  ASSERT_EQ(rig.settled(rig.create_shop()), Outcome::committed);
  EXPECT_TRUE(eventually([&] { return again->applied().sequence == Sequence(1); }));
}

}  // namespace
}  // namespace spar::replicate
