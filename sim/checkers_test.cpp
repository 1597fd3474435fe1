// Every checker is shown to see its promise broken: by a sabotaged data path here, by a mutant of
// the control machine in the build preset `mutants` (docs/testing.md).
#include <gtest/gtest.h>

#include "sim/world.h"

namespace spar::sim {
namespace {

constexpr std::uint64_t kSeedsAtMost = 2000;

// What the first world that goes wrong says.
std::string first_failure(Sabotage sabotage) {
  for (std::uint64_t seed = 1; seed <= kSeedsAtMost; ++seed) {
    World world(seed, false, sabotage);
    world.run(1200);
    if (!world.failure().empty()) return world.failure();
  }
  return "nothing went wrong";
}

TEST(Checkers, SeeAcknowledgementsWithoutTheMirrors) {
  EXPECT_TRUE(first_failure(Sabotage::acknowledge_early).starts_with("acked_never_lost"));
}

TEST(Checkers, SeeADivergedCopyServe) {
  EXPECT_TRUE(first_failure(Sabotage::keep_tails).starts_with("diverged_never_serves"));
}

TEST(Checkers, SeeAnAbortedTransactionReturn) {
  EXPECT_TRUE(first_failure(Sabotage::abort_blindly).starts_with("aborted_never_returns"));
}

TEST(Checkers, SeeThatAClusterDoesNotConverge) {
  EXPECT_TRUE(first_failure(Sabotage::hide_catching_up).starts_with("convergence"));
}

// Without sabotage the machine itself has to be wrong. These call a checker with a false story.
TEST(Checkers, SeeTwoWritersInOneEpoch) {
  World world(1, false);
  auto checker = one_writer_per_epoch();
  checker->admitted(world, CopyId{1}, Epoch{3});
  checker->appended(world, CopyId{1}, {7, Epoch{3}, 0});
  EXPECT_EQ(world.failure(), "");
  checker->appended(world, CopyId{2}, {8, Epoch{3}, 0});
  EXPECT_TRUE(world.failure().starts_with("one_writer_per_epoch"));
}

TEST(Checkers, SeeAPromotionThatWasNotStored) {
  World world(1, false);
  auto checker = epoch_stored_before_promotion();
  checker->promoted(world, world.stored()->primary, world.stored()->epoch);
  EXPECT_EQ(world.failure(), "");
  checker->promoted(world, world.stored()->primary, Epoch{9});
  EXPECT_TRUE(world.failure().starts_with("epoch_stored_before_promotion"));
}

TEST(Checkers, SeeAForeignCopyInUse) {
  World world(1, false);
  auto checker = foreign_never_serves();
  checker->moved(world);
  EXPECT_EQ(world.failure(), "");
  world.put_foreign_copy_in_use();
  checker->moved(world);
  EXPECT_TRUE(world.failure().starts_with("foreign_never_serves"));
}

}  // namespace
}  // namespace spar::sim
