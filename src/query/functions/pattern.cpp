// LIKE, ILIKE and POSIX regular expressions.
#include <algorithm>

#include "data/characters.h"
#include "query/functions/arguments.h"
#include "query/functions/families.h"
#include "query/functions/regex.h"

namespace spar::query::functions {
namespace {

using data::character_bytes;

Failure escape_at_end() {
  return sql_error("22025", "LIKE pattern must not end with escape character");
}

// One character of a pattern, its escape taken off.
struct PatternCharacter {
  enum Kind { literal, one, any, bad } kind;
  std::string_view bytes;  // of a literal
  std::size_t size;        // in the pattern
};

class LikeMatcher {
 public:
  LikeMatcher(std::string_view text, std::string_view pattern, std::string_view escape,
              bool ignore_case)
      : text_(text), pattern_(pattern), escape_(escape), ignore_case_(ignore_case) {}

  // Greedy with one place to come back to: after the last %, one character further in the text.
  Result<bool> matches() {
    for (;;) {
      if (pattern_at_ == pattern_.size()) {
        if (text_at_ == text_.size()) return true;
        if (!retry()) return false;
        continue;
      }
      const PatternCharacter next = take_apart();
      // As PostgreSQL: a pattern that already failed is not looked at any further.
      if (next.kind == PatternCharacter::bad && text_at_ < text_.size()) return escape_at_end();
      if (next.kind == PatternCharacter::any) {
        pattern_at_ += next.size;
        retry_pattern_ = pattern_at_;
        retry_text_ = text_at_;
      } else if (!step(next) && !retry()) {
        return false;
      }
    }
  }

 private:
  PatternCharacter take_apart() const {
    const std::string_view rest = pattern_.substr(pattern_at_);
    if (!escape_.empty() && rest.starts_with(escape_)) {
      const std::string_view behind = rest.substr(escape_.size());
      if (behind.empty()) return {PatternCharacter::bad, {}, 0};
      const std::size_t size = character_bytes(behind[0]);
      return {PatternCharacter::literal, behind.substr(0, size), escape_.size() + size};
    }
    if (rest[0] == '%') return {PatternCharacter::any, {}, 1};
    if (rest[0] == '_') return {PatternCharacter::one, {}, 1};
    const std::size_t size = character_bytes(rest[0]);
    return {PatternCharacter::literal, rest.substr(0, size), size};
  }
  bool step(const PatternCharacter& next) {
    if (text_at_ == text_.size()) return false;
    const std::size_t size = character_bytes(text_[text_at_]);
    const std::string_view character = text_.substr(text_at_, size);
    if (next.kind == PatternCharacter::literal && !same(character, next.bytes)) return false;
    text_at_ += character.size();
    pattern_at_ += next.size;
    return true;
  }
  bool same(std::string_view a, std::string_view b) const {
    if (!ignore_case_ || a.size() != 1 || b.size() != 1) return a == b;
    return data::to_lower(a[0]) == data::to_lower(b[0]);
  }
  bool retry() {
    if (retry_pattern_ == std::string_view::npos || retry_text_ >= text_.size()) return false;
    retry_text_ += character_bytes(text_[retry_text_]);
    retry_text_ = std::min(retry_text_, text_.size());
    text_at_ = retry_text_;
    pattern_at_ = retry_pattern_;
    return true;
  }

  std::string_view text_, pattern_, escape_;
  bool ignore_case_;
  std::size_t text_at_ = 0, pattern_at_ = 0;
  std::size_t retry_text_ = 0, retry_pattern_ = std::string_view::npos;
};

template <bool ignore_case>
Result<Datum> like(Arguments arguments) {
  const std::string_view escape = arguments.size() > 2 ? text_at(arguments, 2) : "\\";
  if (data::character_count(escape) > 1) {
    Failure failure = sql_error("22025", "invalid escape string");
    failure.error().hint = "Escape string must be empty or one character.";
    return failure;
  }
  LikeMatcher matcher(text_at(arguments, 0), text_at(arguments, 1), escape, ignore_case);
  SPAR_ASSIGN(const bool matched, matcher.matches());
  return std::int64_t{matched};
}

Result<Datum> regex(Arguments arguments) {
  const bool ignore_case = arguments.size() > 2 && integer_at(arguments, 2) != 0;
  SPAR_ASSIGN(const bool matched, regex_matches(text_at(arguments, 0), text_at(arguments, 1),
                                                ignore_case ? Case::ignored : Case::respected));
  return std::int64_t{matched};
}

constexpr ScalarEntry kEntries[] = {
    {"spar_like", 2, false, like<false>}, {"spar_like", 3, false, like<false>},
    {"spar_ilike", 2, false, like<true>}, {"spar_ilike", 3, false, like<true>},
    {"spar_regex", 2, false, regex},      {"spar_regex", 3, false, regex},
};

}  // namespace

std::span<const ScalarEntry> pattern_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
