// Runs the control machine through many seeded worlds.
//   SPAR_SIM_SEED=n    plays one seed and prints every event and action
//   SPAR_SIM_SEEDS=n   how many seeds (2000)
#include <gtest/gtest.h>

#include <cstdlib>

#include "sim/outcomes.h"
#include "sim/world.h"

namespace spar::sim {
namespace {

constexpr std::size_t kMoves = 1200;

TEST(ControlSim, KeepsItsPromisesInEveryWorld) {
  if (std::getenv("SPAR_SIM_SEED") != nullptr) {
    World world(number_from("SPAR_SIM_SEED", 0), true);
    world.run(kMoves);
    ASSERT_EQ(world.failure(), "");
    return;
  }
  const std::uint64_t seeds = number_from("SPAR_SIM_SEEDS", 2000);
  std::uint64_t takeovers = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    World world(seed, false);
    world.run(kMoves);
    takeovers += world.takeovers();
    ASSERT_EQ(world.failure(), "") << "replay: SPAR_SIM_SEED=" << seed << " sim_control";
  }
  std::printf("%llu seeds, %llu promotions\n", static_cast<unsigned long long>(seeds),
              static_cast<unsigned long long>(takeovers));
  EXPECT_GT(takeovers, seeds);  // the worlds are not asleep
}

}  // namespace
}  // namespace spar::sim
