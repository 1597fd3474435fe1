#include "query/parse/scanner.h"

#include <algorithm>

namespace spar::query::grammar {
namespace {

constexpr std::string_view kOperatorCharacters = "+-*/<>=~!@#%^&|`?";

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool starts_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool in_word(char c) {
  return starts_word(c) || is_digit(c) || c == '$';
}

}  // namespace

Token Scanner::next() {
  while (skip_blank()) {
  }
  start_ = at_;
  if (at_ >= text_.size()) return Token::end;
  const char c = peek();
  if (c == '\'') return quoted('\'', false), Token::literal;
  if (c == '"') return quoted('"', false), Token::word;
  if (c == '$' && dollar_quoted()) return Token::literal;
  if (is_digit(c) || (c == '.' && is_digit(peek(1))) || (c == '$' && is_digit(peek(1)))) {
    ++at_;
    while (in_word(peek()) || peek() == '.') ++at_;
    return Token::literal;
  }
  if (starts_word(c)) {
    word();
    return text_[at_ - 1] == '\'' ? Token::literal : Token::word;
  }
  if (kOperatorCharacters.contains(c)) return operation(), Token::operation;
  if (c == ':' && peek(1) == ':') return at_ += 2, Token::operation;
  ++at_;
  return Token::punctuation;
}

bool Scanner::skip_blank() {
  const std::size_t before = at_;
  while (at_ < text_.size() && is_space(peek())) ++at_;
  if (peek() == '-' && peek(1) == '-') {
    at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
  } else if (peek() == '/' && peek(1) == '*') {
    skip_block_comment();
  }
  return at_ != before;
}

void Scanner::skip_block_comment() {
  std::size_t depth = 0;
  do {
    if (peek() == '/' && peek(1) == '*') {
      ++depth;
      at_ += 2;
    } else if (peek() == '*' && peek(1) == '/') {
      --depth;
      at_ += 2;
    } else {
      ++at_;
    }
  } while (depth > 0 && at_ < text_.size());
  at_ = std::min(at_, text_.size());
}

void Scanner::quoted(char quote, bool backslashes) {
  ++at_;
  while (at_ < text_.size()) {
    if (backslashes && peek() == '\\') {
      at_ += 2;
    } else if (peek() == quote) {
      ++at_;
      if (peek() != quote) return;
      ++at_;
    } else {
      ++at_;
    }
  }
  at_ = text_.size();
}

bool Scanner::dollar_quoted() {
  std::size_t end = at_ + 1;
  if (end < text_.size() && is_digit(text_[end])) return false;
  while (end < text_.size() && text_[end] != '$' && in_word(text_[end])) ++end;
  if (end >= text_.size() || text_[end] != '$') return false;
  const std::string_view tag = text_.substr(at_, end + 1 - at_);
  const std::size_t close = text_.find(tag, end + 1);
  at_ = close == std::string_view::npos ? text_.size() : close + tag.size();
  return true;
}

bool Scanner::string_prefix(std::string_view prefix) const {
  const std::string_view seen = text_.substr(start_, at_ - start_);
  return std::ranges::equal(seen, prefix, [](char a, char b) { return (a | 0x20) == b; });
}

// A word, or a literal such as E'..', x'..', N'..', U&'..'; and U&"..".
void Scanner::word() {
  while (in_word(peek())) ++at_;
  if (string_prefix("u") && peek() == '&' && (peek(1) == '\'' || peek(1) == '"')) {
    ++at_;
    quoted(peek(), false);
  } else if (peek() == '\'' && at_ - start_ == 1 && !string_prefix("u")) {
    quoted('\'', string_prefix("e"));
  }
}

void Scanner::operation() {
  while (at_ < text_.size() && kOperatorCharacters.contains(peek())) {
    const bool comment = (peek() == '-' && peek(1) == '-') || (peek() == '/' && peek(1) == '*');
    if (comment) return;
    ++at_;
  }
}

}  // namespace spar::query::grammar
