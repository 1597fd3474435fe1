#include "spar/demo/shop.h"

#include <gtest/gtest.h>

namespace spar::app {
namespace {

TEST(Shop, MoneyIsExact) {
  for (std::int64_t cents : {0L, 1L, 10L, 99L, 100L, 101L, 123456789012L}) {
    EXPECT_EQ(cents_of(money(cents)), cents);
  }
  EXPECT_EQ(money(5), "0.05");
  EXPECT_EQ(money(12340), "123.40");
}

}  // namespace
}  // namespace spar::app
