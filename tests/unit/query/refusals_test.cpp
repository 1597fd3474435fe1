// What Spar does not have yet is 0A000 with the feature's name, never a wrong answer.
#include <gtest/gtest.h>

#include "tests/unit/query/support/mini_server.h"

namespace spar::query::test {
namespace {

TEST(Refusals, NameTheFeature) {
  MiniServer server;
  ASSERT_TRUE(
      server.run("create table t(id int primary key, x numeric, iv interval, b text);"
                 "insert into t values (1, 1.0, '1 day', 'a'), (2, 1.00, '24 hours', 'b')"));
  const std::pair<const char*, const char*> table[] = {
      {"create sequence s", "CREATE SEQUENCE"},
      {"create table s (id serial)", "type serial"},
      {"create table s (id int generated always as identity)", "an identity column"},
      {"create table s (id int, b int generated always as (id + 1) stored)", "a generated column"},
      {"create table s (like t)", "LIKE in CREATE TABLE"},
      {"create table s (a int) partition by range (a)", "a partitioned table"},
      {"create table s (a int) inherits (t)", "INHERITS"},
      {"create temp table s (a int)", "a temporary table"},
      {"create table s as select 1", "CREATE TABLE AS"},
      {"select 1 into s", "SELECT INTO"},
      {"create view v as select 1", "CREATE VIEW"},
      {"create schema s", "CREATE SCHEMA"},
      {"create type e as enum ('a')", "CREATE TYPE"},
      {"create function f() returns int language sql as 'select 1'", "CREATE FUNCTION"},
      {"create index on t (lower(b))", "an index on an expression"},
      {"create index on t (id) where id > 1", "a partial index"},
      {"alter table t alter column id type int8", "ALTER COLUMN TYPE"},
      {"grant select on t to public", "GRANT and REVOKE"},
      {"explain select 1", "EXPLAIN"},
      {"declare c cursor for select 1", "DECLARE CURSOR"},
      {"listen x", "LISTEN"},
      {"lock table t", "LOCK TABLE"},
      {"do 'begin end'", "DO"},
      {"merge into t using t s on true when matched then delete", "MERGE"},
      {"select count(*) over () from t", "a window function"},
      {"select b from t group by rollup (b)", "GROUPING SETS, ROLLUP and CUBE"},
      {"select distinct on (b) b from t", "DISTINCT ON"},
      {"with recursive r as (select 1) select * from r", "WITH RECURSIVE"},
      {"with d as (delete from t returning id) select * from d",
       "a data-modifying statement in WITH"},
      {"select * from t, lateral (select t.id) s", "LATERAL"},
      {"select (1, 2) = (1, 2)", "a row value"},
      {"select t from t", "a whole row as a value"},
      {"select string_agg(b, ',' order by id) from t", "ORDER BY in an aggregate"},
      {"select pg_sleep(1)", "function pg_sleep()"},
      {"select pg_backend_pid()", "function pg_backend_pid()"},
      {"select nextval('s')", "function nextval()"},
      {"select relname from pg_class", "the system catalogue pg_class"},
      {"select * from pg_catalog.pg_class", "the system catalogue pg_catalog.pg_class"},
      {"select * from information_schema.tables", "the system catalogue information_schema.tables"},
      {"select id from t for update skip locked", "SKIP LOCKED"},
      {"select id from t fetch first 1 rows with ties", ""},
      {"set transaction isolation level serializable, read only",
       "SET TRANSACTION with more than one mode"},
      {"prepare transaction 'x'", "a prepared transaction"},
      {"copy t to '/tmp/x'", "COPY to or from a file or program on the server"},
      {"select x from t intersect all select 1.0",
       "INTERSECT ALL and EXCEPT ALL over numeric without a scale"},
      {"select sum(distinct x) from t", "sum(DISTINCT numeric without a scale)"},
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
