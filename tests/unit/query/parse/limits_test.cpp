#include "query/parse/limits.h"

#include <gtest/gtest.h>

namespace spar::query::grammar {
namespace {

std::string repeated(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

std::string state_of(const std::string& sql, const ParseLimits& limits = {}) {
  const Result<void> checked = check_limits(sql, limits);
  return checked ? "ok" : checked.error().sqlstate;
}

TEST(Limits, RefusesWhatWouldBeTooDeep) {
  EXPECT_EQ(state_of("select 1" + repeated("+1", 80'000)), "54001");
  EXPECT_EQ(state_of("select " + repeated("(", 600) + "1" + repeated(")", 600)), "54001");
  EXPECT_EQ(state_of("select " + repeated("(", 80'000)), "54001");
  EXPECT_EQ(state_of("select " + repeated("- ", 600) + "1"), "54001");
  EXPECT_EQ(state_of("select --\r" + repeated("- ", 600) + "1"), "54001");
  EXPECT_EQ(state_of("select 1" + repeated("+-+-+-1", 200)), "54001");
  EXPECT_EQ(state_of("select 1" + repeated("::int", 600)), "54001");
  EXPECT_EQ(state_of("select " + repeated("not ", 600) + "true"), "54001");
  EXPECT_EQ(state_of("select 1" + repeated(" union select 1", 600)), "54001");
  EXPECT_EQ(state_of("select 1 from a" + repeated(" join a on true", 600)), "54001");
  EXPECT_EQ(
      state_of("select " + repeated("case when true then ", 600) + "1" + repeated(" end", 600)),
      "54001");
  EXPECT_EQ(
      state_of("select " + repeated("case when a.end then ", 600) + "1" + repeated(" end", 600)),
      "54001");
  EXPECT_EQ(state_of("select (" + repeated("(", 300) + "1" + repeated(")", 300) +
                     repeated("+1", 300) + ")"),
            "54001");
  EXPECT_EQ(state_of("select 1" + repeated(" collate \"C\"", 600)), "54001");
}

TEST(Limits, LetsWideStatementsThrough) {
  EXPECT_EQ(state_of("select 1 in (1" + repeated(",1", 50'000) + ")"), "ok");
  EXPECT_EQ(state_of("select 1 where true" + repeated(" or a = 1", 20'000)), "ok");
  EXPECT_EQ(state_of("insert into t values (1 + 2)" + repeated(",(1 + 2, -3)", 15'000)), "ok");
  EXPECT_EQ(state_of("select " + repeated("case when a then 1 else 2 end, ", 5'000) + "1"), "ok");
  EXPECT_EQ(state_of(repeated("select (1 + 1);", 20'000)), "ok");
  EXPECT_EQ(state_of("select '" + repeated("(((", 1000) + "' -- ((((\n /* ((( /* ( */ */"), "ok");
  EXPECT_EQ(state_of("select $$" + repeated("(((", 1000) + "$$, \"" + repeated("(", 1000) + "\""),
            "ok");
}

TEST(Limits, CountsTokensOfAStatementAndOfTheString) {
  const ParseLimits small{100, 50};
  EXPECT_EQ(state_of("select 1" + repeated(",1", 60), small), "54001");
  EXPECT_EQ(state_of(repeated("select 1;", 20), small), "ok");
  EXPECT_EQ(state_of(repeated("select 1;", 200), small), "54001");
  EXPECT_EQ(state_of("insert into t values (1)" + repeated(",(1)", 4'000'000)), "54001");
  const Result<void> checked = check_limits("select 1" + repeated(",1", 60), small);
  EXPECT_EQ(checked.error().hint, "The limit is statement_tokens_max (100) in the configuration.");
}

// The grammar copies the right side of SET (a, b, ...) = (...) for each name on the left.
TEST(Limits, CountsWhatTheGrammarWouldRepeat) {
  const std::string names = "c" + repeated(",c", 2'000), values = "1" + repeated(",1", 2'000);
  EXPECT_EQ(state_of("update t set (" + names + ") = (" + values + ")"), "54001");
  EXPECT_EQ(state_of("update t set (" + names + ") = row (" + values + ")"), "54001");
  EXPECT_EQ(state_of("update t set (a, b, c) = (1, 2, 3)"), "ok");
}

TEST(Limits, RefusesBytesThatAreNotUtf8) {
  EXPECT_TRUE(check_encoding("sélect 'ü€😀'"));
  for (const std::string& bad : {std::string("\xff"), std::string("a\0b", 3), std::string("\xc3"),
                                 std::string("\xc0\xaf"), std::string("\xe0\x80\x80"),
                                 std::string("\xed\xa0\x80"), std::string("\xf4\x90\x80\x80")}) {
    const Result<void> checked = check_encoding(bad);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().sqlstate, "22021");
  }
  EXPECT_EQ(check_encoding("ok \xff").error().message,
            "invalid byte sequence for encoding \"UTF8\": 0xff");
}

}  // namespace
}  // namespace spar::query::grammar
