#include "engines/postgres/timeline.h"

#include <gtest/gtest.h>

namespace spar::engines::postgres {
namespace {

ServerFork fork(std::uint64_t epoch, std::uint64_t after, std::uint32_t timeline) {
  return {{Epoch(epoch), Sequence(after)}, TimelineId(timeline), Xid(0)};
}

// "1@100 2@300 3:350": left timeline 1 at 100 and 2 at 300, and is on 3 up to 350.
ServerLine line(std::vector<TimelineSwitch> switches, std::uint32_t timeline, std::uint64_t end) {
  return {std::move(switches), TimelineId(timeline), Lsn(end)};
}
TimelineSwitch left(std::uint32_t timeline, std::uint64_t at) {
  return {TimelineId(timeline), Lsn(at)};
}

// Epoch 3 was stored and its copy never promoted; epoch 5 began with the primary of epoch 4.
const ServerHistory kHistory = {fork(1, 0, 1), fork(2, 100, 2), fork(4, 300, 3), fork(5, 400, 3)};
const Position kNow{Epoch(5), Sequence(450)};

Order against_now(const ServerLine& server) {
  return compare(place(server, kHistory).position, kNow, forks_of(kHistory));
}

TEST(Timeline, AServerOnTheCurrentLineHasItsEpochAndLsn) {
  Placement now = place(line({left(1, 100), left(2, 300)}, 3, 450), kHistory);
  EXPECT_EQ(now.position, kNow);
  EXPECT_FALSE(now.unrecorded);
}

TEST(Timeline, AnEpochOfTheSamePrimaryBeginsInTheMiddleOfATimeline) {
  EXPECT_EQ(place(line({left(1, 100), left(2, 300)}, 3, 400), kHistory).position.epoch, Epoch(4));
  EXPECT_EQ(place(line({left(1, 100), left(2, 300)}, 3, 401), kHistory).position.epoch, Epoch(5));
}

TEST(Timeline, ALineThatEndsBeforeTheForkIsAPrefix) {
  EXPECT_EQ(place(line({}, 1, 90), kHistory).position, (Position{Epoch(1), Sequence(90)}));
  EXPECT_EQ(against_now(line({}, 1, 90)), Order::before);
  EXPECT_EQ(against_now(line({}, 1, 100)), Order::before);
  EXPECT_EQ(against_now(line({left(1, 100)}, 2, 300)), Order::before);
}

TEST(Timeline, AnOldTimelinePastItsForkHasDiverged) {
  EXPECT_EQ(against_now(line({}, 1, 101)), Order::diverged);
  EXPECT_EQ(against_now(line({left(1, 100)}, 2, 301)), Order::diverged);
  EXPECT_FALSE(place(line({}, 1, 101), kHistory).unrecorded);
}

TEST(Timeline, JustPromotedIsEqualToThePrefixItCameFrom) {
  ServerHistory two = {fork(1, 0, 1), fork(2, 100, 2)};
  EXPECT_EQ(compare(place(line({}, 1, 100), two).position,
                    place(line({left(1, 100)}, 2, 100), two).position, forks_of(two)),
            Order::equal);
}

TEST(Timeline, APromotionThatNobodyRecordedIsSeen) {
  // The record ends at epoch 5 on timeline 3; this server was promoted again.
  Placement next = place(line({left(1, 100), left(2, 300), left(3, 420)}, 4, 500), kHistory);
  EXPECT_EQ(next.position.epoch, Epoch(5));
  EXPECT_EQ(next.unrecorded, Lsn(420));
  // The same number of a timeline, but begun elsewhere.
  Placement stray = place(line({left(1, 100), left(2, 250)}, 3, 450), kHistory);
  EXPECT_EQ(stray.position.epoch, Epoch(2));
  EXPECT_EQ(stray.unrecorded, Lsn(250));
  // No later fork is taken for its own, whatever its timeline is called.
  Placement early = place(line({left(1, 50), left(2, 300)}, 3, 450), kHistory);
  EXPECT_EQ(early.position.epoch, Epoch(1));
  EXPECT_EQ(early.unrecorded, Lsn(50));
}

TEST(Timeline, OlderForksMayHaveBeenDropped) {
  ServerHistory rest(kHistory.begin() + 2, kHistory.end());
  EXPECT_EQ(place(line({left(1, 100), left(2, 300)}, 3, 450), rest).position, kNow);
  Placement old = place(line({left(1, 100)}, 2, 350), rest);
  EXPECT_EQ(old.position, (Position{Epoch(3), Sequence(350)}));
  EXPECT_EQ(compare(old.position, kNow, forks_of(rest)), Order::diverged);
}

TEST(Timeline, AServerThatWasPromotedBeforeItsClusterBegan) {
  ServerHistory begun = {fork(1, 1000, 7)};
  EXPECT_EQ(place(line({left(5, 200), left(6, 900)}, 7, 1500), begun).position,
            (Position{Epoch(1), Sequence(1500)}));
  EXPECT_EQ(place(line({left(5, 200)}, 6, 1500), begun).position.epoch, Epoch(0));
  EXPECT_EQ(place(line({}, 1, 5), {}).position, (Position{Epoch(0), Sequence(5)}));
}

TEST(Timeline, TwoPromotionsAtOneByteAreToldApart) {
  // Epoch 2 wrote nothing that anyone else received; epoch 3 began at the same byte.
  ServerHistory twice = {fork(1, 0, 1), fork(2, 100, 2), fork(3, 100, 3)};
  Placement lost = place(line({left(1, 100)}, 2, 130), twice);
  EXPECT_EQ(lost.position, (Position{Epoch(2), Sequence(130)}));
  EXPECT_EQ(compare(lost.position, {Epoch(3), Sequence(140)}, forks_of(twice)), Order::diverged);
  EXPECT_EQ(place(line({left(1, 100)}, 3, 140), twice).position.epoch, Epoch(3));
  EXPECT_EQ(place(line({left(1, 100), left(2, 100)}, 3, 140), twice).position.epoch, Epoch(3));
}

TEST(Timeline, APrimaryThatNobodyFollowedIsNotOnTheLine) {
  // Nor are those of its successors that went on with the same timeline.
  ServerHistory branch = {fork(1, 0, 1), fork(2, 100, 2), fork(3, 120, 2), fork(4, 90, 4)};
  EXPECT_EQ(place(line({left(1, 90)}, 4, 150), branch).position.epoch, Epoch(4));
  EXPECT_FALSE(place(line({left(1, 90)}, 4, 150), branch).unrecorded);
  EXPECT_EQ(place(line({left(1, 100)}, 2, 150), branch).position.epoch, Epoch(3));
  EXPECT_EQ(timeline_for(Epoch(4)), TimelineId(4));
  EXPECT_EQ(timeline_for(Epoch(4), 6), TimelineId(10));
}

TEST(Timeline, HistoryFilesAreRead) {
  auto read = parse_timeline_history(
      "1\t0/3000148\tno recovery target specified\n\n2\t1/0\tbefore 2000-01-01 00:00:00+00\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, (std::vector<TimelineSwitch>{left(1, 0x3000148), left(2, 0x100000000)}));
  EXPECT_TRUE(parse_timeline_history("")->empty());
  for (const char* bad :
       {"x\t0/1\ty\n", "1 0/1\n", "1\t0\n", "2\t0/5\t\n1\t0/6\t\n", "1\t0/5\t\n2\t0/4\t\n"}) {
    EXPECT_EQ(parse_timeline_history(bad).error().code, Code::corrupt) << bad;
  }
}

// The second one was lost before anybody followed it, and the first had not gone past its fork.
TEST(Timeline, AnOldPrimaryThatIsElectedAgainGoesOnWithItsTimeline) {
  const ServerHistory history = {fork(1, 0, 1), fork(2, 100, 2), fork(3, 100, 1), fork(4, 150, 4)};
  EXPECT_EQ(place(line({}, 1, 100), history).position, (Position{Epoch(1), Sequence(100)}));
  const Position again = place(line({}, 1, 120), history).position;
  EXPECT_EQ(again, (Position{Epoch(3), Sequence(120)}));
  const Position second = place(line({left(1, 100)}, 2, 130), history).position;
  EXPECT_EQ(compare(second, again, forks_of(history)), Order::diverged);
  EXPECT_EQ(place(line({left(1, 150)}, 4, 160), history).position,
            (Position{Epoch(4), Sequence(160)}));
}

TEST(Outcome, NumbersThatAreGivenAgainSayNothing) {
  EXPECT_EQ(outcome_of(Xid(9), Xid(10), XactStatus::committed), Outcome::committed);
  EXPECT_EQ(outcome_of(Xid(10), Xid(10), XactStatus::committed), Outcome::not_committed);
  EXPECT_EQ(outcome_of(Xid(9), Xid(10), XactStatus::aborted), Outcome::not_committed);
  EXPECT_EQ(outcome_of(Xid(9), Xid(10), XactStatus::in_progress), Outcome::unknown);
  EXPECT_EQ(outcome_of(Xid(9), Xid(10), XactStatus::forgotten), Outcome::unknown);
}

TEST(ForkNote, IsReadAsItWasWritten) {
  ForkNote note{TimelineId{7}, Xid{123456789012}, 2};
  EXPECT_EQ(to_string(note), "7 123456789012 2");
  EXPECT_EQ(parse_fork_note(to_string(note)), note);
  for (const char* wrong : {"", "7", "7 8", "7 8 2 9", "7 8 x", "-7 8 2"}) {
    EXPECT_FALSE(parse_fork_note(wrong)) << wrong;
  }
  History history = {{Epoch{1}, Sequence{0}}, {Epoch{2}, Sequence{50}}, {Epoch{4}, Sequence{70}}};
  ServerHistory forks = server_history(history, {{Epoch{1}, "1 700 0"}, {Epoch{4}, "4 900 0"}});
  ASSERT_EQ(forks.size(), 2u);
  EXPECT_EQ(forks[1].fork, history[2]);
  EXPECT_EQ(forks[1].timeline, TimelineId{4});
  EXPECT_EQ(forks[1].next_xid, Xid{900});
}

}  // namespace
}  // namespace spar::engines::postgres
