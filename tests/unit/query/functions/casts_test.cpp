#include "tests/unit/query/functions/cast_cases.h"

namespace spar::query::functions {
namespace {

TEST(Casts, AnswerAsPostgreSQL) {
  expect_answers(kCastCases);
}

TEST(Casts, AssignmentsRefuseTextsThatAreTooLong) {
  const auto fit = [](const std::string& name, const std::string& value) {
    return answer({name, {{text, value}, {int4, "3"}, {int4, "0"}}, text, ""});
  };
  EXPECT_EQ(fit("spar_varchar", "abcd"), "ERR 22001 value too long for type character varying(3)");
  EXPECT_EQ(fit("spar_varchar", "abc  "), "abc");
  EXPECT_EQ(fit("spar_bpchar", "abcd"), "ERR 22001 value too long for type character(3)");
  EXPECT_EQ(fit("spar_bpchar", "a "), "a");
}

}  // namespace
}  // namespace spar::query::functions
