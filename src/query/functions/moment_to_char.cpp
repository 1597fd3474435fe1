#include <cstdlib>

#include "data/characters.h"
#include "query/functions/moment_pattern.h"
#include "query/functions/to_char.h"

namespace spar::query::functions {
namespace {

using data::CivilDate;

// What a pattern can show of a timestamp or of an interval.
struct Moment {
  std::int64_t year = 0;   // astronomical
  std::int64_t month = 0;  // 0 in an interval without
  std::int64_t day = 0;
  std::int64_t hour = 0, minute = 0, second = 0, micros = 0;
  std::int64_t day_of_year = 0;
  std::int64_t days = 0;  // since 2000-01-01, of a timestamp
  std::string_view zone;
  bool interval = false;
};

std::string padded(std::int64_t value, int width, bool fill) {
  std::string digits = std::to_string(std::llabs(value));
  const auto wanted = static_cast<std::size_t>(fill ? 0 : width);
  if (digits.size() < wanted) digits.insert(0, wanted - digits.size(), '0');
  return value < 0 ? "-" + digits : digits;
}

std::string_view ordinal_of(std::int64_t number) {
  const std::int64_t last = number % 10, tens = number / 10 % 10;
  if (tens == 1) return "th";
  return last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th";
}

std::string in_case(std::string_view name, LetterCase letters) {
  std::string result(name);
  for (char& c : result) {
    if (letters == LetterCase::upper) c = data::to_upper(c);
    if (letters == LetterCase::lower) c = data::to_lower(c);
  }
  return result;
}

std::string name(std::string_view text, const MomentPiece& piece, std::size_t width) {
  std::string result = in_case(text, piece.letters);
  if (!piece.fill && result.size() < width) result.resize(width, ' ');
  return result;
}

class Writer {
 public:
  Writer(const Moment& moment, std::string& out) : moment_(moment), out_(out) {}

  bool write(const MomentPiece& piece) {
    if (moment_.interval && needs_calendar(piece.field)) return false;
    if (piece.field == MomentField::literal) {
      out_ += piece.text;
    } else if (!write_name(piece) && !write_zone(piece)) {
      const Number number = number_of(piece);
      out_ += padded(number.value, number.width, piece.fill);
      if (!piece.ordinal.empty()) {
        out_ += in_case(ordinal_of(std::llabs(number.value)),
                        piece.ordinal == "TH" ? LetterCase::upper : LetterCase::lower);
      }
    }
    return true;
  }

 private:
  struct Number {
    std::int64_t value;
    int width;
  };

  static bool needs_calendar(MomentField field) {
    switch (field) {
      case MomentField::month_name:
      case MomentField::month_short:
      case MomentField::day_name:
      case MomentField::day_short:
      case MomentField::day_of_week:
      case MomentField::iso_day_of_week:
      case MomentField::era:
      case MomentField::era_dots:
      case MomentField::zone_name:
      case MomentField::zone_offset:
      case MomentField::zone_hours:
      case MomentField::zone_minutes:
        return true;
      default:
        return false;
    }
  }

  bool write_name(const MomentPiece& piece) {
    const auto month = static_cast<std::size_t>(moment_.month - 1);
    const auto weekday = [&] { return kDayNames[data::day_of_week(moment_.days)]; };
    switch (piece.field) {
      case MomentField::month_name:
        out_ += name(kMonthNames[month], piece, 9);
        return true;
      case MomentField::month_short:
        out_ += name(kMonthNames[month].substr(0, 3), piece, 0);
        return true;
      case MomentField::day_name:
        out_ += name(weekday(), piece, 9);
        return true;
      case MomentField::day_short:
        out_ += name(weekday().substr(0, 3), piece, 0);
        return true;
      case MomentField::month_roman:
        if (moment_.month >= 1 && moment_.month <= 12) out_ += name(kRomanMonths[month], piece, 4);
        return true;
      case MomentField::era:
        write_letters(moment_.year <= 0 ? "BC" : "AD", piece);
        return true;
      case MomentField::era_dots:
        write_letters(moment_.year <= 0 ? "B.C." : "A.D.", piece);
        return true;
      case MomentField::meridian:
        write_letters(afternoon() ? "PM" : "AM", piece);
        return true;
      case MomentField::meridian_dots:
        write_letters(afternoon() ? "P.M." : "A.M.", piece);
        return true;
      default:
        return false;
    }
  }
  void write_letters(std::string_view text, const MomentPiece& piece) {
    out_ += in_case(text, piece.letters);
  }
  bool afternoon() const { return moment_.hour % 24 >= 12; }

  bool write_zone(const MomentPiece& piece) {
    switch (piece.field) {
      case MomentField::zone_name:
        write_letters(moment_.zone, piece);
        return true;
      case MomentField::zone_offset:
      case MomentField::zone_hours:
        out_ += "+00";
        return true;
      case MomentField::zone_minutes:
        out_ += "00";
        return true;
      default:
        return false;
    }
  }

  // The sign counts for the width; an interval's fields can have one.
  static Number with_sign(std::int64_t value, int width) {
    return {value, value < 0 ? width - 1 : width};
  }
  // Years BC are shown without their sign, but in an interval.
  std::int64_t shown(std::int64_t year) const {
    return year > 0 || moment_.interval ? year : 1 - year;
  }
  static Number digits_of(std::int64_t year, int digits) {
    constexpr std::int64_t kPowers[] = {1, 10, 100, 1000};
    return {digits == 4 ? year : year % kPowers[digits], digits};
  }
  std::int64_t century() const {
    if (moment_.interval) return moment_.year / 100;
    return moment_.year > 0 ? (moment_.year - 1) / 100 + 1 : moment_.year / 100 - 1;
  }
  data::IsoWeek week() const { return data::iso_week(moment_.days); }
  // Monday of the first week of the ISO year.
  std::int64_t iso_day() const {
    const std::int64_t fourth = data::join_date({week().year, 1, 4});
    return moment_.days - (fourth - (data::day_of_week(fourth) + 6) % 7) + 1;
  }

  Number number_of(const MomentPiece& piece) const {
    switch (piece.field) {
      case MomentField::year:
        return digits_of(shown(moment_.year), piece.digits);
      case MomentField::iso_year:
        return digits_of(shown(week().year), piece.digits);
      case MomentField::century:
        return {century(), 2};
      case MomentField::month:
        return with_sign(moment_.month, 2);
      case MomentField::day:
        return with_sign(moment_.day, 2);
      case MomentField::day_of_year:
        return with_sign(moment_.day_of_year, 3);
      case MomentField::day_of_week:
        return {data::day_of_week(moment_.days) + 1, 0};
      case MomentField::iso_day_of_week:
        return {(data::day_of_week(moment_.days) + 6) % 7 + 1, 0};
      case MomentField::iso_day_of_year:
        return {iso_day(), 3};
      case MomentField::iso_week:
        return {week().week, 2};
      case MomentField::week_of_year:
        return {(moment_.day_of_year - 1) / 7 + 1, 2};
      case MomentField::week_of_month:
        return {(moment_.day - 1) / 7 + 1, 0};
      case MomentField::quarter:
        return {(moment_.month - 1) / 3 + 1, 0};
      case MomentField::julian:
        return {moment_.days + data::kJulianDayOfEpoch, 0};
      default:
        return clock_of(piece);
    }
  }

  Number clock_of(const MomentPiece& piece) const {
    switch (piece.field) {
      case MomentField::hour24:
        return {moment_.hour, 2};
      case MomentField::hour12: {
        const std::int64_t hour = moment_.hour % 12;
        return {hour == 0 ? 12 : hour, 2};
      }
      case MomentField::minute:
        return {moment_.minute, 2};
      case MomentField::second:
        return {moment_.second, 2};
      case MomentField::seconds_of_day:
        return {moment_.hour * 3600 + moment_.minute * 60 + moment_.second, 0};
      default:
        break;
    }
    std::int64_t fraction = moment_.micros;
    for (int i = piece.digits; i < 6; ++i) fraction /= 10;
    return {fraction, piece.digits};
  }

  const Moment& moment_;
  std::string& out_;
};

// 2,024; the comma stays where the year has less digits.
std::string with_comma(std::int64_t year) {
  return std::to_string(year / 1000) + "," + padded(year % 1000, 3, false);
}

Result<std::string> written(const Moment& moment, std::string_view pattern) {
  std::string out;
  Writer writer(moment, out);
  for (const MomentPiece& piece : cut_moment_pattern(pattern)) {
    if (piece.field == MomentField::year_comma) {
      out += with_comma(moment.year > 0 || moment.interval ? moment.year : 1 - moment.year);
    } else if (!writer.write(piece)) {
      Failure error = sql_error("22007", "invalid format specification for an interval value");
      error.error().hint = "Intervals are not tied to specific calendar dates.";
      return error;
    }
  }
  return out;
}

}  // namespace

std::string moment_to_char(std::int64_t micros, std::string_view zone, std::string_view pattern) {
  const data::DayAndTime split = data::split_timestamp(micros);
  const CivilDate date = data::split_date(split.days);
  const data::ClockTime time = data::split_time(split.micros);
  Moment moment;
  moment.year = date.year;
  moment.month = date.month;
  moment.day = date.day;
  moment.hour = time.hour;
  moment.minute = time.minute;
  moment.second = time.second;
  moment.micros = time.microsecond;
  moment.day_of_year = data::day_of_year(date);
  moment.days = split.days;
  moment.zone = zone;
  return *written(moment, pattern);  // only intervals are refused
}

Result<std::string> interval_to_char(const data::Interval& interval, std::string_view pattern) {
  Moment moment;
  moment.year = interval.months / data::kMonthsPerYear;
  moment.month = interval.months % data::kMonthsPerYear;
  moment.day = interval.days;
  moment.hour = interval.micros / data::kMicrosPerHour;
  moment.minute = interval.micros / data::kMicrosPerMinute % 60;
  moment.second = interval.micros / data::kMicrosPerSecond % 60;
  moment.micros = interval.micros % data::kMicrosPerSecond;
  moment.day_of_year = moment.year * 360 + moment.month * data::kDaysPerMonth + moment.day;
  moment.interval = true;
  return written(moment, pattern);
}

}  // namespace spar::query::functions
