#include <gtest/gtest.h>

#include "data/decimal.h"

namespace spar::data {
namespace {

Decimal number(std::string_view text) {
  return Decimal::parse(text).value_or(Decimal(0));
}

// PostgreSQL 15: SELECT length(p), left(p, 30), right(p, 40) FROM (SELECT power(4, 53678)::text p)
TEST(DecimalSeries, PowersWithThousandsOfDigitsAreExact) {
  const auto result = power(number("4"), number("53678"));
  ASSERT_TRUE(result);
  const std::string text = result->to_string();
  EXPECT_EQ(text.size(), 32335u);
  EXPECT_EQ(text.substr(0, 30), "237801452164775984953335703508");
  EXPECT_EQ(text.substr(text.size() - 40), "44312601682105845415936.0000000000000000");
}

TEST(DecimalSeries, LargeExponentsOfOneKeepTheScale) {
  EXPECT_EQ(power(number("-1"), number("-16204258619989890"))->to_string(), "1.0000000000000000");
}

TEST(DecimalSeries, WhatDoesNotFitIsRefused) {
  EXPECT_EQ(power(number("10"), number("131073")).error().sqlstate, "22003");
  EXPECT_EQ(exponential(number("6001")).error().sqlstate, "22003");
  EXPECT_EQ(power(number("0.5"), number("1000000"))->to_string(), "0.0000000000000000");
}

}  // namespace
}  // namespace spar::data
