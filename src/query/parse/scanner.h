// query/parse/scanner.h: PostgreSQL's tokens, as coarse as counting them needs.
//
// Contract    next() never fails: what the grammar would refuse (an open quote, an odd byte) is a
//             token like any other, and the grammar reports it.
#pragma once

#include <cstddef>
#include <string_view>

namespace spar::query::grammar {

enum class Token { end, word, literal, operation, punctuation };

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  Token next();
  // Of the last token: the text itself.
  std::string_view lexeme() const { return text_.substr(start_, at_ - start_); }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool skip_blank();
  void skip_block_comment();
  void quoted(char quote, bool backslashes);
  bool dollar_quoted();
  void word();
  void operation();
  bool string_prefix(std::string_view prefix) const;

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t start_ = 0;
};

}  // namespace spar::query::grammar
