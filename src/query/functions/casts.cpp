// Casts between texts, numbers and booleans. Those between dates and times: dates.cpp.
#include <cmath>

#include "data/number_text.h"
#include "data/string_text.h"
#include "data/text_format.h"
#include "query/functions/arguments.h"
#include "query/functions/families.h"
#include "query/functions/real.h"

namespace spar::query::functions {
namespace {

using data::Decimal;
using data::TypeId;

data::Type type_at(Arguments arguments, std::size_t i) {
  return {static_cast<TypeId>(integer_at(arguments, i)),
          static_cast<std::int32_t>(integer_at(arguments, i + 1))};
}

// The cast to text, which is the output function but for these two.
Result<Datum> format(Arguments arguments) {
  const data::Type type = type_at(arguments, 1);
  if (type.id == TypeId::boolean) {
    return std::string(integer_at(arguments, 0) != 0 ? "true" : "false");
  }
  if (type.id == TypeId::bpchar) return arguments[0];
  std::string text;
  data::format_text(arguments[0], type, {}, text);
  return text;
}

Result<Datum> parse(Arguments arguments) {
  const data::Type type = type_at(arguments, 1);
  const std::string_view text = text_at(arguments, 0);
  if (type.id == TypeId::varchar || type.id == TypeId::bpchar) {
    return data::fit_characters(text, type, data::Fit::explicit_cast);
  }
  return data::parse_text(text, type, {});
}

template <TypeId id>
Result<Datum> fit(Arguments arguments) {
  const data::Type type{id, static_cast<std::int32_t>(integer_at(arguments, 1)) + 4};
  const auto how = integer_at(arguments, 2) != 0 ? data::Fit::explicit_cast : data::Fit::assignment;
  return data::fit_characters(text_at(arguments, 0), type, how);
}

data::NumericShape shape_at(Arguments arguments, std::size_t i) {
  return {static_cast<int>(integer_at(arguments, i)),
          static_cast<int>(integer_at(arguments, i + 1))};
}

Result<Datum> scaled_to_numeric(Arguments arguments) {
  const auto digits = static_cast<long>(integer_at(arguments, 0));
  return numeric_datum(Decimal(digits, static_cast<int>(integer_at(arguments, 1))));
}

Result<Datum> numeric_to_scaled(Arguments arguments) {
  SPAR_ASSIGN(const Decimal value, numeric_at(arguments, 0));
  return value.to_scaled(shape_at(arguments, 1));
}

Result<Datum> integer_to_numeric(Arguments arguments) {
  return numeric_datum(Decimal(integer_at(arguments, 0)));
}

Result<Datum> numeric_typmod(Arguments arguments) {
  SPAR_ASSIGN(const Decimal value, numeric_at(arguments, 0));
  SPAR_ASSIGN(const Decimal fitting, value.with_shape(shape_at(arguments, 1)));
  return numeric_datum(fitting);
}

Failure out_of_range(TypeId id) {
  return sql_error("22003", data::type_name({id, -1}) + " out of range");
}

template <TypeId id>
Result<Datum> numeric_to_integer(Arguments arguments) {
  SPAR_ASSIGN(const Decimal value, numeric_at(arguments, 0));
  const auto [low, high] = data::integer_range(id);
  return value.to_integer(low, high, data::type_name({id, -1}));
}

template <TypeId id>
Result<Datum> real_to_integer(Arguments arguments) {
  const double value = std::nearbyint(real_at(arguments, 0));
  const auto [low, high] = data::integer_range(id);
  // -low is exact as a double where high is not.
  if (value < static_cast<double>(low) || value >= -static_cast<double>(low)) {
    return out_of_range(id);
  }
  return static_cast<std::int64_t>(value);
}

template <TypeId id>
Result<Datum> integer_to_integer(Arguments arguments) {
  const std::int64_t value = integer_at(arguments, 0);
  const auto [low, high] = data::integer_range(id);
  if (value < low || value > high) return out_of_range(id);
  return value;
}

Result<Datum> integer_to_boolean(Arguments arguments) {
  return std::int64_t{integer_at(arguments, 0) != 0};
}

template <TypeId id>
Result<Datum> numeric_to_real(Arguments arguments) {
  SPAR_ASSIGN(const Decimal value, numeric_at(arguments, 0));
  return data::parse_real(value.to_string(), id);
}

template <int significant_digits>
Result<Datum> real_to_numeric(Arguments arguments) {
  SPAR_ASSIGN(const Decimal value, Decimal::from_double(real_at(arguments, 0), significant_digits));
  return numeric_datum(value);
}

Result<Datum> float8_to_float4(Arguments arguments) {
  const double value = real_at(arguments, 0);
  const auto narrow = static_cast<float>(value);
  if (std::isinf(narrow) && !std::isinf(value)) {
    return real_overflow();
  }
  if (narrow == 0 && value != 0) return real_underflow();
  return static_cast<double>(narrow);
}

constexpr ScalarEntry kEntries[] = {
    {"spar_format", 3, false, format},
    {"spar_parse", 3, false, parse},
    {"spar_varchar", 3, false, fit<TypeId::varchar>},
    {"spar_bpchar", 3, false, fit<TypeId::bpchar>},
    {"spar_scaled_to_numeric", 2, false, scaled_to_numeric},
    {"spar_numeric_to_scaled", 3, false, numeric_to_scaled},
    {"spar_int_to_numeric", 1, false, integer_to_numeric},
    {"spar_numeric_typmod", 3, false, numeric_typmod},
    {"spar_numeric_to_int2", 1, false, numeric_to_integer<TypeId::int2>},
    {"spar_numeric_to_int4", 1, false, numeric_to_integer<TypeId::int4>},
    {"spar_numeric_to_int8", 1, false, numeric_to_integer<TypeId::int8>},
    {"spar_numeric_to_float4", 1, false, numeric_to_real<TypeId::float4>},
    {"spar_numeric_to_float8", 1, false, numeric_to_real<TypeId::float8>},
    {"spar_float4_to_numeric", 1, false, real_to_numeric<6>},
    {"spar_float8_to_numeric", 1, false, real_to_numeric<15>},
    {"spar_float8_to_float4", 1, false, float8_to_float4},
    {"spar_float8_to_int2", 1, false, real_to_integer<TypeId::int2>},
    {"spar_float8_to_int4", 1, false, real_to_integer<TypeId::int4>},
    {"spar_float8_to_int8", 1, false, real_to_integer<TypeId::int8>},
    {"spar_int_to_int2", 1, false, integer_to_integer<TypeId::int2>},
    {"spar_int_to_int4", 1, false, integer_to_integer<TypeId::int4>},
    {"spar_int_to_int8", 1, false, integer_to_integer<TypeId::int8>},
    {"spar_int_to_bool", 1, false, integer_to_boolean},
};

}  // namespace

std::span<const ScalarEntry> cast_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
