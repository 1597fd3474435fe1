#include "replicate/pipeline.h"

#include <gtest/gtest.h>

#include <future>

#include "replicate/limits.h"

namespace spar::replicate {
namespace {

constexpr CopyId kPrimary{1};
constexpr CopyId kMirror{2};
constexpr CopyId kOther{3};

changelog::SharedRecord make_record(Epoch epoch, Sequence sequence, std::size_t bytes = 10) {
  auto record = std::make_shared<changelog::Record>();
  record->position = {epoch, sequence};
  record->commit_time = Timestamp(static_cast<std::int64_t>(sequence.value) * 1'000'000);
  record->changes = Bytes(bytes, 'x');
  return record;
}

Monotonic soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}
Monotonic at_once() {
  return std::chrono::steady_clock::now();
}

class PipelineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    pipeline_.begin_epoch({{Epoch(1), Sequence(0)}}, Epoch(1), Sequence(0));
    pipeline_.set_acknowledgers({kPrimary, kMirror}, true);
  }

  Position publish(std::size_t bytes = 10) {
    Position next = pipeline_.next();
    EXPECT_TRUE(pipeline_.publish(make_record(next.epoch, next.sequence, bytes)));
    pipeline_.shown(next);
    return next;
  }
  void durable_on_both(std::uint64_t sequence) {
    pipeline_.durable(kPrimary, Sequence(sequence));
    pipeline_.durable(kMirror, Sequence(sequence));
  }
  std::uint64_t acknowledged() const { return pipeline_.acknowledged().sequence.value; }

  // A session that waits for `position`; it is in line once it has not returned at once.
  std::future<Outcome> waiting(Position position) {
    return std::async(std::launch::async,
                      [this, position] { return pipeline_.wait(position, soon()); });
  }

  Pipeline pipeline_;
};

TEST_F(PipelineTest, NumbersWithoutGaps) {
  EXPECT_EQ(publish(), (Position{Epoch(1), Sequence(1)}));
  EXPECT_EQ(publish(), (Position{Epoch(1), Sequence(2)}));
  EXPECT_EQ(pipeline_.published().sequence, Sequence(2));
  EXPECT_EQ(acknowledged(), 0u);
}

// Mutant acknowledge_early.
TEST_F(PipelineTest, AcknowledgesWhatEveryAcknowledgerHolds) {
  Position first = publish();
  Position second = publish();
  EXPECT_EQ(acknowledged(), 0u);
  pipeline_.durable(kPrimary, Sequence(2));
  EXPECT_EQ(acknowledged(), 0u) << "the mirror has nothing yet";
  EXPECT_EQ(pipeline_.wait(first, at_once()), Outcome::deadline);
  pipeline_.durable(kMirror, Sequence(1));
  EXPECT_EQ(acknowledged(), 1u);
  EXPECT_TRUE(pipeline_.settled(first));
  EXPECT_FALSE(pipeline_.settled(second));
  pipeline_.durable(kMirror, Sequence(2));
  EXPECT_EQ(pipeline_.wait(second, at_once()), Outcome::committed);
}

// P5: the logs may be faster than the primary's own commit.
TEST_F(PipelineTest, AcknowledgesNothingThatThePrimaryDoesNotShowYet) {
  Position next = pipeline_.next();
  ASSERT_TRUE(pipeline_.publish(make_record(next.epoch, next.sequence)));
  durable_on_both(1);
  EXPECT_EQ(acknowledged(), 0u);
  auto session = waiting(next);
  pipeline_.shown(next);
  EXPECT_EQ(acknowledged(), 1u);
  EXPECT_EQ(session.get(), Outcome::committed);
}

TEST_F(PipelineTest, ANewPrimaryShowsItsWholeHistory) {
  Position next = pipeline_.next();
  ASSERT_TRUE(pipeline_.publish(make_record(next.epoch, next.sequence)));
  durable_on_both(1);  // and then the primary dies in its commit
  pipeline_.begin_epoch({{Epoch(1), Sequence(0)}, {Epoch(2), Sequence(1)}}, Epoch(2), Sequence(1));
  EXPECT_EQ(acknowledged(), 1u);
  pipeline_.shown(next);  // too late to mean anything
  EXPECT_EQ(pipeline_.wait(next, at_once()), Outcome::committed);
}

TEST_F(PipelineTest, AMirrorThatHasNotReportedHoldsNothing) {
  pipeline_.set_acknowledgers({kPrimary, kMirror, kOther}, true);
  publish();
  durable_on_both(1);
  EXPECT_EQ(acknowledged(), 0u);
}

TEST_F(PipelineTest, ASmallerSetAcknowledgesWhatTheRestHolds) {
  Position position = publish();
  pipeline_.durable(kPrimary, Sequence(1));
  auto session = waiting(position);
  pipeline_.set_acknowledgers({kPrimary}, true);
  EXPECT_EQ(session.get(), Outcome::committed);
}

TEST_F(PipelineTest, ALargerSetTakesNothingBack) {
  publish();
  durable_on_both(1);
  pipeline_.set_acknowledgers({kPrimary, kMirror, kOther}, true);
  EXPECT_EQ(acknowledged(), 1u);
  publish();
  durable_on_both(2);
  EXPECT_EQ(acknowledged(), 1u);
  pipeline_.durable(kOther, Sequence(2));
  EXPECT_EQ(acknowledged(), 2u);
}

TEST_F(PipelineTest, HoldsAcknowledgementsUntilToldOtherwise) {
  pipeline_.hold_acknowledgements();
  publish();
  durable_on_both(1);
  EXPECT_EQ(acknowledged(), 0u);
  pipeline_.set_acknowledgers({kPrimary, kMirror}, false);
  EXPECT_EQ(acknowledged(), 0u) << "the set is too small";
  pipeline_.set_acknowledgers({kPrimary, kMirror}, true);
  EXPECT_EQ(acknowledged(), 1u);
}

TEST_F(PipelineTest, WakesEveryoneWhoseCommitIsDurable) {
  std::vector<std::future<Outcome>> sessions;
  for (int i = 0; i < 8; ++i) sessions.push_back(waiting(publish()));
  Position last = publish();
  durable_on_both(8);
  for (auto& session : sessions) EXPECT_EQ(session.get(), Outcome::committed);
  EXPECT_EQ(pipeline_.wait(last, at_once()), Outcome::deadline);
}

TEST_F(PipelineTest, ASealedEpochTakesNothing) {
  pipeline_.seal();
  Position next = pipeline_.next();
  EXPECT_FALSE(pipeline_.publish(make_record(next.epoch, next.sequence)));
  EXPECT_EQ(pipeline_.published().sequence, Sequence(0));
  pipeline_.reopen(Epoch(2));
  EXPECT_FALSE(pipeline_.publish(make_record(next.epoch, next.sequence))) << "another epoch";
  pipeline_.reopen(Epoch(1));
  EXPECT_TRUE(pipeline_.publish(make_record(next.epoch, next.sequence)));
}

TEST_F(PipelineTest, ARecordOfAnOldEpochGoesNowhere) {
  auto late = make_record(Epoch(1), Sequence(1));
  pipeline_.begin_epoch({{Epoch(1), {}}, {Epoch(2), Sequence(0)}}, Epoch(2), Sequence(0));
  EXPECT_FALSE(pipeline_.publish(late));
}

TEST_F(PipelineTest, AForkResolvesWhatWasInDoubt) {
  Position kept = publish();
  Position lost = publish();
  auto first = waiting(kept);
  auto second = waiting(lost);
  pipeline_.durable(kPrimary, Sequence(2));  // it dies with both, the mirror has one
  pipeline_.durable(kMirror, Sequence(1));
  pipeline_.seal();
  pipeline_.set_acknowledgers({kMirror}, true);
  pipeline_.begin_epoch({{Epoch(1), {}}, {Epoch(2), Sequence(1)}}, Epoch(2), Sequence(1));
  EXPECT_EQ(first.get(), Outcome::committed);
  EXPECT_EQ(second.get(), Outcome::not_committed);
  EXPECT_EQ(pipeline_.wait(lost, soon()), Outcome::not_committed) << "asked later";
  Position other = publish();
  EXPECT_EQ(other, (Position{Epoch(2), Sequence(2)}));
  pipeline_.durable(kMirror, Sequence(2));
  EXPECT_EQ(pipeline_.wait(other, soon()), Outcome::committed);
  EXPECT_EQ(pipeline_.wait(lost, soon()), Outcome::not_committed) << "its number is another's";
}

TEST_F(PipelineTest, WhatADeadPrimaryReportedDoesNotCountInTheNextEpoch) {
  publish();
  publish();
  pipeline_.durable(kPrimary, Sequence(2));
  pipeline_.begin_epoch({{Epoch(1), {}}, {Epoch(2), Sequence(0)}}, Epoch(2), Sequence(0));
  publish();
  pipeline_.durable(kMirror, Sequence(1));
  EXPECT_EQ(acknowledged(), 0u) << "its sequence 1 was another transaction";
}

TEST_F(PipelineTest, FollowersGetRecordsWithinTheirBudget) {
  for (int i = 0; i < 5; ++i) publish(1000);
  Feed feed = pipeline_.try_fetch({Sequence(0), false, 1500});
  EXPECT_EQ(feed.records.size(), 1u) << "one at least";
  feed = pipeline_.try_fetch({Sequence(1), false, 1u << 20});
  ASSERT_EQ(feed.records.size(), 4u);
  EXPECT_EQ(feed.records[0]->position.sequence, Sequence(2));
  feed = pipeline_.try_fetch({Sequence(0), false, 1u << 20, 3});
  EXPECT_EQ(feed.records.size(), 3u);
  EXPECT_TRUE(pipeline_.try_fetch({Sequence(5), false, 1u << 20}).records.empty());
}

TEST_F(PipelineTest, AReplicaGetsOnlyWhatIsAcknowledged) {
  for (int i = 0; i < 3; ++i) publish();
  durable_on_both(2);
  Feed feed = pipeline_.try_fetch({Sequence(0), true, 1u << 20});
  EXPECT_EQ(feed.records.size(), 2u);
  EXPECT_EQ(feed.limit, Sequence(2));
}

TEST_F(PipelineTest, ForgetsOnlyWhatIsAcknowledged) {
  const std::size_t big = kWindowBytesMax / 2;
  for (int i = 0; i < 4; ++i) publish(big);
  EXPECT_FALSE(pipeline_.try_fetch({Sequence(0), false, 1}).behind_window);
  durable_on_both(4);
  Feed feed = pipeline_.try_fetch({Sequence(0), false, 1});
  EXPECT_TRUE(feed.behind_window);
  EXPECT_TRUE(feed.records.empty());
  EXPECT_EQ(feed.limit, Sequence(4));
  EXPECT_EQ(pipeline_.try_fetch({Sequence(3), false, 1}).records.size(), 1u);
}

TEST_F(PipelineTest, AWakeBeforeTheFetchIsNotLost) {
  std::uint64_t seen = pipeline_.wakes();
  pipeline_.wake();
  Feed feed;
  pipeline_.fetch({Sequence(0), false, 1u << 20, 0, seen}, feed);
  EXPECT_TRUE(feed.records.empty());
}

TEST_F(PipelineTest, FetchWaitsForARecord) {
  auto fetched = std::async(std::launch::async, [this] {
    Feed feed;
    pipeline_.fetch({Sequence(0), false, 1u << 20}, feed);
    return feed.records.size();
  });
  publish();
  EXPECT_EQ(fetched.get(), 1u);
}

TEST_F(PipelineTest, LagIsTheAgeOfTheFirstRecordNotApplied) {
  const Monotonic before = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) publish();
  const Monotonic after = std::chrono::steady_clock::now();
  durable_on_both(3);
  const std::chrono::seconds wait(7);
  EXPECT_EQ(pipeline_.lag(Sequence(3), after + wait), std::chrono::milliseconds(0));
  EXPECT_GE(pipeline_.lag(Sequence(1), after + wait), wait);
  EXPECT_LE(pipeline_.lag(Sequence(1), after + wait), after - before + wait);
}

}  // namespace
}  // namespace spar::replicate
