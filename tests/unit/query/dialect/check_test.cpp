#include "query/dialect/check.h"

#include <gtest/gtest.h>

namespace spar::query {
namespace {

data::Table item() {
  data::Table table;
  table.name = "item";
  table.columns = {{1, "id", {data::TypeId::int4, -1}},
                   {3, "price", data::numeric_type(10, 2)},
                   {4, "name", {data::TypeId::varchar, 24}}};
  return table;
}

std::string rendered(const std::string& expression) {
  const Result<std::string> sql = render_check(item(), {ObjectId{9}, "c", expression});
  return sql ? *sql : sql.error().sqlstate;
}

TEST(Check, BecomesAnExpressionOverPhysicalColumns) {
  EXPECT_EQ(rendered("price >= 0"), "c3>=0");
  EXPECT_EQ(rendered("price > 1.005 AND id <> 3"), "c3>100 AND c1<>3");
  EXPECT_EQ(rendered("name IN ('a', 'b') OR name IS NULL"), "c4 IN ('a','b') OR c4 IS NULL");
  EXPECT_EQ(rendered("item.id + 1 > 2"), "spar_add_int4(c1,1)>2");
}

TEST(Check, RefusesWhatHasNoConstantMeaning) {
  EXPECT_EQ(rendered("id < extract(year from now())"), "0A000");
  EXPECT_EQ(rendered("id IN (SELECT 1)"), "0A000");
  EXPECT_EQ(rendered("nope > 1"), "42703");
  EXPECT_EQ(rendered("id >"), "42601");
  EXPECT_EQ(rendered("count(*) > 1"), "42803");
}

}  // namespace
}  // namespace spar::query
