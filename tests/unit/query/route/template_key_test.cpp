#include "query/route/template_key.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace spar::query::route {
namespace {

std::optional<TemplateKey> key(std::string_view text, bool standard_strings = true) {
  return template_key(text, {.standard_conforming_strings = standard_strings, .seed = 1});
}

using Pair = std::pair<std::string_view, std::string_view>;

TEST(TemplateKey, LiteralsCommentsAndSpaceDoNotCount) {
  for (const auto& [a, b] : {
           Pair{"SELECT abalance FROM pgbench_accounts WHERE aid = 12345;",
                "select  abalance from pgbench_accounts where aid = 7 ;"},
           Pair{"SELECT 'a'", "SELECT /* x /* y */ z */ 'it''s' -- end"},
           Pair{"SELECT 'a'", "SELECT $x$ 'b' $x$"},
           Pair{"SELECT 'a'", "SELECT E'\\'b\\n'"},
           Pair{"SELECT 'a'", "SELECT 'a'\n'b'"},
           Pair{"SELECT B'01', X'ff'", "SELECT b'', x''"},
           Pair{"SELECT 1.5", "SELECT 1e5"},
           Pair{"SELECT 1.5", "SELECT 12345678901"},
           Pair{"SELECT 1-1", "SELECT 1 - 2"},
           Pair{"SELECT a=-1", "SELECT a = - 5"},
           Pair{"SELECT a+/* c */1", "SELECT a + 1"},
           Pair{"SELECT 1::int", "SELECT 2 :: INT"},
           Pair{"SELECT * FROM t LIMIT 1", "SELECT*FROM t LIMIT 2"},
           Pair{"SELECT interval '1 day'", "SELECT INTERVAL'2 days'"},
           Pair{"SELECT nextval('a')", "SELECT nextval('b')"},
           Pair{"SELECT 'pg_class'::regclass", "SELECT 't'::regclass"},
           Pair{"BEGIN;SELECT 1;COMMIT", "begin ; select 2 ; commit"},
           Pair{"SELECT N'a'", "SELECT n'b'"},
           Pair{"SELECT U&'a'", "SELECT u&'b'"},
           Pair{"COMMIT AND CHAIN", "commit and  chain"},
       }) {
    ASSERT_TRUE(key(a)) << a;
    EXPECT_EQ(key(a), key(b)) << a << "  |  " << b;
  }
}

TEST(TemplateKey, EverythingElseCounts) {
  for (const auto& [a, b] : {
           Pair{"SELECT a", "SELECT b"},
           Pair{"SELECT \"a\"", "SELECT \"A\""},
           Pair{"SELECT \"a\"", "SELECT a"},
           Pair{"SELECT \"a\"\"b\"", "SELECT \"a\" \"b\""},
           Pair{"SELECT $1", "SELECT $2"},
           Pair{"SELECT $1", "SELECT 1"},
           Pair{"SELECT 1", "SELECT 'a'"},
           Pair{"SELECT 1", "SELECT 1.5"},
           Pair{"SELECT 2147483647", "SELECT 2147483648"},
           Pair{"SELECT B'1'", "SELECT '1'"},
           Pair{"SELECT B'1''2'", "SELECT B'12'"},
           Pair{"SELECT B'1'", "SELECT X'1'"},
           Pair{"SELECT N'a'", "SELECT n 'a'"},
           Pair{"SELECT a -1", "SELECT a - -1"},
           Pair{"SELECT a @-1", "SELECT a @ -1"},
           Pair{"SELECT a <-1", "SELECT a <- 1 + 1"},
           Pair{"SELECT 1 FOR UPDATE", "SELECT 1"},
           Pair{"SELECT f(1)", "SELECT f(1, 2)"},
           Pair{"SELECT 1; SELECT 2", "SELECT 1 SELECT 2"},
           Pair{"SELECT ab", "SELECT a b"},
           Pair{"SELECT a::b", "SELECT a: :b"},
           Pair{"SELECT a||b", "SELECT a| |b"},
           Pair{"SELECT 'a' 'b'", "SELECT 'a'\n'b'"},
           Pair{"COMMIT", "COMMIT AND CHAIN"},
           Pair{"SELECT gr\xc3\xb6\xc3\x9f", "SELECT gr\xc3\x96\xc3\x9f"},
       }) {
    ASSERT_TRUE(key(a)) << a;
    ASSERT_TRUE(key(b)) << b;
    EXPECT_NE(key(a), key(b)) << a << "  |  " << b;
  }
}

TEST(TemplateKey, NoTemplateWhereALiteralDecides) {
  for (const std::string_view text : {"SET x = 'a'",
                                      "set local x to 1",
                                      "SELECT 1; SET x = 1",
                                      " /* c */ SET x TO 'b'",
                                      "SET TRANSACTION READ ONLY",
                                      "EXPLAIN SELECT 1",
                                      "EXPLAIN (ANALYZE 0) SELECT 1",
                                      "PREPARE TRANSACTION 'a'",
                                      "COMMIT PREPARED 'a'",
                                      "ROLLBACK PREPARED 'a'",
                                      "SELECT set_config('a', 'b', true)",
                                      "SELECT pg_catalog.SET_CONFIG('a', 'b', true)",
                                      "SELECT \"set_config\"('a', 'b', true)",
                                      "SELECT current_setting('port')",
                                      "SELECT \"current_setting\"('port')",
                                      "SELECT U&\"set\\005fconfig\"('a', 'b', true)",
                                      "SELECT U&'!0041' UESCAPE '!'",
                                      "SELECT U&'\\0041'",
                                      "SELECT E'\\x41'",
                                      "SELECT E'\\u0041'",
                                      "SELECT E'\\101'"}) {
    EXPECT_FALSE(key(text)) << text;
  }
  for (const std::string_view text :
       {"UPDATE t SET x = 1", "ALTER TABLE t SET (fillfactor = 70)", "SELECT set_configuration(1)",
        "SELECT 'set_config'", "PREPARE a AS SELECT 1", "RESET x", "SELECT copy FROM t"}) {
    EXPECT_TRUE(key(text)) << text;
  }
}

TEST(TemplateKey, NoTemplateForWhatCannotBeCut) {
  for (const std::string_view text :
       {"SELECT 'abc",  "SELECT \"abc",     "SELECT \"\"",  "SELECT /* abc", "SELECT /* /* */",
        "SELECT $$",    "SELECT $a$ x $b$", "SELECT E'\\'", "SELECT E'\\",   "SELECT 0x1F",
        "SELECT 1_000", "SELECT 1e",        "SELECT 1e+",   "SELECT 12abc",  "SELECT $1a",
        "SELECT $",     "SELECT \\",        "SELECT {",     "SELECT \v1",    "SELECT \x01",
        "U&'"}) {
    EXPECT_FALSE(key(text)) << text;
  }
  for (const std::string_view text :
       {std::string_view("SELECT 1\0", 9), std::string_view("SELECT '\0'", 10),
        std::string_view("SELECT \"\0\"", 10), std::string_view("SELECT E'\0'", 11),
        std::string_view("SELECT E'\\\0'", 12), std::string_view("SELECT $$\0$$", 12),
        std::string_view("SELECT 1 --\0", 12), std::string_view("SELECT /*\0*/ 1", 14)}) {
    EXPECT_FALSE(key(text));
  }
}

TEST(TemplateKey, LargeTextsHaveNoneAndTakeNoTime) {
  const std::size_t mib = std::size_t{1} << 20;
  for (const std::string_view unit : {"/*", "'", "\"", "(", "a", "1,", "--", "E'\\", "$a$", "-",
                                      "\\", "U&'", "E'\\\\", "'\n", " ", "\xc3\xa9"}) {
    std::string text = "SELECT ";
    while (text.size() < mib) text += unit;
    EXPECT_FALSE(key(text)) << unit;
    text.resize(mib - 1);
    key(text);
    text.insert(7, "E'");
    text.resize(mib - 1);
    key(text);
  }
  const std::string deep = "SELECT " + [] {
    std::string comments;
    for (int i = 0; i < 1000; ++i) comments.insert(comments.size() / 2, "/**/");
    return comments;
  }() + " 1";
  EXPECT_FALSE(key(deep));
}

TEST(TemplateKey, LongTextsAreHashedInPieces) {
  std::string a = "SELECT 1", b = "SELECT 'x'";
  for (int i = 0; i < 3000; ++i) {
    a += ", column_" + std::to_string(i) + " + 10";
    b += ", COLUMN_" + std::to_string(i) + "+ 11";
  }
  EXPECT_NE(key(a), key(b));
  b.replace(7, 3, "9");
  EXPECT_EQ(key(a), key(b));
  // Where a piece ends, words that matter are still seen.
  for (std::size_t lead = 900; lead < 1100; ++lead) {
    const std::string text = "SELECT \"" + std::string(lead, 'x') + "\", set_config(1)";
    EXPECT_FALSE(key(text)) << lead;
    EXPECT_FALSE(key("SELECT " + std::string(lead, 'x') + ", current_setting(1)")) << lead;
  }
}

TEST(TemplateKey, BackslashesMeanWhatTheSettingSays) {
  EXPECT_TRUE(key("SELECT 'a\\', b", true));
  EXPECT_FALSE(key("SELECT 'a\\', b", false));
  EXPECT_EQ(key("SELECT 'a\\', 1, '", true), std::nullopt);
  EXPECT_EQ(key("SELECT 'a\\', 1, '", false), key("SELECT 'b'", false));
  EXPECT_FALSE(key("SELECT U&'a'", false));
}

TEST(TemplateKey, SeedsAndExactTextsAreApart) {
  const std::string_view text = "SELECT 1";
  EXPECT_NE(template_key(text, {.seed = 1}), template_key(text, {.seed = 2}));
  EXPECT_NE(exact_key(text, {.seed = 1}), exact_key(text, {.seed = 2}));
  EXPECT_NE(exact_key(text, {.seed = 1}), *template_key(text, {.seed = 1}));
  EXPECT_NE(exact_key(text, {.standard_conforming_strings = false, .seed = 1}),
            exact_key(text, {.seed = 1}));
}

}  // namespace
}  // namespace spar::query::route
