// Whether a text is JSON: one pass, no recursion.
#include <vector>

#include "data/characters.h"
#include "data/string_text.h"

namespace spar::data {
namespace {

constexpr std::size_t kDepthMax = 6000;

class JsonCheck {
 public:
  explicit JsonCheck(std::string_view text) : text_(text) {}

  Result<void> run() {
    SPAR_TRY(value());
    while (!open_.empty()) SPAR_TRY(next_member());
    skip_blanks();
    if (at_ != text_.size()) return bad_token();
    return {};
  }

 private:
  // Reads a value as far as its first part: of a container that is not empty, up to and including
  // its first member, which may open another one.
  Result<void> value() {
    for (;;) {
      skip_blanks();
      const char c = peek();
      if (c != '{' && c != '[') return scalar();
      if (open_.size() == kDepthMax) {
        return sql_error("54001", "stack depth limit exceeded");
      }
      ++at_;
      const char close = c == '{' ? '}' : ']';
      skip_blanks();
      if (peek() == close) {
        ++at_;
        return {};
      }
      open_.push_back(close);
      if (c == '{') SPAR_TRY(key());
    }
  }
  // After a member of the innermost container: its end, or a comma and the next member.
  Result<void> next_member() {
    skip_blanks();
    if (peek() == open_.back()) {
      ++at_;
      open_.pop_back();
      return {};
    }
    if (peek() != ',') return bad_token();
    ++at_;
    if (open_.back() == '}') SPAR_TRY(key());
    return value();
  }
  Result<void> key() {
    skip_blanks();
    if (peek() != '"') return bad_token();
    SPAR_TRY(string());
    skip_blanks();
    if (peek() != ':') return bad_token();
    ++at_;
    return {};
  }
  Result<void> scalar() {
    if (peek() == '"') return string();
    if (peek() == '-' || is_digit(peek())) return number();
    for (const std::string_view word : {"true", "false", "null"}) {
      if (text_.substr(at_).starts_with(word) && !is_word(at_ + word.size())) {
        at_ += word.size();
        return {};
      }
    }
    return bad_token();
  }
  Result<void> string() {
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return {};
      }
      if (static_cast<unsigned char>(c) < 32) return bad_token();
      if (c == '\\') SPAR_TRY(escape());
    }
    return ended();
  }
  Result<void> escape() {
    ++at_;
    if (peek() != 'u') {
      const bool known = at_ < text_.size() && std::string_view("\"\\/bfnrt").contains(peek());
      return known ? Result<void>() : bad_token();
    }
    for (int i = 0; i < 4; ++i) {
      ++at_;
      if (at_ >= text_.size()) return ended();
      if (hex_value(peek()) < 0) return bad_token();
    }
    return {};
  }
  Result<void> number() {
    if (peek() == '-') ++at_;
    if (peek() == '0') {
      ++at_;  // no digit follows a leading zero
    } else if (!digits()) {
      return bad_token();
    }
    if (peek() == '.') {
      ++at_;
      if (!digits()) return bad_token();
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) return bad_token();
    }
    return is_word(at_) ? bad_token() : Result<void>();
  }
  bool digits() {
    const std::size_t start = at_;
    while (is_digit(peek())) ++at_;
    return at_ > start;
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool is_word(std::size_t at) const {
    return at < text_.size() && (is_letter(text_[at]) || is_digit(text_[at]) || text_[at] == '_');
  }
  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }

  static Failure refuse(std::string detail) {
    Failure failure = sql_error("22P02", "invalid input syntax for type json");
    failure.error().detail = std::move(detail);
    return failure;
  }
  Failure ended() const { return refuse("The input string ended unexpectedly."); }
  Failure bad_token() const {
    if (at_ >= text_.size()) return ended();
    std::size_t start = at_, end = at_;
    while (start > 0 && is_word(start - 1) && is_word(at_)) --start;
    while (is_word(end)) ++end;
    if (end == start) end += character_bytes(text_[start]);
    return refuse("Token \"" + std::string(text_.substr(start, end - start)) + "\" is invalid.");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<char> open_;  // what closes each container around this place
};

}  // namespace

Result<void> check_json(std::string_view text) {
  return JsonCheck(text).run();
}

}  // namespace spar::data
