// Dates, timestamps and intervals added, subtracted and turned into each other.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "data/calendar.h"
#include "query/functions/arguments.h"
#include "query/functions/date_series.h"
#include "query/functions/families.h"

namespace spar::query::functions {
namespace {

using data::CivilDate;
using data::Interval;

Failure timestamp_range() {
  return sql_error("22008", "timestamp out of range");
}
Failure interval_range() {
  return sql_error("22008", "interval out of range");
}

Interval interval_at(Arguments arguments, std::size_t i) {
  return data::interval_from_blob(blob_at(arguments, i));
}
Datum interval_datum(const Interval& interval) {
  return data::Blob{data::interval_to_blob(interval)};
}

Result<Interval> negated(const Interval& interval) {
  constexpr auto kMin32 = std::numeric_limits<std::int32_t>::min();
  constexpr auto kMin64 = std::numeric_limits<std::int64_t>::min();
  if (interval.months == kMin32 || interval.days == kMin32 || interval.micros == kMin64) {
    return interval_range();
  }
  return Interval{-interval.months, -interval.days, -interval.micros};
}

// The same day of another month, or its last one.
CivilDate months_later(const CivilDate& date, std::int64_t months) {
  const std::int64_t month = date.year * 12 + date.month - 1 + months;
  CivilDate result;
  result.year = month / 12 - (month % 12 < 0 ? 1 : 0);
  result.month = static_cast<int>(month - result.year * 12) + 1;
  result.day = std::min(date.day, data::days_in_month(result.year, result.month));
  return result;
}

Result<std::int64_t> add_to(std::int64_t micros, const Interval& interval) {
  if (!data::is_finite_timestamp(micros)) return micros;
  const data::DayAndTime moment = data::split_timestamp(micros);
  std::int64_t days = moment.days;
  if (interval.months != 0) {
    days = data::join_date(months_later(data::split_date(days), interval.months));
    if (!data::join_timestamp(days, moment.micros)) return timestamp_range();
  }
  const auto shifted = data::join_timestamp(days + interval.days, moment.micros);
  if (!shifted) return timestamp_range();
  std::int64_t result = 0;
  const bool over = __builtin_add_overflow(*shifted, interval.micros, &result);
  if (over || result < data::kTimestampMin || result > data::kTimestampMax) {
    return timestamp_range();
  }
  return result;
}

Result<Datum> timestamp_add_interval(Arguments arguments) {
  return add_to(integer_at(arguments, 0), interval_at(arguments, 1));
}

Result<Datum> timestamp_sub_interval(Arguments arguments) {
  SPAR_ASSIGN(const Interval back, negated(interval_at(arguments, 1)));
  return add_to(integer_at(arguments, 0), back);
}

Result<Datum> timestamp_sub(Arguments arguments) {
  const std::int64_t a = integer_at(arguments, 0), b = integer_at(arguments, 1);
  if (!data::is_finite_timestamp(a) || !data::is_finite_timestamp(b)) {
    return sql_error("22008", "cannot subtract infinite timestamps");
  }
  std::int64_t micros = 0;
  if (__builtin_sub_overflow(a, b, &micros)) return interval_range();
  return interval_datum(
      {0, static_cast<std::int32_t>(micros / data::kMicrosPerDay), micros % data::kMicrosPerDay});
}

// From the earlier to the later moment: years and months, then days, then time.
Interval age_between(std::int64_t earlier, std::int64_t later) {
  const data::DayAndTime a = data::split_timestamp(earlier), b = data::split_timestamp(later);
  const CivilDate from = data::split_date(a.days), to = data::split_date(b.days);
  std::int64_t micros = b.micros - a.micros;
  int days = to.day - from.day;
  if (micros < 0) {
    micros += data::kMicrosPerDay;
    --days;
  }
  auto months = static_cast<std::int32_t>((to.year - from.year) * 12 + to.month - from.month);
  if (days < 0) {
    days += data::days_in_month(from.year, from.month);
    --months;
  }
  return {months, days, micros};
}

Result<Datum> age(Arguments arguments) {
  const std::int64_t a = integer_at(arguments, 0), b = integer_at(arguments, 1);
  if (!data::is_finite_timestamp(a) || !data::is_finite_timestamp(b)) {
    return sql_error("22008", "cannot subtract infinite timestamps");
  }
  if (a >= b) return interval_datum(age_between(b, a));
  const Interval back = age_between(a, b);
  return interval_datum({-back.months, -back.days, -back.micros});
}

Result<Datum> date_shifted(std::int64_t days, std::int64_t by) {
  if (!data::is_finite_date(days)) return Datum(days);
  days += by;  // both have 32 bits
  if (days < data::kDateMin || days > data::kDateMax) {
    return sql_error("22008", "date out of range");
  }
  return Datum(days);
}

Result<Datum> date_add(Arguments arguments) {
  return date_shifted(integer_at(arguments, 0), integer_at(arguments, 1));
}

Result<Datum> date_sub_days(Arguments arguments) {
  return date_shifted(integer_at(arguments, 0), -integer_at(arguments, 1));
}

Result<Datum> date_sub(Arguments arguments) {
  const std::int64_t a = integer_at(arguments, 0), b = integer_at(arguments, 1);
  if (!data::is_finite_date(a) || !data::is_finite_date(b)) {
    return sql_error("22008", "cannot subtract infinite dates");
  }
  return Datum(a - b);
}

Result<Datum> sum(const Interval& a, const Interval& b) {
  Interval result;
  const bool over = __builtin_add_overflow(a.months, b.months, &result.months) ||
                    __builtin_add_overflow(a.days, b.days, &result.days) ||
                    __builtin_add_overflow(a.micros, b.micros, &result.micros);
  if (over) return interval_range();
  return interval_datum(result);
}

Result<Datum> interval_add(Arguments arguments) {
  return sum(interval_at(arguments, 0), interval_at(arguments, 1));
}

Result<Datum> interval_sub(Arguments arguments) {
  const Interval a = interval_at(arguments, 0), b = interval_at(arguments, 1);
  Interval result;
  const bool over = __builtin_sub_overflow(a.months, b.months, &result.months) ||
                    __builtin_sub_overflow(a.days, b.days, &result.days) ||
                    __builtin_sub_overflow(a.micros, b.micros, &result.micros);
  if (over) return interval_range();
  return interval_datum(result);
}

Result<Datum> interval_neg(Arguments arguments) {
  SPAR_ASSIGN(const Interval result, negated(interval_at(arguments, 0)));
  return interval_datum(result);
}

double to_micros_digits(double value) {
  return std::rint(value * 1e6) / 1e6;
}

// Whole months and days stay such; their fractions go down to days and to seconds.
Result<Datum> spread(double months, double days, double micros) {
  constexpr double kLimit32 = 2147483647.0, kLimit64 = 9223372036854775000.0;
  constexpr double kSecondsPerDay = 86400;
  if (!(std::fabs(months) <= kLimit32) || !(std::fabs(days) <= kLimit32)) return interval_range();
  const double month_days = to_micros_digits((months - std::trunc(months)) * data::kDaysPerMonth);
  double seconds = to_micros_digits(
      (days - std::trunc(days) + month_days - std::trunc(month_days)) * kSecondsPerDay);
  double whole_days = std::trunc(days) + std::trunc(month_days);
  const double carried = std::trunc(seconds / kSecondsPerDay);
  whole_days += carried;
  seconds -= carried * kSecondsPerDay;
  const double total = std::rint(micros + seconds * 1e6);
  if (std::fabs(whole_days) > kLimit32 || !(std::fabs(total) <= kLimit64)) return interval_range();
  return interval_datum({static_cast<std::int32_t>(months), static_cast<std::int32_t>(whole_days),
                         static_cast<std::int64_t>(total)});
}

Result<Datum> interval_mul(Arguments arguments) {
  const Interval interval = interval_at(arguments, 0);
  const double factor = real_at(arguments, 1);
  return spread(interval.months * factor, interval.days * factor,
                static_cast<double>(interval.micros) * factor);
}

Result<Datum> interval_div(Arguments arguments) {
  const Interval interval = interval_at(arguments, 0);
  const double divisor = real_at(arguments, 1);
  if (divisor == 0) return sql_error("22012", "division by zero");
  return spread(interval.months / divisor, interval.days / divisor,
                static_cast<double>(interval.micros) / divisor);
}

Result<Datum> interval_key(Arguments arguments) {
  return Datum(data::Blob{data::interval_key(interval_at(arguments, 0))});
}

constexpr ScalarEntry kEntries[] = {
    {"spar_timestamp_add_interval", 2, false, timestamp_add_interval},
    {"spar_timestamp_sub_interval", 2, false, timestamp_sub_interval},
    {"spar_timestamp_sub", 2, false, timestamp_sub},
    {"spar_age", 2, false, age},
    {"spar_date_add", 2, false, date_add},
    {"spar_date_sub_days", 2, false, date_sub_days},
    {"spar_date_sub", 2, false, date_sub},
    {"spar_interval_add", 2, false, interval_add},
    {"spar_interval_sub", 2, false, interval_sub},
    {"spar_interval_neg", 1, false, interval_neg},
    {"spar_interval_mul", 2, false, interval_mul},
    {"spar_interval_div", 2, false, interval_div},
    {"spar_interval_key", 1, false, interval_key},
};

}  // namespace

Result<std::int64_t> moment_plus(std::int64_t micros, const data::Interval& interval) {
  return add_to(micros, interval);
}

std::span<const ScalarEntry> date_arithmetic_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
