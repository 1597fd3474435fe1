// arithmetic.cpp, numeric.cpp and real_math.cpp
#include "tests/unit/query/functions/number_cases.h"

namespace spar::query::functions {
namespace {

TEST(NumberFunctions, AnswerAsPostgreSQL) {
  expect_answers(kNumberCases);
}

TEST(NumberFunctions, KeysOfNumericsAreEqualForEqualNumbers) {
  const auto key = [](const std::string& text) {
    return answer({"spar_numeric_key", {{numeric, text}}, bytea, ""});
  };
  EXPECT_EQ(key("1.0"), key("1.000"));
  EXPECT_EQ(key("0"), key("0.00"));
  EXPECT_LT(key("-2"), key("-1.5"));
  EXPECT_LT(key("9.99"), key("10"));
}

TEST(NumberFunctions, ScaledIntegersBecomeNumericsAndComeBack) {
  EXPECT_EQ(answer({"spar_scaled_to_numeric", {{int8, "-1205"}, {int4, "2"}}, numeric, ""}),
            "-12.05");
  EXPECT_EQ(
      answer({"spar_numeric_to_scaled", {{numeric, "12.345"}, {int4, "5"}, {int4, "2"}}, int8, ""}),
      "1235");
  EXPECT_EQ(
      answer({"spar_numeric_to_scaled", {{numeric, "1000"}, {int4, "5"}, {int4, "2"}}, int8, ""}),
      "ERR 22003 numeric field overflow");
}

TEST(NumberFunctions, BitsOfIntegers) {
  EXPECT_EQ(answer({"spar_bit_and", {{int4, "12"}, {int4, "10"}}, int4, ""}), "8");
  EXPECT_EQ(answer({"spar_bit_or", {{int4, "12"}, {int4, "10"}}, int4, ""}), "14");
  EXPECT_EQ(answer({"spar_bit_not", {{int4, "12"}}, int4, ""}), "-13");
}

}  // namespace
}  // namespace spar::query::functions
