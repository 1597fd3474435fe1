// Copies that fail, and how they come back.
#include <gtest/gtest.h>

#include "tests/unit/control/rig.h"

namespace spar::control {
namespace {

// a primary, b mirror, c replica that has just failed.
Rig with_failed_replica() {
  Rig rig;
  rig.settle(record_of(3), at(1, 10));
  rig.fails(kC);
  return rig;
}

const CopyView& view(const Rig& rig, CopyId copy) {
  return *find_copy(rig.state, copy);
}

TEST(Copies, AReturnedReplicaRejoins) {
  Rig rig = with_failed_replica();
  EXPECT_EQ(rig.given<Probe>(), nullptr);
  rig.tick(kRejoinDelayFirst);
  EXPECT_EQ(rig.given<Probe>()->copy, kC);
  rig.probed(kC, whole(at(1, 10)));
  EXPECT_EQ(rig.given<Rejoin>()->copy, kC);
  EXPECT_EQ(rig.given<Rejoin>()->primary, kA);
  rig.done<Rejoin>(at(1, 11));
  EXPECT_EQ(view(rig, kC).health, Health::serving);
  EXPECT_FALSE(view(rig, kC).caught_up);
}

TEST(Copies, AnEmptyDirectoryIsFilled) {
  Rig rig = with_failed_replica();
  rig.tick(kRejoinDelayFirst);
  rig.probed(kC, empty());
  EXPECT_EQ(rig.given<Rejoin>()->copy, kC);
}

TEST(Copies, IsProbedUntilItIsThere) {
  Rig rig = with_failed_replica();
  rig.tick(kRejoinDelayFirst);
  rig.probed(kC, unusable());
  EXPECT_EQ(rig.given<Probe>(), nullptr);
  rig.tick(kProbeDelay);
  EXPECT_EQ(rig.given<Probe>()->copy, kC);
  EXPECT_EQ(view(rig, kC).failures, 1u);  // still away is no new failure
}

TEST(Copies, WaitLongerEveryTimeTheyFail) {
  Rig rig = with_failed_replica();
  auto wait = kRejoinDelayFirst;
  for (int i = 0; i < 10; ++i) {
    rig.tick(wait - std::chrono::milliseconds(1));
    EXPECT_EQ(rig.given<Probe>(), nullptr) << i;
    rig.tick(std::chrono::milliseconds(1));
    ASSERT_EQ(rig.count<Probe>(), 1u) << i;
    rig.probed(kC, whole(at(1, 10)));
    rig.not_done<Rejoin>(ActionDone::Result::failed);
    wait = std::min(wait * 2, kRejoinDelayMax);
  }
  EXPECT_EQ(wait, kRejoinDelayMax);
}

TEST(Copies, AreForgivenWhenTheyServedWell) {
  Rig rig = with_failed_replica();
  rig.tick(kRejoinDelayFirst);
  rig.probed(kC, whole(at(1, 10)));
  rig.follows(kC, at(1, 10));
  EXPECT_EQ(view(rig, kC).failures, 1u);
  rig.tick(kForgiveAfter);
  EXPECT_EQ(view(rig, kC).failures, 0u);
}

TEST(Copies, SeenAgainAreJudgedAtOnceWhenTheWaitIsOver) {
  Rig rig = with_failed_replica();
  Observed back{kC, Observed::Kind::reachable, "watch", "", {}, whole(at(1, 10))};
  rig.tell(back);
  EXPECT_EQ(rig.given<Rejoin>(), nullptr);  // too early
  rig.now += kRejoinDelayFirst;
  rig.tell(back);
  EXPECT_EQ(rig.given<Rejoin>()->copy, kC);
}

TEST(Copies, OfAnotherClusterAreRefusedAndLeftAlone) {
  Rig rig = with_failed_replica();
  rig.tick(kRejoinDelayFirst);
  Report foreign = whole(at(1, 10));
  foreign.cluster_id.bytes[0] = 1;
  rig.probed(kC, foreign);
  EXPECT_EQ(view(rig, kC).health, Health::refused);
  EXPECT_EQ(rig.count<Rejoin>() + rig.count<Quarantine>() + rig.count<Follow>(), 0u);
  EXPECT_NE(rig.given<Alert>()->text.find("c is refused"), std::string::npos);
  rig.tick(kProbeDelay);
  rig.probed(kC, empty());  // the operator emptied it
  EXPECT_EQ(rig.given<Rejoin>()->copy, kC);
}

TEST(Copies, ThatDivergedAreSetAsideAndThenFilled) {
  Rig rig;
  Record record = record_of(3);
  record.epoch = Epoch{2};
  add_fork(record, Sequence{8});
  rig.settle(record, at(2, 10));
  rig.fails(kC);
  rig.tick(kRejoinDelayFirst);
  rig.probed(kC, whole(at(1, 9)));
  EXPECT_EQ(rig.given<Rejoin>(), nullptr);
  ASSERT_NE(rig.given<Quarantine>(), nullptr);
  EXPECT_EQ(rig.given<Quarantine>()->copy, kC);
  rig.done<Quarantine>();
  EXPECT_EQ(rig.given<Rejoin>()->copy, kC);
}

TEST(Copies, FoundToHaveDivergedWhileJoiningAreSetAside) {
  Rig rig = with_failed_replica();
  rig.tick(kRejoinDelayFirst);
  rig.probed(kC, whole(at(1, 10)));
  rig.not_done<Rejoin>(ActionDone::Result::failed, true);
  EXPECT_EQ(rig.given<Quarantine>()->copy, kC);
}

TEST(Copies, OfTheStoredSetAreNeverRebuilt) {
  Rig rig;
  rig.settle(record_of(3), at(1, 10));
  rig.fails(kB);
  rig.not_done<SetSynchronous>(ActionDone::Result::failed);
  rig.tick(kRejoinDelayFirst);
  rig.probed(kB, empty());
  EXPECT_EQ(rig.count<Rejoin>() + rig.count<Quarantine>(), 0u);
}

TEST(Copies, TheOldPrimaryIsBroughtBackBehindTheNewOne) {
  Rig rig;
  rig.settle(record_of(2), at(1, 10));
  rig.fails(kA);
  rig.done<Fence>();
  rig.stored();
  rig.done<Promote>(at(1, 10));
  rig.stored();
  rig.done<ResolveInDoubt>();
  rig.done<Admit>();
  rig.tick(kRejoinDelayFirst);
  rig.probed(kA, whole(at(1, 11)));  // one that nobody else had
  EXPECT_EQ(rig.given<Quarantine>()->copy, kA);
  rig.done<Quarantine>();
  EXPECT_EQ(rig.given<Rejoin>()->primary, kB);
  rig.follows(kA, at(2, 14));
  rig.done<SetSynchronous>();
  rig.stored();
  EXPECT_EQ(rig.state.record->synchronous, CopySet{kA});
  EXPECT_FALSE(rig.state.exposed_since);
}

// It may have followed before, and its Rejoin, which may rebuild it, has yet to begin. What is asked
// for later is done later.
TEST(Copies, ACopyThatHasCaughtUpCountsOnlyWhenItsRejoinCanDoNoMore) {
  Rig rig = with_failed_replica();
  rig.tick(kRejoinDelayFirst);
  rig.probed(kC, whole(at(1, 10)));
  const ActionId rejoin = rig.id<Rejoin>();
  rig.seen(kC, Observed::Kind::caught_up, at(1, 12));
  EXPECT_EQ(view(rig, kC).health, Health::joining);
  ASSERT_EQ(rig.given<Follow>()->copy, kC);
  EXPECT_GT(rig.id<Follow>(), rejoin);
  rig.done<Follow>(at(1, 12));
  EXPECT_EQ(view(rig, kC).health, Health::serving);
  rig.seen(kC, Observed::Kind::caught_up, at(1, 12));
  EXPECT_TRUE(view(rig, kC).caught_up);
}

TEST(Copies, AJoiningCopyIsLookedAtAgainWhenItsPrimaryIsLost) {
  Rig rig = with_failed_replica();
  rig.tick(kRejoinDelayFirst);
  rig.probed(kC, whole(at(1, 10)));
  rig.seen(kC, Observed::Kind::caught_up, at(1, 12));
  rig.fails(kA);
  EXPECT_EQ(view(rig, kC).health, Health::absent);
}

// Its servers' positions are told by the forks that are known.
TEST(Copies, AProbeOfBeforeAForkIsRepeated) {
  Rig rig = with_failed_replica();
  rig.tick(kRejoinDelayFirst);
  const ActionId before = rig.id<Probe>();
  rig.state.record->history.push_back({Epoch{2}, Sequence{9}});
  rig.probed(kC, whole(at(1, 10)));
  EXPECT_EQ(view(rig, kC).health, Health::absent);
  rig.tick(kProbeDelay);
  EXPECT_GT(rig.id<Probe>(), before);
}

TEST(Copies, ARejoinWithoutAnySignIsTriedAgain) {
  Rig rig = with_failed_replica();
  rig.tick(kRejoinDelayFirst);
  rig.probed(kC, whole(at(1, 10)));
  rig.tick(kRejoinDeadline - std::chrono::milliseconds(1));
  rig.seen(kC, Observed::Kind::progress, at(1, 11));
  rig.tick(std::chrono::milliseconds(1));
  EXPECT_EQ(view(rig, kC).health, Health::joining);
  rig.tick(kRejoinDeadline);
  EXPECT_EQ(view(rig, kC).health, Health::absent);
}

TEST(Copies, StrangersAreIgnored) {
  Rig rig;
  rig.settle(record_of(2), at(1, 10));
  rig.fails(CopyId{77});
  EXPECT_TRUE(rig.actions.empty());
  ActionDone nobodys;
  nobodys.id = ActionId{12345};
  rig.tell(nobodys);
  EXPECT_TRUE(rig.actions.empty());
}

}  // namespace
}  // namespace spar::control
