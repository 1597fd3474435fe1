#include "data/calendar.h"

#include "base/bytes.h"

namespace spar::data {
namespace {

constexpr std::int64_t kDaysPer400Years = 146097;
constexpr std::int64_t kDaysFromMarchYear0 = 730425;  // 0000-03-01 to 2000-01-01

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

bool is_leap(std::int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

constexpr std::uint32_t kSign32 = 0x80000000U;
constexpr std::uint64_t kSign64 = std::uint64_t{1} << 63;

}  // namespace

// Years are counted from March here, so that the leap day is the last one.
std::int64_t join_date(const CivilDate& date) {
  const std::int64_t year = date.year - (date.month <= 2 ? 1 : 0);
  const std::int64_t era = floor_div(year, 400);
  const std::int64_t year_of_era = year - era * 400;
  const int month = (date.month + 9) % 12;
  const std::int64_t day_of_march_year = (153 * month + 2) / 5 + date.day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_march_year;
  return era * kDaysPer400Years + day_of_era - kDaysFromMarchYear0;
}

CivilDate split_date(std::int64_t days) {
  days += kDaysFromMarchYear0;
  const std::int64_t era = floor_div(days, kDaysPer400Years);
  const std::int64_t day_of_era = days - era * kDaysPer400Years;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const auto month = static_cast<int>((5 * day + 2) / 153);
  CivilDate date;
  date.day = static_cast<int>(day - (153 * month + 2) / 5) + 1;
  date.month = month < 10 ? month + 3 : month - 9;
  date.year = era * 400 + year_of_era + (date.month <= 2 ? 1 : 0);
  return date;
}

int days_in_month(std::int64_t year, int month) {
  if (month == 2) return is_leap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

int day_of_week(std::int64_t days) {  // 2000-01-01 was a Saturday
  return static_cast<int>(days + 6 - floor_div(days + 6, 7) * 7);
}

int day_of_year(const CivilDate& date) {
  return static_cast<int>(join_date(date) - join_date({date.year, 1, 1})) + 1;
}

// The week belongs to the year that has its Thursday.
IsoWeek iso_week(std::int64_t days) {
  const int weekday = (day_of_week(days) + 6) % 7;  // Monday is 0
  const std::int64_t thursday = days - weekday + 3;
  const std::int64_t year = split_date(thursday).year;
  return {year, static_cast<int>((thursday - join_date({year, 1, 1})) / 7) + 1};
}

std::int64_t join_time(const ClockTime& time) {
  return time.hour * kMicrosPerHour + time.minute * kMicrosPerMinute +
         time.second * kMicrosPerSecond + time.microsecond;
}

ClockTime split_time(std::int64_t micros) {
  return {static_cast<int>(micros / kMicrosPerHour),
          static_cast<int>(micros / kMicrosPerMinute % 60),
          static_cast<int>(micros / kMicrosPerSecond % 60),
          static_cast<int>(micros % kMicrosPerSecond)};
}

DayAndTime split_timestamp(std::int64_t micros) {
  const std::int64_t days = floor_div(micros, kMicrosPerDay);
  return {days, micros - days * kMicrosPerDay};
}

std::optional<std::int64_t> join_timestamp(std::int64_t days, std::int64_t micros) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(days, kMicrosPerDay, &result)) return std::nullopt;
  if (__builtin_add_overflow(result, micros, &result)) return std::nullopt;
  if (result < kTimestampMin || result > kTimestampMax) return std::nullopt;
  return result;
}

Result<std::int64_t> date_to_timestamp(std::int64_t days) {
  if (days == kDateInfinity) return kTimestampInfinity;
  if (days == kDateMinusInfinity) return kTimestampMinusInfinity;
  if (auto joined = join_timestamp(days, 0)) return *joined;
  return sql_error("22008", "date out of range for timestamp");
}

std::int64_t round_to_digits(std::int64_t micros, int digits) {
  if (digits < 0 || digits >= 6 || !is_finite_timestamp(micros)) return micros;
  std::int64_t unit = 1;
  for (int i = digits; i < 6; ++i) unit *= 10;
  const std::int64_t half = micros < 0 ? -unit / 2 : unit / 2;
  return (micros + half) / unit * unit;
}

std::string interval_to_blob(const Interval& interval) {
  std::string blob;
  blob.reserve(kIntervalSize);
  ByteWriter writer(blob);
  writer.be(static_cast<std::uint32_t>(interval.months) ^ kSign32);
  writer.be(static_cast<std::uint32_t>(interval.days) ^ kSign32);
  writer.be(static_cast<std::uint64_t>(interval.micros) ^ kSign64);
  return blob;
}

Interval interval_from_blob(std::string_view blob) {
  if (blob.size() != kIntervalSize) return {};
  ByteReader reader(blob);
  Interval interval;
  interval.months = static_cast<std::int32_t>(reader.be<std::uint32_t>() ^ kSign32);
  interval.days = static_cast<std::int32_t>(reader.be<std::uint32_t>() ^ kSign32);
  interval.micros = static_cast<std::int64_t>(reader.be<std::uint64_t>() ^ kSign64);
  return interval;
}

std::string interval_key(const Interval& interval) {
  const std::int64_t days = std::int64_t{interval.months} * kDaysPerMonth + interval.days +
                            floor_div(interval.micros, kMicrosPerDay);
  const std::int64_t micros =
      interval.micros - floor_div(interval.micros, kMicrosPerDay) * kMicrosPerDay;
  std::string key;
  ByteWriter writer(key);
  writer.be(static_cast<std::uint64_t>(days) ^ kSign64);
  writer.be(micros);
  return key;
}

}  // namespace spar::data
