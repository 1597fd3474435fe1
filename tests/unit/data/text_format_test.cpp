#include "data/text_format.h"

#include <gtest/gtest.h>

#include <bit>

#include "tests/unit/data/text_format_cases.h"

namespace spar::data {
namespace {

std::string refused(const Error& error) {
  return "ERR " + error.sqlstate + " " + error.message;
}

std::string through(std::string_view input, const Type& type) {
  Result<Datum> value = parse_text(input, type, {});
  if (!value) return refused(value.error());
  std::string out;
  format_text(*value, type, {}, out);
  return out;
}

TEST(TextFormat, AgreesWithPostgreSQL) {
  for (const TextFormatCase& sample : kTextFormatCases) {
    EXPECT_EQ(through(sample.input, sample.type), sample.expected)
        << type_name(sample.type) << " '" << sample.input << "'";
  }
}

TEST(TextFormat, OutputIsReadBackAsItself) {
  for (const TextFormatCase& sample : kTextFormatCases) {
    if (sample.expected.starts_with("ERR")) continue;
    EXPECT_EQ(through(sample.expected, sample.type), sample.expected) << type_name(sample.type);
  }
}

TEST(TextFormat, ValuesHaveTheFormOfTheirType) {
  const auto form = [](std::string_view text, const Type& type) {
    return parse_text(text, type, {})->index();
  };
  EXPECT_EQ(parse_text("12.3", numeric_type(5, 2), {}), Datum(std::int64_t{1230}));
  EXPECT_EQ(form("12.3", numeric_type(19, 2)), 4U);
  EXPECT_EQ(form("12.3", {TypeId::numeric, -1}), 4U);
  EXPECT_EQ(parse_text("ab ", {TypeId::bpchar, 9}, {}), Datum(std::string("ab")));
  EXPECT_EQ(parse_text("yes", {TypeId::boolean, -1}, {}), Datum(std::int64_t{1}));
}

TEST(TextFormat, NumericOverflowSaysWhatFits) {
  const auto value = parse_text("1000", numeric_type(5, 2), {});
  EXPECT_EQ(value.error().detail,
            "A field with precision 5, scale 2 must round to an absolute value less than 10^3.");
}

TEST(TextFormat, JsonNestsWithoutRecursion) {
  const Type json{TypeId::json, -1};
  EXPECT_TRUE(parse_text(std::string(6000, '[') + std::string(6000, ']'), json, {}));
  EXPECT_EQ(parse_text(std::string(1 << 20, '['), json, {}).error().sqlstate, "54001");
}

TEST(TextFormat, RandomRealsReadBackExactly) {
  std::uint64_t state = 20261125;  // xorshift
  for (int i = 0; i < 20000; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    const auto value = std::bit_cast<double>(state);
    if (value != value) continue;
    std::string text;
    format_text(value, {TypeId::float8, -1}, {}, text);
    EXPECT_EQ(parse_text(text, {TypeId::float8, -1}, {}), Datum(value)) << text;
  }
}

}  // namespace
}  // namespace spar::data
