// What the administrator may ask for, and when.
#include <gtest/gtest.h>

#include "tests/unit/control/rig.h"

namespace spar::control {
namespace {

Rig settled(int copies = 3) {
  Rig rig;
  rig.settle(record_of(copies), at(1, 10));
  return rig;
}

void refused(Rig& rig, Command command, const std::string& why) {
  rig.tell(OperatorAsked{9, std::move(command)});
  ASSERT_NE(rig.given<Answer>(), nullptr);
  EXPECT_EQ(rig.given<Answer>()->request, 9u);
  EXPECT_FALSE(rig.given<Answer>()->done);
  EXPECT_NE(rig.given<Answer>()->text.find(why), std::string::npos) << rig.given<Answer>()->text;
}

TEST(Switchover, DrainsThenTakesTheSameLine) {
  Rig rig = settled();
  rig.tell(OperatorAsked{1, Switchover{kB}});
  EXPECT_EQ(rig.count<Hold>(), 1u);
  EXPECT_EQ(rig.given<Drain>()->target, kB);
  EXPECT_EQ(rig.given<CasRecord>(), nullptr);
  rig.done<Drain>(at(1, 14));
  EXPECT_EQ(rig.given<Fence>()->copy, kA);
  EXPECT_EQ(rig.given<CasRecord>()->record.primary, kB);
  rig.done<Fence>();
  rig.stored();
  rig.done<Promote>(at(1, 14));
  EXPECT_EQ(rig.given<CasRecord>()->record.synchronous, CopySet{kA});  // never exposed
  rig.stored();
  EXPECT_EQ(rig.count<Follow>(), 2u);
  rig.done<ResolveInDoubt>();
  rig.done<Admit>();
  ASSERT_NE(rig.given<Answer>(), nullptr);
  EXPECT_TRUE(rig.given<Answer>()->done);
  EXPECT_FALSE(rig.state.exposed_since);
}

TEST(Switchover, MayGoToAReplicaThatIsDrainedTo) {
  Rig rig = settled();
  rig.tell(OperatorAsked{1, Switchover{kC}});
  rig.done<Drain>(at(1, 14));
  EXPECT_EQ(rig.given<CasRecord>()->record.primary, kC);
  EXPECT_EQ(rig.given<CasRecord>()->record.synchronous, (CopySet{kA, kB}));
}

TEST(Switchover, WithoutANameTakesAMirror) {
  Rig rig = settled();
  rig.tell(OperatorAsked{1, Switchover{}});
  EXPECT_EQ(rig.given<Drain>()->target, kB);
}

TEST(Switchover, ThatCannotDrainLeavesThePrimary) {
  Rig rig = settled();
  rig.tell(OperatorAsked{1, Switchover{kB}});
  rig.not_done<Drain>(ActionDone::Result::failed);
  EXPECT_FALSE(rig.given<Answer>()->done);
  EXPECT_EQ(rig.given<Admit>()->primary, kA);
  EXPECT_EQ(rig.state.record->epoch, Epoch{1});
}

TEST(Switchover, EndsWhenAMirrorFailsOrTimeRunsOut) {
  Rig rig = settled();
  rig.tell(OperatorAsked{1, Switchover{kC}});
  rig.fails(kB);
  EXPECT_FALSE(rig.given<Answer>()->done);
  EXPECT_EQ(rig.given<Admit>()->primary, kA);
  Rig slow = settled();
  slow.tell(OperatorAsked{1, Switchover{kB}});
  slow.tick(kDrainDeadline);
  EXPECT_FALSE(slow.given<Answer>()->done);
  EXPECT_EQ(slow.given<Admit>()->primary, kA);
}

TEST(Switchover, BecomesAFailoverWhenThePrimaryFails) {
  Rig rig = settled();
  rig.tell(OperatorAsked{1, Switchover{kC}});
  rig.fails(kA);
  EXPECT_FALSE(rig.given<Answer>()->done);
  EXPECT_EQ(rig.given<CasRecord>()->record.primary, kB);
}

TEST(Switchover, IsRefusedWhereItMakesNoSense) {
  Rig rig = settled();
  refused(rig, Switchover{kA}, "a is the primary already");
  refused(rig, Switchover{CopyId{9}}, "no such copy");
  rig.seen(kC, Observed::Kind::lagging, at(1, 10));
  refused(rig, Switchover{kC}, "c is far behind");
  rig.fails(kC);
  refused(rig, Switchover{kC}, "c cannot be used");
}

TEST(FailoverCommand, ToAReplicaNeedsConsentAndSaysWhatIsLost) {
  Rig rig = settled();
  rig.seen(kB, Observed::Kind::progress, at(1, 15));
  refused(rig, Failover{kC, false}, "up to 5 transactions are lost");
  rig.tell(OperatorAsked{2, Failover{kC, true}});
  EXPECT_EQ(rig.count<Hold>(), 1u);
  EXPECT_EQ(rig.given<CasRecord>()->record.primary, kC);
  rig.done<Fence>();
  rig.stored();
  rig.done<Promote>(at(1, 10));
  EXPECT_EQ(rig.given<CasRecord>()->record.history.back(), (Fork{Epoch{2}, Sequence{10}}));
  EXPECT_EQ(rig.given<CasRecord>()->record.synchronous, CopySet{kA});  // b holds what is lost
}

TEST(FailoverCommand, WhileWaitingTakesTheBestThereIs) {
  Rig rig;
  rig.start(record_of(3), {unusable(), unusable(), whole(at(1, 7))});
  refused(rig, Failover{}, "no mirror can be primary");
  rig.tell(OperatorAsked{2, Failover{CopyId{}, true}});
  EXPECT_EQ(rig.given<CasRecord>()->record.primary, kC);
}

TEST(Commands, PauseAndResumeAreStored) {
  Rig rig = settled();
  rig.tell(OperatorAsked{1, Pause{}});
  EXPECT_TRUE(rig.given<CasRecord>()->record.paused);
  EXPECT_EQ(rig.given<Answer>(), nullptr);
  rig.stored();
  EXPECT_TRUE(rig.given<Answer>()->done);
  rig.tell(OperatorAsked{2, Pause{}});  // it is so already
  EXPECT_TRUE(rig.given<Answer>()->done);
  rig.tell(OperatorAsked{3, Resume{}});
  EXPECT_FALSE(rig.given<CasRecord>()->record.paused);
}

TEST(Commands, AnAddedCopyGetsANumberAndIsFilled) {
  Rig rig = settled();
  rig.tell(OperatorAsked{1, Add{{CopyId{}, "n", "sqlite", "new", true}}});
  rig.stored();
  EXPECT_TRUE(rig.given<Answer>()->done);
  ASSERT_NE(find_member(*rig.state.record, "n"), nullptr);
  EXPECT_EQ(find_member(*rig.state.record, "n")->id, kD);
  EXPECT_EQ(rig.given<Probe>()->copy, kD);
  rig.probed(kD, empty());
  EXPECT_EQ(rig.given<Rejoin>()->copy, kD);
  refused(rig, Add{{CopyId{}, "n", "sqlite", "new", true}}, "two copies are called n");
}

TEST(Commands, ARemovedMirrorLeavesTheSetAndItsNumberIsNotUsedAgain) {
  Rig rig = settled();
  rig.tell(OperatorAsked{1, Remove{kB}});
  EXPECT_TRUE(rig.given<CasRecord>()->record.synchronous.empty());
  rig.stored();
  EXPECT_EQ(rig.given<Forget>()->copy, kB);
  EXPECT_EQ(rig.given<SetSynchronous>()->synchronous, CopySet{kC});  // c takes its place
  EXPECT_EQ(find_copy(rig.state, kB), nullptr);
  EXPECT_EQ(rig.state.record->next_copy, kD);
  refused(rig, Remove{kB}, "no such copy");
  refused(rig, Remove{kA}, "a is the primary");
}

TEST(Commands, ARemovalIsLookedAtAgainWhenItsTurnComes) {
  Rig rig = settled();
  rig.seen(kC, Observed::Kind::lagging, at(1, 10));
  rig.fails(kC);
  rig.fails(kA);  // b is being elected
  rig.tell(OperatorAsked{1, Remove{kB}});
  EXPECT_FALSE(rig.given<Answer>()->done);  // it is the next primary
}

TEST(Commands, OneAtATime) {
  Rig rig = settled();
  rig.tell(OperatorAsked{1, Pause{}});
  refused(rig, Resume{}, "another command");
}

TEST(Commands, EndInTimeWhenTheStoreDoesNotAnswer) {
  Rig rig = settled();
  rig.tell(OperatorAsked{1, Pause{}});
  rig.tick(kDrainDeadline);
  EXPECT_FALSE(rig.given<Answer>()->done);
}

TEST(Commands, BeforeTheStartAreRefused) {
  Rig rig;
  refused(rig, Pause{}, "still starting");
}

TEST(Store, IsNotAskedInAHotLoopWhenItFails) {
  Rig rig = settled();
  rig.tell(OperatorAsked{1, Pause{}});
  int attempts = 0;
  for (; attempts < 20 && rig.count<CasRecord>() == 1; ++attempts) {
    rig.stored(Cas::unknown);
    if (rig.given<ReadRecord>() == nullptr) break;
    rig.read(record_of(3));
  }
  EXPECT_LE(attempts, static_cast<int>(kImmediateRetries));
  EXPECT_NE(rig.state.condition.find("cannot be stored"), std::string::npos);
  rig.tick(kRetryDelay);
  EXPECT_NE(rig.given<ReadRecord>(), nullptr);
}

TEST(Store, ARecordOfAnotherClusterIsNoAnswer) {
  Rig rig = settled();
  rig.fails(kA);
  rig.stored(Cas::lost);
  Record other = record_of(3);
  other.cluster_id.bytes[0] = 99;
  rig.read(other);
  EXPECT_EQ(rig.given<CasRecord>(), nullptr);
  EXPECT_NE(rig.given<ReadRecord>(), nullptr);
}

}  // namespace
}  // namespace spar::control
