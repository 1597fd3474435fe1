// Runs the control machine through many seeded worlds of database servers.
//   SPAR_SIM_SEED=n    plays one seed and prints every event and action
//   SPAR_SIM_SEEDS=n   how many seeds (2000)
#include <gtest/gtest.h>

#include <cstdlib>

#include "sim/outcomes.h"
#include "sim/servers/world.h"

namespace spar::sim::servers {
namespace {

constexpr std::size_t kMoves = 2000;

TEST(ServersSim, KeepsItsPromisesInEveryWorld) {
  if (std::getenv("SPAR_SIM_SEED") != nullptr) {
    World world(number_from("SPAR_SIM_SEED", 0), true);
    world.run(kMoves);
    ASSERT_EQ(world.failure(), "");
    return;
  }
  const std::uint64_t seeds = number_from("SPAR_SIM_SEEDS", 2000);
  std::uint64_t promotions = 0, acknowledgements = 0, resolutions = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    World world(seed, false);
    world.run(kMoves);
    promotions += world.promotions();
    acknowledgements += world.acknowledgements();
    resolutions += world.resolutions();
    ASSERT_EQ(world.failure(), "") << "replay: SPAR_SIM_SEED=" << seed << " sim_servers";
  }
  std::printf("%llu seeds, %llu promotions, %llu acknowledged, %llu resolved\n",
              static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(promotions),
              static_cast<unsigned long long>(acknowledgements),
              static_cast<unsigned long long>(resolutions));
  EXPECT_GT(promotions, seeds);  // the worlds are not asleep
  EXPECT_GT(acknowledgements, 10 * seeds);
  EXPECT_GT(resolutions, seeds / 2);
}

}  // namespace
}  // namespace spar::sim::servers
