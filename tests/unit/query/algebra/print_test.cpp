#include "query/algebra/print.h"

#include <gtest/gtest.h>

#include "query/bind/query.h"

namespace spar::query::algebra {
namespace {

std::shared_ptr<const data::Catalogue> shop() {
  data::Table orders{ObjectId{100}, ObjectId{1}, "public", "orders"};
  orders.columns = {{1, "id", {data::TypeId::int4, -1}, true},
                    {2, "customer", {data::TypeId::int4, -1}},
                    {3, "total", data::numeric_type(10, 2)}};
  orders.keys = {{ObjectId{101}, "orders_pkey", true, {1}}};
  return *data::Catalogue{}.apply(
      {data::put_object(data::Database{ObjectId{1}, "shop"}), data::put_object(orders)});
}

std::string printed(const std::string& sql) {
  const auto catalogue = shop();
  AnalyzeContext context;
  context.database = ObjectId{1};
  const auto parsed = parse(sql, {});
  const ParsedStatement::Tree& tree = (*parsed)[0].tree();
  bind::Binding binding(*catalogue, context, tree.source);
  const auto query = bind::bind_query(binding, *tree.node->select_stmt, {});
  return query ? print(binding.arena(), query->relation) : query.error().message;
}

TEST(Print, ShowsOperatorsInsideOut) {
  EXPECT_EQ(printed("select customer, sum(total) from orders where id > 3 group by customer "
                    "having count(*) > 1 order by 2 desc limit 5"),
            "Limit '5'::bigint\n"
            "  Sort sum#7 desc nulls first\n"
            "    Project [customer#6 = customer#2, sum#7 = sum#4]\n"
            "      Filter count#5 > '1'::integer\n"
            "        Aggregate [customer#2] [sum#4 = sum(total#3), count#5 = count()]\n"
            "          Filter id#1 > '3'::integer\n"
            "            Scan t100 [id#1, customer#2, total#3]\n");
}

TEST(Print, ShowsJoinsSubqueriesAndCasts) {
  EXPECT_EQ(printed("select a.id from orders a left join orders b on a.id = b.customer where "
                    "a.total > 1.5 and exists (select 1)"),
            "Project [id#8 = id#1]\n"
            "  Filter and(total#3 > '1.5'::numeric, exists subquery)\n"
            "    Join left id#1 = customer#5\n"
            "      Scan t100 [id#1, customer#2, total#3]\n"
            "      Scan t100 [id#4, customer#5, total#6]\n"
            "    subquery\n"
            "      Project [?column?#7 = '1'::integer]\n"
            "        Values 1 rows []\n");
  EXPECT_EQ(printed("select id::text || 'x' from orders union all values ('y')"),
            "SetOp union all [?column?#7]\n"
            "  Project [?column?#5 = concat_operator(cast(id#1 as text), 'x'::text)]\n"
            "    Scan t100 [id#1, customer#2, total#3]\n"
            "  Project [column1#6 = column1#4]\n"
            "    Values 1 rows [column1#4]\n");
}

TEST(Print, ShowsCommonTables) {
  EXPECT_EQ(printed("with q as (select id from orders) select distinct q.id from q"),
            "With q\n"
            "  Project [id#4 = id#1]\n"
            "    Scan t100 [id#1, customer#2, total#3]\n"
            "  Distinct\n"
            "    Project [id#6 = id#5]\n"
            "      CteRef q [id#5]\n");
}

}  // namespace
}  // namespace spar::query::algebra
