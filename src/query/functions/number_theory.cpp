// Divisors, factorials, buckets, scales and shifts.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "query/functions/arguments.h"
#include "query/functions/families.h"

namespace spar::query::functions {
namespace {

using data::Decimal;

template <class Integer>
constexpr std::string_view kTypeName = "bigint";
template <>
constexpr std::string_view kTypeName<std::int32_t> = "integer";

template <class Integer>
Failure out_of_range() {
  return sql_error("22003", std::string(kTypeName<Integer>) + " out of range");
}

std::uint64_t magnitude(std::int64_t value) {
  return value < 0 ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value);
}

template <class Integer>
Result<Datum> gcd(Arguments arguments) {
  const std::uint64_t divisor =
      std::gcd(magnitude(integer_at(arguments, 0)), magnitude(integer_at(arguments, 1)));
  if (divisor > static_cast<std::uint64_t>(std::numeric_limits<Integer>::max())) {
    return out_of_range<Integer>();
  }
  return static_cast<std::int64_t>(divisor);
}

template <class Integer>
Result<Datum> lcm(Arguments arguments) {
  const std::int64_t a = integer_at(arguments, 0), b = integer_at(arguments, 1);
  if (a == 0 || b == 0) return std::int64_t{0};
  SPAR_ASSIGN(const Datum divisor, gcd<std::int64_t>(arguments));
  std::int64_t result = 0;
  const bool over = __builtin_mul_overflow(a / std::get<std::int64_t>(divisor), b, &result);
  if (over || result < -std::numeric_limits<Integer>::max() ||
      result > std::numeric_limits<Integer>::max()) {
    return out_of_range<Integer>();
  }
  return std::abs(result);
}

struct Aligned {
  mpz_class a, b;
  int scale;
};
Aligned aligned(const Decimal& a, const Decimal& b) {
  const int scale = std::max(a.scale(), b.scale());
  return {a.digits() * data::power_of_ten(scale - a.scale()),
          b.digits() * data::power_of_ten(scale - b.scale()), scale};
}

Result<Datum> gcd_numeric(Arguments arguments) {
  SPAR_ASSIGN(const Decimal a, numeric_at(arguments, 0));
  SPAR_ASSIGN(const Decimal b, numeric_at(arguments, 1));
  const Aligned both = aligned(a, b);
  return numeric_datum(Decimal(mpz_class(::gcd(both.a, both.b)), both.scale));
}

Result<Datum> lcm_numeric(Arguments arguments) {
  SPAR_ASSIGN(const Decimal a, numeric_at(arguments, 0));
  SPAR_ASSIGN(const Decimal b, numeric_at(arguments, 1));
  const Aligned both = aligned(a, b);
  if (both.a == 0 || both.b == 0) return numeric_datum(Decimal(0, both.scale));
  SPAR_ASSIGN(const Decimal result,
              data::checked(Decimal(mpz_class(::lcm(both.a, both.b)), both.scale)));
  return numeric_datum(result);
}

Result<Datum> factorial(Arguments arguments) {
  constexpr std::int64_t kMost = 32177;
  const std::int64_t value = integer_at(arguments, 0);
  if (value < 0) return sql_error("22003", "factorial of a negative number is undefined");
  if (value > kMost) return sql_error("22003", "value overflows numeric format");
  return numeric_datum(Decimal(mpz_class(::factorial(mpz_class(static_cast<long>(value)))), 0));
}

// The quotient without what is behind the point.
Result<Datum> div(Arguments arguments) {
  SPAR_ASSIGN(const Decimal a, numeric_at(arguments, 0));
  SPAR_ASSIGN(const Decimal b, numeric_at(arguments, 1));
  if (b.sign() == 0) return sql_error("22012", "division by zero");
  const Aligned both = aligned(a, b);
  SPAR_ASSIGN(const Decimal result, data::checked(Decimal(mpz_class(both.a / both.b), 0)));
  return numeric_datum(result);
}

Result<Datum> log_numeric(Arguments arguments) {
  const bool of_ten = arguments.size() == 1;
  Decimal base(10);
  if (!of_ten) {
    SPAR_ASSIGN(base, numeric_at(arguments, 0));
  }
  SPAR_ASSIGN(const Decimal value, numeric_at(arguments, of_ten ? 0 : 1));
  SPAR_ASSIGN(const Decimal result, data::logarithm(base, value));
  return numeric_datum(result);
}

Result<Datum> width_bucket(Arguments arguments) {
  SPAR_ASSIGN(const Decimal operand, numeric_at(arguments, 0));
  SPAR_ASSIGN(const Decimal low, numeric_at(arguments, 1));
  SPAR_ASSIGN(const Decimal high, numeric_at(arguments, 2));
  const std::int64_t count = integer_at(arguments, 3);
  if (count <= 0) return sql_error("2201G", "count must be greater than zero");
  const int order = data::compare(low, high);
  if (order == 0) return sql_error("2201G", "lower bound cannot equal upper bound");
  const int from_low = data::compare(operand, low) * -order;
  const int from_high = data::compare(operand, high) * -order;
  if (from_low < 0) return std::int64_t{0};
  if (from_high >= 0) {
    if (count == INT32_MAX) return out_of_range<std::int32_t>();
    return count + 1;
  }
  SPAR_ASSIGN(const Decimal width, data::subtract(high, low));
  SPAR_ASSIGN(const Decimal distance, data::subtract(operand, low));
  const Aligned both = aligned(distance, width);
  return static_cast<std::int64_t>(mpz_class(both.a * static_cast<long>(count) / both.b).get_si() +
                                   1);
}

Result<Datum> scale(Arguments arguments) {
  SPAR_ASSIGN(const Decimal value, numeric_at(arguments, 0));
  return std::int64_t{value.scale()};
}

// The digits behind the point that are needed.
int least_scale(const Decimal& value) {
  if (value.sign() == 0) return 0;
  mpz_class digits = value.digits();
  int needed = value.scale();
  while (needed > 0 && digits % 10 == 0) {
    digits /= 10;
    --needed;
  }
  return needed;
}

Result<Datum> min_scale(Arguments arguments) {
  SPAR_ASSIGN(const Decimal value, numeric_at(arguments, 0));
  return std::int64_t{least_scale(value)};
}

Result<Datum> trim_scale(Arguments arguments) {
  SPAR_ASSIGN(const Decimal value, numeric_at(arguments, 0));
  const int needed = least_scale(value);
  return numeric_datum(
      Decimal(mpz_class(value.digits() / data::power_of_ten(value.scale() - needed)), needed));
}

// Shifts go as far as the processor's: by the low bits of the count.
template <class Integer>
Result<Datum> shift_left(Arguments arguments) {
  using Unsigned = std::make_unsigned_t<Integer>;
  constexpr unsigned kWide = sizeof(Integer) == 8 ? 63 : 31;
  const auto count = static_cast<unsigned>(integer_at(arguments, 1)) & kWide;
  const auto bits = static_cast<std::uint64_t>(integer_at(arguments, 0));
  return std::int64_t{static_cast<Integer>(static_cast<Unsigned>(bits << count))};
}
template <class Integer>
Result<Datum> shift_right(Arguments arguments) {
  constexpr unsigned kWide = sizeof(Integer) == 8 ? 63 : 31;
  return integer_at(arguments, 0) >> (static_cast<unsigned>(integer_at(arguments, 1)) & kWide);
}

Result<Datum> bit_xor(Arguments arguments) {
  return integer_at(arguments, 0) ^ integer_at(arguments, 1);
}

constexpr ScalarEntry kEntries[] = {
    {"spar_gcd_int4", 2, false, gcd<std::int32_t>},
    {"spar_gcd_int8", 2, false, gcd<std::int64_t>},
    {"spar_gcd_numeric", 2, false, gcd_numeric},
    {"spar_lcm_int4", 2, false, lcm<std::int32_t>},
    {"spar_lcm_int8", 2, false, lcm<std::int64_t>},
    {"spar_lcm_numeric", 2, false, lcm_numeric},
    {"spar_factorial", 1, false, factorial},
    {"spar_divide_whole", 2, false, div},
    {"spar_log_numeric", 1, false, log_numeric},
    {"spar_log_numeric", 2, false, log_numeric},
    {"spar_width_bucket_numeric", 4, false, width_bucket},
    {"spar_scale", 1, false, scale},
    {"spar_min_scale", 1, false, min_scale},
    {"spar_trim_scale", 1, false, trim_scale},
    {"spar_shift_left_int2", 2, false, shift_left<std::int16_t>},
    {"spar_shift_left_int4", 2, false, shift_left<std::int32_t>},
    {"spar_shift_left_int8", 2, false, shift_left<std::int64_t>},
    {"spar_shift_right_int4", 2, false, shift_right<std::int32_t>},
    {"spar_shift_right_int8", 2, false, shift_right<std::int64_t>},
    {"spar_bit_xor", 2, false, bit_xor},
};

}  // namespace

std::span<const ScalarEntry> number_theory_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
