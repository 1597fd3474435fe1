#include "server/postgres/lag_trail.h"

#include <gtest/gtest.h>

#include "server/postgres/limits.h"

namespace spar::server::postgres {
namespace {

using std::chrono::milliseconds;

Monotonic at_ms(std::int64_t time) {
  return Monotonic(milliseconds(time));
}

TEST(LagTrail, KnowsNothingBeforeItWasTold) {
  EXPECT_EQ(LagTrail().lag(Sequence(5), at_ms(10)), milliseconds(-1));
}

TEST(LagTrail, CountsFromTheLastTimeThatThePrimaryHeldNoMore) {
  LagTrail trail;
  trail.primary_at(Sequence(100), at_ms(1'000));
  trail.primary_at(Sequence(100), at_ms(1'100));
  trail.primary_at(Sequence(200), at_ms(1'200));
  trail.primary_at(Sequence(300), at_ms(1'300));
  EXPECT_EQ(trail.lag(Sequence(300), at_ms(9'000)), milliseconds(0));
  EXPECT_EQ(trail.lag(Sequence(299), at_ms(1'500)), milliseconds(300));
  EXPECT_EQ(trail.lag(Sequence(100), at_ms(1'500)), milliseconds(400));
  EXPECT_EQ(trail.lag(Sequence(150), at_ms(1'500)), milliseconds(400));
  EXPECT_EQ(trail.lag(Sequence(50), at_ms(1'500)), milliseconds(400));  // as far as it goes back
}

TEST(LagTrail, FollowsANewPrimaryThatIsBehindTheLostOne) {
  LagTrail trail;
  trail.primary_at(Sequence(100), at_ms(0));
  trail.primary_at(Sequence(300), at_ms(100));
  trail.primary_at(Sequence(200), at_ms(200));
  EXPECT_EQ(trail.lag(Sequence(200), at_ms(250)), milliseconds(0));
  EXPECT_EQ(trail.lag(Sequence(100), at_ms(250)), milliseconds(250));
}

TEST(LagTrail, StaysSmallAndNeverSaysTooLittle) {
  LagTrail trail;
  const auto steps = static_cast<std::int64_t>(kLagStepsMax) * 10;
  for (std::int64_t i = 0; i < steps; ++i) {
    trail.primary_at(Sequence(static_cast<std::uint64_t>(i)), at_ms(i));
  }
  for (std::int64_t i = 0; i + 1 < steps; i += 97) {
    const auto lag = trail.lag(Sequence(static_cast<std::uint64_t>(i)), at_ms(steps));
    EXPECT_GE(lag, milliseconds(i == 0 ? 0 : steps - i - 1)) << i;
  }
}

}  // namespace
}  // namespace spar::server::postgres
