// Dates and timestamps turned into each other, and made of numbers.
#include <cmath>
#include <cstdio>

#include "data/calendar.h"
#include "query/functions/arguments.h"
#include "query/functions/families.h"

namespace spar::query::functions {
namespace {

using data::CivilDate;

Result<Datum> date_to_timestamp(Arguments arguments) {
  return data::date_to_timestamp(integer_at(arguments, 0));
}

Result<Datum> timestamp_to_date(Arguments arguments) {
  const std::int64_t micros = integer_at(arguments, 0);
  if (micros == data::kTimestampInfinity) return Datum(data::kDateInfinity);
  if (micros == data::kTimestampMinusInfinity) return Datum(data::kDateMinusInfinity);
  return Datum(data::split_timestamp(micros).days);
}

Result<Datum> timestamp_to_time(Arguments arguments) {
  const std::int64_t micros = integer_at(arguments, 0);
  if (!data::is_finite_timestamp(micros)) return Datum{};
  return Datum(data::split_timestamp(micros).micros);
}

Result<Datum> timestamp_typmod(Arguments arguments) {
  return Datum(
      data::round_to_digits(integer_at(arguments, 0), static_cast<int>(integer_at(arguments, 1))));
}

std::string shown(std::int64_t year, std::int64_t month, std::int64_t day) {
  char text[64];
  std::snprintf(text, sizeof(text), "%lld-%02d-%02d", static_cast<long long>(year),
                static_cast<int>(month), static_cast<int>(day));
  return text;
}

// Negative years are BC.
Result<Datum> make_date(Arguments arguments) {
  const std::int64_t given = integer_at(arguments, 0), month = integer_at(arguments, 1),
                     day = integer_at(arguments, 2);
  const std::int64_t year = given < 0 ? given + 1 : given;
  const bool valid = given != 0 && given != std::numeric_limits<std::int32_t>::min() &&
                     month >= 1 && month <= 12 && day >= 1 &&
                     day <= data::days_in_month(year, static_cast<int>(month));
  if (!valid) {
    return sql_error("22008", "date field value out of range: " + shown(given, month, day));
  }
  const std::int64_t days = data::join_date({year, static_cast<int>(month), static_cast<int>(day)});
  if (days < data::kDateMin || days > data::kDateMax) {
    return sql_error("22008", "date out of range: " + shown(year, month, day));
  }
  return Datum(days);
}

// Seconds since 1970.
Result<Datum> to_timestamp(Arguments arguments) {
  const double seconds = real_at(arguments, 0);
  if (std::isinf(seconds)) {
    return Datum(seconds < 0 ? data::kTimestampMinusInfinity : data::kTimestampInfinity);
  }
  constexpr double kFirst = -210866803200.0, kEnd = 9224318016000.0;
  if (!(seconds >= kFirst) || !(seconds < kEnd)) {
    char text[64];
    std::snprintf(text, sizeof(text), "timestamp out of range: \"%g\"", seconds);
    return sql_error("22008", text);
  }
  const double since_2000 = seconds - static_cast<double>(data::kUnixDayOfEpoch) * 86400;
  return Datum(static_cast<std::int64_t>(std::rint(since_2000 * 1e6)));
}

constexpr ScalarEntry kEntries[] = {
    {"spar_date_to_timestamp", 1, false, date_to_timestamp},
    {"spar_timestamp_to_date", 1, false, timestamp_to_date},
    {"spar_timestamp_to_time", 1, false, timestamp_to_time},
    {"spar_timestamp_typmod", 2, false, timestamp_typmod},
    {"spar_make_date", 3, false, make_date},
    {"spar_to_timestamp", 1, false, to_timestamp},
};

}  // namespace

std::span<const ScalarEntry> date_cast_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
