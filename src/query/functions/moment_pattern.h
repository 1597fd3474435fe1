// query/functions/moment_pattern.h: the pattern of to_char and to_date for moments, taken apart.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spar::query::functions {

enum class MomentField {
  literal,
  year,        // YYYY, YYY, YY, Y: `digits` of it
  year_comma,  // Y,YYY
  iso_year,    // IYYY ... I
  century,
  month,        // MM
  month_name,   // Month
  month_short,  // Mon
  month_roman,
  day,          // DD
  day_of_year,  // DDD
  day_of_week,  // D, Sunday is 1
  day_name,
  day_short,
  iso_day_of_year,
  iso_day_of_week,
  iso_week,
  week_of_year,
  week_of_month,
  quarter,
  julian,
  era,       // BC, AD
  era_dots,  // B.C.
  hour24,
  hour12,
  minute,
  second,
  seconds_of_day,
  fraction,       // MS, US, FF1 .. FF6: `digits` of it
  meridian,       // AM, PM
  meridian_dots,  // A.M.
  zone_name,
  zone_offset,  // OF
  zone_hours,   // TZH
  zone_minutes  // TZM
};

enum class LetterCase { upper, lower, title };

struct MomentPiece {
  MomentField field = MomentField::literal;
  int digits = 0;
  LetterCase letters = LetterCase::upper;
  bool fill = false;              // FM: without blanks and zeros in front
  std::string_view ordinal = {};  // "th" or "TH"
  std::string text = {};          // of a literal
  bool separator = false;         // a literal that is neither a letter, a digit nor quoted
};

std::vector<MomentPiece> cut_moment_pattern(std::string_view pattern);

inline constexpr std::string_view kMonthNames[] = {"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};
inline constexpr std::string_view kDayNames[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                 "Thursday", "Friday", "Saturday"};
inline constexpr std::string_view kRomanMonths[] = {"I",   "II",   "III", "IV", "V",  "VI",
                                                    "VII", "VIII", "IX",  "X",  "XI", "XII"};

}  // namespace spar::query::functions
