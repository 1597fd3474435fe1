#include "gateway/relay/statement_traits.h"

#include <gtest/gtest.h>

#include "gateway/relay/statement_book.h"

namespace spar::gateway::relay {
namespace {

using Verb = Traits::Verb;

Traits of(std::string_view sql) {
  StatementBook book;
  return book.traits(sql);
}

TEST(StatementTraits, TellsWhatBeginsAndEndsTransactions) {
  EXPECT_EQ(of("BEGIN").verb, Verb::begin);
  EXPECT_EQ(of("START TRANSACTION READ ONLY").verb, Verb::begin);
  EXPECT_TRUE(of("START TRANSACTION READ ONLY").read_only);
  EXPECT_EQ(of("BEGIN; INSERT INTO t VALUES (1)").verb, Verb::begin);
  EXPECT_EQ(of("END").verb, Verb::commit);
  EXPECT_EQ(of("ABORT").verb, Verb::rollback);
  EXPECT_EQ(of("ROLLBACK TO s").verb, Verb::none);
  EXPECT_EQ(of("SAVEPOINT s").verb, Verb::none);
  for (const char* sql :
       {"COMMIT AND CHAIN", "INSERT INTO t VALUES (1); COMMIT", "BEGIN; SELECT 1; COMMIT",
        "PREPARE TRANSACTION 'x'", "COMMIT PREPARED 'x'", "SELEC"}) {
    EXPECT_EQ(of(sql).verb, Verb::mixed) << sql;
  }
}

TEST(StatementTraits, TellsWhatMayBeWrapped) {
  for (const char* sql :
       {"INSERT INTO t VALUES (1)", "UPDATE t SET a = 1; DELETE FROM t", "SELECT nextval('s')",
        "SELECT f()", "CREATE TABLE t (a int)", "DROP INDEX i", "NOTIFY c", "TRUNCATE t",
        "CREATE INDEX ON t (a); INSERT INTO t VALUES (1)", "COPY t FROM STDIN"}) {
    EXPECT_TRUE(of(sql).writes && of(sql).wraps) << sql;
  }
  for (const char* sql :
       {"VACUUM t", "CREATE DATABASE d", "CREATE INDEX CONCURRENTLY i ON t (a)",
        "ALTER SYSTEM SET work_mem = '1MB'", "CALL p()", "DO 'BEGIN END'", "REINDEX TABLE t",
        "INSERT INTO t VALUES (1); VACUUM t", "DROP TABLESPACE s"}) {
    EXPECT_TRUE(of(sql).writes && !of(sql).wraps) << sql;
  }
  for (const char* sql : {"SELECT 1", "SHOW work_mem", "SET work_mem = '1MB'", "BEGIN"}) {
    EXPECT_FALSE(of(sql).writes) << sql;
  }
}

TEST(StatementTraits, TellsAnInsertThatReturns) {
  EXPECT_TRUE(of("INSERT INTO t (a) VALUES (1) RETURNING id").returns);
  EXPECT_FALSE(of("INSERT INTO t (a) VALUES (1)").returns);
  EXPECT_FALSE(of("UPDATE t SET a = 1 RETURNING a").returns);
  EXPECT_FALSE(of("INSERT INTO t VALUES ('returning')").returns);
  EXPECT_FALSE(of("INSERT INTO t VALUES (1) RETURNING id; SELECT 1").returns);
}

}  // namespace
}  // namespace spar::gateway::relay
