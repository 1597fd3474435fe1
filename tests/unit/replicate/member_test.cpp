#include "replicate/member.h"

#include <atomic>
#include <chrono>

#include "replicate/limits.h"
#include "tests/unit/replicate/rig.h"

namespace spar::replicate {
namespace {

// Mutant apply_before_acknowledged: what is not acknowledged may yet be taken back.
TEST(Member, AppliesOnlyWhatIsAcknowledged) {
  Rig rig;
  rig.add(kFirst);
  auto mirror = rig.add(kSecond);
  rig.serve(kFirst, {kSecond, kThird}, Epoch(1));  // the third is away: nothing is acknowledged
  std::uint64_t last = rig.create_shop().sequence.value;
  for (std::int64_t id = 2; id < 30; ++id) {
    std::uint64_t next = rig.add_account(id).sequence.value;
    ASSERT_TRUE(eventually([&] { return mirror->received().sequence.value == next; }));
    ASSERT_LT(mirror->applied().sequence.value, last);
    rig.cluster.pipeline().durable(kThird, Sequence(last));
    ASSERT_TRUE(eventually([&] { return mirror->applied().sequence.value >= last; }));
    ASSERT_EQ(mirror->applied().sequence.value, last);
    last = next;
  }
}

TEST(Member, AMirrorFlushesBeforeAcknowledgementAReplicaAfter) {
  Rig rig;
  rig.add(kFirst);
  auto mirror = rig.add(kSecond);
  auto replica = rig.add(kThird);
  rig.serve(kFirst, {kSecond, CopyId(9)}, Epoch(1));
  Position position = rig.create_shop();
  EXPECT_TRUE(eventually([&] { return mirror->received() == position; }));
  EXPECT_EQ(replica->received().sequence, Sequence(0));
  rig.cluster.pipeline().durable(CopyId(9), position.sequence);
  EXPECT_TRUE(eventually([&] { return replica->received() == position; }));
  EXPECT_TRUE(eventually([&] { return replica->applied() == position; }));
  EXPECT_EQ(replica->copy().contents(), rig.cluster.member(kFirst)->copy().contents());
}

// Mutant ignore_failed_flush.
TEST(Member, AFailedFlushIsNoAcknowledgement) {
  Rig rig;
  rig.add(kFirst);
  auto mirror = rig.add(kSecond);
  rig.serve(kFirst, {kSecond}, Epoch(1));
  ASSERT_EQ(rig.settled(rig.create_shop()), Outcome::committed);
  Sequence before = mirror->received().sequence;
  rig.disk.fail_under(Rig::directory(kSecond) + "/log", test::Fault::io_error, test::Calls::syncs);
  Position position = rig.add_account(2);
  auto over = [&] { return mirror->failed() || rig.cluster.pipeline().settled(position); };
  EXPECT_TRUE(eventually(over));
  EXPECT_TRUE(mirror->failed());
  EXPECT_FALSE(rig.cluster.pipeline().settled(position));
  EXPECT_EQ(mirror->received().sequence, before);
  // failed() is true a moment before the report is given.
  EXPECT_TRUE(eventually([&] { return !rig.reported().empty(); }));
  EXPECT_EQ(rig.reported(), std::vector<CopyId>{kSecond});
  rig.disk.heal();
}

TEST(Member, ReportsItsFailureOnce) {
  Rig rig;
  auto member = rig.add(kFirst);
  Error error;
  error.message = "first";
  member->fail(error);
  error.message = "second";
  member->fail(error);
  EXPECT_EQ(member->failure_text(), "first");
  EXPECT_EQ(rig.failures.size(), 1u);
  EXPECT_TRUE(eventually([&] { return member->at_rest(); }));
  EXPECT_FALSE(member->copy().open_read()) << "it is fenced";
}

TEST(Member, InspectionFindsALogThatIsGone) {
  Rig rig;
  auto member = rig.add(kFirst);
  rig.serve(kFirst, {}, Epoch(1));
  ASSERT_EQ(rig.settled(rig.create_shop()), Outcome::committed);
  member->inspect();
  EXPECT_FALSE(member->failed()) << member->failure_text();
  ASSERT_TRUE(rig.memory.remove_all(Rig::directory(kFirst) + "/log"));
  member->inspect();
  EXPECT_TRUE(member->failed());
}

// A log in small segments, so that trimming has something to remove.
Member::Parts with_small_log(Rig& rig, CopyId id) {
  Member::Parts parts = rig.open(id);
  parts.log.reset();
  auto log = changelog::Log::open(rig.disk, Rig::directory(id) + "/small", {8 << 10});
  EXPECT_TRUE(log) << log.error().message;
  parts.log = std::move(*log);
  return parts;
}

void fill(Rig& rig) {
  rig.create_shop();
  Position last;
  for (std::int64_t id = 2; id < 200; ++id) last = rig.add_account(id);
  ASSERT_EQ(rig.settled(last), Outcome::committed);
}

// Mutant trim_log_early.
TEST(Member, KeepsTheLogThatItsDataMayNeedAfterAPowerCut) {
  Rig rig;
  auto member = rig.cluster.add(with_small_log(rig, kFirst));
  rig.serve(kFirst, {}, Epoch(1));
  fill(rig);
  member->trim_log(member->received().sequence);  // everyone has it, but no checkpoint holds it
  rig.settled(rig.add_account(1000));             // the flush thread trims after a flush
  rig.settled(rig.add_account(1001));
  EXPECT_EQ(member->log().base().sequence, Sequence(0));
  member->checkpoint();
  ASSERT_EQ(member->records_since_checkpoint(), 0u);
  member->trim_log(Sequence(20));  // someone is this far behind
  rig.settled(rig.add_account(1002));
  rig.settled(rig.add_account(1003));
  EXPECT_LE(member->log().base().sequence, Sequence(20));
  member->trim_log(member->received().sequence);
  rig.settled(rig.add_account(1004));
  rig.settled(rig.add_account(1005));
  EXPECT_GT(member->log().base().sequence, Sequence(100));
}

TEST(Member, PromotionAppliesWhatTheLogHolds) {
  Rig rig;
  rig.add(kFirst);
  auto mirror = rig.add(kSecond);
  rig.serve(kFirst, {kSecond, kThird}, Epoch(1));
  Position position = rig.create_shop();
  ASSERT_TRUE(eventually([&] { return mirror->received() == position; }));
  EXPECT_EQ(mirror->applied().sequence, Sequence(0)) << "it is not acknowledged";
  auto end = mirror->promote(Epoch(2));
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(*end, position);
  EXPECT_EQ(mirror->applied(), position);
}

}  // namespace
}  // namespace spar::replicate
