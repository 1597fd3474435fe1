#include "tests/unit/query/functions/dates_cases.h"

namespace spar::query::functions {
namespace {

TEST(DateFunctions, AnswerAsPostgreSQL) {
  expect_answers(kDateCases);
}

TEST(DateFunctions, FieldsOfInfinityThatAreNumericsAreNotSupported) {
  const FunctionCase year{
      "spar_extract", {{text, "year"}, {date, "infinity"}, {int4, "1082"}}, numeric, ""};
  EXPECT_EQ(answer(year), "ERR 0A000 a numeric that is not finite is not supported yet");
}

TEST(DateFunctions, IntervalKeysAreEqualForEqualIntervals) {
  const auto key = [](std::string_view text) {
    return answer({"spar_interval_key", {{interval, text}}, bytea, ""});
  };
  EXPECT_EQ(key("1 mon"), key("30 days"));
  EXPECT_EQ(key("1 day"), key("24:00"));
  EXPECT_LT(key("-1 us"), key("0"));
}

}  // namespace
}  // namespace spar::query::functions
