// query/functions/real.h: functions of one float8, and how they fail.
#pragma once

#include "query/functions/arguments.h"

namespace spar::query::functions {

inline Failure real_overflow() {
  return sql_error("22003", "value out of range: overflow");
}
inline Failure real_underflow() {
  return sql_error("22003", "value out of range: underflow");
}

template <double (*function)(double)>
Result<Datum> of_real(Arguments arguments) {
  return function(real_at(arguments, 0));
}

template <double (*logarithm)(double)>
Result<Datum> logarithm_of(Arguments arguments) {
  const double value = real_at(arguments, 0);
  if (value == 0) return sql_error("2201E", "cannot take logarithm of zero");
  if (value < 0) return sql_error("2201E", "cannot take logarithm of a negative number");
  return logarithm(value);
}

}  // namespace spar::query::functions
