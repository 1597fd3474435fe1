#include "query/functions/to_date.h"

#include <algorithm>
#include <optional>

#include "data/calendar.h"
#include "data/characters.h"
#include "query/functions/moment_pattern.h"

namespace spar::query::functions {
namespace {

constexpr std::size_t kDigitsMax = 9;

bool is_separator(char c) {
  return c > ' ' && c < 0x7f && !data::is_letter(c) && !data::is_digit(c);
}

// Years with less than four digits are those next to 2020.
std::int64_t near_2020(std::int64_t year) {
  if (year < 70) return year + 2000;
  if (year < 100) return year + 1900;
  if (year < 520) return year + 2000;
  return year < 1000 ? year + 1000 : year;
}

std::string_view spelled(const MomentPiece& piece) {
  switch (piece.field) {
    case MomentField::year:
      return std::string_view("YYYY").substr(0, piece.digits);
    case MomentField::iso_year:
      return std::string_view("IYYY").substr(0, piece.digits);
    case MomentField::year_comma:
      return "Y,YYY";
    case MomentField::month:
      return "MM";
    case MomentField::month_name:
      return "Month";
    case MomentField::month_short:
      return "Mon";
    case MomentField::month_roman:
      return "RM";
    case MomentField::day:
      return "DD";
    case MomentField::day_of_year:
      return "DDD";
    case MomentField::day_name:
      return "Day";
    case MomentField::day_short:
      return "Dy";
    case MomentField::iso_week:
      return "IW";
    case MomentField::julian:
      return "J";
    case MomentField::hour24:
      return "HH24";
    case MomentField::hour12:
      return "HH12";
    case MomentField::minute:
      return "MI";
    case MomentField::second:
      return "SS";
    default:
      return "pattern";
  }
}

// How many digits a field has at most where the next one follows without a separator.
std::size_t width(const MomentPiece& piece) {
  switch (piece.field) {
    case MomentField::year:
    case MomentField::iso_year:
    case MomentField::fraction:
      return static_cast<std::size_t>(piece.digits);
    case MomentField::day_of_year:
    case MomentField::iso_day_of_year:
      return 3;
    case MomentField::day_of_week:
    case MomentField::iso_day_of_week:
    case MomentField::week_of_month:
    case MomentField::quarter:
      return 1;
    case MomentField::julian:
      return kDigitsMax;
    case MomentField::seconds_of_day:
      return 5;
    default:
      return 2;
  }
}

bool is_number(MomentField field) {
  switch (field) {
    case MomentField::literal:
    case MomentField::month_name:
    case MomentField::month_short:
    case MomentField::month_roman:
    case MomentField::day_name:
    case MomentField::day_short:
    case MomentField::era:
    case MomentField::era_dots:
    case MomentField::meridian:
    case MomentField::meridian_dots:
    case MomentField::zone_name:
    case MomentField::zone_offset:
    case MomentField::zone_hours:
    case MomentField::zone_minutes:
      return false;
    default:
      return true;
  }
}

class Reader {
 public:
  explicit Reader(std::string_view text) : whole_(text), text_(text) {}

  Result<void> read(std::string_view pattern) {
    const auto pieces = cut_moment_pattern(pattern);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const MomentPiece& piece = pieces[i];
      if (piece.field == MomentField::literal) {
        skip(piece);
        continue;
      }
      skip_blanks();
      if (text_.empty()) break;
      const bool joined = i + 1 < pieces.size() && is_number(pieces[i + 1].field);
      SPAR_TRY(is_number(piece.field) ? number(piece, joined) : word(piece));
      if (!piece.ordinal.empty()) text_.remove_prefix(std::min<std::size_t>(2, text_.size()));
    }
    return {};
  }

  // Microseconds since midnight.
  Result<std::int64_t> clock() const {
    if (has_zone_) return not_supported("a time zone in to_timestamp()");
    std::int64_t hour = hour_;
    if (twelve_hours_) {
      if (hour < 1 || hour > 12) {
        Failure failure = sql_error(
            "22007", "hour \"" + std::to_string(hour) + "\" is invalid for the 12-hour clock");
        failure.error().hint = "Use the 24-hour clock, or give an hour between 1 and 12.";
        return failure;
      }
      hour = hour % 12 + (afternoon_ ? 12 : 0);
    }
    std::int64_t minute = minute_, second = second_;
    if (seconds_of_day_) {
      hour = *seconds_of_day_ / 3600;
      minute = *seconds_of_day_ / 60 % 60;
      second = *seconds_of_day_ % 60;
    }
    if (hour > 23 || minute > 59 || second > 59) return out_of_range();
    return ((hour * 60 + minute) * 60 + second) * data::kMicrosPerSecond + micros_;
  }

 private:
  void skip_blanks() {
    while (!text_.empty() && data::is_blank(text_[0])) text_.remove_prefix(1);
  }

  // A separator of the pattern stands for any one in the text, with blanks around; other literals
  // stand for as many characters.
  void skip(const MomentPiece& piece) {
    if (piece.separator) {
      skip_blanks();
      if (!text_.empty() && is_separator(text_[0])) text_.remove_prefix(1);
      return;
    }
    text_.remove_prefix(data::prefix_bytes(text_, data::character_count(piece.text)));
  }

  Failure invalid(const MomentPiece& piece, std::string_view value) const {
    return sql_error("22007", "invalid value \"" + std::string(value) + "\" for \"" +
                                  std::string(spelled(piece)) + "\"");
  }

  Result<void> number(const MomentPiece& piece, bool joined) {
    if (piece.field == MomentField::year_comma) return year_with_comma(piece);
    const std::size_t most = joined ? std::min(width(piece), kDigitsMax) : kDigitsMax;
    std::int64_t value = 0;
    std::size_t size = 0;
    while (size < most && size < text_.size() && data::is_digit(text_[size])) {
      value = value * 10 + (text_[size++] - '0');
    }
    if (size == 0) return invalid(piece, text_.substr(0, width(piece)));
    text_.remove_prefix(size);
    take(piece, value, size);
    return {};
  }

  Result<void> year_with_comma(const MomentPiece& piece) {
    const std::size_t size = text_.find_first_not_of("0123456789,");
    std::string digits(text_.substr(0, size));
    std::erase(digits, ',');
    if (digits.empty() || digits.size() > kDigitsMax) return invalid(piece, text_.substr(0, 5));
    year_ = std::stoll(digits);
    text_.remove_prefix(std::min(size, text_.size()));
    return {};
  }

  void take(const MomentPiece& piece, std::int64_t value, std::size_t digits) {
    switch (piece.field) {
      case MomentField::year:
        year_ = piece.digits < 4 && digits < 4 ? near_2020(value) : value;
        break;
      case MomentField::iso_year:
        iso_year_ = piece.digits < 4 && digits < 4 ? near_2020(value) : value;
        break;
      case MomentField::century:
        century_ = value;
        break;
      case MomentField::month:
        month_ = value;
        break;
      case MomentField::day:
        day_ = value;
        break;
      case MomentField::day_of_year:
        day_of_year_ = value;
        break;
      case MomentField::iso_week:
        iso_week_ = value;
        break;
      case MomentField::iso_day_of_week:
        iso_weekday_ = value;
        break;
      case MomentField::julian:
        julian_ = value;
        break;
      case MomentField::hour12:
        twelve_hours_ = true;
        hour_ = value;
        break;
      case MomentField::hour24:
        hour_ = value;
        break;
      case MomentField::minute:
        minute_ = value;
        break;
      case MomentField::second:
        second_ = value;
        break;
      case MomentField::seconds_of_day:
        seconds_of_day_ = value;
        break;
      case MomentField::fraction:
        micros_ = value;
        for (std::size_t i = digits; i < 6; ++i) micros_ *= 10;
        break;
      default:
        break;
    }
  }

  // The place of the name that the text begins with, the longest one.
  template <class Names>
  std::optional<std::int64_t> name(const Names& names, std::size_t size_max) {
    std::optional<std::int64_t> found;
    std::size_t found_size = 0;
    std::int64_t index = 0;
    for (std::string_view candidate : names) {
      candidate = candidate.substr(0, size_max);
      const auto same = [&](char a, char b) { return data::to_lower(a) == data::to_lower(b); };
      const std::string_view head = text_.substr(0, candidate.size());
      if (candidate.size() > found_size && std::ranges::equal(head, candidate, same)) {
        found = index;
        found_size = candidate.size();
      }
      ++index;
    }
    text_.remove_prefix(found_size);
    return found;
  }

  Result<void> word(const MomentPiece& piece) {
    std::optional<std::int64_t> found;
    switch (piece.field) {
      case MomentField::month_name:
        found = name(kMonthNames, 9);
        break;
      case MomentField::month_short:
        found = name(kMonthNames, 3);
        break;
      case MomentField::month_roman:
        found = name(kRomanMonths, 4);
        break;
      case MomentField::day_name:
        return known(piece, name(kDayNames, 9));
      case MomentField::day_short:
        return known(piece, name(kDayNames, 3));
      case MomentField::era:
      case MomentField::era_dots:
        before_christ_ = data::to_lower(text_[0]) == 'b';
        break;
      case MomentField::meridian:
      case MomentField::meridian_dots:
        return meridian(piece);
      case MomentField::zone_name:
      case MomentField::zone_offset:
      case MomentField::zone_hours:
      case MomentField::zone_minutes:
        has_zone_ = true;
        break;
      default:
        break;
    }
    if (piece.field == MomentField::month_name || piece.field == MomentField::month_short ||
        piece.field == MomentField::month_roman) {
      SPAR_TRY(known(piece, found));
      month_ = *found + 1;
      return {};
    }
    const std::size_t size = text_.find_first_of(" \t-/,:");
    text_.remove_prefix(std::min(size, text_.size()));
    return {};
  }
  Result<void> meridian(const MomentPiece& piece) {
    constexpr std::string_view kPlain[] = {"AM", "PM"}, kDots[] = {"A.M.", "P.M."};
    const auto found = piece.field == MomentField::meridian ? name(kPlain, 2) : name(kDots, 4);
    if (!found) return invalid(piece, text_.substr(0, text_.find_first_of(" \t-/,:")));
    twelve_hours_ = true;
    afternoon_ = *found == 1;
    return {};
  }
  Result<void> known(const MomentPiece& piece, const std::optional<std::int64_t>& found) const {
    if (found) return {};
    const std::size_t size = text_.find_first_of(" \t-/,:");
    return invalid(piece, text_.substr(0, size));
  }

  Failure out_of_range() const {  // of the text
    return sql_error("22008",
                     "date/time field value out of range: \"" + std::string(whole_) + "\"");
  }

 public:
  Result<std::int64_t> date() const {
    if (julian_) return *julian_ - data::kJulianDayOfEpoch;
    if (iso_year_) return iso_date();
    std::int64_t year = year_.value_or(century_ ? (*century_ - 1) * 100 + 1 : 0);
    if (before_christ_ && year > 0) year = 1 - year;
    if (day_of_year_ && !month_) {
      const std::int64_t first = data::join_date({year, 1, 1});
      if (*day_of_year_ < 1 || *day_of_year_ > 366) return out_of_range();
      return first + *day_of_year_ - 1;
    }
    const std::int64_t month = month_.value_or(1), day = day_.value_or(1);
    const bool valid = month >= 1 && month <= 12 && day >= 1 &&
                       day <= data::days_in_month(year, static_cast<int>(month));
    if (!valid) return out_of_range();
    const std::int64_t days =
        data::join_date({year, static_cast<int>(month), static_cast<int>(day)});
    if (days < data::kDateMin || days > data::kDateMax) {
      return sql_error("22008", "date out of range: \"" + std::string(whole_) + "\"");
    }
    return days;
  }

 private:
  Result<std::int64_t> iso_date() const {
    const std::int64_t fourth = data::join_date({*iso_year_, 1, 4});
    const std::int64_t monday = fourth - (data::day_of_week(fourth) + 6) % 7;
    const std::int64_t week = iso_week_.value_or(1), weekday = iso_weekday_.value_or(1);
    if (week < 1 || week > 53 || weekday < 1 || weekday > 7) return out_of_range();
    return monday + (week - 1) * 7 + weekday - 1;
  }

  std::string_view whole_, text_;
  std::optional<std::int64_t> year_, iso_year_, century_, month_, day_, day_of_year_, iso_week_,
      iso_weekday_, julian_;
  bool before_christ_ = false;
  std::int64_t hour_ = 0, minute_ = 0, second_ = 0, micros_ = 0;
  std::optional<std::int64_t> seconds_of_day_;
  bool twelve_hours_ = false, afternoon_ = false, has_zone_ = false;
};

}  // namespace

Result<std::int64_t> date_by_pattern(std::string_view text, std::string_view pattern) {
  Reader reader(text);
  SPAR_TRY(reader.read(pattern));
  return reader.date();
}

Result<std::int64_t> moment_by_pattern(std::string_view text, std::string_view pattern) {
  Reader reader(text);
  SPAR_TRY(reader.read(pattern));
  SPAR_ASSIGN(const std::int64_t clock, reader.clock());
  SPAR_ASSIGN(const std::int64_t days, reader.date());
  const auto moment = data::join_timestamp(days, clock);
  if (!moment) return sql_error("22008", "timestamp out of range");
  return *moment;
}

}  // namespace spar::query::functions
