#include "query/session_effects.h"

#include <gtest/gtest.h>

namespace spar::query {
namespace {

using Kind = SessionEffect::Kind;

// One word an effect: "set search_path: SET ...", "hold 4", ...
std::string describe(std::string_view sql, const EffectLimits& limits = {}) {
  auto effects = session_effects(sql, limits);
  if (!effects) return "";
  std::string out;
  for (const SessionEffect& effect : effects->list) {
    if (!out.empty()) out += "; ";
    switch (effect.kind) {
      case Kind::set:
        out += effect.statement;
        break;
      case Kind::reset:
        out += "reset " + effect.name;
        break;
      case Kind::reset_all:
        out += "reset all";
        break;
      case Kind::hold:
        out += "hold " + describe_holds(effect.holds);
        break;
      case Kind::let_go:
        out += "let go " + describe_holds(effect.holds);
        break;
      case Kind::discard_all:
        out += "discard all";
        break;
      case Kind::deallocate:
        out += "deallocate " + effect.name;
        break;
      case Kind::deallocate_all:
        out += "deallocate all";
        break;
      case Kind::rollback_to:
        out += "rollback to";
        break;
    }
  }
  return out;
}

TEST(SessionEffects, AreTheStatementsThatLeaveSomething) {
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"SET search_path = a, \"B c\"", "SET \"search_path\" TO 'a', 'B c'"},
      {"set SESSION Statement_Timeout to 5", "SET \"statement_timeout\" TO 5"},
      {"SET my.thing = 'it''s \\'", "SET \"my\".\"thing\" TO  E'it''s \\\\'"},
      {"SET a = on; RESET b", "SET \"a\" TO 'on'; reset b"},
      {"SET x TO DEFAULT", "reset x"},
      {"RESET ALL", "reset all"},
      {"SET LOCAL x = 1", ""},
      {"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", ""},
      {"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
       "SET default_transaction_isolation TO 'repeatable read'; "
       "SET default_transaction_read_only TO '1'"},
      {"SET TIME ZONE INTERVAL '1' HOUR TO MINUTE", "hold settings"},
      {"SET SESSION AUTHORIZATION bob", "hold settings"},
      {"SET ROLE bob", "SET \"role\" TO 'bob'"},
      {"BEGIN; SET a = 1; COMMIT", "SET \"a\" TO 1; hold settings"},
      {"SELECT set_config('search_path', '', false)",
       "SELECT pg_catalog.set_config('search_path', '', false)"},
      {"SELECT pg_catalog.set_config('a.b', 'x', true)", ""},
      {"SELECT set_config('a.b', $1, false)", "hold settings"},
      {"SELECT 1 WHERE set_config('a.b', 'x', false) = ''", "hold settings"},
      {"CREATE TEMP TABLE t (a int)", "hold temporary tables"},
      {"CREATE TEMPORARY TABLE t (a int) ON COMMIT DROP", ""},
      {"create table pg_temp.t (a int)", "hold temporary tables; hold temporary tables"},
      {"CREATE TEMP TABLE t AS SELECT 1", "hold temporary tables"},
      {"SELECT 1 INTO TEMP t", "hold temporary tables"},
      {"CREATE TEMP VIEW v AS SELECT 1", "hold temporary tables"},
      {"CREATE TEMP SEQUENCE s", "hold temporary tables"},
      {"EXPLAIN ANALYZE CREATE TEMP TABLE t AS SELECT 1", "hold temporary tables"},
      {"DISCARD TEMP", "let go temporary tables"},
      {"LISTEN a", "hold LISTEN"},
      {"UNLISTEN a", ""},
      {"UNLISTEN *", "let go LISTEN"},
      {"SELECT pg_advisory_lock(1)", "hold session locks"},
      {"SELECT \"pg_try_advisory_lock\"(1)", "hold session locks"},
      {"SELECT pg_advisory_xact_lock(1)", ""},
      {"SELECT pg_advisory_unlock_all()", "let go session locks"},
      {"DECLARE c CURSOR FOR SELECT 1", ""},
      {"DECLARE c CURSOR WITH HOLD FOR SELECT 1", "hold WITH HOLD cursors"},
      {"CLOSE c", ""},
      {"CLOSE ALL", "let go WITH HOLD cursors"},
      {"PREPARE p AS SELECT 1", "hold PREPARE"},
      {"DEALLOCATE p", "deallocate p"},
      {"DEALLOCATE PREPARE ALL", "deallocate all"},
      {"DISCARD ALL", "discard all"},
      {"DISCARD PLANS", ""},
      {"LOAD 'auto_explain'", "hold statements that are not understood"},
      {"DO $$ BEGIN NULL; END $$", ""},
      {"DO $$ BEGIN SET a.b = 1; END $$", "hold statements that are not understood"},
      {"ROLLBACK TO SAVEPOINT a", "rollback to"},
      {"SELEC 1", "hold statements that are not understood"},
  };
  for (const auto& [sql, expected] : kCases) EXPECT_EQ(describe(sql), expected) << sql;
}

TEST(SessionEffects, TakeNoGrammarForWhatLeavesNothing) {
  for (std::string_view sql :
       {"", ";", "SELECT 1", "(SELECT 1)", "  -- c\n select temperature from weather",
        "UPDATE t SET a = 1 WHERE b = 'SET x; LISTEN y'", "insert into t values (1); select 2",
        "BEGIN", "COMMIT", "ROLLBACK", "WITH a AS (SELECT 1) SELECT * FROM a",
        "CREATE TABLE t (a int)", "COPY t FROM STDIN", "SELECT $$ LISTEN a $$", "EXECUTE p(1)"}) {
    EXPECT_FALSE(may_leave_effects(sql)) << sql;
  }
  EXPECT_TRUE(may_leave_effects("SELECT temp FROM weather"));
  EXPECT_EQ(describe("SELECT temp FROM weather"), "");
}

TEST(SessionEffects, HoldForTextsThatAreTooLongToRead) {
  std::string sql = "SET a.b = '" + std::string(1000, 'x') + "'";
  EXPECT_EQ(describe(sql, {.text_bytes_max = 100}), "hold statements that are not understood");
}

TEST(SessionEffects, SurviveAnyBytes) {
  std::string sql = "SET a.b = 'x'; LISTEN \"c\"; SELECT set_config($1, E'\\'', $$f$$) /* */ --";
  for (std::size_t i = 0; i < sql.size(); ++i) {
    for (char c : {'\0', '\'', '"', '$', '\\', ';', '(', '\xff'}) {
      std::string other = sql;
      other[i] = c;
      (void)session_effects(other, {});
      (void)session_effects(std::string_view(sql).substr(0, i), {});
    }
  }
}

}  // namespace
}  // namespace spar::query
