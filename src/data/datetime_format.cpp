// The way out of data/datetime_text.h.
#include <cstdio>
#include <cstdlib>

#include "data/calendar.h"
#include "data/datetime_text.h"

namespace spar::data {
namespace {

void two_digits(std::int64_t value, std::string& out) {
  if (value >= 100) {
    out += std::to_string(value);
    return;
  }
  out.push_back(static_cast<char>('0' + value / 10));
  out.push_back(static_cast<char>('0' + value % 10));
}

void fraction(int micros, std::string& out) {
  if (micros == 0) return;
  char digits[8];
  std::snprintf(digits, sizeof(digits), ".%06d", micros);
  out += digits;
  while (out.back() == '0') out.pop_back();
}

// BC years come without their sign.
void civil(const CivilDate& date, std::string& out) {
  const std::int64_t year = date.year > 0 ? date.year : 1 - date.year;
  char digits[24];
  std::snprintf(digits, sizeof(digits), "%04lld", static_cast<long long>(year));
  out += digits;
  out.push_back('-');
  two_digits(date.month, out);
  out.push_back('-');
  two_digits(date.day, out);
}

void era(const CivilDate& date, std::string& out) {
  if (date.year <= 0) out += " BC";
}

void offset(int seconds, std::string& out) {
  out.push_back(seconds < 0 ? '-' : '+');
  seconds = std::abs(seconds);
  two_digits(seconds / 3600, out);
  if (seconds % 3600 == 0) return;
  out.push_back(':');
  two_digits(seconds / 60 % 60, out);
  if (seconds % 60 == 0) return;
  out.push_back(':');
  two_digits(seconds % 60, out);
}

bool infinity(std::int64_t micros, std::string& out) {
  if (is_finite_timestamp(micros)) return false;
  out += micros < 0 ? "-infinity" : "infinity";
  return true;
}

// One part of an interval, such as "-1 years", with its blank before it and, where a negative part
// stands before it, a plus sign.
class IntervalWriter {
 public:
  explicit IntervalWriter(std::string& out) : out_(out) {}
  void part(std::int64_t value, std::string_view unit) {
    if (value == 0) return;
    separate();
    if (negative_before_ && value > 0) out_.push_back('+');
    out_ += std::to_string(value);
    out_.push_back(' ');
    out_ += unit;
    if (value != 1) out_.push_back('s');
    negative_before_ = value < 0;
  }
  void time(std::int64_t micros) {
    if (micros == 0 && !first_) return;
    separate();
    if (micros < 0) {
      out_.push_back('-');
    } else if (negative_before_) {
      out_.push_back('+');
    }
    const auto magnitude =
        micros < 0 ? -static_cast<std::uint64_t>(micros) : static_cast<std::uint64_t>(micros);
    const std::uint64_t seconds = magnitude / kMicrosPerSecond;
    two_digits(static_cast<std::int64_t>(seconds / 3600), out_);
    out_.push_back(':');
    two_digits(static_cast<std::int64_t>(seconds / 60 % 60), out_);
    out_.push_back(':');
    two_digits(static_cast<std::int64_t>(seconds % 60), out_);
    fraction(static_cast<int>(magnitude % kMicrosPerSecond), out_);
  }

 private:
  void separate() {
    if (!first_) out_.push_back(' ');
    first_ = false;
  }
  std::string& out_;
  bool first_ = true;
  bool negative_before_ = false;
};

}  // namespace

void format_date(std::int64_t days, std::string& out) {
  if (!is_finite_date(days)) {
    out += days < 0 ? "-infinity" : "infinity";
    return;
  }
  const CivilDate date = split_date(days);
  civil(date, out);
  era(date, out);
}

void format_time(std::int64_t micros, std::string& out) {
  const ClockTime time = split_time(micros);
  two_digits(time.hour, out);
  out.push_back(':');
  two_digits(time.minute, out);
  out.push_back(':');
  two_digits(time.second, out);
  fraction(time.microsecond, out);
}

void format_timestamp(std::int64_t micros, std::string& out) {
  if (infinity(micros, out)) return;
  const DayAndTime moment = split_timestamp(micros);
  const CivilDate date = split_date(moment.days);
  civil(date, out);
  out.push_back(' ');
  format_time(moment.micros, out);
  era(date, out);
}

void format_timestamptz(std::int64_t micros, const TextContext& context, std::string& out) {
  if (infinity(micros, out)) return;
  const int seconds = zone_offset_seconds(context);
  DayAndTime moment = split_timestamp(micros);
  const DayAndTime shift = split_timestamp(moment.micros + seconds * kMicrosPerSecond);
  const CivilDate date = split_date(moment.days + shift.days);
  civil(date, out);
  out.push_back(' ');
  format_time(shift.micros, out);
  offset(seconds, out);
  era(date, out);
}

void format_interval(std::string_view blob, std::string& out) {
  const Interval interval = interval_from_blob(blob);
  IntervalWriter writer(out);
  writer.part(interval.months / kMonthsPerYear, "year");
  writer.part(interval.months % kMonthsPerYear, "mon");
  writer.part(interval.days, "day");
  writer.time(interval.micros);
}

}  // namespace spar::data
