// What analyze() says about statements beside the rows they give.
#include "query/statement.h"

#include <gtest/gtest.h>

#include "tests/unit/query/support/mini_server.h"

namespace spar::query::test {
namespace {

using data::Type;
using data::TypeId;

class Statements : public ::testing::Test {
 protected:
  Statements() {
    EXPECT_TRUE(
        server_.run("create table item(id int primary key, code varchar(8) not null, "
                    "price numeric(10,2) default 1.5, at timestamptz default now())"));
  }
  std::shared_ptr<const Statement> analyzed(const std::string& sql,
                                            std::vector<Type> parameters = {}) {
    auto statement = server_.analyze_one(sql, std::move(parameters));
    EXPECT_TRUE(statement) << sql << ": " << statement.error().message;
    return statement ? *statement : std::make_shared<const Statement>();
  }
  template <class T>
  T body(const std::string& sql) {
    return std::get<T>(analyzed(sql)->body);
  }
  std::string failure_of(const std::string& sql, std::vector<Type> parameters = {}) {
    const auto statement = server_.analyze_one(sql, std::move(parameters));
    return statement ? "ok" : statement.error().sqlstate + " " + statement.error().message;
  }
  std::vector<TypeId> parameters(const std::string& sql, std::vector<Type> given = {}) {
    std::vector<TypeId> ids;
    const auto statement = analyzed(sql, std::move(given));
    for (const Type& type : statement->parameters) ids.push_back(type.id);
    return ids;
  }
  MiniServer server_;
};
using Ids = std::vector<TypeId>;

TEST_F(Statements, InferParameters) {
  EXPECT_EQ(parameters("select * from item where id = $1 and code = $2"),
            (Ids{TypeId::int4, TypeId::text}));
  EXPECT_EQ(parameters("insert into item values ($1, $2, $3, $4)"),
            (Ids{TypeId::int4, TypeId::varchar, TypeId::numeric, TypeId::timestamptz}));
  EXPECT_EQ(parameters("update item set price = price * $1 where id in ($2, $3)"),
            (Ids{TypeId::numeric, TypeId::int4, TypeId::int4}));
  EXPECT_EQ(parameters("select $1::int8, $2 || 'x', $3"),
            (Ids{TypeId::int8, TypeId::text, TypeId::text}));
  EXPECT_EQ(parameters("select id from item limit $1 offset $2"),
            (Ids{TypeId::int8, TypeId::int8}));
  EXPECT_EQ(parameters("select id from item where id = $1", {Type{TypeId::int8, -1}}),
            (Ids{TypeId::int8}));
  EXPECT_EQ(failure_of("select $2::int"), "42P18 could not determine data type of parameter $1");
  EXPECT_EQ(failure_of("select $1 is null"), "42P18 could not determine data type of parameter $1");
  EXPECT_EQ(failure_of("select $1::int + length($1)"),
            "42883 function length(integer) does not exist");
  EXPECT_EQ(failure_of("select $0"), "42P02 there is no parameter $0");
}

TEST_F(Statements, RunWithParameters) {
  EXPECT_TRUE(server_.run("insert into item values ($1, $2, $3, $4)",
                          {"1", "abc", "2.345", "2020-01-01 10:00+01"}));
  EXPECT_EQ(outcome(server_.run("select * from item where id = $1", {"1"})),
            "OK 1|abc|2.35|2020-01-01 09:00:00+00\n");
  EXPECT_EQ(outcome(server_.run("select id from item where price = $1", {"2.350"})), "OK 1\n");
  EXPECT_EQ(outcome(server_.run("select id from item where price > $1 limit $2", {"2", "1"})),
            "OK 1\n");
  EXPECT_EQ(outcome(server_.run("select 1 limit $1", {"-1"})), "2201W LIMIT must not be negative");
  EXPECT_EQ(outcome(server_.run("select 1 limit $1", {std::nullopt})), "OK 1\n");
  EXPECT_EQ(outcome(server_.run("insert into item values ($1, 'x')", {std::nullopt})),
            "23502 null value in column \"id\" of relation \"item\" violates not-null constraint");
  EXPECT_EQ(outcome(server_.run("insert into item values ($1, $2)", {"2", "much too long"})),
            "22001 value too long for type character varying(8)");
}

TEST_F(Statements, DescribeTheirOutput) {
  const auto statement =
      analyzed("select code, i.price as p, id + 1, count(*) from item i group by id");
  const Plan& plan = std::get<Plan>(statement->body);
  ASSERT_EQ(plan.output.size(), 4u);
  EXPECT_EQ(plan.output[0].name, "code");
  EXPECT_EQ(plan.output[0].type, (Type{TypeId::varchar, 12}));
  EXPECT_EQ(plan.output[0].number, 2);
  EXPECT_EQ(plan.output[0].table, server_.catalogue().tables().begin()->first);
  EXPECT_EQ(plan.output[1].name, "p");
  EXPECT_EQ(plan.output[1].type, data::numeric_type(10, 2));
  EXPECT_EQ(plan.output[2].name, "?column?");
  EXPECT_EQ(plan.output[2].table, ObjectId{});
  EXPECT_EQ(plan.output[3].type, (Type{TypeId::int8, -1}));
  EXPECT_EQ(statement->tag, "SELECT");
  EXPECT_EQ(statement->catalogue_version, server_.catalogue().version());
  EXPECT_FALSE(plan.ordered);
  EXPECT_TRUE(body<Plan>("select id from item order by 1").ordered);
  EXPECT_TRUE(body<Plan>("select id from item for update").locks_rows);
  EXPECT_EQ(plan.tables.size(), 1u);
}

TEST_F(Statements, BindWhatTheSessionSupplies) {
  const Plan plan =
      body<Plan>("select now(), current_date, random(), random(), statement_timestamp()");
  EXPECT_EQ(plan.bound, (std::vector{BoundValue::transaction_time, BoundValue::random,
                                     BoundValue::random, BoundValue::statement_time}));
  const Plan insert = body<Plan>("insert into item (id, code) values ($1, $2)");
  EXPECT_EQ(insert.bound, std::vector{BoundValue::transaction_time});
  EXPECT_NE(insert.sql.find(",150,?3)"), std::string::npos) << insert.sql;
}

TEST_F(Statements, NameTransactionControl) {
  EXPECT_EQ(analyzed("begin")->tag, "BEGIN");
  EXPECT_EQ(analyzed("start transaction")->tag, "START TRANSACTION");
  EXPECT_EQ(analyzed("end")->tag, "COMMIT");
  EXPECT_EQ(analyzed("abort")->tag, "ROLLBACK");
  EXPECT_EQ(analyzed("rollback to a")->tag, "ROLLBACK");
  const Begin begin = body<Begin>("begin isolation level repeatable read, read only");
  EXPECT_EQ(begin.isolation, "repeatable read");
  EXPECT_EQ(begin.read_only, true);
  EXPECT_EQ(body<Savepoint>("savepoint A").name, "a");
  EXPECT_EQ(body<RollbackToSavepoint>("rollback to savepoint \"A\"").name, "A");
  EXPECT_EQ(body<ReleaseSavepoint>("release a").name, "a");
}

TEST_F(Statements, NameSettings) {
  EXPECT_EQ(body<SetParameter>("set extra_float_digits = 3").value, "3");
  EXPECT_EQ(body<SetParameter>("SET DateStyle TO ISO, MDY").name, "datestyle");
  EXPECT_EQ(body<SetParameter>("SET datestyle TO ISO, MDY").value, "iso, mdy");
  EXPECT_TRUE(body<SetParameter>("set local x.y to 'z'").local);
  EXPECT_EQ(body<SetParameter>("reset search_path").value, std::nullopt);
  EXPECT_EQ(body<SetParameter>("reset all").name, "all");
  EXPECT_EQ(body<SetParameter>("set time zone 'UTC'").name, "timezone");
  EXPECT_EQ(body<SetParameter>("set names 'UTF8'").name, "client_encoding");
  const auto isolation = body<SetParameter>("set transaction isolation level serializable");
  EXPECT_EQ(isolation.name, "transaction_isolation");
  EXPECT_EQ(isolation.value, "serializable");
  EXPECT_TRUE(isolation.local);
  const auto session = body<SetParameter>(
      "set session characteristics as transaction isolation level read committed");
  EXPECT_EQ(session.name, "default_transaction_isolation");
  EXPECT_EQ(body<SetParameter>("set session characteristics as transaction read only").value, "on");
  EXPECT_EQ(body<ShowParameter>("show transaction isolation level").name, "transaction_isolation");
  EXPECT_EQ(body<ShowParameter>("show all").name, "all");
  const auto config = body<SetParameter>("select pg_catalog.set_config('x.y','z',false)");
  EXPECT_EQ(config.column, "set_config");
  EXPECT_EQ(config.value, "z");
  EXPECT_FALSE(config.local);
  EXPECT_EQ(body<ShowParameter>("select current_setting('server_version') as v").column, "v");
  EXPECT_EQ(analyzed("discard all")->tag, "DISCARD ALL");
}

TEST_F(Statements, NameMaintenance) {
  EXPECT_EQ(analyzed("vacuum analyze item")->tag, "VACUUM");
  EXPECT_EQ(body<NoOperation>("analyze item (code)").tables.size(), 1u);
  EXPECT_EQ(failure_of("vacuum nope"), "42P01 relation \"nope\" does not exist");
  EXPECT_EQ(analyzed("checkpoint")->tag, "CHECKPOINT");
  EXPECT_EQ(body<Truncate>("truncate table item").tables.size(), 1u);
}

TEST_F(Statements, PrepareAndExecute) {
  const auto prepared = body<PrepareStatement>("prepare p (int, text) as select $1, $2");
  EXPECT_EQ(prepared.name, "p");
  EXPECT_EQ(prepared.parameters, (std::vector{Type{TypeId::int4, -1}, Type{TypeId::text, -1}}));
  ASSERT_NE(prepared.statement, nullptr);
  const auto executed = body<ExecuteStatement>("execute p(1, 'x', null, -5)");
  ASSERT_EQ(executed.arguments.size(), 4u);
  EXPECT_EQ(executed.arguments[0].first, data::Datum(std::int64_t{1}));
  EXPECT_EQ(executed.arguments[1].second.id, TypeId::unknown);
  EXPECT_EQ(body<Deallocate>("deallocate p").name, "p");
  EXPECT_EQ(body<Deallocate>("deallocate all").name, "");
}

TEST_F(Statements, Copy) {
  const auto in = body<CopyIn>("copy item (id, code) from stdin with (freeze on)");
  EXPECT_EQ(in.column_names, (std::vector<std::string>{"id", "code"}));
  EXPECT_EQ(in.types.size(), 2u);
  EXPECT_EQ(in.insert.bound, std::vector{BoundValue::transaction_time});
  EXPECT_EQ(in.format.delimiter, '\t');
  ASSERT_TRUE(server_.copy(body<CopyIn>("copy item (id, code, price) from stdin"),
                           "1\tone\t1.5\n2\ttwo\t\\N\n"));
  EXPECT_EQ(outcome(server_.run("copy item (id, code) to stdout")), "OK 1|one\n2|two\n");
  EXPECT_EQ(outcome(server_.run("copy (select price from item where id = 1) to stdout")),
            "OK 1.50\n");
  const auto csv = body<CopyOut>("copy item to stdout with (format csv, header, delimiter ';')");
  EXPECT_TRUE(csv.format.csv && csv.format.header);
  EXPECT_EQ(csv.format.delimiter, ';');
  EXPECT_EQ(csv.format.null_text, "");
  EXPECT_EQ(body<CopyOut>("copy item to stdout csv").format.delimiter, ',');
  EXPECT_EQ(failure_of("copy item from '/etc/passwd'").substr(0, 5), "0A000");
  EXPECT_EQ(failure_of("copy item from stdin (format binary)").substr(0, 5), "0A000");
  EXPECT_EQ(failure_of("copy item (nope) from stdin"),
            "42703 column \"nope\" of relation \"item\" does not exist");
  EXPECT_EQ(failure_of("copy item from stdin (quote 'x')"),
            "0A000 COPY quote available only in CSV mode");
}

TEST_F(Statements, KnowTheirTags) {
  EXPECT_EQ(analyzed("insert into item values (1, 'x')")->tag, "INSERT");
  EXPECT_EQ(analyzed("update item set code = 'x'")->tag, "UPDATE");
  EXPECT_EQ(analyzed("delete from item")->tag, "DELETE");
  EXPECT_EQ(analyzed("create table x (a int)")->tag, "CREATE TABLE");
  EXPECT_EQ(analyzed("create index on item (code)")->tag, "CREATE INDEX");
  EXPECT_EQ(analyzed("alter table item rename to x")->tag, "ALTER TABLE");
  EXPECT_EQ(analyzed("drop table item")->tag, "DROP TABLE");
  EXPECT_EQ(analyzed("drop index if exists x")->tag, "DROP INDEX");
  EXPECT_EQ(analyzed("create database x")->tag, "CREATE DATABASE");
  EXPECT_EQ(analyzed("drop database if exists x")->tag, "DROP DATABASE");
  EXPECT_EQ(analyzed("values (1)")->tag, "SELECT");
  EXPECT_EQ(analyzed("set x.y = 1")->tag, "SET");
  EXPECT_EQ(analyzed("reset x.y")->tag, "RESET");
}

}  // namespace
}  // namespace spar::query::test
