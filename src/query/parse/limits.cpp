#include "query/parse/limits.h"

#include <algorithm>
#include <array>
#include <vector>

#include "query/parse/scanner.h"

namespace spar::query::grammar {
namespace {

// Words that a tree grows deeper with, one by one, until the next break of the expression.
constexpr std::array<std::string_view, 13> kDeepening = {
    "at",     "between", "collate", "escape",  "ilike",    "in",     "is",
    "isnull", "like",    "not",     "notnull", "overlaps", "similar"};
// Words that start another expression beside the last (AND and OR chains are flat in the tree).
constexpr std::array<std::string_view, 16> kBreaking = {
    "and", "as",     "by",        "else",   "from", "having", "limit",  "on",
    "or",  "offset", "returning", "select", "set",  "then",   "values", "where"};
// Words whose chains nest the whole query expression.
constexpr std::array<std::string_view, 4> kChaining = {"except", "intersect", "join", "union"};

template <std::size_t N>
bool among(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

// The depth of the tree within one pair of parentheses, brackets or CASE ... END.
struct Level {
  char closer = ')';                     // 'e' for END
  std::size_t operators = 0, inner = 0;  // of the expression under way
  std::size_t deepest = 0;               // of those before it
  std::size_t chain = 0;
  std::size_t commas = 0;
  // (a, b, c) = (...): the grammar repeats the right side in the tree for each name on the left.
  std::size_t repeated = 0, started_at = 0;

  void finish_expression() {
    deepest = std::max(deepest, operators + inner);
    operators = inner = 0;
  }
  std::size_t depth() const { return 1 + chain + std::max(deepest, operators + inner); }
};

Failure too_complex(std::string_view what, std::string_view limit, std::size_t value) {
  Failure failure = sql_error("54001", "statement is too complex: " + std::string(what));
  failure.error().hint = "The limit is " + std::string(limit) + " (" + std::to_string(value) +
                         ") in the configuration.";
  return failure;
}

class Measure {
 public:
  explicit Measure(const ParseLimits& limits) : limits_(limits) { restart(); }

  Result<void> take(Token token, std::string_view lexeme) {
    ++total_;
    ++tokens_;
    if (token == Token::operation) operation(lexeme);
    if (token == Token::word && !after_dot_) word(lexeme);
    after_dot_ = lexeme == ".";
    if (token == Token::punctuation) punctuation(lexeme.front());
    remember(token, lexeme);
    if (levels_.size() > limits_.nesting_max) return too_deep();
    return finish();
  }
  Result<void> finish() const {
    if (tokens_ > limits_.tokens_max || total_ > kStatementsFactor * limits_.tokens_max) {
      return too_complex("too many tokens", "statement_tokens_max", limits_.tokens_max);
    }
    if (levels_.back().depth() + levels_.size() > limits_.nesting_max + 2) return too_deep();
    return {};
  }

 private:
  Failure too_deep() const {
    return too_complex("too deeply nested", "statement_nesting_max", limits_.nesting_max);
  }
  void restart() {
    levels_.assign(1, Level{});
    tokens_ = 0;
  }
  void operation(std::string_view lexeme) {
    // "+-+-" is one operator and then signs, each of which nests.
    std::size_t signs = 0;
    while (signs + 1 < lexeme.size() && is_sign(lexeme[lexeme.size() - 1 - signs])) ++signs;
    levels_.back().operators += 1 + signs;
  }
  static bool is_sign(char c) { return c == '+' || c == '-'; }

  void word(std::string_view lexeme) {
    if (lexeme.size() > 9 || lexeme.front() == '"') return;
    char lower[9];
    std::ranges::transform(lexeme, lower, [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    });
    const std::string_view folded(lower, lexeme.size());
    if (folded == "case") return open('e');
    if (folded == "end" && levels_.back().closer == 'e') return close('e');
    if (among(kDeepening, folded)) ++levels_.back().operators;
    if (among(kBreaking, folded)) levels_.back().finish_expression();
    if (among(kChaining, folded)) {
      levels_.back().finish_expression();
      ++levels_.back().chain;
    }
  }
  // Follows `) = (`, or `) = ROW (`.
  void remember(Token token, std::string_view lexeme) {
    if (token == Token::punctuation && lexeme == ")") {
      expects_ = Expects::equals;
    } else if (expects_ == Expects::equals && lexeme == "=") {
      expects_ = Expects::open;
    } else if (expects_ != Expects::open || token != Token::word) {
      expects_ = Expects::nothing;
    }
  }
  void punctuation(char c) {
    if (c == '(') return open(')');
    if (c == '[') return open(']');
    if (c == ')' || c == ']') return close(c);
    if (c == ',') {
      ++levels_.back().commas;
      levels_.back().finish_expression();
    }
    if (c == ';' && levels_.size() == 1) restart();
  }
  void open(char closer) {
    levels_.push_back(Level{});
    levels_.back().closer = closer;
    levels_.back().started_at = total_;
    if (expects_ == Expects::open) levels_.back().repeated = last_commas_;
  }
  // Text that does not balance is the grammar's to refuse; here it only must not be undercounted.
  void close(char closer) {
    if (levels_.size() == 1 || levels_.back().closer != closer) return;
    const std::size_t depth = levels_.back().depth();
    const std::size_t repeated = levels_.back().repeated * (total_ - levels_.back().started_at);
    tokens_ += repeated;
    total_ += repeated;
    last_commas_ = levels_.back().commas;
    levels_.pop_back();
    levels_.back().inner = std::max(levels_.back().inner, depth);
  }

  const ParseLimits& limits_;
  std::vector<Level> levels_;
  std::size_t tokens_ = 0, total_ = 0;
  std::size_t last_commas_ = 0;  // in the parentheses closed last
  enum class Expects { nothing, equals, open } expects_ = Expects::nothing;
  bool after_dot_ = false;  // x.end is a column, not the end of a CASE
};

// The length of the UTF-8 sequence at the front, or 0 when it is not one.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return first == 0 ? 0 : 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool outside = (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
  return overlong || outside ? 0 : length;
}

}  // namespace

Result<void> check_limits(std::string_view sql, const ParseLimits& limits) {
  Scanner scanner(sql);
  Measure measure(limits);
  for (Token token = scanner.next(); token != Token::end; token = scanner.next()) {
    SPAR_TRY(measure.take(token, scanner.lexeme()));
  }
  return measure.finish();
}

Result<void> check_encoding(std::string_view sql) {
  while (!sql.empty()) {
    const std::size_t length = sequence_length(sql);
    if (length == 0) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(sql.front());
      std::string message = "invalid byte sequence for encoding \"UTF8\": 0x";
      message += {kDigits[byte >> 4], kDigits[byte & 15]};
      return sql_error("22021", std::move(message));
    }
    sql.remove_prefix(length);
  }
  return {};
}

}  // namespace spar::query::grammar
