#include "agent/remote/orders.h"

#include <gtest/gtest.h>

#include <future>

#include "agent/remote/limits.h"

namespace spar::agent::remote {
namespace {

Monotonic in(milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

TEST(Orders, AnIdIsPerformedOnce) {
  Orders orders;
  int times = 0;
  auto work = [&]() -> Orders::Outcome { return std::to_string(++times); };
  EXPECT_EQ(*orders.perform("x", kNoDeadline, work), "1");
  EXPECT_EQ(*orders.perform("x", kNoDeadline, work), "1");
  EXPECT_EQ(*orders.perform("y", kNoDeadline, work), "2");
  auto fails = [&]() -> Orders::Outcome { return failure(Code::corrupt, "no"); };
  EXPECT_EQ(orders.perform("z", kNoDeadline, fails).error().code, Code::corrupt);
  EXPECT_EQ(orders.perform("z", kNoDeadline, work).error().code, Code::corrupt);
}

TEST(Orders, WhoAsksAgainWaitsForTheOutcome) {
  Orders orders;
  std::promise<void> go;
  auto gate = go.get_future().share();
  std::promise<void> begun;
  auto first = std::async(std::launch::async, [&] {
    return orders.perform("x", kNoDeadline, [&]() -> Orders::Outcome {
      begun.set_value();
      gate.wait();
      return "done";
    });
  });
  begun.get_future().wait();
  auto never = []() -> Orders::Outcome { return "again"; };
  EXPECT_EQ(orders.perform("x", in(milliseconds(5)), never).error().code, Code::deadline);
  EXPECT_FALSE(orders.wait_until_idle(in(milliseconds(5))));
  auto second =
      std::async(std::launch::async, [&] { return orders.perform("x", kNoDeadline, never); });
  go.set_value();
  EXPECT_EQ(*first.get(), "done");
  EXPECT_EQ(*second.get(), "done");
  EXPECT_TRUE(orders.wait_until_idle(in(milliseconds(1000))));
}

TEST(Orders, TheOldestOutcomesAreForgotten) {
  Orders orders;
  int times = 0;
  auto work = [&]() -> Orders::Outcome { return std::to_string(++times); };
  for (std::size_t i = 0; i <= kOutcomesKept; ++i) {
    (void)orders.perform(std::to_string(i), kNoDeadline, work);
  }
  EXPECT_EQ(*orders.perform("1", kNoDeadline, work), "2");
  EXPECT_EQ(*orders.perform("0", kNoDeadline, work), std::to_string(kOutcomesKept + 2));
}

}  // namespace
}  // namespace spar::agent::remote
