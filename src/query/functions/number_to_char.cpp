// Numbers shown by a pattern such as FM9,999.00. The pattern is taken apart first; then the digits
// are put into its places from the left, with blanks (or nothing after FM) before the first one.
#include <algorithm>
#include <cstdio>
#include <optional>
#include <vector>

#include "data/characters.h"
#include "query/functions/to_char.h"

namespace spar::query::functions {
namespace {

using data::Decimal;

enum class Mark { nine, zero, point, group, currency, minus, plus, sign, ordinal, exponent, text };

struct Piece {
  Mark mark = Mark::text;
  std::string text = {};  // of Mark::text; "th" or "TH" of an ordinal
};

enum class SignPlace { slot, front, back, own };  // own: MI or SG say where

struct Pattern {
  std::vector<Piece> pieces;
  int before = 0;  // places before the point
  int behind = 0;
  int shift = 0;        // digits behind V: the number is multiplied by 10^shift
  int first_zero = -1;  // the first and the last place that is a 0, counted over all places
  int last_zero = -1;
  bool fill = false;
  bool point = false;
  bool exponent = false;
  bool angle = false;  // PR
  bool has_shift = false;
  SignPlace sign = SignPlace::slot;
  std::optional<bool> roman;  // upper case
};

Failure misplaced(std::string_view what) {
  return sql_error("42601", std::string(what));
}

class PatternReader {
 public:
  explicit PatternReader(std::string_view rest) : rest_(rest) {}

  Result<Pattern> run() {
    while (!rest_.empty()) {
      if (rest_[0] == '"') {
        quoted();
      } else {
        SPAR_TRY(next());
      }
    }
    const bool odd =
        pattern_.angle || pattern_.sign != SignPlace::slot || pattern_.roman || pattern_.has_shift;
    if (pattern_.exponent && odd) {
      return misplaced("\"EEEE\" is incompatible with other formats");
    }
    return std::move(pattern_);
  }

 private:
  bool take(std::string_view upper) {
    if (rest_.size() < upper.size()) return false;
    std::string lower(upper);
    std::ranges::transform(lower, lower.begin(), data::to_lower);
    if (!rest_.starts_with(upper) && !rest_.starts_with(lower)) return false;
    rest_.remove_prefix(upper.size());
    return true;
  }
  Result<void> add(Mark mark, std::string_view text = {}) {
    pattern_.pieces.push_back({mark, std::string(text)});
    return {};
  }

  Result<void> next() {
    const std::string_view before = rest_;
    if (take("FM")) {
      pattern_.fill = true;
      return {};
    }
    if (take("EEEE")) {
      pattern_.exponent = true;
      return add(Mark::exponent);
    }
    if (take("MI")) return own_sign(Mark::minus);
    if (take("PL")) return add(Mark::plus);
    if (take("SG")) return own_sign(Mark::sign);
    if (take("PR")) {
      pattern_.angle = true;
      return {};
    }
    if (take("RN")) {
      pattern_.roman = before[0] == 'R';
      return {};
    }
    if (take("TH")) return add(Mark::ordinal, before.substr(0, 2));
    return single();
  }

  Result<void> own_sign(Mark mark) {
    pattern_.sign = SignPlace::own;
    return add(mark);
  }

  Result<void> single() {
    const char c = rest_[0];
    if (take("9") || take("0")) return digit(c == '0');
    if (take(".") || take("D")) {
      if (pattern_.point) return misplaced("multiple decimal points");
      if (pattern_.has_shift) return misplaced("cannot use \"V\" and decimal point together");
      pattern_.point = true;
      return add(Mark::point);
    }
    if (take(",") || take("G")) return add(Mark::group);
    if (take("L")) return add(Mark::currency);
    if (take("B")) return {};
    if (take("V")) {
      if (pattern_.point) return misplaced("cannot use \"V\" and decimal point together");
      pattern_.has_shift = true;
      return {};
    }
    if (take("S")) {
      if (pattern_.sign != SignPlace::slot) return misplaced("cannot use \"S\" twice");
      const bool any = pattern_.before + pattern_.behind > 0;
      pattern_.sign = any ? SignPlace::back : SignPlace::front;
      return {};
    }
    if (c == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
    const std::size_t size = std::min(rest_.size(), data::character_bytes(rest_[0]));
    const std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return add(Mark::text, text);
  }

  Result<void> digit(bool zero) {
    if (pattern_.angle) return misplaced("\"9\" must be ahead of \"PR\"");
    const int place = pattern_.before + pattern_.behind;
    if (zero && pattern_.first_zero < 0 && !pattern_.point) pattern_.first_zero = place;
    if (zero) pattern_.last_zero = place;
    (pattern_.point ? pattern_.behind : pattern_.before) += 1;
    if (pattern_.has_shift) ++pattern_.shift;
    return add(zero ? Mark::zero : Mark::nine);
  }

  void quoted() {
    rest_.remove_prefix(1);
    std::string text;
    while (!rest_.empty() && rest_[0] != '"') {
      if (rest_[0] == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      text.push_back(rest_[0]);
      rest_.remove_prefix(1);
    }
    if (!rest_.empty()) rest_.remove_prefix(1);
    pattern_.pieces.push_back({Mark::text, std::move(text)});
  }

  std::string_view rest_;
  Pattern pattern_;
};

std::string_view ordinal_of(std::string_view digits) {
  const char last = digits.back();
  const bool teen = digits.size() > 1 && digits[digits.size() - 2] == '1';
  if (teen) return "th";
  return last == '1' ? "st" : last == '2' ? "nd" : last == '3' ? "rd" : "th";
}

// The digits that a pattern's places get.
struct Digits {
  bool negative = false;
  bool overflow = false;
  std::string before;  // without zeros in front, "0" for none; '#' when it does not fit
  std::string behind;
};

// As printf does with a float: a tie goes to the even digit.
Decimal rounded_to_even(const Decimal& value, int places) {
  const Decimal up = data::round(value, places), down = data::truncate(value, places);
  const auto half = data::subtract(data::absolute(value), data::absolute(down));
  const bool tie = half && compare(*half, Decimal(5, places + 1)) == 0;
  return tie && mpz_even_p(down.digits().get_mpz_t()) != 0 ? down : up;
}

Digits digits_for(const Pattern& pattern, const Decimal& value, int significant) {
  Decimal shown = value;
  if (pattern.shift > 0) {
    shown = Decimal(value.digits() * data::power_of_ten(pattern.shift), value.scale());
  }
  int behind = pattern.behind;
  if (significant > 0) {  // a float does not have more digits
    const std::string whole = data::absolute(data::round(shown, 0)).to_string();
    behind = std::clamp(significant - static_cast<int>(whole.size()), 0, behind);
  }
  shown = significant > 0 ? rounded_to_even(shown, behind) : data::round(shown, behind);
  Digits digits;
  digits.negative = shown.sign() < 0;
  digits.before = data::absolute(shown).to_string();
  const std::size_t point = digits.before.find('.');
  if (point != std::string::npos) {
    digits.behind = digits.before.substr(point + 1);
    digits.before.resize(point);
  }
  digits.behind.resize(static_cast<std::size_t>(pattern.behind), '0');
  digits.overflow = digits.before.size() > static_cast<std::size_t>(pattern.before);
  if (digits.overflow) {
    digits.before.assign(static_cast<std::size_t>(pattern.before), '#');
    digits.behind.assign(static_cast<std::size_t>(behind), '#');
  }
  return digits;
}

class Writer {
 public:
  Writer(const Pattern& pattern, const Digits& digits) : pattern_(pattern), digits_(digits) {
    // After FM, zeros at the end are left out, but those at a place that the pattern marks with 0.
    kept_behind_ = static_cast<int>(digits.behind.size());
    if (pattern.fill && !digits.overflow) {
      const int marked = pattern.last_zero - pattern.before + 1;
      while (kept_behind_ > std::max(marked, 0) &&
             digits.behind[static_cast<std::size_t>(kept_behind_) - 1] == '0') {
        --kept_behind_;
      }
    }
  }

  std::string run() {
    for (const Piece& piece : pattern_.pieces) write(piece);
    if (pattern_.sign == SignPlace::back) out_.push_back(digits_.negative ? '-' : '+');
    if (pattern_.angle) {
      if (digits_.negative) out_.push_back('>');
      if (!digits_.negative && !pattern_.fill) out_.push_back(' ');
    }
    return std::move(out_);
  }

 private:
  void write(const Piece& piece) {
    switch (piece.mark) {
      case Mark::nine:
      case Mark::zero:
        place();
        break;
      case Mark::point:
        point();
        break;
      case Mark::group:
        if (begun_)
          out_.push_back(',');
        else
          blank();
        break;
      case Mark::currency:
        blank();
        break;
      case Mark::minus:
        if (digits_.negative)
          out_.push_back('-');
        else
          blank();
        break;
      case Mark::plus:
        if (!digits_.negative)
          out_.push_back('+');
        else
          blank();
        break;
      case Mark::sign:
        out_.push_back(digits_.negative ? '-' : '+');
        break;
      case Mark::ordinal:
        ordinal(piece.text);
        break;
      case Mark::exponent:
        break;
      case Mark::text:
        out_ += piece.text;
        break;
    }
  }

  void blank() {
    if (!pattern_.fill) out_.push_back(' ');
  }

  // Once, just before the first digit.
  void leading_sign() {
    if (sign_written_) return;
    sign_written_ = true;
    if (pattern_.sign == SignPlace::back || pattern_.sign == SignPlace::own) return;
    if (pattern_.sign == SignPlace::front) {
      out_.push_back(digits_.negative ? '-' : '+');
    } else if (digits_.negative) {
      out_.push_back(pattern_.angle ? '<' : '-');
    } else {
      blank();
    }
  }

  void place() {
    const int place = at_++;
    if (place >= pattern_.before) return behind_place(place - pattern_.before);
    const int blanks = pattern_.before - static_cast<int>(digits_.before.size());
    const bool zeros = pattern_.first_zero >= 0 && place >= pattern_.first_zero;
    if (place < blanks && !zeros) return blank();
    // The 0 before a point is shown only where the pattern asks for it.
    const bool lone_zero = digits_.before == "0" && pattern_.behind > 0 && pattern_.first_zero < 0;
    if (lone_zero && !(pattern_.fill && kept_behind_ == 0)) return blank();
    leading_sign();
    begun_ = true;
    out_.push_back(place < blanks ? '0' : digits_.before[static_cast<std::size_t>(place - blanks)]);
  }

  void behind_place(int place) {
    leading_sign();
    begun_ = true;
    if (place < kept_behind_) out_.push_back(digits_.behind[static_cast<std::size_t>(place)]);
  }

  void point() {
    if (pattern_.behind == 0 && !digits_.overflow) return;
    leading_sign();
    out_.push_back('.');
  }

  void ordinal(std::string_view style) {
    if (digits_.negative || digits_.overflow || pattern_.point) return;
    for (const char c : ordinal_of(digits_.before)) {
      out_.push_back(style == "TH" ? data::to_upper(c) : c);
    }
  }

  const Pattern& pattern_;
  const Digits& digits_;
  int kept_behind_ = 0;
  int at_ = 0;
  bool sign_written_ = false;
  bool begun_ = false;
  std::string out_;
};

std::string roman(const Decimal& value, const Pattern& pattern) {
  constexpr std::size_t kWidth = 15;
  struct Symbol {
    int value;
    std::string_view text;
  };
  constexpr Symbol kSymbols[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"},
                                 {90, "XC"},  {50, "L"},   {40, "XL"}, {10, "X"},   {9, "IX"},
                                 {5, "V"},    {4, "IV"},   {1, "I"}};
  const mpz_class rounded = data::round(value, 0).digits();
  if (rounded < 1 || rounded > 3999) return std::string(kWidth, '#');
  int rest = static_cast<int>(rounded.get_si());
  std::string text;
  for (const Symbol& symbol : kSymbols) {
    for (; rest >= symbol.value; rest -= symbol.value) text += symbol.text;
  }
  if (!*pattern.roman) std::ranges::transform(text, text.begin(), data::to_lower);
  if (!pattern.fill) text.insert(0, kWidth - text.size(), ' ');
  return text;
}

// One digit, the point, as many digits as the pattern has behind it, the exponent.
std::string scientific(const Decimal& value, const Pattern& pattern) {
  std::string digits = mpz_class(abs(value.digits())).get_str();
  int exponent = value.sign() == 0 ? 0 : static_cast<int>(digits.size()) - 1 - value.scale();
  Decimal head(mpz_class(digits), static_cast<int>(digits.size()) - 1);
  head = data::round(head, pattern.behind);
  if (head.to_string().starts_with("10")) {  // 9.99 became 10.0
    head = data::round(Decimal(head.digits(), head.scale() + 1), pattern.behind);
    ++exponent;
  }
  std::string text = value.sign() < 0 ? "-" : (pattern.fill ? "" : " ");
  text += head.to_string();
  char tail[16];
  std::snprintf(tail, sizeof(tail), "e%c%02d", exponent < 0 ? '-' : '+', std::abs(exponent));
  return text + tail;
}

}  // namespace

Result<std::string> number_to_char(const Decimal& value, int significant, std::string_view text) {
  SPAR_ASSIGN(const Pattern pattern, PatternReader(text).run());
  if (pattern.roman) return roman(value, pattern);
  if (pattern.exponent) return scientific(value, pattern);
  const Digits digits = digits_for(pattern, value, significant);
  return Writer(pattern, digits).run();
}

}  // namespace spar::query::functions
