// What CatalogueObjects says of a database that holds everything users make, and of one with many
// tables. Whatever it calls a read is read on a standby.
#include <gtest/gtest.h>

#include <chrono>
#include <iostream>

#include "engines/postgres/catalogue_objects.h"
#include "query/route/classify.h"
#include "tests/support/postgres_copy.h"

namespace spar::test {
namespace {

using namespace engines::postgres;
using namespace query::route;

constexpr std::array kSchema = {
    "create schema other",
    "create schema \"Odd Schema\"",
    "create table t (id int primary key, x int, y text)",
    "create table \"Odd Schema\".\"Odd (Table\" (\":funcid 1\" int)",
    "create unlogged table unlogged (x int)",
    "create sequence s",
    "create foreign data wrapper w",
    "create server away foreign data wrapper w",
    "create foreign table away (x int) server away",
    "create table other.twofold (x int)",
    "create unlogged table twofold (x int)",
    // Partitions and children
    "create table parted (x int) partition by range (x)",
    "create table parted_1 partition of parted for values from (0) to (10)",
    "create table half_away (x int) partition by range (x)",
    "create foreign table half_away_1 partition of half_away for values from (0) to (10) "
    "server away",
    "create table parent (x int)",
    "create unlogged table child () inherits (parent)",
    // Functions
    "create function f_immutable(int) returns int immutable language sql as 'select 1'",
    "create function f_stable(int, int = 2) returns int stable language sql as 'select 1'",
    "create function f_volatile(int) returns int language sql as 'select 1'",
    "create function f_many(variadic int[]) returns int stable language sql as 'select 1'",
    "create function f_overload(int) returns int stable language sql as 'select 1'",
    "create function f_overload(text, text) returns int volatile language sql as 'select 1'",
    "create function other.f_twice() returns int volatile language sql as 'select 1'",
    "create function f_twice() returns int stable language sql as 'select 1'",
    "create function f_default(int = nextval('s')) returns int stable language sql as 'select 1'",
    "create function f_calls(int = f_default()) returns int stable language sql as 'select 1'",
    "create function lower(int) returns text volatile language sql as 'select $1::text'",
    "create function step(int, int) returns int volatile language sql as 'select 1'",
    "create aggregate agg_bad(int) (sfunc = step, stype = int)",
    "create aggregate agg_good(int) (sfunc = int4pl, stype = int)",
    "create procedure p(int) language sql as 'select 1'",
    // Operators
    "create operator <+> (leftarg = int, rightarg = int, function = int4pl)",
    "create operator <-> (leftarg = int, rightarg = int, function = step)",
    "create operator other.+ (leftarg = text, rightarg = text, function = textcat)",
    // Types
    "create type mood as enum ('a', 'b')",
    "create type pair as (a int, b int)",
    "create domain positive as int check (value > 0)",
    "create domain ticking as int check (value > nextval('s'))",
    "create domain ticking_too as ticking",
    "create type with_ticking as (a int, b ticking_too[])",
    "create table row_ticks (a with_ticking)",
    "create type span as range (subtype = int)",
    "create function from_mood(mood) returns int volatile language sql as 'select 1'",
    "create cast (mood as int) with function from_mood(mood)",
    // Views
    "create view v_reads as select t.*, f_stable(t.x), lower(t.y), now(), random(), "
    "case when x is null then array[1] end, (select max(x) from t), row_number() over (order by "
    "id) "
    "from t where y like 'a%' and (x, id) < (3, 4) and t.x in (1, 2) group by grouping sets ((id), "
    "(id, x))",
    "create view v_union as select x from t union all select 1 intersect select 2 order by 1",
    "create view v_with as with recursive r(n) as (select 1 union all select n + 1 from r "
    "where n < 3) select r.n, u.*, l.* from r, unnest(array[1]) with ordinality u, "
    "lateral (select r.n as m, current_user, current_date) l",
    "create view v_json as select y::jsonb -> 'a' as a, (y::jsonb)['b'] as b from t",
    "create view v_sample as select * from t tablesample bernoulli (10)",
    "create view v_odd as select * from \"Odd Schema\".\"Odd (Table\"",
    "create view v_nextval as select nextval('s')",
    "create view v_volatile as select f_volatile(x) from t",
    "create view v_on_volatile as select * from v_volatile",
    "create view v_on_on as select count(*) from (select * from v_on_volatile) q",
    "create view v_default as select f_calls()",
    "create view v_operator as select 1 <-> 2",
    "create view v_aggregate as select agg_bad(x) from t",
    "create view v_lock as select * from t for update",
    "create view v_advisory as select pg_try_advisory_lock(1)",
    "create view v_setting as select current_setting('server_version')",
    "create view v_set as select set_config('work_mem', '1MB', false)",
    "create view v_unlogged as select * from unlogged",
    "create view v_activity as select * from pg_stat_activity",
    "create view v_catalogue as select c.relname from pg_class c join pg_namespace n "
    "on n.oid = c.relnamespace",
    "create view v_schema as select * from information_schema.domains",
    "create view v_recovery as select pg_is_in_recovery()",
    "create view v_ctid as select ctid from t",
    "create view v_domain as select x::ticking from t",
    "create view v_xml as select table_to_xml('t', true, true, '')",
    "create view v_foreign as select * from away",
    "create view v_parted as select * from parted",
    "create view v_half as select * from half_away",
    "create materialized view m as select f_volatile(x) from t",
    // Row security
    "create table rls_good (x int)",
    "alter table rls_good enable row level security",
    "create policy good on rls_good using (x > 1 and current_user <> 'a')",
    "create table rls_bad (x int)",
    "alter table rls_bad enable row level security",
    "create policy bad on rls_bad for select using (f_volatile(x) = 1)",
    "create table rls_off (x int)",
    "create policy bad on rls_off using (f_volatile(x) = 1)",
    "create table rls_deep (x int)",
    "alter table rls_deep enable row level security",
    "create policy deep on rls_deep using (exists (select from v_on_volatile))",
    "create view v_rls as select * from rls_bad",
};

class CatalogueObjectsTest : public PostgresCopies {
 protected:
  void start() {
    primary_ = copy("a");
    primary_->start_as_primary();
    link_ = std::make_unique<ServerLink>(primary_->session());
    user_ = std::make_unique<ServerLink>(primary_->session());
  }
  void make_everything() {
    for (const char* sql : kSchema) must(user_->run(sql, patiently()));
    objects_ = must(CatalogueObjects::load(*link_, patiently()));
  }
  RelationKind relation(std::string_view name, std::string_view schema = "") const {
    return objects_->relation({schema, name});
  }
  Volatility function(std::string_view name, std::size_t arguments,
                      std::string_view schema = "") const {
    return objects_->function({schema, name}, arguments).volatility;
  }
  std::string fingerprint() { return must(CatalogueObjects::fingerprint(*link_, patiently())); }
  std::string route(const std::string& sql) {
    const auto statements = query::parse(sql, {});
    return statements ? describe(classify((*statements)[0], *objects_)) : "unparsed";
  }

  std::unique_ptr<PostgresCopy> primary_;
  std::unique_ptr<ServerLink> link_, user_;
  std::shared_ptr<const Objects> objects_;
};

class CatalogueKinds : public CatalogueObjectsTest {
 protected:
  void check_tables() {
    EXPECT_EQ(relation("t"), RelationKind::reads);
    EXPECT_EQ(relation("t", "public"), RelationKind::reads);
    EXPECT_EQ(relation("t", "other"), RelationKind::unknown);
    EXPECT_EQ(relation("Odd (Table", "Odd Schema"), RelationKind::reads);
    EXPECT_EQ(relation("odd (table"), RelationKind::unknown);
    EXPECT_EQ(relation("unlogged"), RelationKind::node);
    EXPECT_EQ(relation("s"), RelationKind::node);
    EXPECT_EQ(relation("away"), RelationKind::writes);
    EXPECT_EQ(relation("twofold"), RelationKind::node);  // the worst of both
    EXPECT_EQ(relation("twofold", "other"), RelationKind::reads);
    EXPECT_EQ(relation("parted"), RelationKind::reads);
    EXPECT_EQ(relation("half_away"), RelationKind::writes);
    EXPECT_EQ(relation("parent"), RelationKind::node);
    EXPECT_EQ(relation("pair"), RelationKind::unknown);
    EXPECT_EQ(relation("m"), RelationKind::reads);
    EXPECT_EQ(relation("pg_class"), RelationKind::reads);
    EXPECT_EQ(relation("pg_stat_activity"), RelationKind::node);
    EXPECT_EQ(relation("rls_good"), RelationKind::reads);
    EXPECT_EQ(relation("rls_bad"), RelationKind::writes);
    EXPECT_EQ(relation("rls_off"), RelationKind::reads);
    EXPECT_EQ(relation("rls_deep"), RelationKind::writes);
  }
  void check_views() {
    for (const char* name : {"v_reads", "v_union", "v_with", "v_json", "v_sample", "v_odd",
                             "v_catalogue", "v_schema", "v_parted"}) {
      EXPECT_EQ(relation(name), RelationKind::reads) << name;
    }
    for (const char* name : {"v_setting", "v_unlogged", "v_activity", "v_recovery", "v_ctid"}) {
      EXPECT_EQ(relation(name), RelationKind::node) << name;
    }
    for (const char* name : {"v_nextval", "v_volatile", "v_on_volatile", "v_on_on", "v_default",
                             "v_operator", "v_aggregate", "v_lock", "v_advisory", "v_set",
                             "v_domain", "v_xml", "v_foreign", "v_half", "v_rls"}) {
      EXPECT_EQ(relation(name), RelationKind::writes) << name;
    }
  }
  void check_functions() {
    EXPECT_EQ(function("f_immutable", 1), Volatility::immutable);
    EXPECT_EQ(function("f_immutable", 2), Volatility::unknown);
    EXPECT_EQ(function("f_stable", 1), Volatility::stable);
    EXPECT_EQ(function("f_stable", 2), Volatility::stable);
    EXPECT_EQ(function("f_stable", 2, "other"), Volatility::unknown);
    EXPECT_EQ(function("f_volatile", 1), Volatility::volatile_);
    EXPECT_EQ(function("f_many", 7), Volatility::stable);
    EXPECT_EQ(function("f_overload", 1), Volatility::stable);
    EXPECT_EQ(function("f_overload", 2), Volatility::volatile_);
    EXPECT_EQ(function("f_twice", 0), Volatility::volatile_);
    EXPECT_EQ(function("f_twice", 0, "public"), Volatility::stable);
    EXPECT_EQ(function("f_default", 0), Volatility::volatile_);
    EXPECT_EQ(function("f_calls", 0), Volatility::volatile_);
    EXPECT_EQ(function("agg_bad", 1), Volatility::volatile_);
    EXPECT_EQ(function("agg_good", 1), Volatility::immutable);
    EXPECT_EQ(function("p", 1), Volatility::unknown);
    // A user's overload beside PostgreSQL's.
    EXPECT_EQ(function("lower", 1), Volatility::volatile_);
    EXPECT_FALSE(objects_->function({"", "lower"}, 1).built_in);
    EXPECT_EQ(function("lower", 1, "pg_catalog"), Volatility::immutable);
    EXPECT_TRUE(objects_->function({"pg_catalog", "lower"}, 1).built_in);
    EXPECT_TRUE(objects_->function({"", "upper"}, 1).built_in);
  }
  void check_operators_and_types() {
    EXPECT_EQ(objects_->operation({"", "<+>"}), Volatility::immutable);
    EXPECT_EQ(objects_->operation({"", "<->"}), Volatility::volatile_);
    EXPECT_EQ(objects_->operation({"", "+"}), Volatility::stable);  // with other.+ the same
    EXPECT_EQ(objects_->operation({"", "<%%>"}), Volatility::unknown);
    for (const char* name : {"mood", "pair", "positive", "span", "t", "text"}) {
      EXPECT_LE(objects_->type({"", name}), Volatility::stable) << name;
    }
    for (const char* name : {"ticking", "ticking_too", "with_ticking", "row_ticks"}) {
      EXPECT_EQ(objects_->type({"", name}), Volatility::volatile_) << name;
    }
    EXPECT_EQ(objects_->type({"", "int4"}), Volatility::volatile_);  // the cast from mood
    EXPECT_EQ(objects_->type({"", "nothing"}), Volatility::unknown);
  }
};

TEST_F(CatalogueKinds, AreWhatTheCataloguesSay) {
  start();
  make_everything();
  check_tables();
  check_views();
  check_functions();
  check_operators_and_types();
  EXPECT_EQ(route("select * from v_reads r join t using (id) where f_stable(r.x) = 1"), "any");
  EXPECT_TRUE(route("select * from v_on_on").starts_with("primary writes"))
      << route("select * from v_on_on");
}

// Answers there, in a transaction that may not write.
TEST_F(CatalogueObjectsTest, WhatReadsIsReadOnAStandby) {
  start();
  make_everything();
  must(primary_->control().ensure_slots({"spar_b"}, patiently()));
  auto standby = copy("b");
  standby->start_behind(*primary_);
  ServerLink there = standby->session();
  auto wait = patiently();
  while (one(there, "select count(*) from pg_views where viewname = 'v_rls'") != "1") {
    ASSERT_LT(std::chrono::steady_clock::now(), wait);
  }
  int read = 0;
  for (const auto& row : must(link_->run("select n.nspname, c.relname from pg_class c join "
                                         "pg_namespace n on n.oid = c.relnamespace where c.oid "
                                         ">= 16384 and c.relkind <> 'i' and c.relkind <> 't'",
                                         patiently()))) {
    if (objects_->relation({*row[0], *row[1]}) != RelationKind::reads) continue;
    const auto answer =
        there.run("select * from " + quoted_identifier(*row[0]) + "." + quoted_identifier(*row[1]),
                  patiently());
    EXPECT_TRUE(answer) << *row[1] << ": " << (answer ? "" : answer.error().message);
    ++read;
  }
  EXPECT_GT(read, 15);
}

// Whatever changes an answer changes the fingerprint; writing does not.
TEST_F(CatalogueObjectsTest, TheFingerprintChangesWithTheAnswers) {
  start();
  make_everything();
  std::string before = fingerprint();
  for (const char* sql :
       {"create table fresh (x int)", "alter table fresh rename to renamed",
        "alter table renamed set unlogged", "alter table renamed enable row level security",
        "create policy mine on renamed using (x > 0)",
        "alter policy mine on renamed using (f_volatile(x) = 1)",
        "alter table renamed disable row level security", "alter table renamed set schema other",
        "alter schema other rename to another", "alter function f_stable(int, int) volatile",
        "create or replace view v_union as select f_volatile(1) as x",
        "alter domain positive add check (value > nextval('s'))",
        "create table parted_2 partition of parted for values from (10) to (20)",
        "alter table parted detach partition parted_2",
        "alter type pair alter attribute a type positive", "create cast (pair as text) with inout",
        "drop operator <+> (int, int)", "drop materialized view m"}) {
    must(user_->run(sql, patiently()));
    const std::string after = fingerprint();
    EXPECT_NE(before, after) << sql;
    before = after;
  }
  for (const char* sql :
       {"insert into t values (1, 2, 'x')", "truncate t", "analyze t",
        "create temp table mine (x int)", "create index on t (x)", "vacuum full t"}) {
    must(user_->run(sql, patiently()));
    EXPECT_EQ(before, fingerprint()) << sql;
  }
}

TEST_F(CatalogueObjectsTest, LoadsWhileASchemaChangeIsUnderWay) {
  start();
  make_everything();
  ServerLink other = primary_->session();
  must(other.run("begin", patiently()));
  must(other.run("lock table t in access exclusive mode", patiently()));
  EXPECT_TRUE(CatalogueObjects::load(*link_, in(std::chrono::seconds(5))));
}

TEST_F(CatalogueObjectsTest, AUsersFunctionsDoNotMisleadIt) {
  start();
  make_everything();
  must(
      link_->run("create function public.hashtextextended(text, int) returns bigint volatile "
                 "language sql as 'select nextval(''public.s'')'",
                 patiently()));
  must(link_->run("alter role postgres set search_path = public, pg_catalog", patiently()));
  ServerLink misled = primary_->session();
  EXPECT_EQ(must(CatalogueObjects::fingerprint(misled, patiently())), fingerprint());
  EXPECT_EQ(one(*link_, "select is_called from public.s"), "f");
}

TEST_F(CatalogueObjectsTest, TenThousandTablesLoadFast) {
  start();
  must(
      link_->run("do $$ begin for i in 1..10000 loop execute format('create table many_%s "
                 "(id int primary key, a text, b text, c int, d timestamptz)', i); "
                 "if i % 20 = 0 then execute format('create view view_%s as select * from many_%s "
                 "where c > 1', i, i); end if; if i % 1000 = 0 then commit; end if; "
                 "end loop; end $$",
                 in(std::chrono::seconds(200))));
  using Clock = std::chrono::steady_clock;
  const auto before = Clock::now();
  objects_ = must(CatalogueObjects::load(*link_, patiently()));
  const auto loaded = Clock::now();
  const std::string first = fingerprint();
  const auto looked = Clock::now();
  EXPECT_EQ(first, fingerprint());
  EXPECT_EQ(relation("many_7777"), RelationKind::reads);
  EXPECT_EQ(relation("view_500"), RelationKind::reads);
  const auto ms = [](auto time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  };
  std::cout << "10000 tables: load " << ms(loaded - before) << " ms, fingerprint "
            << ms(looked - loaded) << " ms\n";
  EXPECT_LT(ms(loaded - before), 5000);
}

}  // namespace
}  // namespace spar::test
