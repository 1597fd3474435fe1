// + - * / % and signs of integers and floats, with PostgreSQL's overflow errors.
#include <cmath>
#include <limits>

#include "query/functions/arguments.h"
#include "query/functions/families.h"
#include "query/functions/real.h"

namespace spar::query::functions {
namespace {

template <class Integer>
constexpr std::string_view kTypeName = "bigint";
template <>
constexpr std::string_view kTypeName<std::int16_t> = "smallint";
template <>
constexpr std::string_view kTypeName<std::int32_t> = "integer";

template <class Integer>
Result<Datum> in_range(std::int64_t value, bool overflowed) {
  using Limits = std::numeric_limits<Integer>;
  if (overflowed || value < Limits::min() || value > Limits::max()) {
    return sql_error("22003", std::string(kTypeName<Integer>) + " out of range");
  }
  return value;
}

Failure division_by_zero() {
  return sql_error("22012", "division by zero");
}

template <class Integer>
Result<Datum> add_integers(Arguments arguments) {
  std::int64_t value = 0;
  const bool over =
      __builtin_add_overflow(integer_at(arguments, 0), integer_at(arguments, 1), &value);
  return in_range<Integer>(value, over);
}

template <class Integer>
Result<Datum> subtract_integers(Arguments arguments) {
  std::int64_t value = 0;
  const bool over =
      __builtin_sub_overflow(integer_at(arguments, 0), integer_at(arguments, 1), &value);
  return in_range<Integer>(value, over);
}

template <class Integer>
Result<Datum> multiply_integers(Arguments arguments) {
  std::int64_t value = 0;
  const bool over =
      __builtin_mul_overflow(integer_at(arguments, 0), integer_at(arguments, 1), &value);
  return in_range<Integer>(value, over);
}

template <class Integer>
Result<Datum> negate_integer(Arguments arguments) {
  std::int64_t value = 0;
  const bool over = __builtin_sub_overflow(std::int64_t{0}, integer_at(arguments, 0), &value);
  return in_range<Integer>(value, over);
}

template <class Integer>
Result<Datum> divide_integers(Arguments arguments) {
  const std::int64_t divisor = integer_at(arguments, 1);
  if (divisor == 0) return division_by_zero();
  if (divisor == -1) return negate_integer<Integer>(arguments);
  return integer_at(arguments, 0) / divisor;
}

Result<Datum> remainder_of_integers(Arguments arguments) {
  const std::int64_t divisor = integer_at(arguments, 1);
  if (divisor == 0) return division_by_zero();
  return divisor == -1 ? std::int64_t{0} : integer_at(arguments, 0) % divisor;
}

template <class Integer>
Result<Datum> absolute_integer(Arguments arguments) {
  if (integer_at(arguments, 0) < 0) return negate_integer<Integer>(arguments);
  return arguments[0];
}

Result<Datum> bit_and(Arguments arguments) {
  return integer_at(arguments, 0) & integer_at(arguments, 1);
}

Result<Datum> bit_or(Arguments arguments) {
  return integer_at(arguments, 0) | integer_at(arguments, 1);
}

Result<Datum> bit_not(Arguments arguments) {
  return ~integer_at(arguments, 0);
}

// ---- floats; float4 results are rounded to their precision

template <class Real>
Result<Datum> checked_real(Real value, bool infinity_allowed, bool zero_allowed) {
  if (std::isnan(value)) return not_supported("NaN");
  if (std::isinf(value) && !infinity_allowed) {
    return real_overflow();
  }
  if (value == 0 && !zero_allowed) return real_underflow();
  return static_cast<double>(value);
}

template <class Real>
Real real_argument(Arguments arguments, std::size_t i) {
  return static_cast<Real>(real_at(arguments, i));
}

template <class Real>
Result<Datum> add_reals(Arguments arguments) {
  const Real a = real_argument<Real>(arguments, 0), b = real_argument<Real>(arguments, 1);
  return checked_real<Real>(a + b, std::isinf(a) || std::isinf(b), true);
}

template <class Real>
Result<Datum> subtract_reals(Arguments arguments) {
  const Real a = real_argument<Real>(arguments, 0), b = real_argument<Real>(arguments, 1);
  return checked_real<Real>(a - b, std::isinf(a) || std::isinf(b), true);
}

template <class Real>
Result<Datum> multiply_reals(Arguments arguments) {
  const Real a = real_argument<Real>(arguments, 0), b = real_argument<Real>(arguments, 1);
  return checked_real<Real>(a * b, std::isinf(a) || std::isinf(b), a == 0 || b == 0);
}

template <class Real>
Result<Datum> divide_reals(Arguments arguments) {
  const Real a = real_argument<Real>(arguments, 0), b = real_argument<Real>(arguments, 1);
  if (b == 0) return division_by_zero();
  return checked_real<Real>(a / b, std::isinf(a), a == 0 || std::isinf(b));
}

Result<Datum> negate_real(Arguments arguments) {
  return -real_at(arguments, 0);
}

Result<Datum> absolute_real(Arguments arguments) {
  return std::fabs(real_at(arguments, 0));
}

constexpr ScalarEntry kEntries[] = {
    {"spar_add_int2", 2, false, add_integers<std::int16_t>},
    {"spar_add_int4", 2, false, add_integers<std::int32_t>},
    {"spar_add_int8", 2, false, add_integers<std::int64_t>},
    {"spar_sub_int2", 2, false, subtract_integers<std::int16_t>},
    {"spar_sub_int4", 2, false, subtract_integers<std::int32_t>},
    {"spar_sub_int8", 2, false, subtract_integers<std::int64_t>},
    {"spar_mul_int2", 2, false, multiply_integers<std::int16_t>},
    {"spar_mul_int4", 2, false, multiply_integers<std::int32_t>},
    {"spar_mul_int8", 2, false, multiply_integers<std::int64_t>},
    {"spar_div_int2", 2, false, divide_integers<std::int16_t>},
    {"spar_div_int4", 2, false, divide_integers<std::int32_t>},
    {"spar_div_int8", 2, false, divide_integers<std::int64_t>},
    {"spar_mod_int2", 2, false, remainder_of_integers},
    {"spar_mod_int4", 2, false, remainder_of_integers},
    {"spar_mod_int8", 2, false, remainder_of_integers},
    {"spar_neg_int2", 1, false, negate_integer<std::int16_t>},
    {"spar_neg_int4", 1, false, negate_integer<std::int32_t>},
    {"spar_neg_int8", 1, false, negate_integer<std::int64_t>},
    {"spar_abs_int2", 1, false, absolute_integer<std::int16_t>},
    {"spar_abs_int4", 1, false, absolute_integer<std::int32_t>},
    {"spar_abs_int8", 1, false, absolute_integer<std::int64_t>},
    {"spar_bit_and", 2, false, bit_and},
    {"spar_bit_or", 2, false, bit_or},
    {"spar_bit_not", 1, false, bit_not},
    {"spar_add_float4", 2, false, add_reals<float>},
    {"spar_add_float8", 2, false, add_reals<double>},
    {"spar_sub_float4", 2, false, subtract_reals<float>},
    {"spar_sub_float8", 2, false, subtract_reals<double>},
    {"spar_mul_float4", 2, false, multiply_reals<float>},
    {"spar_mul_float8", 2, false, multiply_reals<double>},
    {"spar_div_float4", 2, false, divide_reals<float>},
    {"spar_div_float8", 2, false, divide_reals<double>},
    {"spar_neg_float4", 1, false, negate_real},
    {"spar_neg_float8", 1, false, negate_real},
    {"spar_abs_float4", 1, false, absolute_real},
    {"spar_abs_float8", 1, false, absolute_real},
};

}  // namespace

std::span<const ScalarEntry> arithmetic_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
