// What query/route says of statements, asked of a real PostgreSQL: that reads are reads and leave
// nothing in the session, and that the built-in tables are what the server's catalogues say.
#include <gtest/gtest.h>

#include <iostream>

#include "query/route/classify.h"
#include "tests/support/subprocess.h"
#include "tests/unit/query/route/classify_cases.h"
#include "tests/unit/query/route/test_objects.h"

namespace spar::test {
namespace {

using namespace query::route;
using query::route::test::ClassifyCase;

// What TestObjects knows, so that the statements find it.
constexpr const char* kSchema = R"(
CREATE TYPE point3 AS (c int, user_volatile int);
CREATE TABLE t (id int, x int, y text, z int, a jsonb, b point3, nextval int);
CREATE TABLE u (id int, x int, y int);
CREATE TABLE pgbench_accounts (aid int, abalance int);
CREATE VIEW view_reads AS SELECT * FROM t;
CREATE FUNCTION user_immutable(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION user_stable(int = 1) RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
CREATE OPERATOR <+> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl);
CREATE TYPE mood AS ENUM ('a');
)";

// Everything that pins, as one number that has to stay 0, and the settings that are the session's.
constexpr const char* kPinned = R"(
SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')
     + (SELECT count(*) FROM pg_listening_channels())
     + (SELECT count(*) FROM pg_cursors)
     + (SELECT count(*) FROM pg_prepared_statements)
     + (SELECT count(*) FROM pg_class WHERE relpersistence = 't')
     + (SELECT count(*) FROM pg_settings WHERE source = 'session' AND name <> 'work_mem'))";

class RouteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = PostgresServer::start();
    if (!started) GTEST_SKIP() << "SKIPPED: " << started.error().message;
    server_ = std::move(*started);
    client_ = std::make_unique<app::SqlClient>(server_->address("postgres"));
    ASSERT_TRUE(client_->connect());
  }
  std::vector<std::vector<std::string>> rows(const std::string& sql) {
    app::SqlAnswer answer = client_->run(sql);
    EXPECT_TRUE(answer.ok) << answer.error << "\n" << sql;
    return std::move(answer.rows);
  }

  std::unique_ptr<PostgresServer> server_;
  std::unique_ptr<app::SqlClient> client_;
};

Part classified(const std::string& sql, const Objects& objects) {
  const auto statements = query::parse(sql, {});
  return statements && statements->size() == 1 ? classify((*statements)[0], objects)
                                               : unparsed_route().parts[0];
}

TEST_F(RouteTest, ReadsAreReadsAndLeaveNothing) {
  rows(kSchema);
  int checked = 0, failed = 0;
  for (const ClassifyCase& one : query::route::test::kQueryCases) {
    const std::string sql(one.sql);
    const Part part = classified(sql, query::route::test::TestObjects());
    if (part.site != Site::any || !part.pins.empty()) continue;
    rows("BEGIN");
    rows("SET TRANSACTION READ ONLY");
    const app::SqlAnswer answer = client_->run(sql);
    EXPECT_FALSE(answer.error.starts_with("25006")) << sql << ": " << answer.error;
    if (!answer.ok) std::cout << sql << "\n  " << answer.error << "\n";
    rows("ROLLBACK");
    client_->run(sql);
    EXPECT_EQ(rows(kPinned)[0][0], "0") << sql;
    ++checked;
    failed += answer.ok ? 0 : 1;
  }
  std::cout << checked << " statements, " << failed << " of them failed\n";
  EXPECT_GT(checked, 40);
  EXPECT_LE(failed, checked / 20);
}

TEST_F(RouteTest, BuiltInFunctionsAreAsVolatileAsTheCatalogueSays) {
  const BuiltInObjects objects;
  int known = 0;
  for (const auto& row : rows("SELECT proname, pronargs, provolatile FROM pg_proc "
                              "WHERE pronamespace = 'pg_catalog'::regnamespace")) {
    const Volatility expected = row[2] == "i"   ? Volatility::immutable
                                : row[2] == "s" ? Volatility::stable
                                                : Volatility::volatile_;
    const FunctionFacts facts = objects.function({"", row[0]}, std::stoul(row[1]));
    EXPECT_GE(facts.volatility, expected) << row[0] << '/' << row[1];
    known += facts.volatility == Volatility::unknown ? 0 : 1;
  }
  std::cout << known << " functions known\n";
  EXPECT_GT(known, 2000);
}

// information_schema's own functions and domains, which only its views use.
class WithInformationSchema : public BuiltInObjects {
 public:
  FunctionFacts function(ObjectName name, std::size_t arguments) const override {
    if (name.schema == "information_schema") return {Volatility::stable, true};
    return BuiltInObjects::function(name, arguments);
  }
  Volatility type(ObjectName name) const override {
    if (name.schema == "information_schema") return Volatility::stable;
    return BuiltInObjects::type(name);
  }
};

TEST_F(RouteTest, BuiltInViewsThatReadAreMadeOfReads) {
  const WithInformationSchema objects;
  int checked = 0;
  for (const auto& row : rows("SELECT schemaname, viewname, definition FROM pg_views "
                              "WHERE schemaname IN ('pg_catalog', 'information_schema')")) {
    if (objects.relation({row[0], row[1]}) != RelationKind::reads) continue;
    const Part part = classified(row[2], objects);
    EXPECT_EQ(describe(part), "any") << row[0] << '.' << row[1];
    ++checked;
  }
  std::cout << checked << " views\n";
  EXPECT_GT(checked, 70);
}

}  // namespace
}  // namespace spar::test
