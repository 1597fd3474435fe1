#include "query/replay/explicit_values.h"

#include <gtest/gtest.h>

namespace spar::query::replay {
namespace {

using Names = std::vector<std::string>;

std::string again(std::string_view sql, const Names& names, const AnsweredRows& rows,
                  const TableColumns& table = {}) {
  return with_explicit_values(sql, names, rows, table).value_or("nothing");
}

TEST(ExplicitValues, GivesWhatWasMadeUp) {
  EXPECT_EQ(again("INSERT INTO t (a) VALUES ('x') RETURNING id", {"id"}, {{"7"}}),
            "INSERT INTO t (a, \"id\") OVERRIDING SYSTEM VALUE VALUES ('x', '7') RETURNING id");
  EXPECT_EQ(
      again("insert into t(a,b)values($1,$2::int),($3,$4)returning id,\"Made At\"",
            {"id", "Made At"}, {{"7", "it's"}, {"8", std::nullopt}}),
      "insert into t(a,b, \"id\", \"Made At\") OVERRIDING SYSTEM VALUE values($1,$2::int, '7', "
      "'it''s'),($3,$4, '8', NULL)returning id,\"Made At\"");
  EXPECT_EQ(
      again("INSERT INTO s.\"T t\" AS q (id, a) VALUES (DEFAULT, (1)), (  default , f(2, 3)) "
            "RETURNING q.id AS n;",
            {"n"}, {{"7"}, {"8"}}),
      "INSERT INTO s.\"T t\" AS q (id, a) OVERRIDING SYSTEM VALUE VALUES ('7', (1)), (  '8' , "
      "f(2, 3)) RETURNING q.id AS n;");
  EXPECT_EQ(
      again("INSERT INTO t DEFAULT VALUES RETURNING *", {"id", "a"}, {{"7", "\\x01"}}),
      "INSERT INTO t (\"id\", \"a\") OVERRIDING SYSTEM VALUE VALUES ('7', E'\\\\x01') RETURNING "
      "*");
  EXPECT_EQ(
      again("WITH w AS (SELECT 1) INSERT INTO t (a) OVERRIDING SYSTEM VALUE VALUES (1) "
            "RETURNING id, id AS id__1",
            {"id", "id__1"}, {{"7", "7"}}),
      "WITH w AS (SELECT 1) INSERT INTO t (a, \"id\") OVERRIDING SYSTEM VALUE VALUES (1, '7') "
      "RETURNING id, id AS id__1");
}

TEST(ExplicitValues, GivesWhatAFunctionMadeUp) {
  EXPECT_EQ(
      again("INSERT INTO t (id, a, b) VALUES (nextval('s'), now(), 1 + 1) RETURNING id, a, b",
            {"id", "a", "b"}, {{"7", "today", "2"}}),
      "INSERT INTO t (id, a, b) OVERRIDING SYSTEM VALUE VALUES ('7', 'today', 1 + 1) RETURNING "
      "id, a, b");
  // $1 would have no type any more.
  EXPECT_EQ(again("INSERT INTO t (id) VALUES (f($1)) RETURNING id", {"id"}, {{"7"}}),
            "INSERT INTO t (id) VALUES (f($1)) RETURNING id");
}

TEST(ExplicitValues, NeedsNoColumnListWhereTheNamesAreKnown) {
  EXPECT_EQ(
      again("INSERT INTO t VALUES (DEFAULT, 'x') RETURNING *", {"id", "a", "b"}, {{"7", "x", "2"}}),
      "INSERT INTO t (\"id\", \"a\", \"b\") OVERRIDING SYSTEM VALUE VALUES ('7', 'x', '2') "
      "RETURNING *");
  EXPECT_EQ(again("INSERT INTO t VALUES (DEFAULT, 'x') RETURNING id", {"id"}, {{"7"}}), "nothing");
  EXPECT_EQ(again("INSERT INTO t VALUES (DEFAULT, 'x') RETURNING id", {"id"}, {{"7"}},
                  {.in_order = {"id", "a", "b"}}),
            "INSERT INTO t (\"id\", \"a\") OVERRIDING SYSTEM VALUE VALUES ('7', 'x') RETURNING id");
}

TEST(ExplicitValues, NeverGivesGeneratedColumns) {
  EXPECT_EQ(again("INSERT INTO t (a) VALUES (1) RETURNING *", {"id", "a", "twice"},
                  {{"7", "1", "2"}}, {.generated = {"twice"}}),
            "INSERT INTO t (a, \"id\") OVERRIDING SYSTEM VALUE VALUES (1, '7') RETURNING *");
}

TEST(ExplicitValues, LeavesATextThatMadeNothingUp) {
  const std::string text = "INSERT INTO t (id, a) VALUES (1, $1) RETURNING id, ctid";
  EXPECT_EQ(again(text, {"id", "ctid"}, {{"1", "(0,1)"}}), text);
}

TEST(ExplicitValues, TurnsOrderedRowsIntoValues) {
  EXPECT_EQ(
      again("INSERT INTO t (data, x) SELECT p0::VARCHAR, p1::INTEGER FROM (VALUES ('a', 1, "
            "0), (NULL, 2, 1)) AS imp_sen(p0, p1, sen_counter) ORDER BY sen_counter RETURNING "
            "t.id, t.id AS id__1",
            {"id", "id__1"}, {{"7", "7"}, {"8", "8"}}),
      "INSERT INTO t (data, x, \"id\") OVERRIDING SYSTEM VALUE VALUES ((('a')::text)::varchar, "
      "(1)::int, '7'), (((NULL)::text)::varchar, (2)::int, '8') RETURNING t.id, t.id AS "
      "id__1");
  EXPECT_EQ(again("INSERT INTO t (d, at) SELECT p0::TIMESTAMP WITH TIME ZONE, now() FROM (VALUES "
                  "($1, 0), ($2, 1)) AS s(p0, n) ORDER BY n RETURNING id",
                  {"id"}, {{"7"}, {"8"}}),
            "INSERT INTO t (d, at, \"id\") OVERRIDING SYSTEM VALUE VALUES ((($1)::text)::timestamp "
            "with time zone, now(), '7'), ((($2)::text)::timestamp with time zone, now(), '8') "
            "RETURNING id");
  for (const char* sql :
       {"INSERT INTO t (a) SELECT p0 FROM (VALUES (1, 1), (2, 0)) AS s(p0, n) ORDER BY n RETURNING "
        "id",
        "INSERT INTO t (a) SELECT p0 FROM (VALUES (1, 0), (2, 1)) AS s(p0, n) ORDER BY n DESC "
        "RETURNING id",
        "INSERT INTO t (a) SELECT p0 FROM (VALUES (1, 0), (2, 1)) AS s(p0, n) RETURNING id",
        "INSERT INTO t (a) SELECT p0 FROM (VALUES ($1, 0), (2, 1)) AS s(p0, n) ORDER BY n "
        "RETURNING "
        "id",
        "INSERT INTO t (a) SELECT p0 + 1 FROM (VALUES (1, 0), (2, 1)) AS s(p0, n) ORDER BY n "
        "RETURNING id",
        "INSERT INTO t (a) SELECT p0 FROM (VALUES (1, 0), (2, 1)) AS s(p0, n) WHERE n > 0 ORDER BY "
        "n "
        "RETURNING id"}) {
    EXPECT_EQ(again(sql, {"id"}, {{"7"}, {"8"}}), "nothing") << sql;
  }
}

TEST(ExplicitValues, GivesNothingThatWouldBeUntrue) {
  for (
      const char* sql : {
          "UPDATE t SET a = 1 RETURNING id",
          "INSERT INTO t (a) VALUES (1)",
          "INSERT INTO t (a) VALUES (1) RETURNING id; SELECT 1",
          "INSERT INTO t (a) SELECT 1 RETURNING id",
          "INSERT INTO t (a) (VALUES (1)) RETURNING id",
          "INSERT INTO t (a) VALUES (1), (2) RETURNING id",
          "INSERT INTO t (a) VALUES (1), (2) ON CONFLICT DO NOTHING RETURNING id",
          "INSERT INTO t (a) VALUES (1) RETURNING id + 1",
          "INSERT INTO t (a) VALUES (1) RETURNING id AS other",
          "INSERT INTO id (a) VALUES (1) RETURNING id",
          "INSERT INTO t (a) OVERRIDING USER VALUE VALUES (1) RETURNING id",
          "INSERT INTO t (a) VALUES (1) LIMIT 1 RETURNING id",
          "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = excluded.id RETURNING id",
          "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = Excluded.\"id\" "
          "RETURNING "
          "id",
          "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = f(excluded) RETURNING id",
          "INSERT INTO t (a) VALUES (1",
          "",
      }) {
    EXPECT_EQ(again(sql, {"id"}, {{"7"}}), "nothing") << sql;
  }
  EXPECT_EQ(again("INSERT INTO t (a) VALUES (1) RETURNING id, *, *", {"id", "id", "id"},
                  {{"7", "7", "7"}}),
            "nothing");
  EXPECT_EQ(again("INSERT INTO t (a) VALUES (1) RETURNING id", {"id"}, {{"7", "8"}}), "nothing");
  EXPECT_EQ(again("INSERT INTO t (a) VALUES (1) RETURNING id", {}, {{}}), "nothing");
}

TEST(ExplicitValues, KnowsBeforehandWhatIsWorthKeeping) {
  EXPECT_TRUE(may_return_inserted("/* app */ Insert INTO t (a) VALUES (1) returning id"));
  EXPECT_TRUE(may_return_inserted("with x as (select 1) insert into t values (1) RETURNING *"));
  EXPECT_FALSE(may_return_inserted("insert into t values ('returning')"));
  EXPECT_FALSE(may_return_inserted("update t set a = 1 returning id"));
  EXPECT_FALSE(may_return_inserted("select 1 -- insert returning"));
  EXPECT_FALSE(may_return_inserted(""));
}

TEST(Sequences, AreMovedPastWhatTheyGave) {
  const std::vector<std::string> names = {"id", "code"};
  const auto text = with_explicit_values("INSERT INTO s.t (a) VALUES ('x') RETURNING id, code",
                                         names, {{"7", "007"}}, {}, Sequences::move_past);
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("pg_get_serial_sequence('\"s\".\"t\"', 'id')"), std::string::npos) << *text;
  EXPECT_NE(text->find("THEN 7 ELSE 7 END"), std::string::npos) << *text;
  EXPECT_EQ(text->find("'code')"), std::string::npos) << *text;  // no sequence gives 007
  EXPECT_NE(text->find("'007'"), std::string::npos) << *text;
}

}  // namespace
}  // namespace spar::query::replay
