#include "query/route/classify.h"

#include <gtest/gtest.h>

#include "tests/unit/query/route/classify_cases.h"
#include "tests/unit/query/route/test_objects.h"

namespace spar::query::route {
namespace {

Route classified(std::string_view sql) {
  const auto statements = parse(sql, {});
  if (!statements) {
    ADD_FAILURE() << sql << ": " << statements.error().message;
    return unparsed_route();
  }
  return classify_all(*statements, test::TestObjects());
}

TEST(Classify, Queries) {
  for (const test::ClassifyCase& one : test::kQueryCases) {
    EXPECT_EQ(describe(classified(one.sql)), one.route) << one.sql;
  }
}

TEST(Classify, SessionsAndCommands) {
  for (const test::ClassifyCase& one : test::kSessionCases) {
    EXPECT_EQ(describe(classified(one.sql)), one.route) << one.sql;
  }
}

TEST(Classify, SeveralStatementsAreAsStrongAsTheStrongest) {
  const Route route = classified("SELECT 1; SET app.x = '1'; UPDATE t SET x = 1; LISTEN c; COMMIT");
  EXPECT_EQ(route.site, Site::primary);
  EXPECT_TRUE(route.writes);
  EXPECT_FALSE(route.opaque);
  EXPECT_TRUE(route.pins.has(Pin::untracked_setting));
  EXPECT_TRUE(route.pins.has(Pin::listen));
  ASSERT_EQ(route.parts.size(), 5u);
  EXPECT_EQ(route.parts[0].site, Site::any);
  EXPECT_EQ(route.parts[4].kind, Kind::transaction);
  EXPECT_EQ(classified("BEGIN; SELECT 1").site, Site::any);
  EXPECT_EQ(classified("SHOW spar.a; SHOW spar.b").site, Site::none);
  EXPECT_EQ(classified("").parts.size(), 0u);
}

TEST(Classify, SerializableIsNoted) {
  EXPECT_TRUE(classified("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY").serializable);
  EXPECT_TRUE(classified("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE").serializable);
  EXPECT_TRUE(classified("SET default_transaction_isolation = serializable").serializable);
  EXPECT_TRUE(classified("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE")
                  .serializable);
  EXPECT_FALSE(classified("BEGIN ISOLATION LEVEL REPEATABLE READ").serializable);
}

TEST(Classify, NothingUserMadeIsKnownWithoutACatalogue) {
  const auto statements = parse("SELECT * FROM t", {});
  ASSERT_TRUE(statements);
  EXPECT_EQ(classify((*statements)[0], BuiltInObjects()).reason, Reason::relation);
}

// Names in WITH are compared one by one: their number has a limit, beyond which they are unknown.
TEST(Classify, ManyNamedQueriesTakeNoTime) {
  std::string sql = "WITH q0 AS (SELECT 1)";
  for (int i = 1; i < 20'000; ++i) {
    sql += ", q" + std::to_string(i) + " AS (SELECT 1 FROM q" + std::to_string(i - 1) + ")";
  }
  EXPECT_EQ(describe(classified(sql + " SELECT * FROM q19999")), "any");
  EXPECT_EQ(classified(sql + " SELECT * FROM q0").parts[0].reason, Reason::relation);
}

TEST(Classify, DepthCostsNoStack) {
  std::string sql = "SELECT 1";
  for (int i = 0; i < 2000; ++i) sql += " + 1";
  ParseLimits limits;
  limits.nesting_max = 10'000;
  const auto statements = parse(sql, limits);
  ASSERT_TRUE(statements) << statements.error().message;
  EXPECT_EQ(describe(classify_all(*statements, BuiltInObjects())), "any");
}

}  // namespace
}  // namespace spar::query::route
