// Floats as text: the shortest digits that lie strictly between the neighbours' halves, as
// PostgreSQL's output takes them (std::to_chars also takes a half that rounds to even).
#include <gmpxx.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "data/characters.h"
#include "data/number_text.h"

namespace spar::data {
namespace {

Failure bad_syntax(std::string_view text, TypeId id) {
  return sql_error("22P02", "invalid input syntax for type " + type_name({id, -1}) + ": \"" +
                                std::string(text) + "\"");
}

Failure real_out_of_range(std::string_view text, TypeId id) {
  return sql_error("22003",
                   "\"" + std::string(text) + "\" is out of range for type " + type_name({id, -1}));
}

// A positive number is d.ddd * 10^exponent.
struct Digits {
  std::string digits;
  int exponent = 0;
};

Digits take_apart(std::string_view scientific) {
  const std::size_t mark = scientific.find('e');
  Digits out;
  out.digits = scientific.substr(0, 1);
  if (mark > 1) out.digits += scientific.substr(2, mark - 2);
  out.digits.resize(out.digits.find_last_not_of('0') + 1);
  const std::size_t sign = scientific[mark + 1] == '+' ? 2 : 1;
  std::from_chars(scientific.data() + mark + sign, scientific.data() + scientific.size(),
                  out.exponent);
  return out;
}

template <class Real>
Digits shortest(Real value) {
  std::array<char, 40> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific)
                       .ptr;
  return take_apart({buffer.data(), end});
}

template <class Real>
Digits with_precision(Real value, int precision) {
  std::array<char, 40> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific, precision)
                       .ptr;
  return take_apart({buffer.data(), end});
}

// Only numbers of this size have halves with so few digits: 2^(p+1) * 5^n must fit in the digits
// that the shortest form may have.
template <class Real>
bool may_be_half(Real value) {
  constexpr int kBits = std::numeric_limits<Real>::digits;
  return value >= std::ldexp(Real{1}, kBits - 4) && value < std::ldexp(Real{1}, kBits + 30);
}

// Whether the digits stand exactly between the value and one of its neighbours.
template <class Real>
bool is_half(Real value, const Digits& shown) {
  constexpr int kFraction = 20;  // bits; more than the values of may_be_half have
  const auto exact = [](Real real) { return mpz_class(std::ldexp(double{real}, kFraction)); };
  const int zeros = shown.exponent + 1 - static_cast<int>(shown.digits.size());
  mpz_class power, twice = mpz_class(shown.digits) << (kFraction + 1);
  mpz_ui_pow_ui(power.get_mpz_t(), 10, static_cast<unsigned long>(std::abs(zeros)));
  if (zeros > 0) twice *= power;
  const mpz_class unit = zeros < 0 ? power : mpz_class(1);
  const mpz_class middle = exact(value);
  const Real infinity = std::numeric_limits<Real>::infinity();
  return twice == unit * (middle + exact(std::nextafter(value, infinity))) ||
         twice == unit * (middle + exact(std::nextafter(value, Real{0})));
}

template <class Real>
Digits digits_of(Real value) {
  Digits shown = shortest(value);
  if (!may_be_half(value)) return shown;
  for (auto precision = static_cast<int>(shown.digits.size());
       is_half(value, shown) && precision < std::numeric_limits<Real>::max_digits10; ++precision) {
    shown = with_precision(value, precision);
  }
  return shown;
}

void put_fixed(std::string_view digits, int exponent, std::string& out) {
  if (exponent < 0) {
    out.append("0.").append(static_cast<std::size_t>(-exponent - 1), '0').append(digits);
    return;
  }
  const auto before = static_cast<std::size_t>(exponent) + 1;
  out.append(digits.substr(0, before));
  if (digits.size() > before) out.append(".").append(digits.substr(before));
  if (digits.size() < before) out.append(before - digits.size(), '0');
}

void put_scientific(const Digits& shown, std::string& out) {
  out.push_back(shown.digits[0]);
  if (shown.digits.size() > 1) out.append(".").append(shown.digits, 1);
  out.append(shown.exponent < 0 ? "e-" : "e+");
  const int exponent = std::abs(shown.exponent);
  if (exponent < 10) out.push_back('0');
  format_integer(exponent, out);
}

template <class Real>
Result<double> read_real(std::string_view text, std::string_view number, TypeId id) {
  Real value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error == std::errc::invalid_argument || end != number.data() + number.size()) {
    return bad_syntax(text, id);
  }
  if (error != std::errc()) return real_out_of_range(number, id);
  return static_cast<double>(value);
}

}  // namespace

void format_real(double value, TypeId id, std::string& out) {
  if (std::isnan(value)) {
    out.append("NaN");
    return;
  }
  if (std::signbit(value)) out.push_back('-');
  if (std::isinf(value)) {
    out.append("Infinity");
    return;
  }
  if (value == 0) return out.push_back('0');
  const bool single = id == TypeId::float4;
  const double magnitude = std::fabs(value);
  const Digits shown = single ? digits_of(static_cast<float>(magnitude)) : digits_of(magnitude);
  const bool fixed = shown.exponent >= -4 && shown.exponent < (single ? 6 : 15);
  if (fixed) return put_fixed(shown.digits, shown.exponent, out);
  put_scientific(shown, out);
}

Result<double> parse_real(std::string_view text, TypeId id) {
  std::string_view number = trim_blanks(text);
  std::string_view word = number;
  const bool negative = !word.empty() && word[0] == '-';
  if (!word.empty() && (word[0] == '-' || word[0] == '+')) word.remove_prefix(1);
  if (equals_ignoring_case(word, "infinity") || equals_ignoring_case(word, "inf")) {
    return negative ? -HUGE_VAL : HUGE_VAL;
  }
  if (equals_ignoring_case(word, "nan")) {
    return not_supported("NaN in type " + type_name({id, -1}));
  }
  if (word.empty() || !(is_digit(word[0]) || word[0] == '.')) return bad_syntax(text, id);
  if (number[0] == '+') number.remove_prefix(1);
  return id == TypeId::float4 ? read_real<float>(text, number, id)
                              : read_real<double>(text, number, id);
}

}  // namespace spar::data
