// Functions of float8 beyond arithmetic.
#include <cmath>

#include "query/functions/families.h"
#include "query/functions/real.h"

namespace spar::query::functions {
namespace {

double sign_of(double value) {
  return value > 0 ? 1 : value < 0 ? -1 : 0;
}

Result<Datum> square_root_real(Arguments arguments) {
  const double value = real_at(arguments, 0);
  if (value < 0) return sql_error("2201F", "cannot take square root of a negative number");
  return std::sqrt(value);
}

Result<Datum> exponential_real(Arguments arguments) {
  const double value = real_at(arguments, 0);
  const double result = std::exp(value);
  if (std::isinf(value)) return result;
  if (std::isinf(result)) return real_overflow();
  if (result == 0) return real_underflow();
  return result;
}

Result<Datum> power_real(Arguments arguments) {
  const double base = real_at(arguments, 0), exponent = real_at(arguments, 1);
  if (base == 0 && exponent < 0) {
    return sql_error("2201F", "zero raised to a negative power is undefined");
  }
  if (base < 0 && std::isfinite(exponent) && std::floor(exponent) != exponent) {
    return sql_error("2201F",
                     "a negative number raised to a non-integer power yields a complex result");
  }
  const double result = std::pow(base, exponent);
  if (std::isinf(base) || std::isinf(exponent)) return result;
  if (std::isinf(result)) return real_overflow();
  if (result == 0 && base != 0) return real_underflow();
  return result;
}

constexpr ScalarEntry kEntries[] = {
    {"spar_round_float8", 1, false, of_real<std::nearbyint>},
    {"spar_trunc_float8", 1, false, of_real<std::trunc>},
    {"spar_ceil_float8", 1, false, of_real<std::ceil>},
    {"spar_floor_float8", 1, false, of_real<std::floor>},
    {"spar_sign_float8", 1, false, of_real<sign_of>},
    {"spar_sqrt_float8", 1, false, square_root_real},
    {"spar_exp_float8", 1, false, exponential_real},
    {"spar_ln_float8", 1, false, logarithm_of<std::log>},
    {"spar_power_float8", 2, false, power_real},
};

}  // namespace

std::span<const ScalarEntry> real_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
