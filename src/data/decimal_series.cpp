// sqrt, exp, ln and power of decimals, in fixed-point arithmetic with guard digits, then rounded to
// the scale that PostgreSQL chooses: at least 16 significant digits.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "data/decimal.h"

namespace spar::data {
namespace {

constexpr int kSignificantDigitsMin = 16;
constexpr int kScaleMax = 1000;
constexpr double kLog10OfE = 0.434294481903252;
constexpr double kLnOf10 = 2.302585092994046;
constexpr double kExponentMax = 6000;  // exp() overflows beyond, as PostgreSQL's does
constexpr int kGuardDigits = 25;

Failure overflow() {
  return sql_error("22003", "value overflows numeric format");
}

int chosen_scale(int digits_before, int least) {
  return std::clamp(std::max(kSignificantDigitsMin - digits_before, least), 0, kScaleMax);
}

// Digits before the point; 0 or less says how many zeros follow the point of a number below 1.
int integer_digits(const Decimal& value) {
  if (value.sign() == 0) return 0;
  const std::string digits = mpz_class(abs(value.digits())).get_str();
  return static_cast<int>(digits.size()) - value.scale();
}

// Numbers are integers of 10^-digits here.
class Series {
 public:
  explicit Series(int digits) : digits_(digits), one_(power_of_ten(digits)) {}

  const mpz_class& one() const { return one_; }
  // Not by round(), which has a limit for digits.
  mpz_class from(const Decimal& value) const {
    return divide_to_scale(value, Decimal(1), digits_).digits();
  }
  Decimal to_decimal(const mpz_class& value, int scale) const {
    return round(Decimal(value, digits_), scale);
  }
  mpz_class multiply(const mpz_class& a, const mpz_class& b) const { return a * b / one_; }
  mpz_class divide(const mpz_class& a, const mpz_class& b) const { return a * one_ / b; }

  // e^x: the series of x / 2^halvings, then squared as often.
  mpz_class exp(mpz_class x) const {
    const bool negative = x < 0;
    x = abs(x);
    int halvings = 0;
    for (; x > one_ || halvings < 8; ++halvings) x /= 2;
    mpz_class sum = one_, term = one_;
    for (unsigned long n = 1; term != 0; ++n) {
      term = multiply(term, x) / n;
      sum += term;
    }
    for (int i = 0; i < halvings; ++i) sum = multiply(sum, sum);
    return negative ? divide(one_, sum) : sum;
  }

  // ln of mantissa * 2^exponent with the mantissa near 1, by the series of the area tangent.
  mpz_class ln(mpz_class x) const {
    const long exponent = static_cast<long>(mpz_sizeinbase(x.get_mpz_t(), 2)) -
                          static_cast<long>(mpz_sizeinbase(one_.get_mpz_t(), 2));
    if (exponent > 0) x >>= static_cast<mp_bitcnt_t>(exponent);
    if (exponent < 0) x <<= static_cast<mp_bitcnt_t>(-exponent);
    constexpr int kRoots = 6;  // a root halves the logarithm, so the series gets shorter
    for (int i = 0; i < kRoots; ++i) x = sqrt(mpz_class(x * one_));
    return area_tangent(x, kRoots) + exponent * area_tangent(2 * one_, 0);
  }

 private:
  // 2^(1 + doublings) * atanh((x - 1) / (x + 1)), which is 2^doublings * ln x.
  mpz_class area_tangent(const mpz_class& x, int doublings) const {
    mpz_class power = divide(x - one_, x + one_);
    const mpz_class square = multiply(power, power);
    mpz_class sum = power;
    for (unsigned long n = 3; power != 0; n += 2) {
      power = multiply(power, square);
      sum += power / n;
    }
    return sum << (static_cast<mp_bitcnt_t>(doublings) + 1);
  }

  int digits_;
  mpz_class one_;
};

double approximate(const Decimal& value) {
  return std::clamp(value.to_double(), -1e300, 1e300);
}

// Through the first digits as a real in [1, 10), which never overflows and gives exactly 0 for 1.
// REQUIRES: value > 0.
double approximate_ln(const Decimal& value) {
  const std::string digits = value.digits().get_str().insert(1, 1, '.');
  const double leading_part = std::strtod(digits.substr(0, 18).c_str(), nullptr);
  return std::log(leading_part) + (integer_digits(value) - 1) * kLnOf10;
}

// How many digits the logarithm has before its point, as PostgreSQL estimates it.
int ln_digits(const Decimal& value) {
  const Decimal one(1);
  const Decimal distance = subtract(value, one).value_or(one);
  if (compare(absolute(distance), Decimal(1, 1)) <= 0) {  // 0.9 .. 1.1
    return distance.sign() == 0 ? 0 : integer_digits(distance) - 1;
  }
  return static_cast<int>(std::log10(std::fabs(approximate_ln(value))));
}

// Digits that fixed-point numbers need so that `value` has as many significant ones.
int working_digits(const Decimal& value, int scale) {
  return scale + kGuardDigits + std::max(0, -integer_digits(value));
}

Decimal ln_to_scale(const Decimal& a, int scale) {
  const Series series(working_digits(a, scale));
  return series.to_decimal(series.ln(series.from(a)), scale);
}

// base^exponent with 16 digits behind the point or as many as the base has.
Result<Decimal> integer_power(const Decimal& base, std::int64_t exponent) {
  const int scale = std::clamp(base.scale(), kSignificantDigitsMin, kScaleMax);
  if (base.sign() == 0 || exponent == 0) return round(Decimal(exponent == 0 ? 1 : 0), scale);
  const double digits = static_cast<double>(exponent) * approximate_ln(absolute(base)) * kLog10OfE;
  if (digits > kDecimalIntegerDigitsMax + 1) return overflow();
  if (digits < -scale - 2) return Decimal(0, scale);
  // Every squaring doubles the relative error: two guards hold the 31 bits of the exponent.
  const int needed = scale + static_cast<int>(std::fabs(digits)) + 2 * kGuardDigits;
  const Series series(needed + std::abs(integer_digits(base)));
  mpz_class factor = series.from(absolute(base)), result = series.one();
  if (exponent < 0) factor = series.divide(series.one(), factor);
  for (auto bits = static_cast<std::uint64_t>(std::llabs(exponent)); bits != 0; bits >>= 1) {
    if ((bits & 1) != 0) result = series.multiply(result, factor);
    if (bits > 1) factor = series.multiply(factor, factor);
  }
  const Decimal rounded = series.to_decimal(result, scale);
  return checked(base.sign() < 0 && exponent % 2 != 0 ? negate(rounded) : rounded);
}

Result<Decimal> real_power(const Decimal& base, const Decimal& exponent) {
  if (base.sign() == 0) return Decimal(0, kSignificantDigitsMin);
  const Decimal magnitude = absolute(base);
  const double value = approximate(exponent) * approximate_ln(magnitude);
  if (value > kExponentMax) return overflow();
  if (value < -kExponentMax) return Decimal(0, kScaleMax);
  const double digits = value * kLog10OfE;
  const int scale =
      chosen_scale(static_cast<int>(digits), std::max(base.scale(), exponent.scale()));
  const int room = kGuardDigits + static_cast<int>(std::fabs(digits));
  const int inner = scale + room + std::max(integer_digits(exponent), 0);
  SPAR_ASSIGN(const Decimal product, multiply(ln_to_scale(magnitude, inner), exponent));
  const Series series(scale + room);
  const Decimal result = series.to_decimal(series.exp(series.from(product)), scale);
  const bool odd = base.sign() < 0 && truncate(exponent, 0).digits() % 2 != 0;
  return odd ? negate(result) : result;
}

}  // namespace

Decimal square_root_to_scale(const Decimal& a, int scale) {
  // One digit more than asked for; whatever comes behind it cannot change the rounding, because a
  // root that is not exact never ends in a 5 and zeros.
  const int behind = std::max(2 * (scale + 1), a.scale() + a.scale() % 2);
  const mpz_class shifted = a.digits() * power_of_ten(behind - a.scale());
  return round(Decimal(mpz_class(sqrt(shifted)), behind / 2), scale);
}

Result<Decimal> square_root(const Decimal& a) {
  if (a.sign() < 0) {
    return sql_error("2201F", "cannot take square root of a negative number");
  }
  const int weight = (leading(a).weight + 1) * 4 / 2 - 1;
  return square_root_to_scale(a, chosen_scale(weight, a.scale()));
}

Result<Decimal> exponential(const Decimal& a) {
  const double value = approximate(a);
  if (value >= kExponentMax) return overflow();
  const double digits = std::clamp(value * kLog10OfE, -2000.0, 2000.0);
  const int scale = chosen_scale(static_cast<int>(digits), a.scale());
  if (value <= -kExponentMax) return Decimal(0, scale);
  const Series series(scale + kGuardDigits + static_cast<int>(std::fabs(value * kLog10OfE)));
  return series.to_decimal(series.exp(series.from(a)), scale);
}

Result<Decimal> natural_logarithm(const Decimal& a) {
  if (a.sign() == 0) return sql_error("2201E", "cannot take logarithm of zero");
  if (a.sign() < 0) return sql_error("2201E", "cannot take logarithm of a negative number");
  return ln_to_scale(a, chosen_scale(ln_digits(a), a.scale()));
}

// As many digits as log_var() of PostgreSQL's numeric.c decides.
Result<Decimal> logarithm(const Decimal& base, const Decimal& a) {
  for (const Decimal& argument : {base, a}) {
    if (argument.sign() == 0) return sql_error("2201E", "cannot take logarithm of zero");
    if (argument.sign() < 0) {
      return sql_error("2201E", "cannot take logarithm of a negative number");
    }
  }
  const int base_digits = ln_digits(base), digits = ln_digits(a);
  const int scale = chosen_scale(digits - base_digits, std::max(base.scale(), a.scale()));
  const int inner = scale + kGuardDigits + std::abs(digits) + 2 * std::abs(base_digits);
  const Decimal divisor = ln_to_scale(base, inner);
  if (divisor.sign() == 0) return sql_error("22012", "division by zero");
  return divide_to_scale(ln_to_scale(a, inner), divisor, scale);
}

Result<Decimal> power(const Decimal& base, const Decimal& exponent) {
  const bool integral = compare(exponent, truncate(exponent, 0)) == 0;
  if (base.sign() == 0 && exponent.sign() < 0) {
    return sql_error("2201F", "zero raised to a negative power is undefined");
  }
  if (base.sign() < 0 && !integral) {
    return sql_error("2201F",
                     "a negative number raised to a non-integer power yields a complex result");
  }
  if (!integral) return real_power(base, exponent);
  const auto whole = exponent.to_integer(INT32_MIN, INT32_MAX, "integer");
  return whole ? integer_power(base, *whole) : real_power(base, exponent);
}

}  // namespace spar::data
