// Which copies an acknowledgement waits for.
#include <gtest/gtest.h>

#include "tests/unit/control/rig.h"

namespace spar::control {
namespace {

TEST(Synchronous, ACopyJoinsTheDataPathBeforeTheRecord) {
  Rig rig;
  rig.settle(record_of(2, {}, 0), at(1, 10));
  rig.tell(OperatorAsked{1, Configure{1, Durability::mirrored}});
  rig.stored();
  ASSERT_NE(rig.given<SetSynchronous>(), nullptr);
  EXPECT_EQ(rig.given<SetSynchronous>()->synchronous, CopySet{kB});
  EXPECT_EQ(rig.given<SetSynchronous>()->joining, CopySet{kB});
  EXPECT_EQ(rig.given<CasRecord>(), nullptr);
  EXPECT_TRUE(rig.state.exposed_since);

  rig.done<SetSynchronous>();
  ASSERT_NE(rig.given<CasRecord>(), nullptr);
  EXPECT_EQ(rig.given<CasRecord>()->record.synchronous, CopySet{kB});
  rig.stored();
  EXPECT_FALSE(rig.state.exposed_since);
  EXPECT_EQ(rig.given<SetSynchronous>(), nullptr);  // the data path waits for it already
}

TEST(Synchronous, ALostMirrorLeavesTheRecordBeforeTheDataPath) {
  Rig rig;
  rig.settle(record_of(2), at(1, 10));
  rig.now += std::chrono::seconds(3);
  rig.fails(kB);
  EXPECT_EQ(rig.given<SetSynchronous>(), nullptr);
  ASSERT_NE(rig.given<CasRecord>(), nullptr);
  EXPECT_TRUE(rig.given<CasRecord>()->record.synchronous.empty());
  EXPECT_EQ(rig.state.exposed_since, rig.now);

  rig.stored(Cas::unknown);
  EXPECT_EQ(rig.given<SetSynchronous>(), nullptr);
  rig.read(record_of(2));  // was not stored
  EXPECT_EQ(rig.given<SetSynchronous>(), nullptr);
  rig.stored();
  ASSERT_NE(rig.given<SetSynchronous>(), nullptr);
  EXPECT_TRUE(rig.given<SetSynchronous>()->synchronous.empty());
}

TEST(Synchronous, ACaughtUpReplicaTakesTheLostMirrorsPlace) {
  Rig rig;
  rig.settle(record_of(3), at(1, 10));
  rig.fails(kB);
  EXPECT_EQ(rig.given<SetSynchronous>()->synchronous, (CopySet{kB, kC}));
  EXPECT_EQ(rig.given<SetSynchronous>()->joining, CopySet{kC});
  EXPECT_EQ(rig.given<CasRecord>(), nullptr);
  rig.done<SetSynchronous>();
  EXPECT_EQ(rig.given<CasRecord>()->record.synchronous, CopySet{kC});
  rig.stored();
  EXPECT_EQ(rig.given<SetSynchronous>()->synchronous, CopySet{kC});
  EXPECT_FALSE(rig.state.exposed_since);
}

TEST(Synchronous, AJoiningCopyThatFailsIsGivenUp) {
  Rig rig;
  rig.settle(record_of(3), at(1, 10));
  rig.fails(kB);
  const ActionId joining = rig.id<SetSynchronous>();
  rig.fails(kC);
  ASSERT_NE(rig.given<CasRecord>(), nullptr);
  EXPECT_TRUE(rig.given<CasRecord>()->record.synchronous.empty());
  ActionDone late;
  late.id = joining;
  rig.tell(late);
  rig.stored();
  EXPECT_TRUE(rig.given<SetSynchronous>()->synchronous.empty());
}

TEST(Synchronous, AJoinThatIsNotConfirmedIsNeverStored) {
  Rig rig;
  rig.settle(record_of(3), at(1, 10));
  rig.fails(kB);
  for (int i = 0; i < 5; ++i) {
    rig.not_done<SetSynchronous>(ActionDone::Result::failed);
    EXPECT_EQ(rig.given<CasRecord>(), nullptr);
    rig.tick(kRetryDelay);
  }
  rig.tick(kActionDeadline);
  EXPECT_EQ(rig.given<CasRecord>(), nullptr);
}

TEST(Synchronous, OnlyAsManyAsAskedForAndOnlyWhoMay) {
  Rig rig;
  Record record = record_of(4, {});
  record.members[1].may_be_primary = false;
  rig.start(record, std::vector<Report>(4, whole(at(1, 10))));
  rig.done<Promote>(at(1, 10));
  rig.done<ResolveInDoubt>();
  rig.done<Admit>();
  rig.follows(kB, at(1, 10));
  EXPECT_EQ(rig.given<SetSynchronous>(), nullptr);
  rig.follows(kC, at(1, 10));
  EXPECT_EQ(rig.given<SetSynchronous>()->synchronous, CopySet{kC});
  rig.done<SetSynchronous>();
  rig.stored();
  rig.follows(kD, at(1, 10));
  EXPECT_EQ(rig.given<SetSynchronous>(), nullptr);
}

TEST(Synchronous, ALaggingReplicaIsNoCandidate) {
  Rig rig;
  rig.settle(record_of(3), at(1, 10));
  rig.seen(kC, Observed::Kind::lagging, at(1, 10));
  rig.fails(kB);
  EXPECT_EQ(rig.given<SetSynchronous>(), nullptr);
  EXPECT_TRUE(rig.given<CasRecord>()->record.synchronous.empty());
}

TEST(Synchronous, StrictKeepsALostMirrorUntilThereIsAnother) {
  Rig rig;
  Record record = record_of(3);
  record.durability = Durability::mirrored_strict;
  rig.settle(record, at(1, 10));
  rig.seen(kC, Observed::Kind::lagging, at(1, 10));
  rig.fails(kB);
  EXPECT_EQ(rig.given<CasRecord>(), nullptr);
  EXPECT_EQ(rig.given<SetSynchronous>(), nullptr);  // so that commits wait for b
  EXPECT_NE(rig.given<Alert>()->text.find("commits are held"), std::string::npos);
  rig.seen(kC, Observed::Kind::caught_up, at(1, 11));
  EXPECT_EQ(rig.given<SetSynchronous>()->synchronous, (CopySet{kB, kC}));
}

TEST(Synchronous, StrictTakesBackAMirrorThatReturnsAsItWas) {
  Rig rig;
  Record record = record_of(2);
  record.durability = Durability::mirrored_strict;
  rig.settle(record, at(1, 10));
  rig.fails(kB);
  rig.tick(kProbeDelay);
  rig.probed(kB, whole(at(1, 10)));
  EXPECT_EQ(rig.given<Rejoin>(), nullptr);  // that might rebuild it
  EXPECT_EQ(rig.given<Follow>()->copy, kB);
}

TEST(Synchronous, StrictLetsGoOfAMirrorThatLostItsData) {
  Rig rig;
  Record record = record_of(2);
  record.durability = Durability::mirrored_strict;
  rig.settle(record, at(1, 10));
  rig.fails(kB);
  rig.tick(kProbeDelay);
  rig.probed(kB, empty());
  EXPECT_TRUE(rig.given<CasRecord>()->record.synchronous.empty());
  EXPECT_EQ(rig.given<Rejoin>(), nullptr);  // not before the record lets it go
  rig.stored();
  EXPECT_TRUE(rig.given<SetSynchronous>()->hold_commits);
  ASSERT_NE(rig.given<Rejoin>(), nullptr);
  EXPECT_EQ(rig.given<Rejoin>()->copy, kB);
  rig.done<SetSynchronous>();
  rig.follows(kB, at(1, 10));
  rig.done<SetSynchronous>();
  rig.stored();
  EXPECT_FALSE(rig.given<SetSynchronous>()->hold_commits);
}

TEST(Synchronous, PausedLetsALostMirrorOutButNoneIn) {
  Rig rig;
  Record record = record_of(3);
  record.paused = true;
  rig.settle(record, at(1, 10));
  rig.fails(kB);
  EXPECT_EQ(rig.given<SetSynchronous>(), nullptr);
  EXPECT_TRUE(rig.given<CasRecord>()->record.synchronous.empty());
}

TEST(Synchronous, AsyncHasNoMirrors) {
  Rig rig;
  rig.settle(record_of(3), at(1, 10));
  rig.tell(OperatorAsked{1, Configure{1, Durability::async}});
  rig.stored();
  EXPECT_TRUE(rig.given<CasRecord>()->record.synchronous.empty());
  rig.stored();
  EXPECT_TRUE(rig.given<SetSynchronous>()->synchronous.empty());
  EXPECT_FALSE(rig.state.exposed_since);
}

}  // namespace
}  // namespace spar::control
