#include "query/bind/schema.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/query/support/mini_server.h"

namespace spar::query::test {
namespace {

class Schema : public ::testing::Test {
 protected:
  void run(const std::string& sql) {
    const Result<Answer> answer = server_.run(sql);
    EXPECT_TRUE(answer) << sql << ": " << outcome(answer);
  }
  std::string result(const std::string& sql) { return outcome(server_.run(sql)); }
  const data::Table& table(const std::string& name) {
    return *server_.catalogue().table(server_.catalogue().databases().begin()->first, "public",
                                      name);
  }
  SchemaChange change(const std::string& sql) {
    const auto statement = server_.analyze_one(sql);
    EXPECT_TRUE(statement) << statement.error().message;
    return std::get<SchemaChange>((*statement)->body);
  }
  MiniServer server_;
};

TEST_F(Schema, ChoosesNamesAsPostgresqlDoes) {
  run("create table parent(id int primary key, a int unique, b int, unique (a, b), check (a > 0), "
      "c int check (c < b), check (b > a))");
  const data::Table& parent = table("parent");
  ASSERT_EQ(parent.keys.size(), 3u);
  EXPECT_EQ(parent.primary_key()->name, "parent_pkey");
  EXPECT_EQ(parent.keys[0].name, "parent_a_b_key");
  EXPECT_EQ(parent.keys[2].name, "parent_a_key");
  ASSERT_EQ(parent.checks.size(), 3u);
  EXPECT_EQ(parent.checks[0].name, "parent_a_check");
  EXPECT_EQ(parent.checks[1].name, "parent_check");
  EXPECT_EQ(parent.checks[2].name, "parent_check1");
  run("create table child(id int references parent on delete cascade, p int, "
      "foreign key (id, p) references parent (a, b))");
  EXPECT_EQ(table("child").foreign_keys[0].name, "child_id_fkey");
  EXPECT_EQ(table("child").foreign_keys[0].on_delete, data::ReferentialAction::cascade);
  EXPECT_EQ(table("child").foreign_keys[1].name, "child_id_p_fkey");
  run("create index on child (p, id desc)");
  run("create index on child (p, id desc)");
  EXPECT_EQ(table("child").indexes[0].name, "child_p_id_idx");
  EXPECT_EQ(table("child").indexes[1].name, "child_p_id_idx1");
  EXPECT_TRUE(table("child").indexes[0].columns[1].descending);
  run("create table " + std::string(60, 'x') + " (" + std::string(50, 'y') + " int unique)");
  EXPECT_EQ(table(std::string(60, 'x')).keys[0].name,
            std::string(29, 'x') + "_" + std::string(29, 'y') + "_key");
}

TEST_F(Schema, GivesTheRowAnIdentityOnlyAtItsMaking) {
  run("create table a(id int8 primary key)");
  run("create table b(id text primary key)");
  run("create table c(x int, y int, primary key (x, y))");
  run("create table d(id int not null)");
  run("alter table d add primary key (id)");
  EXPECT_EQ(table("a").identity_column, 1);
  EXPECT_EQ(table("b").identity_column, std::nullopt);
  EXPECT_EQ(table("c").identity_column, std::nullopt);
  EXPECT_EQ(table("d").identity_column, std::nullopt);
  EXPECT_TRUE(table("c").columns[0].not_null);
}

TEST_F(Schema, NeverRepeatsIds) {
  run("create table a(id int primary key, b int unique check (b > 0))");
  const data::Table& made = table("a");
  std::vector<ObjectId> ids{made.id, made.keys[0].id, made.keys[1].id, made.checks[0].id};
  std::ranges::sort(ids);
  EXPECT_TRUE(std::ranges::adjacent_find(ids) == ids.end());
  EXPECT_GT(server_.catalogue().next_id(), ids.back());
}

TEST_F(Schema, ChecksRowsThatExist) {
  run("create table a(id int, b int); insert into a values (1, null), (1, 5)");
  EXPECT_EQ(result("alter table a alter column b set not null"),
            "23502 column \"b\" of relation \"a\" contains null values");
  EXPECT_EQ(result("alter table a add unique (id)"),
            "23505 could not create unique index \"a_id_key\"");
  EXPECT_EQ(result("create unique index u on a (id)"), "23505 could not create unique index \"u\"");
  EXPECT_EQ(result("alter table a add check (b > 5)"),
            "23514 check constraint \"a_b_check\" of relation \"a\" is violated by some row");
  EXPECT_EQ(result("alter table a add foreign key (b) references a (id)"),
            "42830 there is no unique constraint matching given keys for referenced table \"a\"");
  run("create table p(id int primary key)");
  EXPECT_EQ(result("alter table a add foreign key (b) references p"),
            "23503 insert or update on table \"a\" violates foreign key constraint \"a_b_fkey\"");
  run("alter table a add column c int default 7 not null");
  EXPECT_EQ(result("select c from a where b = 5"), "OK 7\n");
  run("delete from a");
  run("insert into a (id) values (3)");
  EXPECT_EQ(result("select c from a"), "OK 7\n");
}

TEST_F(Schema, SaysWhatItSkipped) {
  EXPECT_EQ(change("drop table if exists x, y").notices,
            (std::vector<std::string>{"table \"x\" does not exist, skipping",
                                      "table \"y\" does not exist, skipping"}));
  EXPECT_EQ(change("drop database if exists x").notices,
            std::vector<std::string>{"database \"x\" does not exist, skipping"});
  run("create table a(id int)");
  EXPECT_EQ(change("create table if not exists a(id int)").notices,
            std::vector<std::string>{"relation \"a\" already exists, skipping"});
}

TEST_F(Schema, MakesAndDropsDatabases) {
  const SchemaChange made = change("create database other with encoding 'UTF8'");
  EXPECT_TRUE(made.own_transaction);
  EXPECT_EQ(made.changes.size(), 1u);
  EXPECT_EQ(made.database, server_.catalogue().next_id());
  EXPECT_EQ(result("create database shop"), "42P04 database \"shop\" already exists");
  EXPECT_EQ(result("drop database shop"), "55006 cannot drop the currently open database");
  EXPECT_EQ(result("drop database other"), "3D000 database \"other\" does not exist");
}

TEST_F(Schema, KeepsDefaultsAsText) {
  run("create table a(id int default 1 + 2, s text default 'it''s', d date default current_date, "
      "n int default null)");
  const data::Table& made = table("a");
  EXPECT_EQ(made.columns[0].default_sql, "1 + 2");
  EXPECT_EQ(made.columns[1].default_sql, "'it''s'");
  EXPECT_EQ(made.columns[3].default_sql, std::nullopt);
  run("insert into a default values");
  EXPECT_EQ(result("select id, s, n from a"), "OK 3|it's|\n");
}

TEST_F(Schema, TruncatesOnlyWholeFamilies) {
  run("create table p(id int primary key); create table c(id int references p)");
  EXPECT_EQ(result("truncate p"),
            "0A000 cannot truncate a table referenced in a foreign key constraint");
  run("truncate p, c");
  run("truncate p cascade");
}

}  // namespace
}  // namespace spar::query::test
