// to_char and to_date: values shown and read by a pattern.
#include <cmath>

#include "query/functions/arguments.h"
#include "query/functions/families.h"
#include "query/functions/to_char.h"
#include "query/functions/to_date.h"

namespace spar::query::functions {
namespace {

using data::TypeId;

constexpr int kFloat8Digits = 15, kFloat4Digits = 6;

Result<Datum> moment(Arguments arguments, TypeId type, std::string_view pattern) {
  if (pattern.empty()) return Datum{};
  if (type == TypeId::interval) {
    SPAR_ASSIGN(std::string text,
                interval_to_char(data::interval_from_blob(blob_at(arguments, 0)), pattern));
    return Datum(std::move(text));
  }
  std::int64_t micros = integer_at(arguments, 0);
  if (type == TypeId::date) {
    SPAR_ASSIGN(micros, data::date_to_timestamp(micros));
  }
  if (!data::is_finite_timestamp(micros)) return Datum{};
  const bool zoned = type == TypeId::timestamptz || type == TypeId::date;
  return Datum(moment_to_char(micros, zoned ? "UTC" : "", pattern));
}

Result<Datum> number(Arguments arguments, TypeId type, std::string_view pattern) {
  const bool real = type == TypeId::float8 || type == TypeId::float4;
  const int significant =
      type == TypeId::float8 ? kFloat8Digits : (type == TypeId::float4 ? kFloat4Digits : 0);
  data::Decimal value;
  if (real) {
    SPAR_ASSIGN(value, data::Decimal::from_double(real_at(arguments, 0), 17));
  } else {
    SPAR_ASSIGN(value, numeric_at(arguments, 0));
  }
  SPAR_ASSIGN(std::string text, number_to_char(value, significant, pattern));
  return Datum(std::move(text));
}

Result<Datum> to_char(Arguments arguments) {
  const auto type = static_cast<TypeId>(integer_at(arguments, 1));
  const std::string_view pattern = text_at(arguments, 2);
  switch (type) {
    case TypeId::timestamp:
    case TypeId::timestamptz:
    case TypeId::date:
    case TypeId::interval:
      return moment(arguments, type, pattern);
    default:
      return number(arguments, type, pattern);
  }
}

Result<Datum> to_date(Arguments arguments) {
  return date_by_pattern(text_at(arguments, 0), text_at(arguments, 1));
}

Result<Datum> to_timestamp(Arguments arguments) {
  return moment_by_pattern(text_at(arguments, 0), text_at(arguments, 1));
}

constexpr ScalarEntry kEntries[] = {
    {"spar_to_timestamp_by_pattern", 2, false, to_timestamp},
    {"spar_to_char", 3, false, to_char},
    {"spar_to_date", 2, false, to_date},
};

}  // namespace

std::span<const ScalarEntry> pattern_form_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
