// query/functions/regex_match.h: what of a text matches a regular expression, and its groups.
//
// Contract    PostgreSQL's rules: the leftmost match, then the longest or shortest by the
//             expression's greed, then each part in turn by its own. Positions are in characters.
//             54000 where finding it out would take too long.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/functions/regex_program.h"

namespace spar::query::functions {

class RegexText {
 public:
  explicit RegexText(std::string_view text);

  std::size_t size() const { return characters_.size(); }
  char32_t at(std::size_t i) const { return characters_[i]; }
  char32_t before(std::size_t i) const { return i == 0 ? kNoCharacter : characters_[i - 1]; }
  char32_t ahead(std::size_t i) const { return i < size() ? characters_[i] : kNoCharacter; }
  std::string_view piece(std::size_t begin, std::size_t end) const {
    return text_.substr(offsets_[begin], offsets_[end] - offsets_[begin]);
  }

 private:
  std::string_view text_;
  std::u32string characters_;
  std::vector<std::size_t> offsets_;  // of each character's bytes, and the end's
};

using RegexSpan = std::pair<std::size_t, std::size_t>;
using RegexGroups = std::vector<std::optional<RegexSpan>>;  // the whole match first

// The first match that begins at `from` or behind it. `groups`: of the parentheses too.
Result<std::optional<RegexGroups>> find_match(const RegexProgram& program, const RegexText& text,
                                              std::size_t from, bool groups);

}  // namespace spar::query::functions
