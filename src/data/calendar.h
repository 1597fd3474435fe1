// data/calendar.h: days, times of day and intervals as PostgreSQL counts them.
//
// Contract    Dates are days, timestamps microseconds since 2000-01-01 00:00 in the proleptic
//             Gregorian calendar; year 0 is 1 BC. split and join are each other's inverse for
//             every finite value. The extremes of int32 and int64 stand for -infinity and infinity.
// Threads     Pure functions and value types.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace spar::data {

inline constexpr std::int64_t kMicrosPerSecond = 1'000'000;
inline constexpr std::int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;
inline constexpr std::int64_t kMicrosPerHour = 60 * kMicrosPerMinute;
inline constexpr std::int64_t kMicrosPerDay = 24 * kMicrosPerHour;
inline constexpr int kDaysPerMonth = 30;  // where an interval's month has to be counted in days
inline constexpr int kMonthsPerYear = 12;

inline constexpr std::int64_t kJulianDayOfEpoch = 2451545;  // 2000-01-01
inline constexpr std::int64_t kUnixDayOfEpoch = 10957;      // days from 1970-01-01 to 2000-01-01

inline constexpr std::int64_t kDateMinusInfinity = std::numeric_limits<std::int32_t>::min();
inline constexpr std::int64_t kDateInfinity = std::numeric_limits<std::int32_t>::max();
inline constexpr std::int64_t kDateMin = -2451545;    // 4714-11-24 BC
inline constexpr std::int64_t kDateMax = 2145031948;  // 5874897-12-31
inline constexpr std::int64_t kTimestampMinusInfinity = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t kTimestampInfinity = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t kTimestampMin = -211813488000000000;  // 4714-11-24 00:00 BC
inline constexpr std::int64_t kTimestampMax = 9223371331199999999;  // 294276-12-31 23:59:59.999999

inline bool is_finite_date(std::int64_t days) {
  return days != kDateMinusInfinity && days != kDateInfinity;
}
inline bool is_finite_timestamp(std::int64_t micros) {
  return micros != kTimestampMinusInfinity && micros != kTimestampInfinity;
}

struct CivilDate {
  std::int64_t year = 2000;
  int month = 1;  // 1..12
  int day = 1;
  friend bool operator==(const CivilDate&, const CivilDate&) = default;
};

std::int64_t join_date(const CivilDate& date);  // REQUIRES: a month in 1..12
CivilDate split_date(std::int64_t days);
int days_in_month(std::int64_t year, int month);
int day_of_week(std::int64_t days);  // 0 is Sunday
int day_of_year(const CivilDate& date);

struct IsoWeek {
  std::int64_t year = 0;
  int week = 0;
};
IsoWeek iso_week(std::int64_t days);

struct ClockTime {
  int hour = 0, minute = 0, second = 0, microsecond = 0;
  friend bool operator==(const ClockTime&, const ClockTime&) = default;
};
std::int64_t join_time(const ClockTime& time);
ClockTime split_time(std::int64_t micros_of_day);

// The day and the microseconds within it.
struct DayAndTime {
  std::int64_t days = 0;
  std::int64_t micros = 0;
};
DayAndTime split_timestamp(std::int64_t micros);
// Nothing outside of kTimestampMin .. kTimestampMax.
std::optional<std::int64_t> join_timestamp(std::int64_t days, std::int64_t micros);
// 22008 outside of a timestamp's range; infinities go over.
Result<std::int64_t> date_to_timestamp(std::int64_t days);

// Rounded to so many digits of the second (0..6, others change nothing), half away from zero.
std::int64_t round_to_digits(std::int64_t micros, int digits);

struct Interval {
  std::int32_t months = 0;
  std::int32_t days = 0;
  std::int64_t micros = 0;
  friend bool operator==(const Interval&, const Interval&) = default;
};

inline constexpr std::size_t kIntervalSize = 16;
std::string interval_to_blob(const Interval& interval);
Interval interval_from_blob(std::string_view blob);  // zero unless it has 16 bytes
// Bytes that order as PostgreSQL orders intervals (a month is 30 days, a day 24 hours); equal ones
// compare equal however they are written.
std::string interval_key(const Interval& interval);

}  // namespace spar::data
