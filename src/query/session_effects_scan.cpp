// The half of session_effects.h that reads words only: it decides for nearly every statement.
#include <algorithm>
#include <array>

#include "query/parse/scanner.h"
#include "query/session_effects.h"

namespace spar::query {
namespace {

using grammar::Scanner;
using grammar::Token;

// Statements that leave nothing, whatever follows, save for the watched words.
constexpr std::array<std::string_view, 37> kHarmless = {
    "abort",   "alter",    "analyze", "begin",  "call",      "checkpoint", "cluster", "comment",
    "commit",  "copy",     "create",  "delete", "drop",      "end",        "execute", "explain",
    "fetch",   "grant",    "insert",  "lock",   "merge",     "move",       "notify",  "reassign",
    "refresh", "reindex",  "release", "revoke", "savepoint", "select",     "show",    "start",
    "table",   "truncate", "update",  "vacuum", "values"};

// Words that may mean something is left, in any statement.
constexpr std::array<std::string_view, 8> kWatched = {"pg_advisory_lock",
                                                      "pg_advisory_lock_shared",
                                                      "pg_advisory_unlock_all",
                                                      "pg_try_advisory_lock",
                                                      "pg_try_advisory_lock_shared",
                                                      "set_config",
                                                      "temp",
                                                      "temporary"};

constexpr std::size_t kWordMax = 32;

// The word in lower case without quotes; longer ones are none of ours.
class Folded {
 public:
  explicit Folded(std::string_view lexeme) {
    if (lexeme.size() > 1 && lexeme.front() == '"') {
      lexeme = lexeme.substr(1, lexeme.size() - 2);
    }
    if (lexeme.size() > kWordMax) return;
    size_ = lexeme.size();
    std::ranges::transform(lexeme, text_, [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    });
  }
  std::string_view view() const { return {text_, size_}; }

 private:
  char text_[kWordMax];
  std::size_t size_ = 0;
};

bool is_watched(std::string_view lexeme) {
  const char first = lexeme.front() == '"' && lexeme.size() > 1 ? lexeme[1] : lexeme.front();
  if (!std::string_view("pPsStT").contains(first)) return false;
  const Folded word(lexeme);
  return word.view().starts_with("pg_temp") || std::ranges::binary_search(kWatched, word.view());
}

bool is_harmless(std::string_view lexeme) {
  const Folded word(lexeme);
  return word.view() == "with" || std::ranges::binary_search(kHarmless, word.view());
}

bool is_rollback(std::string_view lexeme) {
  return Folded(lexeme).view() == "rollback";
}

}  // namespace

bool may_leave_effects(std::string_view sql) {
  Scanner scanner(sql);
  bool first = true, rollback = false;
  for (;;) {
    const Token token = scanner.next();
    const std::string_view lexeme = scanner.lexeme();
    if (token == Token::end) return false;
    if (token == Token::punctuation && lexeme == ";") {
      first = true;
      rollback = false;
      continue;
    }
    if (first && token == Token::punctuation && lexeme == "(") continue;
    if (first) {
      rollback = token == Token::word && is_rollback(lexeme);
      if (token != Token::word || (!rollback && !is_harmless(lexeme))) return true;
      first = false;
    } else if (token == Token::word) {
      if (is_watched(lexeme)) return true;
      if (rollback && Folded(lexeme).view() == "to") return true;
    }
  }
}

}  // namespace spar::query
