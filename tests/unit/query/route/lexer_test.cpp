// The lexer cuts every text where PostgreSQL's own scanner (libpg_query's) cuts it.
#include "query/route/lexer.h"

#include <gtest/gtest.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <random>
#include <regex>

#include "tests/unit/query/route/corpus.h"

namespace spar::query::route {
namespace {

struct Cut {
  std::size_t begin = 0, end = 0;
  friend bool operator==(const Cut&, const Cut&) = default;
  friend void PrintTo(const Cut& cut, std::ostream* out) { *out << cut.begin << '-' << cut.end; }
};
using Cuts = std::vector<Cut>;

class Recorder {
 public:
  explicit Recorder(std::string_view text) : text_(text) {}
  bool word(const char* b, const char* e) { return add(b, e); }
  bool national(const char* b, const char* e) { return add(b, e); }
  bool quoted(const char* b, const char* e) { return add(b, e); }
  bool parameter(const char* b, const char* e) { return add(b, e); }
  bool literal(Literal, const char* b, const char* e) { return add(b, e); }
  bool operation(const char* b, const char* e) { return add(b, e); }
  bool punctuation(const char* b, const char* e) { return add(b, e); }
  Cuts cuts;

 private:
  bool add(const char* begin, const char* end) {
    cuts.push_back({static_cast<std::size_t>(begin - text_.data()),
                    static_cast<std::size_t>(end - text_.data())});
    return true;
  }
  std::string_view text_;
};

std::optional<Cuts> ours(std::string_view text) {
  Recorder recorder(text);
  if (!Lexer<Recorder>(text, true, recorder).run()) return std::nullopt;
  return recorder.cuts;
}

std::optional<Cuts> postgres(const std::string& text) {
  PgQueryScanResult scanned = pg_query_scan(text.c_str());
  std::optional<Cuts> cuts;
  if (scanned.error == nullptr) {
    cuts.emplace();
    PgQuery__ScanResult* result = pg_query__scan_result__unpack(
        nullptr, scanned.pbuf.len, reinterpret_cast<const uint8_t*>(scanned.pbuf.data));
    for (std::size_t i = 0; i < result->n_tokens; ++i) {
      const PgQuery__ScanToken& token = *result->tokens[i];
      if (token.token == PG_QUERY__TOKEN__SQL_COMMENT ||
          token.token == PG_QUERY__TOKEN__C_COMMENT) {
        continue;
      }
      cuts->push_back({static_cast<std::size_t>(token.start), static_cast<std::size_t>(token.end)});
    }
    pg_query__scan_result__free_unpacked(result, nullptr);
  }
  pg_query_free_scan_result(scanned);
  return cuts;
}

// libpg_query makes tokens of comments, and so does not join 'a' -- comment
// 'b' into one string as PostgreSQL does (seen on 15.20).
bool joins_over_comment(const std::string& text, const Cuts& mine) {
  static const std::regex kJoined("'[ \\t\\r\\n\\f]*--");
  return std::ranges::any_of(mine, [&](const Cut& cut) {
    const std::string token = text.substr(cut.begin, cut.end - cut.begin);
    return token.ends_with('\'') && std::regex_search(token, kJoined);
  });
}

// What we accept, PostgreSQL accepts, with the same tokens. Returns whether we accepted.
bool compare(const std::string& text) {
  const std::optional<Cuts> mine = ours(text);
  if (!mine) return false;
  if (joins_over_comment(text, *mine)) return true;
  std::optional<Cuts> theirs = postgres(text);
  EXPECT_TRUE(theirs) << "PostgreSQL refuses: " << text;
  if (!theirs) return true;
  for (std::size_t i = 0; i < std::min(mine->size(), theirs->size()); ++i) {
    Cut& cut = (*theirs)[i];
    if (cut.begin == cut.end) cut.end = (*mine)[i].end;  // libpg_query's U&'..' has no length
  }
  EXPECT_EQ(*theirs, *mine) << text;
  return true;
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
