// Moments and intervals made from parts, justified, put into bins and moved between zones.
#include <cmath>
#include <cstdio>
#include <optional>

#include "data/calendar.h"
#include "data/characters.h"
#include "data/datetime_text.h"
#include "query/functions/arguments.h"
#include "query/functions/families.h"

namespace spar::query::functions {
namespace {

using data::Interval;
using data::kMicrosPerDay;

Interval interval_at(Arguments arguments, std::size_t i) {
  return data::interval_from_blob(blob_at(arguments, i));
}
Datum interval_datum(const Interval& interval) {
  return data::Blob{data::interval_to_blob(interval)};
}
Failure interval_range() {
  return sql_error("22008", "interval out of range");
}
Failure timestamp_range() {
  return sql_error("22008", "timestamp out of range");
}

// As the parts are shown in messages: without trailing zeros of the seconds.
std::string shown_clock(std::int64_t hour, std::int64_t minute, double seconds) {
  char text[96];
  std::snprintf(text, sizeof text, "%lld:%02lld:%02g", static_cast<long long>(hour),
                static_cast<long long>(minute), seconds);
  return text;
}

Result<std::int64_t> clock_of(Arguments arguments, std::size_t i, std::string_view what) {
  const std::int64_t hour = integer_at(arguments, i), minute = integer_at(arguments, i + 1);
  const double seconds = real_at(arguments, i + 2);
  const std::int64_t micros = std::isfinite(seconds) && std::fabs(seconds) < 100
                                  ? static_cast<std::int64_t>(std::rint(seconds * 1e6))
                                  : -1;
  const bool valid = hour >= 0 && hour <= 24 && minute >= 0 && minute <= 59 && micros >= 0 &&
                     micros <= data::kMicrosPerMinute &&
                     !(hour == 24 && (minute > 0 || micros > 0));
  if (!valid) {
    return sql_error("22008", std::string(what) + " field value out of range: " +
                                  shown_clock(hour, minute, seconds));
  }
  return hour * data::kMicrosPerHour + minute * data::kMicrosPerMinute + micros;
}

Result<Datum> make_time(Arguments arguments) {
  SPAR_ASSIGN(const std::int64_t micros, clock_of(arguments, 0, "time"));
  return micros;
}

Result<std::int64_t> moment_of(Arguments arguments) {
  std::int64_t year = integer_at(arguments, 0);
  const std::int64_t month = integer_at(arguments, 1), day = integer_at(arguments, 2);
  const bool zero = year == 0;
  if (year < 0) ++year;  // year 0 is 1 BC
  const bool valid = !zero && month >= 1 && month <= 12 && day >= 1 &&
                     day <= data::days_in_month(year, static_cast<int>(month));
  if (!valid) {
    char text[96];
    std::snprintf(text, sizeof text, "date field value out of range: %lld-%02lld-%02lld",
                  static_cast<long long>(integer_at(arguments, 0)), static_cast<long long>(month),
                  static_cast<long long>(day));
    return sql_error("22008", text);
  }
  SPAR_ASSIGN(const std::int64_t clock, clock_of(arguments, 3, "time"));
  const std::int64_t days = data::join_date({year, static_cast<int>(month), static_cast<int>(day)});
  const auto moment = data::join_timestamp(days, clock);
  if (!moment) return timestamp_range();
  return *moment;
}

Result<Datum> make_timestamp(Arguments arguments) {
  SPAR_ASSIGN(const std::int64_t moment, moment_of(arguments));
  return moment;
}

Result<Datum> make_interval(Arguments arguments) {
  const double seconds = real_at(arguments, 6);
  Interval made;
  std::int64_t micros = 0;
  const double part = std::rint(seconds * 1e6);
  if (!std::isfinite(seconds) || std::fabs(part) > 9.2e18) return interval_range();
  const auto i32 = [&](std::size_t i) {
    return static_cast<std::int32_t>(integer_at(arguments, i));
  };
  const std::int64_t clock = integer_at(arguments, 4) * data::kMicrosPerHour +
                             integer_at(arguments, 5) * data::kMicrosPerMinute;
  const bool over = __builtin_mul_overflow(i32(0), data::kMonthsPerYear, &made.months) ||
                    __builtin_add_overflow(made.months, i32(1), &made.months) ||
                    __builtin_mul_overflow(i32(2), 7, &made.days) ||
                    __builtin_add_overflow(made.days, i32(3), &made.days) ||
                    __builtin_add_overflow(clock, static_cast<std::int64_t>(part), &micros);
  if (over) return interval_range();
  made.micros = micros;
  return interval_datum(made);
}

// ---- justify

// `low` in the sign of `high`, with whole units carried over.
template <class Low>
bool carry(Low& low, std::int32_t& high, Low unit) {
  return __builtin_add_overflow(high, static_cast<std::int32_t>(low / unit), &high) ||
         (low %= unit, false);
}
template <class Low>
void same_sign(Low& low, std::int32_t& high, Low unit) {
  if (high > 0 && low < 0) {
    low += unit;
    --high;
  } else if (high < 0 && low > 0) {
    low -= unit;
    ++high;
  }
}

Result<Datum> justify_days(Arguments arguments) {
  Interval interval = interval_at(arguments, 0);
  if (carry(interval.days, interval.months, data::kDaysPerMonth)) return interval_range();
  same_sign(interval.days, interval.months, data::kDaysPerMonth);
  return interval_datum(interval);
}

Result<Datum> justify_hours(Arguments arguments) {
  Interval interval = interval_at(arguments, 0);
  if (carry(interval.micros, interval.days, kMicrosPerDay)) return interval_range();
  same_sign(interval.micros, interval.days, kMicrosPerDay);
  return interval_datum(interval);
}

Result<Datum> justify_interval(Arguments arguments) {
  Interval interval = interval_at(arguments, 0);
  // Days are carried first where both would go the same way, so that nothing overflows.
  const bool together =
      (interval.days > 0 && interval.micros > 0) || (interval.days < 0 && interval.micros < 0);
  if (together && carry(interval.days, interval.months, data::kDaysPerMonth)) {
    return interval_range();
  }
  if (carry(interval.micros, interval.days, kMicrosPerDay) ||
      carry(interval.days, interval.months, data::kDaysPerMonth)) {
    return interval_range();
  }
  const bool rest_negative = interval.days < 0 || (interval.days == 0 && interval.micros < 0);
  const bool rest_positive = interval.days > 0 || (interval.days == 0 && interval.micros > 0);
  if (interval.months > 0 && rest_negative) {
    interval.days += data::kDaysPerMonth;
    --interval.months;
  } else if (interval.months < 0 && rest_positive) {
    interval.days -= data::kDaysPerMonth;
    ++interval.months;
  }
  same_sign(interval.micros, interval.days, kMicrosPerDay);
  return interval_datum(interval);
}

// ---- bins

Result<Datum> date_bin(Arguments arguments) {
  const Interval stride = interval_at(arguments, 0);
  const std::int64_t moment = integer_at(arguments, 1), origin = integer_at(arguments, 2);
  if (!data::is_finite_timestamp(moment)) return moment;
  if (!data::is_finite_timestamp(origin)) return sql_error("22008", "origin out of range");
  if (stride.months != 0) {
    return sql_error("0A000",
                     "timestamps cannot be binned into intervals containing months or years");
  }
  std::int64_t width = 0, distance = 0, result = 0;
  if (__builtin_mul_overflow(std::int64_t{stride.days}, kMicrosPerDay, &width) ||
      __builtin_add_overflow(width, stride.micros, &width)) {
    return interval_range();
  }
  if (width <= 0) return sql_error("22008", "stride must be greater than zero");
  if (__builtin_sub_overflow(moment, origin, &distance)) return interval_range();
  const std::int64_t inside = distance % width;
  if (__builtin_sub_overflow(moment, inside < 0 ? inside + width : inside, &result)) {
    return timestamp_range();
  }
  return result;
}

Result<Datum> is_finite_date(Arguments arguments) {
  return std::int64_t{data::is_finite_date(integer_at(arguments, 0))};
}
Result<Datum> is_finite_moment(Arguments arguments) {
  return std::int64_t{data::is_finite_timestamp(integer_at(arguments, 0))};
}
Result<Datum> is_finite_interval(Arguments) {
  return std::int64_t{1};
}

// ---- times of day

std::int64_t of_day(std::int64_t micros) {
  micros %= kMicrosPerDay;
  return micros < 0 ? micros + kMicrosPerDay : micros;
}
Result<Datum> time_add_interval(Arguments arguments) {
  const std::int64_t micros = interval_at(arguments, 1).micros % kMicrosPerDay;
  return of_day(integer_at(arguments, 0) + micros);
}
Result<Datum> time_sub_interval(Arguments arguments) {
  const std::int64_t micros = interval_at(arguments, 1).micros % kMicrosPerDay;
  return of_day(integer_at(arguments, 0) - micros);
}
Result<Datum> interval_to_time(Arguments arguments) {
  return of_day(interval_at(arguments, 0).micros);
}
Result<Datum> time_sub(Arguments arguments) {
  return interval_datum({0, 0, integer_at(arguments, 0) - integer_at(arguments, 1)});
}
Result<Datum> date_add_time(Arguments arguments) {
  SPAR_ASSIGN(const std::int64_t midnight, data::date_to_timestamp(integer_at(arguments, 0)));
  if (!data::is_finite_timestamp(midnight)) return midnight;
  const data::DayAndTime day = data::split_timestamp(midnight);
  const auto moment = data::join_timestamp(day.days, integer_at(arguments, 1));
  if (!moment) return timestamp_range();
  return *moment;
}

// ---- zones

// Seconds east of UTC of a zone that has one offset for ever.
std::optional<std::int64_t> fixed_zone(std::string_view name, bool posix) {
  std::string word(name);
  for (char& c : word) c = data::to_lower(c);
  for (const std::string_view utc : {"utc", "gmt", "z", "ut", "zulu", "etc/utc", "etc/gmt"}) {
    if (word == utc) return 0;
  }
  if (word.size() < 2 || (word[0] != '+' && word[0] != '-')) return std::nullopt;
  int hours = 0, minutes = 0, read = 0;
  const bool split = std::sscanf(word.c_str() + 1, "%2d:%2d%n", &hours, &minutes, &read) == 2 &&
                     static_cast<std::size_t>(read) + 1 == word.size();
  if (!split) {
    minutes = 0;
    const bool whole = word.size() <= 3 && std::sscanf(word.c_str() + 1, "%2d%n", &hours, &read) &&
                       static_cast<std::size_t>(read) + 1 == word.size();
    if (!whole) return std::nullopt;
  }
  if (hours > 14 || minutes > 59) return std::nullopt;
  const std::int64_t seconds = hours * 3600 + minutes * 60;
  // The name of a zone counts westwards, as POSIX has it; a field of a moment eastwards.
  return (word[0] == '-') == posix ? seconds : -seconds;
}

Failure no_zone(std::string_view name) {
  return not_supported("time zone \"" + std::string(name) + "\"");
}

Result<Datum> moved(std::int64_t micros, std::int64_t seconds) {
  if (!data::is_finite_timestamp(micros)) return micros;
  std::int64_t result = 0;
  const bool over = __builtin_add_overflow(micros, seconds * data::kMicrosPerSecond, &result);
  if (over || result < data::kTimestampMin || result > data::kTimestampMax) {
    return timestamp_range();
  }
  return result;
}

// to_local: a timestamptz as the zone's clocks show it; else a timestamp there as a timestamptz.
template <bool to_local>
Result<Datum> at_named_zone(Arguments arguments) {
  const auto seconds = fixed_zone(text_at(arguments, 0), true);
  if (!seconds) return no_zone(text_at(arguments, 0));
  return moved(integer_at(arguments, 1), to_local ? *seconds : -*seconds);
}

template <bool to_local>
Result<Datum> at_interval_zone(Arguments arguments) {
  const Interval zone = interval_at(arguments, 0);
  if (zone.months != 0 || zone.days != 0) {
    std::string text;
    data::format_interval(blob_at(arguments, 0), text);
    return sql_error("22023",
                     "interval time zone \"" + text + "\" must not include months or days");
  }
  const std::int64_t seconds = zone.micros / data::kMicrosPerSecond;
  return moved(integer_at(arguments, 1), to_local ? seconds : -seconds);
}

Result<Datum> make_timestamptz(Arguments arguments) {
  SPAR_ASSIGN(const std::int64_t moment, moment_of(arguments));
  if (arguments.size() < 7) return moment;
  const auto seconds = fixed_zone(text_at(arguments, 6), false);
  if (!seconds) return no_zone(text_at(arguments, 6));
  return moved(moment, -*seconds);
}

// ---- overlaps

// (a, b) OVERLAPS (c, d): ends in either order, one of them may be missing.
Result<Datum> overlaps(Arguments arguments) {
  using Moment = std::optional<std::int64_t>;
  const auto at = [&](std::size_t i) {
    return null_at(arguments, i) ? Moment() : Moment(integer_at(arguments, i));
  };
  Moment a = at(0), b = at(1), c = at(2), d = at(3);
  for (auto [start, end] : {std::pair(&a, &b), std::pair(&c, &d)}) {
    if (!*start || (*end && **start > **end)) std::swap(*start, *end);
    if (!*start) return Datum{};
  }
  if (*a == *c) return b && d ? Datum(std::int64_t{1}) : Datum{};
  // Whether the later one begins before the earlier one ends.
  const auto decide = [](std::int64_t later, const Moment& later_end, const Moment& earlier_end) {
    if (!earlier_end) return Datum{};
    if (later < *earlier_end) return Datum(std::int64_t{1});
    return later_end ? Datum(std::int64_t{0}) : Datum{};
  };
  return *a > *c ? decide(*a, b, d) : decide(*c, d, b);
}

constexpr ScalarEntry kEntries[] = {
    {"spar_make_time", 3, false, make_time},
    {"spar_make_timestamp", 6, false, make_timestamp},
    {"spar_make_timestamptz", 6, false, make_timestamptz},
    {"spar_make_timestamptz", 7, false, make_timestamptz},
    {"spar_make_interval", 7, false, make_interval},
    {"spar_justify_days", 1, false, justify_days},
    {"spar_justify_hours", 1, false, justify_hours},
    {"spar_justify_interval", 1, false, justify_interval},
    {"spar_date_bin", 3, false, date_bin},
    {"spar_isfinite_date", 1, false, is_finite_date},
    {"spar_isfinite_moment", 1, false, is_finite_moment},
    {"spar_isfinite_interval", 1, false, is_finite_interval},
    {"spar_time_add_interval", 2, false, time_add_interval},
    {"spar_time_sub_interval", 2, false, time_sub_interval},
    {"spar_interval_to_time", 1, false, interval_to_time},
    {"spar_time_sub", 2, false, time_sub},
    {"spar_date_add_time", 2, false, date_add_time},
    {"spar_local_of_zone", 2, false, at_named_zone<true>},
    {"spar_moment_of_zone", 2, false, at_named_zone<false>},
    {"spar_local_of_interval", 2, false, at_interval_zone<true>},
    {"spar_moment_of_interval", 2, false, at_interval_zone<false>},
    {"spar_overlaps", 4, true, overlaps},
};

}  // namespace

std::span<const ScalarEntry> date_making_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
