// sin and its like in radians and degrees, hyperbolic functions, cube roots and logarithms of
// float8.
#include <cmath>
#include <numbers>

#include "query/functions/families.h"
#include "query/functions/real.h"

namespace spar::query::functions {
namespace {

constexpr double kRadiansPerDegree = 0.0174532925199432957692;

Failure out_of_input() {
  return sql_error("22003", "input is out of range");
}

template <double (*function)(double)>
Result<Datum> of_finite(Arguments arguments) {
  const double value = real_at(arguments, 0);
  if (std::isinf(value)) return out_of_input();
  return function(value);
}

// An argument of asin and acos.
template <double (*function)(double)>
Result<Datum> of_unit(Arguments arguments) {
  const double value = real_at(arguments, 0);
  if (value < -1 || value > 1) return out_of_input();
  return function(value);
}

double cotangent(double value) {
  return 1.0 / std::tan(value);
}

template <double (*function)(double, double)>
Result<Datum> of_two(Arguments arguments) {
  return function(real_at(arguments, 0), real_at(arguments, 1));
}

Result<Datum> area_cosine(Arguments arguments) {
  const double value = real_at(arguments, 0);
  if (value < 1) return out_of_input();
  return std::acosh(value);
}

Result<Datum> area_tangent(Arguments arguments) {
  const double value = real_at(arguments, 0);
  if (value < -1 || value > 1) return out_of_input();
  return std::atanh(value);
}

// ---- degrees: right at the multiples of 30 and 45, where rounding in radians would show

double sine_to_30(double x) {
  static const double kScale = std::sin(30.0 * kRadiansPerDegree);
  return std::sin(x * kRadiansPerDegree) / kScale / 2.0;
}
double cosine_to_60(double x) {
  static const double kScale = 1.0 - std::cos(60.0 * kRadiansPerDegree);
  return 1.0 - (1.0 - std::cos(x * kRadiansPerDegree)) / kScale / 2.0;
}
double sine_to_90(double x) {
  return x <= 30.0 ? sine_to_30(x) : cosine_to_60(90.0 - x);
}
double cosine_to_90(double x) {
  return x <= 60.0 ? cosine_to_60(x) : sine_to_30(90.0 - x);
}

// The angle in 0 .. 90 that has the same sine and cosine but for their signs.
struct Folded {
  double angle;
  int sine = 1, cosine = 1;  // the signs
};
Folded folded(double x) {
  Folded result{std::fmod(x, 360.0)};
  if (result.angle < 0) {
    result.angle = -result.angle;
    result.sine = -result.sine;
  }
  if (result.angle > 180) {
    result.angle = 360 - result.angle;
    result.sine = -result.sine;
  }
  if (result.angle > 90) {
    result.angle = 180 - result.angle;
    result.cosine = -result.cosine;
  }
  return result;
}

double sine_degrees(double x) {
  const Folded at = folded(x);
  return at.sine * sine_to_90(at.angle);
}

double cosine_degrees(double x) {
  const Folded at = folded(x);
  return at.cosine * cosine_to_90(at.angle);
}

double tangent_degrees(double x) {
  static const double kScale = sine_to_90(45.0) / cosine_to_90(45.0);
  const Folded at = folded(x);
  const double result =
      at.sine * at.cosine * (sine_to_90(at.angle) / cosine_to_90(at.angle) / kScale);
  return result == 0 ? 0 : result;
}

double cotangent_degrees(double x) {
  static const double kScale = cosine_to_90(45.0) / sine_to_90(45.0);
  const Folded at = folded(x);
  const double result =
      at.sine * at.cosine * (cosine_to_90(at.angle) / sine_to_90(at.angle) / kScale);
  return result == 0 ? 0 : result;
}

double arc_sine_to_90(double x) {
  static const double kSine = std::asin(0.5), kCosine = std::acos(0.5);
  if (x <= 0.5) return std::asin(x) / kSine * 30.0;
  return 90.0 - std::acos(x) / kCosine * 60.0;
}
double arc_cosine_to_90(double x) {
  static const double kSine = std::asin(0.5), kCosine = std::acos(0.5);
  if (x <= 0.5) return 90.0 - std::asin(x) / kSine * 30.0;
  return std::acos(x) / kCosine * 60.0;
}
double arc_sine_degrees(double x) {
  return x >= 0 ? arc_sine_to_90(x) : -arc_sine_to_90(-x);
}
double arc_cosine_degrees(double x) {
  return x >= 0 ? arc_cosine_to_90(x) : 90.0 + arc_sine_to_90(-x);
}
double arc_tangent_degrees(double x) {
  static const double kScale = std::atan(1.0);
  return std::atan(x) / kScale * 45.0;
}
double arc_tangent2_degrees(double y, double x) {
  static const double kScale = std::atan(1.0);
  return std::atan2(y, x) / kScale * 45.0;
}

Result<Datum> to_degrees(Arguments arguments) {
  const double value = real_at(arguments, 0), result = value / kRadiansPerDegree;
  if (std::isinf(result) && !std::isinf(value)) return real_overflow();
  return result;
}
double to_radians(double value) {
  return value * kRadiansPerDegree;
}

// width_bucket of float8: which of `count` equal parts of low .. high the operand falls into.
Result<Datum> width_bucket(Arguments arguments) {
  const double operand = real_at(arguments, 0), low = real_at(arguments, 1),
               high = real_at(arguments, 2);
  const std::int64_t count = integer_at(arguments, 3);
  if (count <= 0) return sql_error("2201G", "count must be greater than zero");
  if (std::isinf(low) || std::isinf(high)) {
    return sql_error("2201G", "lower and upper bounds must be finite");
  }
  if (low == high) return sql_error("2201G", "lower bound cannot equal upper bound");
  const bool rises = low < high;
  if (rises ? operand < low : operand > low) return std::int64_t{0};
  std::int64_t bucket = count;
  if (rises ? operand >= high : operand <= high) {
    ++bucket;
  } else {
    const auto parts = static_cast<double>(count);
    const double place = std::isinf(high - low)
                             ? parts * ((operand / 2 - low / 2) / (high / 2 - low / 2))
                             : parts * ((operand - low) / (high - low));
    bucket = std::min(static_cast<std::int64_t>(place), count - 1) + 1;
  }
  if (bucket > INT32_MAX) return sql_error("22003", "integer out of range");
  return bucket;
}

constexpr ScalarEntry kEntries[] = {
    {"spar_sin", 1, false, of_finite<std::sin>},
    {"spar_cos", 1, false, of_finite<std::cos>},
    {"spar_tan", 1, false, of_finite<std::tan>},
    {"spar_cot", 1, false, of_finite<cotangent>},
    {"spar_asin", 1, false, of_unit<std::asin>},
    {"spar_acos", 1, false, of_unit<std::acos>},
    {"spar_atan", 1, false, of_real<std::atan>},
    {"spar_atan2", 2, false, of_two<std::atan2>},
    {"spar_sind", 1, false, of_finite<sine_degrees>},
    {"spar_cosd", 1, false, of_finite<cosine_degrees>},
    {"spar_tand", 1, false, of_finite<tangent_degrees>},
    {"spar_cotd", 1, false, of_finite<cotangent_degrees>},
    {"spar_asind", 1, false, of_unit<arc_sine_degrees>},
    {"spar_acosd", 1, false, of_unit<arc_cosine_degrees>},
    {"spar_atand", 1, false, of_real<arc_tangent_degrees>},
    {"spar_atan2d", 2, false, of_two<arc_tangent2_degrees>},
    {"spar_sinh", 1, false, of_real<std::sinh>},
    {"spar_cosh", 1, false, of_real<std::cosh>},
    {"spar_tanh", 1, false, of_real<std::tanh>},
    {"spar_asinh", 1, false, of_real<std::asinh>},
    {"spar_acosh", 1, false, area_cosine},
    {"spar_atanh", 1, false, area_tangent},
    {"spar_degrees", 1, false, to_degrees},
    {"spar_radians", 1, false, of_real<to_radians>},
    {"spar_cbrt", 1, false, of_real<std::cbrt>},
    {"spar_log10_float8", 1, false, logarithm_of<std::log10>},
    {"spar_width_bucket_float8", 4, false, width_bucket},
};

}  // namespace

std::span<const ScalarEntry> trigonometry_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
