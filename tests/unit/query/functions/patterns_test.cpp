// pattern.cpp, regex.cpp and regex_program.cpp
#include "query/functions/regex.h"
#include "tests/unit/query/functions/pattern_cases.h"

namespace spar::query::functions {
namespace {

TEST(Patterns, AnswerAsPostgreSQL) {
  expect_answers(kPatternCases);
}

Result<bool> matches(std::string_view pattern, std::string_view subject = "aab") {
  return regex_matches(subject, pattern, Case::respected);
}

TEST(Patterns, WhatIsNotThereIsNamed) {
  for (const char* pattern : {"(?=a)", "(a)\\1", "[[.a.]]"}) {
    EXPECT_EQ(matches(pattern).error().sqlstate, "0A000") << pattern;
  }
}

TEST(Patterns, ExponentialPatternsEnd) {
  const std::string many(30000, 'a');
  EXPECT_EQ(matches("^(a*)*(a*)*(a|a)*b$", many), false);
  EXPECT_EQ(matches("^(a+)+$", many), true);
}

TEST(Patterns, PatternsThatGrowAreRefused) {
  std::string nested = "a", empty = "()";
  for (int i = 0; i < 40; ++i) {
    nested = "(" + nested + "){255}";
    empty = "(" + empty + "){255}";
  }
  EXPECT_EQ(matches(nested).error().sqlstate, "2201B");
  EXPECT_EQ(matches(empty), true);
  EXPECT_EQ(matches(std::string(100000, '(')).error().sqlstate, "2201B");
}

TEST(Patterns, NoPatternCrashesIt) {
  const std::string_view pieces[] = {"a", "(", ")",  "[",  "]",        "{1", "}", ",",
                                     "*", "+", "?",  "|",  "\\",       "^",  "$", ".",
                                     "-", ":", "[:", ":]", "\xc3\xa9", "2"};
  std::uint64_t state = 20261125;  // xorshift
  for (int i = 0; i < 20000; ++i) {
    std::string pattern;
    for (int n = 0; n < 7; ++n) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      pattern += pieces[state % std::size(pieces)];
    }
    (void)matches(pattern);
  }
}

}  // namespace
}  // namespace spar::query::functions
