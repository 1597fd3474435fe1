#include "data/decimal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/unit/data/decimal_cases.h"

namespace spar::data {
namespace {

Decimal decimal(std::string_view text) {
  return Decimal::parse(text).value();
}

std::string shown(const Result<Decimal>& result) {
  if (!result) return "ERR " + result.error().sqlstate + " " + result.error().message;
  return result->to_string();
}

Result<Decimal> computed(const DecimalCase& sample) {
  const Decimal a = decimal(sample.left), b = decimal(sample.right);
  switch (sample.operation) {
    case '+':
      return add(a, b);
    case '-':
      return subtract(a, b);
    case '*':
      return multiply(a, b);
    case '/':
      return divide(a, b);
    default:
      return remainder(a, b);
  }
}

TEST(Decimal, ComputesAsPostgreSQL) {
  for (const DecimalCase& sample : kDecimalCases) {
    EXPECT_EQ(shown(computed(sample)), sample.expected)
        << std::string(sample.left) << " " << sample.operation << " " << sample.right;
  }
}

std::vector<std::string> ordered_numbers() {
  return {"-1e131071", "-1e70",     "-123456789012345678901",
          "-101",      "-100.5",    "-100",
          "-99.99",    "-1.000001", "-1",
          "-0.99",     "-0.1",      "-0.01",
          "-1e-70",    "-1e-16383", "0",
          "1e-16383",  "1e-70",     "0.0099",
          "0.01",      "0.0101",    "0.099",
          "0.1",       "0.5",       "0.9999",
          "1",         "1.5",       "9.99",
          "10",        "99",        "100",
          "100.0001",  "1000",      "99999999999999999",
          "1e17",      "1e60",      "1e131071"};
}

TEST(Decimal, BlobsOrderAsNumbersDo) {
  const std::vector<std::string> numbers = ordered_numbers();
  for (std::size_t i = 0; i + 1 < numbers.size(); ++i) {
    const Decimal a = decimal(numbers[i]), b = decimal(numbers[i + 1]);
    EXPECT_LT(a.to_blob(), b.to_blob()) << numbers[i] << " < " << numbers[i + 1];
    EXPECT_LT(numeric_key(a.to_blob()), numeric_key(b.to_blob()));
    EXPECT_EQ(compare(a, b), -1);
    EXPECT_EQ(compare(b, a), 1);
  }
}

TEST(Decimal, BlobsOfRandomNumbersOrderAndReadBack) {
  std::uint64_t state = 20261125;  // xorshift
  const auto random = [&](std::uint64_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
  };
  std::vector<Decimal> all;
  for (int i = 0; i < 2000; ++i) {
    mpz_class digits = static_cast<unsigned long>(random(1ULL << (random(60) + 1)));
    digits *= power_of_ten(static_cast<int>(random(5)));
    if (random(2) == 0) digits = -digits;
    all.emplace_back(digits, static_cast<int>(random(25)));
  }
  for (const Decimal& a : all) EXPECT_EQ(shown(Decimal::from_blob(a.to_blob())), a.to_string());
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    const std::string a = all[i].to_blob(), b = all[i + 1].to_blob();
    const int order = numeric_key(a).compare(numeric_key(b));
    EXPECT_EQ((order > 0) - (order < 0), compare(all[i], all[i + 1]))
        << all[i].to_string() << " and " << all[i + 1].to_string();
  }
}

TEST(Decimal, EqualNumbersHaveEqualKeysAndKeepTheirText) {
  const std::string one = decimal("1.0").to_blob(), longer = decimal("1.00").to_blob();
  EXPECT_NE(one, longer);
  EXPECT_EQ(numeric_key(one), numeric_key(longer));
  EXPECT_EQ(shown(Decimal::from_blob(longer)), "1.00");
  EXPECT_EQ(numeric_key(decimal("0").to_blob()), numeric_key(decimal("-0.000").to_blob()));
  EXPECT_EQ(compare(decimal("1.0"), decimal("1.00")), 0);
}

TEST(Decimal, RefusesBlobsThatItNeverWrote) {
  const std::string good = decimal("-12345.678").to_blob();
  EXPECT_TRUE(Decimal::from_blob(good));
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto cut = Decimal::from_blob(std::string_view(good).substr(0, size));
    if (cut) {
      EXPECT_EQ(cut->to_blob(), good.substr(0, size));
    }
  }
  // Whatever one byte is changed to: an error, or a number whose blob these bytes are.
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = good;
      changed[at] = static_cast<char>(byte);
      const auto read = Decimal::from_blob(changed);
      if (read) {
        EXPECT_EQ(read->to_blob(), changed);
      }
    }
  }
}

TEST(Decimal, ScaledIntegersRoundAndStayInRange) {
  EXPECT_EQ(decimal("12.345").to_scaled({5, 2}), 1235);
  EXPECT_EQ(decimal("-12.345").to_scaled({5, 2}), -1235);
  const auto overflow = decimal("999.995").to_scaled({5, 2});
  ASSERT_FALSE(overflow);
  EXPECT_EQ(overflow.error().sqlstate, "22003");
  EXPECT_EQ(overflow.error().detail,
            "A field with precision 5, scale 2 must round to an absolute value less than 10^3.");
  EXPECT_EQ(decimal("1").to_scaled({2, 2}).error().detail,
            "A field with precision 2, scale 2 must round to an absolute value less than 1.");
}

TEST(Decimal, HoldsAsManyDigitsAsPostgreSQL) {
  EXPECT_TRUE(Decimal::parse("1e131071"));
  EXPECT_EQ(shown(Decimal::parse("1e131072")), "ERR 22003 value overflows numeric format");
  EXPECT_TRUE(Decimal::parse("1e-16383"));
  EXPECT_EQ(shown(Decimal::parse("1e-16384")), "ERR 22003 value overflows numeric format");
  EXPECT_EQ(shown(multiply(decimal("1e131071"), decimal("10"))),
            "ERR 22003 value overflows numeric format");
  EXPECT_EQ(multiply(decimal("1e-10000"), decimal("1e-10000"))->scale(), kDecimalScaleMax);
  const Decimal largest = decimal("1e131071");
  EXPECT_EQ(compare(*Decimal::from_blob(largest.to_blob()), largest), 0);
}

TEST(Decimal, HasNoNanAndNoInfinity) {
  for (const char* text : {"NaN", "-Infinity", "+inf"}) {
    EXPECT_EQ(Decimal::parse(text).error().sqlstate, "0A000") << text;
  }
  EXPECT_EQ(Decimal::from_double(HUGE_VAL).error().sqlstate, "0A000");
}

}  // namespace
}  // namespace spar::data
