// query/route/lexer.h: PostgreSQL's tokens exactly, in one pass and without allocation.
//
// Contract    Lexer(text, standard_strings, out).run() cuts the text where the scanner of
//             PostgreSQL 15 cuts it and hands each token to `out`. It returns false, having handed
//             over some tokens, for what that scanner refuses and for what scanners of different
//             versions or settings read differently: open quotes and comments, zero bytes and other
//             stray characters, 0x1F and 1_000 (numbers since version 16, junk before), "" of
//             length zero.
//   Out       word(begin, end)        an unquoted word, case as written
//             national(begin, end)    the N of N'..', which means NCHAR; the string follows
//             quoted(begin, end)      "..." with its quotes
//             parameter(begin, end)   $1
//             literal(Literal, begin, end)
//             operation(begin, end)   an operator, or one of + - * / % ^ < > =
//             punctuation(begin, end) , ( ) [ ] . ; : :: .. :=
//             Each returns false to stop.
// Source      src/backend/parser/scan.l of PostgreSQL 15.
// Encoding    Bytes above 0x7f are letters, as there. REQUIRES: an encoding in which no byte of
//             a longer character is ASCII (UTF-8, LATIN*; not SJIS, BIG5, GBK, GB18030).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "query/route/letters.h"
#include "query/route/limits.h"

namespace spar::query::route {

// As the grammar tells them apart: a whole number beyond 2147483647 is a `number` there.
enum class Literal : std::uint8_t { integer, number, text, bits, hex_bits, unicode_text };

namespace lex {

enum class Kind : std::uint8_t {
  stray,
  space,
  word,
  digit,
  quote,
  double_quote,
  dollar,
  dot,
  colon,
  single,
  operation
};

constexpr std::array<Kind, 256> make_kinds() {
  std::array<Kind, 256> kinds{};
  for (const char c : std::string_view(" \t\n\r\f"))
    kinds[static_cast<unsigned char>(c)] = Kind::space;
  for (unsigned c = 'a'; c <= 'z'; ++c) kinds[c] = kinds[c - 32] = Kind::word;
  for (unsigned c = 0x80; c <= 0xff; ++c) kinds[c] = Kind::word;
  kinds['_'] = Kind::word;
  for (unsigned c = '0'; c <= '9'; ++c) kinds[c] = Kind::digit;
  for (const char c : std::string_view("~!@#^&|`?+-*/%<>=")) {
    kinds[static_cast<unsigned char>(c)] = Kind::operation;
  }
  for (const char c : std::string_view(",()[];"))
    kinds[static_cast<unsigned char>(c)] = Kind::single;
  kinds['\''] = Kind::quote;
  kinds['"'] = Kind::double_quote;
  kinds['$'] = Kind::dollar;
  kinds['.'] = Kind::dot;
  kinds[':'] = Kind::colon;
  return kinds;
}
inline constexpr std::array<Kind, 256> kKinds = make_kinds();

inline Kind kind(char c) {
  return kKinds[static_cast<unsigned char>(c)];
}

inline bool in_word(char c) {
  const Kind k = kind(c);
  return k == Kind::word || k == Kind::digit || k == Kind::dollar;
}

}  // namespace lex

template <class Out>
class Lexer {
 public:
  Lexer(std::string_view text, bool standard_strings, Out& out)
      : at_(text.data()),
        end_(at_ + text.size()),
        block_(at_),
        standard_(standard_strings),
        out_(out) {
    if (at_ < end_) load_block();
  }

  bool run() {
    while (at_ < end_) {
      if (!token()) return false;
    }
    return true;
  }

 private:
  using Kind = lex::Kind;

  bool token() {
    switch (lex::kind(*at_)) {
      case Kind::space:
        ++at_;
        return true;
      case Kind::word:
        return word();
      case Kind::digit:
        return number();
      case Kind::operation:
        return operation();
      case Kind::single:
        return punctuation(1);
      case Kind::dot:
        if (peek(1) == '.') return punctuation(2);
        return at_ + 1 < end_ && lex::kind(at_[1]) == Kind::digit ? number() : punctuation(1);
      case Kind::colon:
        return punctuation(peek(1) == ':' || peek(1) == '=' ? 2 : 1);
      case Kind::quote:
        return string(Literal::text, at_, standard_ ? Style::plain : Style::legacy);
      case Kind::double_quote:
        return quoted();
      case Kind::dollar:
        return dollar();
      case Kind::stray:
        break;
    }
    return false;
  }

  char peek(std::ptrdiff_t ahead) const { return end_ - at_ > ahead ? at_[ahead] : '\0'; }

  bool punctuation(std::ptrdiff_t length) {
    const char* const begin = at_;
    at_ += length;
    return out_.punctuation(begin, at_);
  }

  // ---- words

  // One load and one shift a word, so that the next token does not wait long for this one's end.
  void skip_word() {
    while (at_ < end_) {
      if (at_ - block_ >= kBlock) load_block();
      const std::uint64_t outside = ~word_mask_ >> (at_ - block_);
      if (outside != 0) {
        at_ += __builtin_ctzll(outside);
        return;
      }
      at_ = block_ + kBlock;
    }
    at_ = end_;
  }
  void load_block() {
    block_ = at_;
    if (end_ - at_ >= kBlock) {
      word_mask_ = lex::word_mask(at_);
    } else {
      char padded[kBlock] = {};
      std::memcpy(padded, at_, static_cast<std::size_t>(end_ - at_));
      word_mask_ = lex::word_mask(padded);
    }
  }
  bool word() {
    const char* const begin = at_;
    skip_word();
    if (at_ < end_ && (*at_ == '\'' || *at_ == '&') && at_ - begin == 1) return prefixed(begin);
    const char* const end = at_;
    if (at_ < end_ && *at_ == ' ') ++at_;  // what usually follows
    return out_.word(begin, end);
  }
  // E'..', B'..', X'..', N'..' and U&'..'; at_ is behind the letter.
  bool prefixed(const char* begin) {
    const char letter = static_cast<char>(*begin | 0x20);
    if (*at_ == '&') {
      if (letter != 'u' || (peek(1) != '\'' && peek(1) != '"')) return out_.word(begin, at_);
      if (peek(1) == '"' || !standard_) return false;  // escapes may spell any name
      ++at_;
      return string(Literal::unicode_text, begin, Style::unicode);
    }
    if (letter == 'e') return string(Literal::text, begin, Style::escape);
    if (letter == 'b') return string(Literal::bits, begin, Style::bits);
    if (letter == 'x') return string(Literal::hex_bits, begin, Style::bits);
    return letter == 'n' ? out_.national(begin, at_) : out_.word(begin, at_);
  }

  // ---- strings

  // legacy: '...' while standard_conforming_strings is off.
  // bits: '' is its end and another string's begin.
  enum class Style : std::uint8_t { plain, bits, legacy, escape, unicode };

  bool string(Literal literal, const char* begin, Style style) {
    do {
      ++at_;
      if (!quoted_part(style)) return false;
    } while (continues());
    return out_.literal(literal, begin, at_);
  }
  // From behind the opening quote to behind the closing one.
  bool quoted_part(Style style) {
    return style == Style::plain || style == Style::bits ? plain_part(style == Style::bits)
                                                         : escaped_part(style);
  }
  bool plain_part(bool bits) {
    while (true) {
      at_ = lex::find_end(at_, end_, '\'');
      if (at_ == end_ || *at_ == '\0') return false;
      ++at_;
      if (bits || at_ == end_ || *at_ != '\'') return true;
      ++at_;
    }
  }
  bool escaped_part(Style style) {
    while (at_ < end_) {
      const char c = *at_++;
      if (c == '\0') return false;
      if (c == '\\' && (style == Style::unicode || !skip_escape())) return false;
      if (c != '\'') continue;
      if (at_ == end_ || *at_ != '\'') return true;
      ++at_;
    }
    return false;
  }
  // Numbers after a backslash may make a byte or a code point that PostgreSQL refuses.
  bool skip_escape() {
    if (at_ == end_) return false;
    const char c = *at_++;
    return c != '\0' && (c | 0x20) != 'u' && c != 'x' && (c < '0' || c > '7');
  }
  // After a closing quote: white space with a line's end in it, then another quote, is one string.
  bool continues() {
    const char* p = at_;
    bool line_ended = false;
    while (p < end_ && *p != '\'') {
      if (*p == '-' && end_ - p > 1 && p[1] == '-') {
        while (p < end_ && *p != '\n' && *p != '\r') ++p;
      } else if (lex::kind(*p) == Kind::space) {
        line_ended |= *p == '\n' || *p == '\r';
        ++p;
      } else {
        return false;
      }
    }
    if (p == end_ || !line_ended) return false;
    at_ = p;
    return true;
  }
  bool quoted() {
    const char* const begin = at_++;
    while (true) {
      at_ = lex::find_end(at_, end_, '"');
      if (at_ == end_ || *at_ == '\0') return false;
      ++at_;
      if (at_ == end_ || *at_ != '"') break;
      ++at_;
    }
    return at_ - begin > 2 && out_.quoted(begin, at_);
  }
  bool dollar() {
    const char* const begin = at_;
    const char* p = at_ + 1;
    if (p < end_ && lex::kind(*p) == Kind::digit) return parameter();
    while (p < end_ && *p != '$' && lex::in_word(*p)) ++p;
    if (p == end_ || *p != '$') return false;
    const std::string_view tag(begin, static_cast<std::size_t>(p + 1 - begin));
    const std::string_view rest(p + 1, static_cast<std::size_t>(end_ - (p + 1)));
    const std::size_t close = rest.find(tag);
    if (close == std::string_view::npos || rest.substr(0, close).contains('\0')) return false;
    at_ = rest.data() + close + tag.size();
    return out_.literal(Literal::text, begin, at_);
  }
  bool parameter() {
    const char* const begin = at_++;
    skip_digits();
    if (at_ < end_ && lex::kind(*at_) == Kind::word) return false;
    return out_.parameter(begin, at_);
  }

  // ---- numbers

  void skip_digits() {
    while (at_ < end_ && lex::kind(*at_) == Kind::digit) ++at_;
  }
  bool number() {
    const char* const begin = at_;
    skip_digits();
    Literal literal = Literal::integer;
    if (at_ < end_ && *at_ == '.' && peek(1) != '.') {
      ++at_;
      skip_digits();
      literal = Literal::number;
    }
    if (at_ < end_ && (*at_ | 0x20) == 'e') {
      literal = Literal::number;
      ++at_;
      if (at_ < end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      if (at_ == end_ || lex::kind(*at_) != Kind::digit) return false;
      skip_digits();
    }
    if (at_ < end_ && lex::kind(*at_) == Kind::word) return false;
    if (literal == Literal::integer && !fits(begin)) literal = Literal::number;
    return out_.literal(literal, begin, at_);
  }
  bool fits(const char* begin) const {
    if (at_ - begin < 10) return true;
    std::uint64_t value = 0;
    for (const char* p = begin; p < at_ && value <= INT32_MAX; ++p) {
      value = value * 10 + static_cast<std::uint64_t>(*p - '0');
    }
    return value <= INT32_MAX;
  }

  // ---- operators and comments

  bool operation() {
    const char next = peek(1);
    if (*at_ == '-' && next == '-') return line_comment();
    if (*at_ == '/' && next == '*') return block_comment();
    const char* const begin = at_++;
    if (at_ < end_ && lex::kind(*at_) == Kind::operation) longer_operator(begin);
    return at_ - begin < kNameBytes && out_.operation(begin, at_);
  }
  // Ends before a comment; a sign at its end is of its own unless a character that no SQL
  // operator has comes before it.
  void longer_operator(const char* begin) {
    bool own = kPostgresOnly.contains(*begin);
    for (; at_ < end_ && lex::kind(*at_) == Kind::operation; ++at_) {
      if ((*at_ == '-' && peek(1) == '-') || (*at_ == '/' && peek(1) == '*')) break;
      own = own || kPostgresOnly.contains(*at_);
    }
    if (own) return;
    while (at_ - begin > 1 && (at_[-1] == '+' || at_[-1] == '-')) --at_;
  }
  bool line_comment() {
    while (at_ < end_ && *at_ != '\n' && *at_ != '\r') {
      if (*at_++ == '\0') return false;
    }
    return true;
  }
  bool block_comment() {
    std::size_t depth = 0;
    while (end_ - at_ >= 2) {
      if (at_[0] == '/' && at_[1] == '*') {
        if (++depth > kCommentDepthMax) return false;
        at_ += 2;
      } else if (at_[0] == '*' && at_[1] == '/') {
        at_ += 2;
        if (--depth == 0) return true;
      } else if (*at_++ == '\0') {
        return false;
      }
    }
    return false;
  }

  static constexpr std::ptrdiff_t kNameBytes = 64;  // PostgreSQL's NAMEDATALEN
  static constexpr std::string_view kPostgresOnly = "~!@#^&|`?%";

  static constexpr std::ptrdiff_t kBlock = lex::kMaskBytes;

  const char* at_;
  const char* end_;
  const char* block_;            // where word_mask_ begins
  std::uint64_t word_mask_ = 0;  // a bit for each of kBlock bytes that may continue a word
  bool standard_;
  Out& out_;
};

}  // namespace spar::query::route
