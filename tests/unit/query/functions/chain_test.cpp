#include <gtest/gtest.h>

#include <algorithm>

#include "query/functions/registry.h"

namespace spar::query::functions {
namespace {

Result<data::Datum> chain(const std::string& type, const std::string& symbols,
                          std::vector<std::int64_t> values) {
  const auto all = scalars();
  const auto entry = std::ranges::find(all, "spar_chain", &ScalarEntry::name);
  std::vector<data::Datum> arguments{type, symbols};
  for (const std::int64_t value : values) arguments.emplace_back(value);
  return entry->call(arguments);
}

TEST(Chain, WorksFromLeftToRight) {
  EXPECT_EQ(chain("int4", "+-*", {1, 2, 4, 10}), data::Datum(std::int64_t{-10}));
  EXPECT_EQ(chain("int8", "/%", {100, 7, 4}), data::Datum(std::int64_t{2}));
}

TEST(Chain, FailsWhereOneStepDoes) {
  EXPECT_EQ(chain("int4", "+-", {2147483647, 1, 1}).error().sqlstate, "22003");
  EXPECT_EQ(chain("int4", "/", {1, 0}).error().sqlstate, "22012");
}

}  // namespace
}  // namespace spar::query::functions
