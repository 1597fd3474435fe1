// What Spar does not have yet is 0A000 with the feature's name, never a wrong answer.
#include <gtest/gtest.h>

#include "tests/unit/query/support/mini_server.h"

namespace spar::query::test {
namespace {

TEST(Refusals, NameTheFeature) {
  MiniServer server;
  ASSERT_TRUE(
      server.run("create table t(id int primary key, x numeric, iv interval, b text);"
                 "create sequence q;"
                 "insert into t values (1, 1.0, '1 day', 'a'), (2, 1.00, '24 hours', 'b')"));
  const std::pair<const char*, const char*> table[] = {
      {"create table s (a int) partition by range (a)", "a partitioned table"},
      {"create table s (a int) inherits (t)", "INHERITS"},
      {"create temp table s (a int)", "a temporary table"},
      {"create type e as enum ('a')", "CREATE TYPE"},
      {"create function f() returns int language sql as 'select 1'", "CREATE FUNCTION"},
      {"grant select on t to public", "GRANT and REVOKE"},
      {"explain select 1", "EXPLAIN"},
      {"declare c cursor for select 1", "DECLARE CURSOR"},
      {"listen x", "LISTEN"},
      {"lock table t", "LOCK TABLE"},
      {"do 'begin end'", "DO"},
      {"merge into t using t s on true when matched then delete", "MERGE"},
      {"with recursive r as (select 1 a union select distinct 2 from r) select * from r",
       "this form of a recursive term"},
      {"with d as (delete from t returning id) select * from d",
       "a data-modifying statement in WITH"},
      {"select * from t, lateral (select t.id limit 1) s", "this form of LATERAL"},
      {"select * from t, lateral (select distinct s.b from t s where s.id > t.id) s",
       "this form of LATERAL"},
      {"select t from t", "a whole row as a value"},
      {"select pg_sleep(1)", "function pg_sleep()"},
      {"select pg_backend_pid()", "function pg_backend_pid()"},
      {"select id from t where id = nextval('q')", "nextval() or setval() in this place"},
      {"select nextval('q') from t order by id", "nextval() or setval() in this place"},
      {"select x from (select nextval('q') as x) s", "nextval() or setval() in this place"},
      {"select nextval(b) from t", "a sequence that is not named by a constant"},
      {"select relname from pg_class", "the system catalogue pg_class"},
      {"select * from pg_catalog.pg_class", "the system catalogue pg_catalog.pg_class"},
      {"select * from information_schema.tables", "the system catalogue information_schema.tables"},
      {"select id from t for update skip locked", "SKIP LOCKED"},
      {"select id from t fetch first 1 rows with ties", ""},
      {"set transaction isolation level serializable, read only",
       "SET TRANSACTION with more than one mode"},
      {"prepare transaction 'x'", "a prepared transaction"},
      {"copy t to '/tmp/x'", "COPY to or from a file or program on the server"},
      {"update t set b = s.b from t s where s.id = t.id returning s.b",
       "RETURNING columns of other tables"},
  };
  for (const auto& [sql, feature] : table) {
    const Result<Answer> answer = server.run(sql);
    ASSERT_FALSE(answer) << sql;
    EXPECT_EQ(answer.error().sqlstate, std::string_view(feature) == "" ? "42601" : "0A000") << sql;
    if (std::string_view(feature) == "") continue;
    EXPECT_EQ(answer.error().message, std::string(feature) + " is not supported yet") << sql;
  }
}

}  // namespace
}  // namespace spar::query::test
