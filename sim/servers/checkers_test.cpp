// Every checker is shown to see its promise broken, and everything that the world asks of the data
// path (world.h) to be needed.
#include <gtest/gtest.h>

#include "sim/servers/world.h"

namespace spar::sim::servers {
namespace {

constexpr std::uint64_t kSeedsAtMost = 2000;

// Whether in one of the worlds it is this checker that sees what is broken.
void expect(Sabotage sabotage, std::string_view checker) {
  std::string other = "nothing";
  for (std::uint64_t seed = 1; seed <= kSeedsAtMost; ++seed) {
    World world(seed, false, sabotage);
    world.run(2000);
    if (world.failure().starts_with(checker)) {
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed),
                  world.failure().substr(0, 100).c_str());
      return;
    }
    if (!world.failure().empty()) other = world.failure();
  }
  ADD_FAILURE() << checker << " saw nothing; others: " << other;
}

TEST(ServerCheckers, SeeAnAnswerByNumberAlone) {
  expect(Sabotage::resolve_by_xid_alone, "answers_are_true");
}
TEST(ServerCheckers, SeeAStatementRunTwice) {
  expect(Sabotage::replay_unresolved, "nothing_doubled");
}
TEST(ServerCheckers, SeeADamagedServerStart) {
  expect(Sabotage::start_after_failed_rewind, "damaged_never_starts");
}

// These are called with a false story, as no world came to them that another checker had not ended.
TEST(ServerCheckers, SeeTwoServersAcknowledge) {
  World world(1, false);
  auto checker = one_primary_acknowledges();
  checker->acknowledged(world, AttemptId{1}, CopyId{1}, Epoch{3});
  checker->admitted(world, CopyId{2}, Epoch{4});
  EXPECT_EQ(world.failure(), "");
  checker->acknowledged(world, AttemptId{2}, CopyId{1}, Epoch{3});
  EXPECT_TRUE(world.failure().starts_with("one_primary_acknowledges"));
}
TEST(ServerCheckers, SeeAnAcknowledgementWithoutTheSet) {
  World world(1, false);
  acked_never_lost()->acknowledged(world, AttemptId{1}, CopyId{1}, Epoch{1});
  EXPECT_TRUE(world.failure().starts_with("acked_never_lost"));
}
TEST(ServerCheckers, SeeAPromotionThatWasNotStored) {
  World world(1, false);
  auto checker = epoch_stored_before_promotion();
  checker->promoted(world, CopyId{1}, TimelineId{1});
  EXPECT_EQ(world.failure(), "");
  checker->promoted(world, CopyId{2}, TimelineId{9});
  EXPECT_TRUE(world.failure().starts_with("epoch_stored_before_promotion"));
}
TEST(ServerCheckers, SeeThatAClusterDoesNotConverge) {
  expect(Sabotage::hide_catching_up, "convergence");
}

TEST(AskedOfTheDataPath, A2APromotionKeepsItsNextXid) {
  expect(Sabotage::late_next_xid, "answers_are_true");
}
TEST(AskedOfTheDataPath, A4FollowRewindsNobody) {
  expect(Sabotage::follow_rewinds, "damaged_never_starts");
}
TEST(AskedOfTheDataPath, A5NumbersAreGivenAgainAfterACrash) {
  expect(Sabotage::trust_kept_numbers, "answers_are_true");
}
TEST(AskedOfTheDataPath, A6AFastRestartIsALoss) {
  expect(Sabotage::overlook_restarts, "convergence");
}

}  // namespace
}  // namespace spar::sim::servers
