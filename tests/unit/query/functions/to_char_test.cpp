#include "tests/unit/query/functions/to_char_cases.h"

namespace spar::query::functions {
namespace {

TEST(ToChar, AnswersAsPostgreSQL) {
  expect_answers(kToCharCases);
}

}  // namespace
}  // namespace spar::query::functions
