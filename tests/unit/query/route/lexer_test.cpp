// The lexer cuts every text where PostgreSQL's own scanner (libpg_query's) cuts it.
#include <gtest/gtest.h>

#include <cstdio>
#include <random>

#include "tests/unit/query/route/corpus.h"
#include "tests/unit/query/route/token_check.h"

namespace spar::query::route {
namespace {

// What we accept, PostgreSQL accepts, with the same tokens. Returns whether we accepted.
bool compare(const std::string& text) {
  const test::TokenCheck check = test::check_tokens(text);
  EXPECT_EQ(check.difference, "") << text;
  return check.accepted;
}

TEST(Lexer, CutsTheCorpusAsPostgres) {
  std::size_t accepted = 0;
  for (const std::string& text : test::corpus()) accepted += compare(text) ? 1 : 0;
  std::printf("%zu of %zu texts accepted\n", accepted, test::corpus().size());
  EXPECT_GT(accepted, test::corpus().size() * 98 / 100);
}

TEST(Lexer, CutsChinookAsPostgres) {
  const std::vector<std::string> lines = test::chinook();
  if (lines.empty()) GTEST_SKIP() << "SKIPPED: no Chinook script on this machine";
  std::size_t accepted = 0;
  for (const std::string& line : lines) accepted += compare(line) ? 1 : 0;
  std::printf("%zu of %zu lines accepted\n", accepted, lines.size());
  EXPECT_GT(accepted, lines.size() * 99 / 100);
}

// One small change somewhere, from the characters that tokens depend on.
std::string mutated(std::string text, std::mt19937& random) {
  static constexpr std::string_view kPieces[] = {
      "'",  "''", "\"", "$",  "$$",       "$a$",  "--",      "/*",  "*/",   "\\", "\n", "\r",
      " ",  "\t", "E'", "e'", "B'",       "x'",   "N'",      "U&'", "u&\"", ".",  "..", "1",
      "1e", "e5", "+",  "-",  "*",        "/",    "@",       "::",  ":=",   "=",  "<",  ">",
      ";",  "(",  "a",  "_",  "\xc3\xa9", "'\n'", "' --\n'", "#",   "?",    "|",  "%"};
  const std::size_t changes = 1 + random() % 3;
  for (std::size_t i = 0; i < changes; ++i) {
    const std::size_t at = random() % (text.size() + 1);
    const std::string_view piece = kPieces[random() % std::size(kPieces)];
    const std::size_t removed = random() % 3 == 0 ? random() % 4 : 0;
    text.replace(at, std::min(removed, text.size() - at), piece);
  }
  return text;
}

TEST(Lexer, CutsMutationsAsPostgres) {
  const std::uint32_t seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::size_t accepted = 0;
  constexpr std::size_t kRounds = 20'000;
  for (std::size_t i = 0; i < kRounds && !::testing::Test::HasFailure(); ++i) {
    const std::string& text = test::corpus()[random() % test::corpus().size()];
    if (text.size() < 2000) accepted += compare(mutated(text, random)) ? 1 : 0;
  }
  std::printf("%zu of %zu accepted\n", accepted, kRounds);
  EXPECT_GT(accepted, kRounds / 10);
}

// Every short text over the characters that matter most: no seed needed.
TEST(Lexer, CutsAllShortTextsAsPostgres) {
  constexpr std::string_view kAlphabet = "'\"$e1.-/*+\n\\&u@b ";
  const std::size_t n = kAlphabet.size();
  for (std::size_t i = 0; i < n * n * n * n && !::testing::Test::HasFailure(); ++i) {
    const std::string text = {kAlphabet[i % n], kAlphabet[i / n % n], kAlphabet[i / n / n % n],
                              kAlphabet[i / n / n / n]};
    compare(text);
  }
}

TEST(Lexer, BlocksEndAnywhere) {
  for (std::size_t lead = 0; lead < 140; ++lead) {
    for (const std::string_view tail : {"abc", "abc+", "'x'", "\"x\"", "$1", "1.5e3", "a.b"}) {
      compare("select " + std::string(lead, 'w') + " " + std::string(tail));
      compare(std::string(lead, ' ') + std::string(tail));
    }
  }
}

}  // namespace
}  // namespace spar::query::route
