// extract and date_part: one field of a date, time, timestamp or interval.
#include "data/calendar.h"
#include "query/functions/arguments.h"
#include "query/functions/date_units.h"
#include "query/functions/families.h"

namespace spar::query::functions {
namespace {

using data::CivilDate;
using data::ClockTime;
using data::Decimal;
using data::Interval;
using data::TypeId;
using enum DateUnit;

// What a field turned out to be.
struct Field {
  enum class Kind { number, null, infinity, unsupported };
  Kind kind = Kind::unsupported;
  std::int64_t value = 0;  // * 10^scale
  int scale = 0;
  std::int64_t day_part = 0;  // of a julian date: microseconds of the day
};

Field whole(std::int64_t value) {
  return {Field::Kind::number, value, 0, 0};
}
Field scaled(std::int64_t value, int scale) {
  return {Field::Kind::number, value, scale, 0};
}

std::int64_t shown_year(std::int64_t year) {
  return year > 0 ? year : year - 1;
}  // no year 0
std::int64_t down(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -((b - 1 - a) / b);
}
// Centuries and millennia are counted from year 1, and backwards from 1 BC.
std::int64_t ordinal(std::int64_t year, std::int64_t size) {
  return year > 0 ? (year + size - 1) / size : -((size - year) / size);
}

Field date_field(DateUnit unit, std::int64_t days) {
  const CivilDate date = data::split_date(days);
  switch (unit) {
    case day:
      return whole(date.day);
    case month:
      return whole(date.month);
    case quarter:
      return whole((date.month - 1) / 3 + 1);
    case week:
      return whole(data::iso_week(days).week);
    case year:
      return whole(shown_year(date.year));
    case decade:
      return whole(down(date.year, 10));
    case century:
      return whole(ordinal(date.year, 100));
    case millennium:
      return whole(ordinal(date.year, 1000));
    case day_of_week:
      return whole(data::day_of_week(days));
    case iso_day_of_week:
      return whole((data::day_of_week(days) + 6) % 7 + 1);
    case day_of_year:
      return whole(data::day_of_year(date));
    case iso_year:
      return whole(shown_year(data::iso_week(days).year));
    case julian:
      return whole(days + data::kJulianDayOfEpoch);
    case epoch:
      return whole((days + data::kUnixDayOfEpoch) * 86400);
    default:
      return {};
  }
}

// `micros` may be of more than a day and negative, as an interval's.
Field clock_field(DateUnit unit, std::int64_t micros) {
  const std::int64_t of_minute = micros % data::kMicrosPerMinute;
  switch (unit) {
    case microsecond:
      return whole(of_minute);
    case millisecond:
      return scaled(of_minute, 3);
    case second:
      return scaled(of_minute, 6);
    case minute:
      return whole(micros / data::kMicrosPerMinute % 60);
    case hour:
      return whole(micros / data::kMicrosPerHour);
    default:
      return {};
  }
}

bool grows_with_time(DateUnit unit) {
  switch (unit) {
    case year:
    case decade:
    case century:
    case millennium:
    case iso_year:
    case epoch:
    case julian:
      return true;
    default:
      return false;
  }
}

Field infinite(DateUnit unit, std::int64_t value) {
  if (!grows_with_time(unit)) return {Field::Kind::null, 0, 0, 0};
  return {Field::Kind::infinity, value < 0 ? -1 : 1, 0, 0};
}

Field timestamp_field(DateUnit unit, std::int64_t micros, bool has_zone) {
  if (!data::is_finite_timestamp(micros)) return infinite(unit, micros);
  const data::DayAndTime moment = data::split_timestamp(micros);
  switch (unit) {
    case epoch:
      return scaled(micros + data::kUnixDayOfEpoch * data::kMicrosPerDay, 6);
    case julian: {
      Field field = date_field(julian, moment.days);
      field.day_part = moment.micros;
      return field;
    }
    case timezone:
    case timezone_hour:
    case timezone_minute:
      return has_zone ? whole(0) : Field{};
    default:
      break;
  }
  const Field field = clock_field(unit, moment.micros);
  return field.kind == Field::Kind::number ? field : date_field(unit, moment.days);
}

Field interval_field(DateUnit unit, const Interval& interval) {
  const std::int64_t years = interval.months / data::kMonthsPerYear;
  const std::int64_t months = interval.months % data::kMonthsPerYear;
  switch (unit) {
    case day:
      return whole(interval.days);
    case month:
      return whole(months);
    case quarter:
      return whole(months / 3 + 1);
    case year:
      return whole(years);
    case decade:
      return whole(years / 10);
    case century:
      return whole(years / 100);
    case millennium:
      return whole(years / 1000);
    default:
      return clock_field(unit, interval.micros);
  }
}

Result<Decimal> interval_epoch(const Interval& interval) {
  // A year has 365.25 days, a month 30: quarters of a day, so that they are whole numbers.
  const std::int64_t quarters = interval.months / data::kMonthsPerYear * std::int64_t{1461} +
                                interval.months % data::kMonthsPerYear * std::int64_t{120} +
                                std::int64_t{interval.days} * 4;
  return data::add(Decimal(quarters * 21600), Decimal(interval.micros, 6));
}

Result<Field> field_of(std::string_view name, const Datum& value, TypeId type) {
  const auto unit = date_unit(name);
  if (!unit) return unit_not_recognized(name, type);
  const auto* integer = std::get_if<std::int64_t>(&value);
  Field field;
  if (type == TypeId::interval) {
    field = interval_field(*unit, data::interval_from_blob(std::get<data::Blob>(value).bytes));
  } else if (type == TypeId::time) {
    field = *unit == epoch ? scaled(*integer, 6) : clock_field(*unit, *integer);
  } else if (type == TypeId::date) {
    field = date_field(*unit, *integer);
    const bool supported = field.kind != Field::Kind::unsupported;
    if (supported && !data::is_finite_date(*integer)) field = infinite(*unit, *integer);
  } else {
    field = timestamp_field(*unit, *integer, type == TypeId::timestamptz);
  }
  if (field.kind == Field::Kind::unsupported) return unit_not_supported(name, type);
  return field;
}

// REQUIRES: a number. The day and the fraction of it that a julian date has are divided as
// numerics.
Result<Decimal> decimal_of(const Field& field, TypeId type, DateUnit unit) {
  const bool with_part = unit == julian && type != TypeId::date;
  if (!with_part) return Decimal(field.value, field.scale);
  SPAR_ASSIGN(const Decimal part,
              data::divide(Decimal(field.day_part), Decimal(data::kMicrosPerDay)));
  return data::add(Decimal(field.value), part);
}

bool is_interval_epoch(std::string_view name, TypeId type) {
  return type == TypeId::interval && date_unit(name) == epoch;
}

Result<Datum> extract(Arguments arguments) {
  const std::string_view name = text_at(arguments, 0);
  const auto type = static_cast<TypeId>(integer_at(arguments, 2));
  if (is_interval_epoch(name, type)) {
    SPAR_ASSIGN(const Decimal seconds,
                interval_epoch(data::interval_from_blob(blob_at(arguments, 1))));
    return numeric_datum(seconds);
  }
  SPAR_ASSIGN(const Field field, field_of(name, arguments[1], type));
  if (field.kind == Field::Kind::null) return Datum{};
  if (field.kind == Field::Kind::infinity) return not_supported("a numeric that is not finite");
  SPAR_ASSIGN(const Decimal result, decimal_of(field, type, *date_unit(name)));
  return numeric_datum(result);
}

Result<Datum> date_part(Arguments arguments) {
  const std::string_view name = text_at(arguments, 0);
  const auto type = static_cast<TypeId>(integer_at(arguments, 2));
  if (is_interval_epoch(name, type)) {
    SPAR_ASSIGN(const Decimal seconds,
                interval_epoch(data::interval_from_blob(blob_at(arguments, 1))));
    return seconds.to_double();
  }
  SPAR_ASSIGN(const Field field, field_of(name, arguments[1], type));
  if (field.kind == Field::Kind::null) return Datum{};
  if (field.kind == Field::Kind::infinity) {
    return static_cast<double>(field.value) * std::numeric_limits<double>::infinity();
  }
  constexpr double kPowers[] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6};
  return static_cast<double>(field.value) / kPowers[field.scale] +
         static_cast<double>(field.day_part) / static_cast<double>(data::kMicrosPerDay);
}

constexpr ScalarEntry kEntries[] = {
    {"spar_extract", 3, false, extract},
    {"spar_date_part", 3, false, date_part},
};

}  // namespace

std::span<const ScalarEntry> date_field_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
