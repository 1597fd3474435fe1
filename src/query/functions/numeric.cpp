// Functions of numerics in blob form: data/decimal.h has the arithmetic.
#include <algorithm>

#include "query/functions/arguments.h"
#include "query/functions/families.h"

namespace spar::query::functions {
namespace {

using data::Decimal;

template <Result<Decimal> (*operation)(const Decimal&, const Decimal&)>
Result<Datum> binary(Arguments arguments) {
  SPAR_ASSIGN(const Decimal a, numeric_at(arguments, 0));
  SPAR_ASSIGN(const Decimal b, numeric_at(arguments, 1));
  SPAR_ASSIGN(const Decimal result, operation(a, b));
  return numeric_datum(result);
}

template <Result<Decimal> (*operation)(const Decimal&)>
Result<Datum> fallible(Arguments arguments) {
  SPAR_ASSIGN(const Decimal a, numeric_at(arguments, 0));
  SPAR_ASSIGN(const Decimal result, operation(a));
  return numeric_datum(result);
}

template <Decimal (*operation)(const Decimal&)>
Result<Datum> unary(Arguments arguments) {
  SPAR_ASSIGN(const Decimal a, numeric_at(arguments, 0));
  return numeric_datum(operation(a));
}

template <Decimal (*operation)(const Decimal&, int)>
Result<Datum> to_digits(Arguments arguments) {
  SPAR_ASSIGN(const Decimal a, numeric_at(arguments, 0));
  const std::int64_t digits = arguments.size() > 1 ? integer_at(arguments, 1) : 0;
  constexpr std::int64_t kMost = 2000;  // NUMERIC_MAX_RESULT_SCALE
  return numeric_datum(operation(a, static_cast<int>(std::clamp(digits, -kMost, kMost))));
}

Decimal sign_of(const Decimal& a) {
  return Decimal(a.sign());
}

Result<Datum> key(Arguments arguments) {
  if (std::holds_alternative<std::int64_t>(arguments[0])) return arguments[0];
  return data::Blob{std::string(data::numeric_key(blob_at(arguments, 0)))};
}

constexpr ScalarEntry kEntries[] = {
    {"spar_add_numeric", 2, false, binary<data::add>},
    {"spar_sub_numeric", 2, false, binary<data::subtract>},
    {"spar_mul_numeric", 2, false, binary<data::multiply>},
    {"spar_div_numeric", 2, false, binary<data::divide>},
    {"spar_mod_numeric", 2, false, binary<data::remainder>},
    {"spar_power_numeric", 2, false, binary<data::power>},
    {"spar_neg_numeric", 1, false, unary<data::negate>},
    {"spar_abs_numeric", 1, false, unary<data::absolute>},
    {"spar_ceil_numeric", 1, false, unary<data::ceiling>},
    {"spar_floor_numeric", 1, false, unary<data::floor>},
    {"spar_sign_numeric", 1, false, unary<sign_of>},
    {"spar_round_numeric", 1, false, to_digits<data::round>},
    {"spar_round_numeric", 2, false, to_digits<data::round>},
    {"spar_trunc_numeric", 1, false, to_digits<data::truncate>},
    {"spar_trunc_numeric", 2, false, to_digits<data::truncate>},
    {"spar_sqrt_numeric", 1, false, fallible<data::square_root>},
    {"spar_exp_numeric", 1, false, fallible<data::exponential>},
    {"spar_ln_numeric", 1, false, fallible<data::natural_logarithm>},
    {"spar_numeric_key", 1, false, key},
};

}  // namespace

std::span<const ScalarEntry> numeric_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
