// date_trunc: a timestamp or an interval without what is smaller than a unit.
#include "data/calendar.h"
#include "query/functions/arguments.h"
#include "query/functions/date_units.h"
#include "query/functions/families.h"

namespace spar::query::functions {
namespace {

using data::CivilDate;
using data::Interval;
using data::TypeId;
using enum DateUnit;

std::int64_t floor_to(std::int64_t value, std::int64_t size) {
  const std::int64_t rest = value % size;
  return value - rest - (rest < 0 ? size : 0);
}

// The size of a unit of time, or nothing for units of the calendar.
std::optional<std::int64_t> clock_size(DateUnit unit) {
  switch (unit) {
    case microsecond:
      return 1;
    case millisecond:
      return 1000;
    case second:
      return data::kMicrosPerSecond;
    case minute:
      return data::kMicrosPerMinute;
    case hour:
      return data::kMicrosPerHour;
    default:
      return std::nullopt;
  }
}

// The first year of the century or millennium (1, 101, ...; 100 BC, ...).
std::int64_t first_of(std::int64_t year, std::int64_t size) {
  return year > 0 ? (year - 1) / size * size + 1 : -((size - year) / size) * size + 1;
}

std::int64_t first_day(DateUnit unit, std::int64_t days) {
  if (unit == week) return days - (data::day_of_week(days) + 6) % 7;
  CivilDate date = data::split_date(days);
  date.day = 1;
  if (unit == quarter) date.month = (date.month - 1) / 3 * 3 + 1;
  if (unit >= year) date.month = 1;
  if (unit == decade) date.year = floor_to(date.year, 10);
  if (unit == century) date.year = first_of(date.year, 100);
  if (unit == millennium) date.year = first_of(date.year, 1000);
  return data::join_date(date);
}

Result<Datum> truncate_timestamp(DateUnit unit, std::int64_t micros) {
  if (const auto size = clock_size(unit)) return Datum(floor_to(micros, *size));
  const std::int64_t days = data::split_timestamp(micros).days;
  const auto joined = data::join_timestamp(unit == day ? days : first_day(unit, days), 0);
  if (!joined) return sql_error("22008", "timestamp out of range");
  return Datum(*joined);
}

std::int32_t months_size(DateUnit unit) {
  switch (unit) {
    case month:
      return 1;
    case quarter:
      return 3;
    case year:
      return 12;
    case decade:
      return 120;
    case century:
      return 1200;
    default:
      return 12000;
  }
}

Datum truncate_interval(DateUnit unit, Interval interval) {
  if (const auto size = clock_size(unit)) {
    interval.micros -= interval.micros % *size;
  } else {
    interval.micros = 0;
    if (unit != day) {
      interval.days = 0;
      interval.months -= interval.months % months_size(unit);
    }
  }
  return data::Blob{data::interval_to_blob(interval)};
}

Result<Datum> date_trunc(Arguments arguments) {
  const std::string_view name = text_at(arguments, 0);
  const auto type = static_cast<TypeId>(integer_at(arguments, 2));
  const bool is_interval = type == TypeId::interval;
  if (!is_interval && !data::is_finite_timestamp(integer_at(arguments, 1))) return arguments[1];
  const auto unit = date_unit(name);
  if (!unit || *unit > millennium) return unit_not_recognized(name, type);
  if (!is_interval) return truncate_timestamp(*unit, integer_at(arguments, 1));
  if (*unit == week) return unit_not_supported(name, type);
  return truncate_interval(*unit, data::interval_from_blob(blob_at(arguments, 1)));
}

constexpr ScalarEntry kEntries[] = {{"spar_date_trunc", 3, false, date_trunc}};

}  // namespace

std::span<const ScalarEntry> date_trunc_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
