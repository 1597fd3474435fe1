#include "tests/unit/query/functions/function_case.h"

namespace spar::query::functions {
namespace {

using enum data::TypeId;

TEST(Choices, IgnoreNulls) {
  EXPECT_EQ(answer({"spar_greatest", {{int4, "2"}, {none, ""}, {int4, "10"}}, int4, ""}), "10");
  EXPECT_EQ(answer({"spar_least", {{int4, "2"}, {none, ""}, {int4, "10"}}, int4, ""}), "2");
  EXPECT_EQ(answer({"spar_greatest", {{none, ""}, {none, ""}}, int4, ""}), "NULL");
}

TEST(Choices, CompareTextsByTheirBytesAndNumericsByTheirValue) {
  EXPECT_EQ(answer({"spar_least", {{text, "b"}, {text, "B"}, {text, "a"}}, text, ""}), "B");
  EXPECT_EQ(answer({"spar_greatest", {{numeric, "9.5"}, {numeric, "10"}}, numeric, ""}), "10");
}

TEST(Choices, RaiseRaises) {
  EXPECT_EQ(answer({"spar_raise", {{text, "21000"}, {text, "more than one row"}}, text, ""}),
            "ERR 21000 more than one row");
}

}  // namespace
}  // namespace spar::query::functions
