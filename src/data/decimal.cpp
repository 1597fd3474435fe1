#include "data/decimal.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace spar::data {
namespace {

constexpr int kDivisionDigits = 16;  // NUMERIC_MIN_SIG_DIGITS
constexpr int kDisplayScaleMax = 1000;

// |digits| / 10^places, half away from zero.
mpz_class shifted_right(const mpz_class& digits, int places) {
  const mpz_class power = power_of_ten(places);
  mpz_class magnitude = abs(digits);
  magnitude = (magnitude + power / 2) / power;
  return digits < 0 ? mpz_class(-magnitude) : magnitude;
}

mpz_class at_scale(const Decimal& a, int scale) {  // REQUIRES: scale >= a.scale()
  if (scale == a.scale()) return a.digits();
  return a.digits() * power_of_ten(scale - a.scale());
}

Failure overflow() {
  return sql_error("22003", "value overflows numeric format");
}

Failure division_by_zero() {
  return sql_error("22012", "division by zero");
}

Failure field_overflow(const NumericShape& shape) {
  const int places = shape.precision - shape.scale;
  Failure failure = sql_error("22003", "numeric field overflow");
  failure.error().detail = "A field with precision " + std::to_string(shape.precision) +
                           ", scale " + std::to_string(shape.scale) +
                           " must round to an absolute value less than " +
                           (places == 0 ? "1" : "10^" + std::to_string(places)) + ".";
  return failure;
}

int division_scale(const Decimal& a, const Decimal& b) {
  const Leading first = leading(a), second = leading(b);
  int weight = first.weight - second.weight;
  if (first.digit <= second.digit) --weight;
  const int scale = std::max({kDivisionDigits - weight * 4, a.scale(), b.scale(), 0});
  return std::min(scale, kDisplayScaleMax);
}

}  // namespace

mpz_class power_of_ten(int exponent) {
  mpz_class power;
  mpz_ui_pow_ui(power.get_mpz_t(), 10, static_cast<unsigned long>(exponent));
  return power;
}

int compare(const Decimal& a, const Decimal& b) {
  if (a.scale() == b.scale()) return sgn(a.digits() - b.digits());
  const int scale = std::max(a.scale(), b.scale());
  return sgn(at_scale(a, scale) - at_scale(b, scale));
}

Result<Decimal> checked(Decimal a) {
  if (a.scale() > kDecimalScaleMax) return overflow();
  const auto size = static_cast<int>(mpz_sizeinbase(a.digits().get_mpz_t(), 10));
  if (size - a.scale() <= kDecimalIntegerDigitsMax) return a;
  if (abs(a.digits()) >= power_of_ten(kDecimalIntegerDigitsMax + a.scale())) return overflow();
  return a;
}

Result<Decimal> add(const Decimal& a, const Decimal& b) {
  const int scale = std::max(a.scale(), b.scale());
  return checked(Decimal(at_scale(a, scale) + at_scale(b, scale), scale));
}

Result<Decimal> subtract(const Decimal& a, const Decimal& b) {
  const int scale = std::max(a.scale(), b.scale());
  return checked(Decimal(at_scale(a, scale) - at_scale(b, scale), scale));
}

Result<Decimal> multiply(const Decimal& a, const Decimal& b) {
  Decimal product(a.digits() * b.digits(), a.scale() + b.scale());
  if (product.scale() > kDecimalScaleMax) product = round(product, kDecimalScaleMax);
  return checked(std::move(product));
}

Decimal divide_to_scale(const Decimal& a, const Decimal& b, int scale) {
  mpz_class dividend = abs(a.digits()), divisor = abs(b.digits());
  const int places = scale + b.scale() - a.scale();
  if (places >= 0) {
    dividend *= power_of_ten(places);
  } else {
    divisor *= power_of_ten(-places);
  }
  mpz_class quotient = (2 * dividend + divisor) / (2 * divisor);
  if (a.sign() * b.sign() < 0) quotient = -quotient;
  return Decimal(std::move(quotient), scale);
}

Result<Decimal> divide(const Decimal& a, const Decimal& b) {
  if (b.sign() == 0) return division_by_zero();
  return checked(divide_to_scale(a, b, division_scale(a, b)));
}

Result<Decimal> remainder(const Decimal& a, const Decimal& b) {
  if (b.sign() == 0) return division_by_zero();
  const int scale = std::max(a.scale(), b.scale());
  return Decimal(at_scale(a, scale) % at_scale(b, scale), scale);
}

Decimal negate(const Decimal& a) {
  return Decimal(-a.digits(), a.scale());
}

Decimal absolute(const Decimal& a) {
  return Decimal(abs(a.digits()), a.scale());
}

Decimal round(const Decimal& a, int digits) {
  digits = std::clamp(digits, -2 * kDecimalIntegerDigitsMax, kDecimalScaleMax);
  if (digits >= a.scale()) return Decimal(at_scale(a, digits), digits);
  mpz_class kept = shifted_right(a.digits(), a.scale() - digits);
  if (digits >= 0) return Decimal(std::move(kept), digits);
  return Decimal(kept * power_of_ten(-digits), 0);
}

Decimal truncate(const Decimal& a, int digits) {
  digits = std::clamp(digits, -2 * kDecimalIntegerDigitsMax, kDecimalScaleMax);
  if (digits >= a.scale()) return Decimal(at_scale(a, digits), digits);
  mpz_class kept = a.digits() / power_of_ten(a.scale() - digits);
  if (digits >= 0) return Decimal(std::move(kept), digits);
  return Decimal(kept * power_of_ten(-digits), 0);
}

Decimal ceiling(const Decimal& a) {
  mpz_class result;
  mpz_cdiv_q(result.get_mpz_t(), a.digits().get_mpz_t(), power_of_ten(a.scale()).get_mpz_t());
  return Decimal(std::move(result), 0);
}

Decimal floor(const Decimal& a) {
  mpz_class result;
  mpz_fdiv_q(result.get_mpz_t(), a.digits().get_mpz_t(), power_of_ten(a.scale()).get_mpz_t());
  return Decimal(std::move(result), 0);
}

Leading leading(const Decimal& a) {
  if (a.sign() == 0) return {};
  const std::string text = mpz_class(abs(a.digits())).get_str();
  const int exponent = static_cast<int>(text.size()) - a.scale() - 1;
  const int weight = exponent >= 0 ? exponent / 4 : -((3 - exponent) / 4);
  const int count = exponent - 4 * weight + 1;
  int digit = 0;
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    digit = digit * 10 + (at < text.size() ? text[at] - '0' : 0);
  }
  return {weight, digit};
}

double Decimal::to_double() const {
  return std::strtod(to_string().c_str(), nullptr);
}

Result<Decimal> Decimal::from_double(double value, int significant) {
  if (std::isnan(value)) return not_supported("NaN in type numeric");
  if (std::isinf(value)) return not_supported("infinity in type numeric");
  char text[64];
  std::snprintf(text, sizeof text, "%.*g", significant, value);
  return parse(text);
}

Result<std::int64_t> Decimal::to_integer(std::int64_t low, std::int64_t high,
                                         std::string_view type_name) const {
  const Decimal whole = scale_ == 0 ? *this : round(*this, 0);
  if (mpz_fits_slong_p(whole.digits().get_mpz_t()) != 0) {
    const std::int64_t value = whole.digits().get_si();
    if (value >= low && value <= high) return value;
  }
  return sql_error("22003", std::string(type_name) + " out of range");
}

Result<Decimal> Decimal::with_shape(const NumericShape& shape) const {
  Decimal rounded = round(*this, shape.scale);
  // In units of the scale; a negative scale leaves zeros in front of the point.
  const int limit = shape.precision + (shape.scale < 0 ? -shape.scale : 0);
  if (abs(rounded.digits_) >= power_of_ten(limit)) return field_overflow(shape);
  return rounded;
}

Result<std::int64_t> Decimal::to_scaled(const NumericShape& shape) const {
  SPAR_ASSIGN(const Decimal rounded, with_shape(shape));
  return rounded.digits_.get_si();
}

}  // namespace spar::data
