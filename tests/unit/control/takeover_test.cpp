// From the loss of a primary to the first write of the next.
#include <gtest/gtest.h>

#include "tests/unit/control/rig.h"

namespace spar::control {
namespace {

std::size_t index_of(const std::vector<Action>& actions, auto matches) {
  return static_cast<std::size_t>(
      std::distance(actions.begin(), std::ranges::find_if(actions, matches)));
}

template <class A>
bool is(const Action& action) {
  return std::holds_alternative<A>(action.what);
}

TEST(Takeover, GoesThroughItsStagesInOrderWithoutATick) {
  Rig rig;
  rig.settle(record_of(3), at(1, 10));
  rig.seen(kB, Observed::Kind::progress, at(1, 12));
  rig.now += std::chrono::milliseconds(7);

  rig.fails(kA);
  EXPECT_LT(index_of(rig.actions, is<Hold>), index_of(rig.actions, is<Fence>));
  EXPECT_LT(index_of(rig.actions, is<Fence>), index_of(rig.actions, is<CasRecord>));
  EXPECT_EQ(rig.given<Fence>()->copy, kA);
  EXPECT_EQ(rig.given<CasRecord>()->record.epoch, Epoch{2});
  EXPECT_EQ(rig.given<CasRecord>()->record.primary, kB);
  EXPECT_EQ(rig.given<Promote>(), nullptr);

  rig.done<Fence>();
  EXPECT_EQ(rig.given<Promote>(), nullptr);  // the epoch is not stored yet
  rig.stored();
  ASSERT_NE(rig.given<Promote>(), nullptr);
  EXPECT_EQ(rig.given<Promote>()->copy, kB);

  rig.done<Promote>(at(1, 12), "xid 745");
  EXPECT_EQ(rig.given<ResolveInDoubt>(), nullptr);
  ASSERT_NE(rig.given<CasRecord>(), nullptr);
  EXPECT_EQ(rig.given<CasRecord>()->record.history.back(), (Fork{Epoch{2}, Sequence{12}}));
  EXPECT_EQ(rig.given<CasRecord>()->record.fork_notes.at(Epoch{2}), "xid 745");
  EXPECT_TRUE(rig.given<CasRecord>()->record.synchronous.empty());  // a is gone

  rig.stored();
  EXPECT_EQ(rig.given<Admit>(), nullptr);
  ASSERT_NE(rig.given<ResolveInDoubt>(), nullptr);
  EXPECT_EQ(rig.given<Follow>()->copy, kC);
  rig.done<ResolveInDoubt>();
  ASSERT_NE(rig.given<Admit>(), nullptr);
  rig.now += std::chrono::milliseconds(5);
  rig.done<Admit>();
  EXPECT_EQ(rig.state.stage, Stage::settled);
  EXPECT_EQ(active_primary(rig.state), kB);
  EXPECT_EQ(rig.given<Note>()->what, "b is primary and accepts writes");
  EXPECT_EQ(rig.given<Note>()->took, std::chrono::milliseconds(5));
  EXPECT_TRUE(rig.state.exposed_since);

  rig.follows(kC, at(2, 13));  // and the cluster protects itself again
  EXPECT_EQ(rig.given<SetSynchronous>()->synchronous, CopySet{kC});
}

TEST(Takeover, WaitsForTheFence) {
  Rig rig;
  rig.settle(record_of(3), at(1, 10));
  rig.fails(kA);
  rig.stored();
  EXPECT_EQ(rig.given<Promote>(), nullptr);
  rig.not_done<Fence>(ActionDone::Result::unknown);
  EXPECT_EQ(rig.given<Fence>()->copy, kA);  // at once again
  rig.done<Fence>();
  EXPECT_NE(rig.given<Promote>(), nullptr);
}

TEST(Takeover, ChoosesTheMirrorThatReceivedMost) {
  Rig rig;
  rig.settle(record_of(4, {kB, kC}, 2), at(1, 10));
  rig.seen(kB, Observed::Kind::progress, at(1, 11));
  rig.seen(kC, Observed::Kind::progress, at(1, 13));
  rig.seen(kD, Observed::Kind::progress, at(1, 99));  // a replica
  rig.fails(kA);
  EXPECT_EQ(rig.given<CasRecord>()->record.primary, kC);
  EXPECT_EQ(rig.given<CasRecord>()->record.synchronous, (CopySet{kA, kB}));
}

TEST(Takeover, AnUnknownStoreIsReadBeforeAnythingElse) {
  Rig rig;
  rig.settle(record_of(3), at(1, 10));
  rig.fails(kA);
  const Record wanted = rig.given<CasRecord>()->record;
  rig.done<Fence>();
  rig.stored(Cas::unknown);
  EXPECT_EQ(rig.given<Promote>(), nullptr);
  ASSERT_NE(rig.given<ReadRecord>(), nullptr);
  rig.read(wanted);  // it had been stored
  EXPECT_EQ(rig.given<Promote>()->copy, kB);
}

TEST(Takeover, AStoreThatDidNotHappenIsRepeated) {
  Rig rig;
  const Record before = record_of(3);
  rig.settle(before, at(1, 10));
  rig.fails(kA);
  rig.done<Fence>();
  rig.stored(Cas::unknown);
  rig.read(before);
  EXPECT_EQ(rig.given<Promote>(), nullptr);
  EXPECT_EQ(rig.given<CasRecord>()->expected_version, before.version);
}

TEST(Takeover, AfterALostStoreItDecidesOnTheNewRecord) {
  Rig rig;
  Record changed = record_of(3);
  rig.settle(changed, at(1, 10));
  rig.fails(kA);
  rig.done<Fence>();
  rig.stored(Cas::lost);
  changed.version = 5;
  changed.synchronous = {kC};
  rig.read(changed);
  EXPECT_EQ(rig.given<CasRecord>()->expected_version, 5u);
  EXPECT_EQ(rig.given<CasRecord>()->record.primary, kC);
}

TEST(Takeover, AFailedPromotionGoesToTheNextMirrorUnderANewEpoch) {
  Rig rig;
  rig.settle(record_of(4, {kB, kC}, 2), at(1, 10));
  rig.fails(kA);
  rig.done<Fence>();
  rig.stored();
  rig.not_done<Promote>(ActionDone::Result::failed);
  EXPECT_EQ(rig.given<Fence>()->copy, kB);
  EXPECT_EQ(rig.given<CasRecord>()->record.epoch, Epoch{3});
  EXPECT_EQ(rig.given<CasRecord>()->record.primary, kC);
}

TEST(Takeover, AnUnknownPromotionIsRepeatedForTheSameEpoch) {
  Rig rig;
  rig.settle(record_of(3), at(1, 10));
  rig.fails(kA);
  rig.done<Fence>();
  rig.stored();
  rig.not_done<Promote>(ActionDone::Result::unknown);
  ASSERT_NE(rig.given<Promote>(), nullptr);
  EXPECT_EQ(rig.given<Promote>()->copy, kB);
  rig.tick(kActionDeadline);  // no answer at all
  EXPECT_NE(rig.given<Promote>(), nullptr);
}

TEST(Takeover, APromotedCopyPastAForkIsNotAdmitted) {
  Rig rig;
  Record record = record_of(3);
  record.epoch = Epoch{5};
  add_fork(record, Sequence{8});
  rig.settle(record, at(5, 10));
  rig.fails(kA);
  rig.done<Fence>();
  rig.stored();
  rig.done<Promote>(at(1, 9));
  EXPECT_EQ(rig.state.stage, Stage::waiting);
  EXPECT_EQ(rig.given<CasRecord>(), nullptr);
}

TEST(Takeover, WithoutAMirrorItWaitsForThePrimaryAndTakesANewEpoch) {
  Rig rig;
  rig.settle(record_of(2, {}, 0), at(1, 10));
  rig.fails(kA);
  EXPECT_EQ(rig.state.stage, Stage::waiting);
  EXPECT_NE(rig.given<Alert>()->text.find("no primary"), std::string::npos);
  rig.tick(kProbeDelay);
  rig.probed(kA, whole(at(1, 10)));
  ASSERT_NE(rig.given<CasRecord>(), nullptr);
  EXPECT_EQ(rig.given<CasRecord>()->record.primary, kA);
  EXPECT_EQ(rig.given<CasRecord>()->record.epoch, Epoch{2});
}

TEST(Takeover, AReturnedPrimaryThatHoldsLessThanItDidIsNotElected) {
  Rig rig;
  rig.settle(record_of(2, {}, 0), at(1, 10));
  rig.fails(kA);
  rig.tick(kProbeDelay);
  rig.probed(kA, whole(at(1, 9)));
  EXPECT_EQ(rig.state.stage, Stage::waiting);
  rig.tick(kProbeDelay);
  rig.probed(kA, whole(at(1, 10)));  // the right one was put back
  EXPECT_EQ(rig.state.stage, Stage::storing);
}

TEST(Takeover, NeverPromotesAReplicaByItself) {
  Rig rig;
  rig.settle(record_of(3), at(1, 10));
  rig.fails(kB);
  rig.stored();  // the set is c by now, or nothing
  rig.fails(kC);
  rig.fails(kA);
  EXPECT_EQ(rig.given<Promote>(), nullptr);
  Rig async;
  Record record = record_of(3, {}, 1);
  record.durability = Durability::async;
  async.settle(record, at(1, 10));
  async.fails(kA);
  EXPECT_EQ(async.state.stage, Stage::waiting);
}

TEST(Takeover, DoesNothingByItselfWhilePaused) {
  Rig rig;
  Record record = record_of(3);
  record.paused = true;
  rig.settle(record, at(1, 10));
  rig.fails(kA);
  EXPECT_EQ(rig.state.stage, Stage::waiting);
  EXPECT_NE(rig.given<Alert>()->text.find("paused"), std::string::npos);
  rig.tell(OperatorAsked{1, Failover{}});
  EXPECT_EQ(rig.given<CasRecord>()->record.primary, kB);
}

// A server's log goes on past its own fork before that is stored; told by the history of before, it
// would look as if the history did not have it, and the primary could never be elected again.
TEST(Takeover, WhatANewPrimaryHoldsPastItsForkIsOfItsEpoch) {
  Rig rig;
  rig.settle(record_of(3), at(1, 10));
  rig.fails(kA);
  rig.done<Fence>();
  rig.stored();
  rig.done<Promote>(at(1, 12));
  auto outdated = [&](Observed::Kind kind) {
    rig.tell(Observed{kB, kind, "look", "", at(1, 15), {}, Epoch{1}});
  };
  outdated(Observed::Kind::progress);  // while the fork is being stored
  EXPECT_EQ(find_copy(rig.state, kB)->received, at(1, 12));
  rig.stored();
  outdated(Observed::Kind::progress);  // on its way when it was
  EXPECT_EQ(find_copy(rig.state, kB)->received, at(1, 12));
  outdated(Observed::Kind::failed);
  EXPECT_FALSE(diverged(*rig.state.record, find_copy(rig.state, kB)->received));
  rig.tick(kProbeDelay);
  rig.probed(kB, whole(at(2, 16)));
  EXPECT_FALSE(find_copy(rig.state, kB)->lost_data);
}

TEST(Takeover, TheOldPrimaryIsStillElectableUntilTheForkIsRecorded) {
  Rig rig;
  rig.settle(record_of(2), at(1, 10));
  rig.fails(kA);
  rig.done<Fence>();
  rig.stored();
  rig.fails(kB);
  EXPECT_EQ(rig.state.stage, Stage::waiting);
  rig.tick(kProbeDelay);
  rig.probed(kA, whole(at(1, 11)));
  ASSERT_NE(rig.given<CasRecord>(), nullptr);
  EXPECT_EQ(rig.given<CasRecord>()->record.primary, kA);
  EXPECT_EQ(rig.given<CasRecord>()->record.epoch, Epoch{3});
}

TEST(Restart, GoesOnInTheSameEpochWhenNobodyCanHoldMore) {
  Rig rig;
  rig.start(record_of(3), {whole(at(1, 10)), whole(at(1, 9)), whole(at(1, 10))});
  EXPECT_EQ(rig.given<CasRecord>(), nullptr);
  EXPECT_EQ(rig.given<Promote>()->copy, kA);
  rig.done<Promote>(at(1, 10));
  EXPECT_NE(rig.given<ResolveInDoubt>(), nullptr);
}

TEST(Restart, TakesANewEpochWhenACopyIsMissingThatMayHoldMore) {
  Rig rig;
  rig.start(record_of(3), {whole(at(1, 10)), whole(at(1, 10)), unusable()});
  EXPECT_EQ(rig.given<CasRecord>()->record.epoch, Epoch{2});
  EXPECT_EQ(rig.given<CasRecord>()->record.primary, kA);
}

TEST(Restart, PromotesAMirrorThatIsAhead) {
  Rig rig;
  rig.start(record_of(3), {whole(at(1, 10)), whole(at(1, 11)), whole(at(1, 12))});
  EXPECT_EQ(rig.given<CasRecord>()->record.primary, kB);
  EXPECT_EQ(rig.given<CasRecord>()->record.epoch, Epoch{2});
}

TEST(Restart, InTheMiddleOfATakeoverPromotesAgain) {
  Rig rig;
  Record record = record_of(3, {kA});
  record.primary = kB;
  record.epoch = Epoch{2};  // stored, fork not recorded
  rig.start(record, {unusable(), whole(at(1, 10)), whole(at(1, 10))});
  EXPECT_EQ(rig.given<CasRecord>(), nullptr);
  EXPECT_EQ(rig.given<Promote>()->copy, kB);
  rig.done<Promote>(at(1, 10));
  EXPECT_EQ(rig.given<CasRecord>()->record.history.back(), (Fork{Epoch{2}, Sequence{10}}));
}

TEST(Restart, WaitsWhenOnlyReplicasAreThere) {
  Rig rig;
  rig.start(record_of(3), {unusable(), unusable(), whole(at(1, 10))});
  EXPECT_EQ(rig.state.stage, Stage::waiting);
  EXPECT_NE(rig.given<Alert>()->text.find("c only by failover"), std::string::npos);
}

TEST(Restart, RefusesARecordOlderThanItsCopies) {
  Rig rig;
  Report newer = whole(at(1, 10));
  newer.epoch = Epoch{4};
  rig.start(record_of(3), {whole(at(1, 10)), whole(at(1, 10)), newer});
  EXPECT_EQ(rig.state.stage, Stage::waiting);
  EXPECT_NE(rig.given<Alert>()->text.find("older than its copies"), std::string::npos);
  rig.tick(kProbeDelay);
  rig.probed(kC, empty());  // the evidence is not forgotten
  EXPECT_EQ(rig.state.stage, Stage::waiting);
  rig.tell(OperatorAsked{1, Pause{}});
  EXPECT_FALSE(rig.given<Answer>()->done);
}

TEST(Restart, NeverElectsAForeignCopy) {
  Rig rig;
  Report foreign = whole(at(1, 10));
  foreign.cluster_id.bytes[3] = 1;
  rig.start(record_of(2), {unusable(), foreign});
  EXPECT_EQ(rig.state.stage, Stage::waiting);
  Report restored = whole(at(1, 10));
  restored.incarnation = Incarnation{2};
  rig.start(record_of(2), {unusable(), restored});
  EXPECT_EQ(rig.state.stage, Stage::waiting);
}

TEST(Restart, WithoutARecordSaysSo) {
  Rig rig;
  rig.tell(Started{});
  EXPECT_EQ(rig.state.stage, Stage::starting);
  EXPECT_EQ(rig.given<Alert>()->text, "there is no cluster record");
}

}  // namespace
}  // namespace spar::control
