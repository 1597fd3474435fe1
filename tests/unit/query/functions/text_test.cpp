#include "tests/unit/query/functions/text_cases.h"

namespace spar::query::functions {
namespace {

TEST(TextFunctions, AnswerAsPostgreSQL) {
  expect_answers(kTextCases);
}

}  // namespace
}  // namespace spar::query::functions
