#include "data/datetime_tokens.h"

#include "data/characters.h"

namespace spar::data {
namespace {

using Kind = DateTimeToken::Kind;

constexpr std::size_t kTextMax = 128;   // bytes; PostgreSQL's MAXDATELEN
constexpr std::size_t kTokensMax = 25;  // PostgreSQL's MAXDATEFIELDS

bool is_separator(char c) {
  return c == '-' || c == '/' || c == '.';
}
bool is_punctuation(char c) {
  return c > ' ' && c < 0x7f && !is_digit(c) && !is_letter(c);
}
bool is_in_time(char c) {
  return is_digit(c) || c == ':' || c == '.';
}
bool is_in_name(char c) {
  return is_digit(c) || is_letter(c) || is_separator(c) || c == '+' || c == '_' || c == ':';
}

class Cutter {
 public:
  explicit Cutter(std::string text) : text_(std::move(text)) {}

  std::optional<std::vector<DateTimeToken>> run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (is_blank(c)) {
        ++at_;
      } else if (is_digit(c)) {
        number_or_date();
      } else if (is_letter(c)) {
        word_or_date();
      } else if (c == '+' || c == '-') {
        if (!signed_piece()) return std::nullopt;
      } else if (is_punctuation(c)) {
        ++at_;
      } else {
        return std::nullopt;
      }
      if (tokens_.size() > kTokensMax) return std::nullopt;
    }
    return std::move(tokens_);
  }

 private:
  char peek(std::size_t at) const { return at < text_.size() ? text_[at] : '\0'; }
  template <class Belongs>
  std::size_t past(std::size_t from, Belongs belongs) const {
    while (from < text_.size() && belongs(text_[from])) ++from;
    return from;
  }
  void take(Kind kind, std::size_t end, std::string sign = "") {
    tokens_.push_back({kind, std::move(sign) + text_.substr(at_, end - at_)});
    at_ = end;
  }

  void number_or_date() {
    const std::size_t end = past(at_, is_digit);
    const char delimiter = peek(end);
    if (delimiter == ':') return take(Kind::time, past(end, is_in_time));
    if (!is_separator(delimiter)) return take(Kind::number, end);
    const auto in_date = [&](char c) { return is_digit(c) || c == delimiter; };
    if (is_digit(peek(end + 1))) {
      const std::size_t second = past(end + 1, is_digit);
      if (peek(second) == delimiter) return take(Kind::date, past(second, in_date));
      return take(delimiter == '.' ? Kind::number : Kind::date, second);
    }
    take(Kind::date, past(end, [&](char c) { return in_date(c) || is_letter(c); }));
  }

  void word_or_date() {
    const std::size_t end = past(at_, is_letter);
    if (!is_separator(peek(end))) return take(Kind::word, end);
    take(Kind::date, past(end, is_in_name));
  }

  bool signed_piece() {
    const std::string sign(1, text_[at_]);
    at_ = past(at_ + 1, is_blank);
    if (is_digit(peek(at_))) {
      take(Kind::zone, past(at_, is_in_time), sign);
    } else if (is_letter(peek(at_))) {
      take(Kind::special, past(at_, is_letter), sign);
    } else {
      return false;
    }
    return true;
  }

  std::string text_;
  std::size_t at_ = 0;
  std::vector<DateTimeToken> tokens_;
};

}  // namespace

std::optional<std::vector<DateTimeToken>> cut_datetime(std::string_view text) {
  if (text.size() > kTextMax) return std::nullopt;
  return Cutter(lower_case(text)).run();
}

}  // namespace spar::data
