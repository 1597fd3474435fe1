// The SQL of the shapes that matter, and that SQLite uses its indexes for them.
#include <gtest/gtest.h>

#include "tests/unit/query/support/mini_server.h"

namespace spar::query::test {
namespace {

class Plans : public ::testing::Test {
 protected:
  Plans() {
    const Result<Answer> made = server_.run(
        "create table pgbench_accounts(aid int not null, bid int, abalance int, filler char(84)) "
        "with (fillfactor=100);"
        "alter table pgbench_accounts add primary key (aid);"
        "create table pgbench_history(tid int, bid int, aid int, delta int, mtime timestamp, "
        "filler char(22));"
        "create table item(id int primary key, code varchar(8) unique, price numeric(10,2), "
        "sold date);"
        "create index item_price on item (price); create index item_sold on item (sold)");
    EXPECT_TRUE(made) << outcome(made);
  }
  // With table ids as letters, in the order of their making.
  std::string sql(const std::string& text) {
    const auto statement = server_.analyze_one(text);
    if (!statement) return statement.error().sqlstate + " " + statement.error().message;
    const auto* plan = std::get_if<Plan>(&(*statement)->body);
    if (plan == nullptr) return "no plan";
    std::string made = plan->sql;
    char letter = 'A';
    for (const auto& [id, table] : server_.catalogue().tables()) {
      const std::string name = "t" + std::to_string(id.value);
      for (std::size_t at = made.find(name); at != std::string::npos; at = made.find(name)) {
        made.replace(at, name.size(), 1, letter);
      }
      ++letter;
    }
    return made;
  }
  std::string first_step(const std::string& text) {
    const auto statement = server_.analyze_one(text);
    return server_.query_plan(std::get<Plan>((*statement)->body).sql).front();
  }
  MiniServer server_;
};

TEST_F(Plans, OfPgbench) {
  EXPECT_EQ(sql("SELECT abalance FROM pgbench_accounts WHERE aid = $1"),
            "SELECT c3 FROM A WHERE c1=?1");
  EXPECT_EQ(sql("SELECT abalance FROM pgbench_accounts WHERE aid = 7;"),
            "SELECT c3 FROM A WHERE c1=7");
  EXPECT_EQ(sql("UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2"),
            "UPDATE A SET c3=spar_add_int4(c3,?1) WHERE c1=?2");
  EXPECT_EQ(sql("INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES ($1, $2, $3, $4, "
                "CURRENT_TIMESTAMP)"),
            "INSERT INTO B(c1,c2,c3,c4,c5) VALUES (?1,?2,?3,?4,?5)");
  EXPECT_EQ(sql("select count(*) from pgbench_accounts"), "SELECT count(*) FROM A");
}

TEST_F(Plans, OfOtherHotShapes) {
  EXPECT_EQ(sql("select * from item where id = 1 and price > 2"),
            "SELECT c1,c2,c3,c4 FROM C WHERE c1=1 AND c3>200");
  EXPECT_EQ(sql("delete from item where id = $1"), "DELETE FROM C WHERE c1=?1");
  EXPECT_EQ(sql("insert into item values (1, 'a', 2.5, '2000-01-02')"),
            "INSERT INTO C(c1,c2,c3,c4) VALUES (1,'a',250,1)");
  EXPECT_EQ(sql("insert into item (id, code) values (2, 'b') on conflict (id) do update set code = "
                "excluded.code"),
            "INSERT INTO C(c1,c2) VALUES (2,'b') ON CONFLICT(c1) DO UPDATE SET c2=excluded.c2");
  EXPECT_EQ(sql("select id from item order by id desc limit 10 offset 5"),
            "SELECT c1 FROM C ORDER BY 1 DESC LIMIT 10 OFFSET 5");
  EXPECT_EQ(sql("select code from item order by code"), "SELECT c2 FROM C ORDER BY 1 NULLS LAST");
  EXPECT_EQ(sql("select i.id, h.delta from item i join pgbench_history h on h.aid = i.id"),
            "SELECT a0.c1,a1.c4 FROM C AS a0 JOIN B AS a1 ON a1.c3=a0.c1");
  EXPECT_EQ(sql("select bid, sum(abalance) from pgbench_accounts group by bid"),
            "SELECT c2,sum(c3) FROM A GROUP BY c2");
  EXPECT_EQ(sql("select sum(price) from item"), "SELECT spar_sum_scaled(c3,2) FROM C");
}

// Constants move to the column's scale, so that the column stays bare.
TEST_F(Plans, OfNumericComparisons) {
  EXPECT_EQ(sql("select 1 from item where price = 3.5"), "SELECT 1 FROM C WHERE c3=350");
  EXPECT_EQ(sql("select 1 from item where price = 3.555"), "SELECT 1 FROM C WHERE c3<>c3");
  EXPECT_EQ(sql("select 1 from item where price <> 3.555"), "SELECT 1 FROM C WHERE c3=c3");
  EXPECT_EQ(sql("select 1 from item where price < 3.555"), "SELECT 1 FROM C WHERE c3<=355");
  EXPECT_EQ(sql("select 1 from item where price >= 3.555"), "SELECT 1 FROM C WHERE c3>355");
  EXPECT_EQ(sql("select 1 from item where -3.555 < price"), "SELECT 1 FROM C WHERE c3>-356");
  EXPECT_EQ(sql("select 1 from item where price in (1, 2.5, 2.555)"),
            "SELECT 1 FROM C WHERE c3 IN (100,250)");
  EXPECT_EQ(sql("select 1 from item where id < 2.5"), "SELECT 1 FROM C WHERE c1<=2");
  EXPECT_EQ(sql("select 1 from item where id = 2.0"), "SELECT 1 FROM C WHERE c1=2");
}

TEST_F(Plans, UseIndexes) {
  EXPECT_EQ(first_step("select * from item where id = $1").substr(0, 6), "SEARCH");
  EXPECT_EQ(first_step("select * from pgbench_accounts where aid = $1").substr(0, 6), "SEARCH");
  EXPECT_EQ(first_step("select * from item where code = $1").substr(0, 6), "SEARCH");
  EXPECT_EQ(first_step("select * from item where price > 3.555").substr(0, 6), "SEARCH");
  EXPECT_EQ(first_step("select * from item where sold between '2020-01-01' and '2020-02-01'")
                .substr(0, 6),
            "SEARCH");
  EXPECT_EQ(first_step("select * from item where id = any (array[1, 2])").substr(0, 6), "SEARCH");
  EXPECT_EQ(first_step("update item set price = 1 where id = $1").substr(0, 6), "SEARCH");
}

TEST_F(Plans, StayWithinSqlitesParser) {
  std::string sum = "select id", ors = "select id from item where id = 0", many = "select id in (0";
  for (int i = 1; i < 400; ++i) sum += " + 1";
  for (int i = 1; i < 3000; ++i) ors += " or code = 'x" + std::to_string(i) + "'";
  for (int i = 1; i < 5000; ++i) many += "," + std::to_string(i);
  std::string rows = "insert into item (id) values (0)";
  for (int i = 1; i < 3000; ++i) rows += ",(" + std::to_string(i) + ")";
  EXPECT_TRUE(server_.run(rows));
  EXPECT_EQ(outcome(server_.run(sum + " from item where id = 1")), "OK 400\n");
  EXPECT_EQ(outcome(server_.run(ors)), "OK 0\n");
  EXPECT_EQ(outcome(server_.run(many + ") from item where id = 7")), "OK t\n");
}

}  // namespace
}  // namespace spar::query::test
