// aggregates.cpp and statistics.cpp
#include <algorithm>

#include "tests/unit/query/functions/aggregate_cases.h"

namespace spar::query::functions {
namespace {

using Rows = std::vector<std::vector<data::Datum>>;

std::string finished(std::string_view name, const Rows& rows, data::TypeId type) {
  const auto entry = std::ranges::find(aggregates(), name, &AggregateEntry::name);
  if (entry == aggregates().end()) return "no aggregate " + std::string(name);
  const auto accumulator = entry->make();
  for (const auto& row : rows) {
    if (auto stepped = accumulator->step(row); !stepped) return refused(stepped.error());
  }
  auto result = accumulator->finish();
  if (!result) return refused(result.error());
  if (data::is_null(*result)) return "NULL";
  std::string out;
  data::format_text(*result, {type, -1}, {}, out);
  return out;
}

TEST(Aggregates, AnswerAsPostgreSQL) {
  for (const FunctionCase& sample : kAggregateCases) {
    Rows rows;
    for (const Argument& argument : sample.given()) {
      rows.push_back({data::parse_text(argument.text, {argument.type, -1}, {}).value()});
    }
    std::string shown;
    for (const Argument& argument : sample.given()) shown += std::string(argument.text) + " ";
    EXPECT_EQ(finished(sample.name, rows, sample.result), sample.expected)
        << sample.name << " of " << shown;
  }
}

TEST(Aggregates, ScaledIntegersKeepTheirScale) {
  const Rows rows = {{std::int64_t{150}, std::int64_t{2}}, {std::int64_t{225}, std::int64_t{2}}};
  EXPECT_EQ(finished("spar_sum_scaled", rows, numeric), "3.75");
  EXPECT_EQ(finished("spar_avg_scaled", rows, numeric), "1.8750000000000000");
  EXPECT_EQ(finished("spar_sum_scaled", {}, numeric), "NULL");
}

TEST(Aggregates, StringsAreJoinedByEachRowsDelimiter) {
  const auto row = [](const char* value, const char* delimiter) {
    return std::vector<data::Datum>{std::string(value), std::string(delimiter)};
  };
  EXPECT_EQ(finished("spar_string_agg", {row("a", "1"), row("", "2"), row("c", "3")}, text),
            "a23c");
  EXPECT_EQ(finished("spar_string_agg", {}, text), "NULL");
}

}  // namespace
}  // namespace spar::query::functions
