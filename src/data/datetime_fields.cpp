#include "data/datetime_fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <vector>

#include "data/characters.h"
#include "data/datetime_tokens.h"

namespace spar::data {
namespace {

using Fault = FieldFault;
using Kind = DateTimeToken::Kind;

constexpr int kZoneHoursMax = 15;
constexpr std::size_t kNumberMax = 9;  // digits that fit an int

enum class Meaning {
  month,
  weekday,
  am,
  pm,
  bc,
  ad,
  time_follows,
  julian_follows,
  zone,
  ignored,
  epoch,
  infinity,
  midnight,
  clock
};
struct Word {
  std::string_view text;
  Meaning meaning;
  int value = 0;  // month, or a zone's minutes east of UTC
};

constexpr Word kWords[] = {
    {"january", Meaning::month, 1},
    {"jan", Meaning::month, 1},
    {"february", Meaning::month, 2},
    {"feb", Meaning::month, 2},
    {"march", Meaning::month, 3},
    {"mar", Meaning::month, 3},
    {"april", Meaning::month, 4},
    {"apr", Meaning::month, 4},
    {"may", Meaning::month, 5},
    {"june", Meaning::month, 6},
    {"jun", Meaning::month, 6},
    {"july", Meaning::month, 7},
    {"jul", Meaning::month, 7},
    {"august", Meaning::month, 8},
    {"aug", Meaning::month, 8},
    {"september", Meaning::month, 9},
    {"sept", Meaning::month, 9},
    {"sep", Meaning::month, 9},
    {"october", Meaning::month, 10},
    {"oct", Meaning::month, 10},
    {"november", Meaning::month, 11},
    {"nov", Meaning::month, 11},
    {"december", Meaning::month, 12},
    {"dec", Meaning::month, 12},
    {"sunday", Meaning::weekday},
    {"sun", Meaning::weekday},
    {"monday", Meaning::weekday},
    {"mon", Meaning::weekday},
    {"tuesday", Meaning::weekday},
    {"tue", Meaning::weekday},
    {"tues", Meaning::weekday},
    {"wednesday", Meaning::weekday},
    {"wed", Meaning::weekday},
    {"weds", Meaning::weekday},
    {"thursday", Meaning::weekday},
    {"thu", Meaning::weekday},
    {"thur", Meaning::weekday},
    {"thurs", Meaning::weekday},
    {"friday", Meaning::weekday},
    {"fri", Meaning::weekday},
    {"saturday", Meaning::weekday},
    {"sat", Meaning::weekday},
    {"am", Meaning::am},
    {"pm", Meaning::pm},
    {"bc", Meaning::bc},
    {"ad", Meaning::ad},
    {"t", Meaning::time_follows},
    {"j", Meaning::julian_follows},
    {"jd", Meaning::julian_follows},
    {"julian", Meaning::julian_follows},
    {"at", Meaning::ignored},
    {"on", Meaning::ignored},
    {"epoch", Meaning::epoch},
    {"infinity", Meaning::infinity},
    {"allballs", Meaning::midnight},
    {"now", Meaning::clock},
    {"today", Meaning::clock},
    {"tomorrow", Meaning::clock},
    {"yesterday", Meaning::clock},
    {"z", Meaning::zone, 0},
    {"zulu", Meaning::zone, 0},
    {"utc", Meaning::zone, 0},
    {"uct", Meaning::zone, 0},
    {"ut", Meaning::zone, 0},
    {"gmt", Meaning::zone, 0},
    {"wet", Meaning::zone, 0},
    {"west", Meaning::zone, 60},
    {"bst", Meaning::zone, 60},
    {"cet", Meaning::zone, 60},
    {"cest", Meaning::zone, 120},
    {"eet", Meaning::zone, 120},
    {"eest", Meaning::zone, 180},
    {"msk", Meaning::zone, 180},
    {"jst", Meaning::zone, 540},
    {"kst", Meaning::zone, 540},
    {"est", Meaning::zone, -300},
    {"edt", Meaning::zone, -240},
    {"cst", Meaning::zone, -360},
    {"cdt", Meaning::zone, -300},
    {"mst", Meaning::zone, -420},
    {"mdt", Meaning::zone, -360},
    {"pst", Meaning::zone, -480},
    {"pdt", Meaning::zone, -420},
    {"akst", Meaning::zone, -540},
    {"akdt", Meaning::zone, -480},
    {"hst", Meaning::zone, -600},
    {"nzst", Meaning::zone, 720},
    {"nzdt", Meaning::zone, 780},
    {"aest", Meaning::zone, 600},
    {"aedt", Meaning::zone, 660},
};

const Word* find_word(std::string_view text) {
  const auto* found = std::ranges::find(kWords, text, &Word::text);
  return found == std::end(kWords) ? nullptr : found;
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

// REQUIRES: digits only. Nothing when there are too many.
std::optional<int> to_int(std::string_view digits) {
  if (digits.empty() || digits.size() > kNumberMax) return std::nullopt;
  int value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

// Of ".789": 789000, rounded.
std::optional<int> fraction_micros(std::string_view with_point) {
  if (with_point.size() == 1) return 0;
  if (!all_digits(with_point.substr(1))) return std::nullopt;
  const std::string text = "0" + std::string(with_point);
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return static_cast<int>(std::rint(value * 1e6));
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

class Decoder {
 public:
  Decoder(bool time_only, DateTimeFields& fields) : time_only_(time_only), fields_(fields) {}

  Fault run(const std::vector<DateTimeToken>& tokens) {
    if (tokens.empty()) return Fault::syntax;
    for (const DateTimeToken& token : tokens) {
      if (special_seen()) return Fault::syntax;  // "infinity" stands alone
      if (Fault fault = decode(token); fault != Fault::none) return fault;
    }
    if (time_follows_ || julian_follows_) return Fault::syntax;
    if (special_seen()) return tokens.size() == 1 ? Fault::none : Fault::syntax;
    return finish();
  }

 private:
  bool special_seen() const { return fields_.special != DateTimeFields::Special::none; }
  bool date_complete() const { return fields_.days || (year_ && month_ && day_); }
  bool date_begun() const { return fields_.days || year_ || month_ || day_; }

  Fault decode(const DateTimeToken& token) {
    switch (token.kind) {
      case Kind::number:
        return number_token(token.text);
      case Kind::time:
        return time_token(token.text);
      case Kind::date:
        return date_token(token.text);
      case Kind::word:
        return word_token(token.text);
      case Kind::zone:
        return zone_token(token.text);
      case Kind::special:
        return special_token(token.text);
    }
    return Fault::syntax;
  }

  Fault special_token(std::string_view text) {
    if (text.substr(1) != "infinity") return Fault::syntax;
    fields_.special = text[0] == '-' ? DateTimeFields::Special::minus_infinity
                                     : DateTimeFields::Special::infinity;
    return Fault::none;
  }

  Fault word_token(std::string_view text) {
    const Word* word = find_word(text);
    if (word == nullptr) return Fault::syntax;
    switch (word->meaning) {
      case Meaning::month:
        return text_month(word->value);
      case Meaning::weekday:
      case Meaning::ignored:
        return Fault::none;
      case Meaning::am:
      case Meaning::pm:
        meridian_ = word->meaning;
        return Fault::none;
      case Meaning::bc:
        before_christ_ = true;
        return Fault::none;
      case Meaning::ad:
        return Fault::none;
      case Meaning::time_follows:
        time_follows_ = true;
        return Fault::none;
      case Meaning::julian_follows:
        julian_follows_ = true;
        return Fault::none;
      case Meaning::zone:
        return set_zone(word->value * 60);
      case Meaning::midnight:
        return set_time(0);
      case Meaning::epoch:
        fields_.special = DateTimeFields::Special::epoch;
        return Fault::none;
      case Meaning::infinity:
        fields_.special = DateTimeFields::Special::infinity;
        return Fault::none;
      case Meaning::clock:
        return Fault::clock;
    }
    return Fault::syntax;
  }

  Fault text_month(int month) {
    // "18 Jan 1999": a number that was taken for the month is the day.
    if (month_ && !text_month_ && !day_ && *month_ >= 1 && *month_ <= 31)
      day_ = month_;
    else if (month_)
      return Fault::syntax;
    month_ = month;
    text_month_ = true;
    return Fault::none;
  }

  Fault set_time(std::int64_t micros) {
    if (fields_.micros) return Fault::syntax;
    time_follows_ = false;
    fields_.micros = micros;
    return Fault::none;
  }
  Fault set_zone(int seconds) {
    if (fields_.zone_seconds) return Fault::syntax;
    fields_.zone_seconds = seconds;
    return Fault::none;
  }

  Fault clock(std::string_view hours, std::string_view minutes, std::string_view seconds,
              std::string_view fraction) {
    const auto hour = to_int(hours), minute = to_int(minutes);
    const auto second = seconds.empty() ? std::optional<int>(0) : to_int(seconds);
    const auto micros = fraction.empty() ? std::optional<int>(0) : fraction_micros(fraction);
    if (!hour || !minute || !second || !micros) return Fault::syntax;
    const bool past_midnight = *hour == 24 && (*minute > 0 || *second > 0 || *micros > 0);
    if (*hour > 24 || past_midnight || *minute > 59 || *second > 60) return Fault::range;
    return set_time(join_time({*hour, *minute, *second, *micros}));
  }

  Fault time_token(std::string_view text) {
    const std::size_t point = text.find('.');
    const std::string_view fraction =
        point == std::string_view::npos ? std::string_view() : text.substr(point);
    const auto parts = split(text.substr(0, point), ':');
    if (parts.size() > 3 || !std::ranges::all_of(parts, all_digits)) return Fault::syntax;
    if (parts.size() == 2 && !fraction.empty()) return clock("0", parts[0], parts[1], fraction);
    return clock(parts[0], parts[1], parts.size() == 3 ? parts[2] : std::string_view(), fraction);
  }

  Fault zone_token(std::string_view text) {
    const std::string_view digits = text.substr(1);
    const auto parts = split(digits, ':');
    if (parts.size() > 3 || !std::ranges::all_of(parts, all_digits)) return Fault::syntax;
    auto hours = to_int(parts[0]);
    if (!hours) return Fault::zone_range;
    int minutes = 0, seconds = 0;
    if (parts.size() == 1 && digits.size() > 2) {
      minutes = *hours % 100;
      hours = *hours / 100;
    }
    if (parts.size() > 1) minutes = to_int(parts[1]).value_or(60);
    if (parts.size() > 2) seconds = to_int(parts[2]).value_or(60);
    if (*hours > kZoneHoursMax || minutes > 59 || seconds > 59) return Fault::zone_range;
    const int offset = *hours * 3600 + minutes * 60 + seconds;
    return set_zone(text[0] == '-' ? -offset : offset);
  }

  Fault number_token(std::string_view text) {
    const std::size_t point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    if (julian_follows_) return julian(text);
    if (time_follows_ || (time_only_ && whole.size() > 2)) return run_together(text, true);
    if (point != std::string_view::npos) {
      if (!date_begun()) return year_and_day(whole, text.substr(point + 1));
      return whole.size() > 2 ? run_together(text, date_complete()) : Fault::syntax;
    }
    if (text.size() >= 6 && (!date_begun() || !fields_.micros)) {
      return run_together(text, date_complete());
    }
    return date_number(text);
  }

  Fault julian(std::string_view text) {
    julian_follows_ = false;
    const auto day = to_int(text);
    if (!day || date_begun()) return Fault::syntax;
    fields_.days = *day - kJulianDayOfEpoch;
    return Fault::none;
  }

  // "1999.008": the year and the day of the year.
  Fault year_and_day(std::string_view year, std::string_view day) {
    if (day.size() != 3 || year.size() < 3) return Fault::syntax;
    year_ = to_int(year);
    return day_of_year_number(*to_int(day));
  }
  Fault day_of_year_number(int number) {
    if (!year_) return Fault::syntax;
    const CivilDate date = split_date(join_date({*year_, 1, 1}) + number - 1);
    month_ = date.month;
    day_ = date.day;
    return Fault::none;
  }

  // 19990108, 990108, 040506, 0405 and 040506.789.
  Fault run_together(std::string_view text, bool is_time) {
    const std::size_t point = text.find('.');
    const std::string_view digits = text.substr(0, point);
    const std::string_view fraction =
        point == std::string_view::npos ? std::string_view() : text.substr(point);
    if (is_time) {
      if (digits.size() == 6) {
        return clock(digits.substr(0, 2), digits.substr(2, 2), digits.substr(4), fraction);
      }
      if (digits.size() == 4 && fraction.empty()) {
        return clock(digits.substr(0, 2), digits.substr(2), {}, {});
      }
      return Fault::syntax;
    }
    if (!fraction.empty() || date_begun() || digits.size() < 6) return Fault::syntax;
    const std::size_t year_size = digits.size() - 4;
    const auto year = to_int(digits.substr(0, year_size));
    if (!year) return Fault::syntax;
    two_digit_year_ = year_size <= 2;
    year_ = year;
    month_ = to_int(digits.substr(year_size, 2));
    day_ = to_int(digits.substr(year_size + 2));
    return Fault::none;
  }

  Fault date_token(std::string_view text) {
    if (is_letter(text[0])) {
      const std::size_t end = text.find_first_of("-/.");
      const Word* word = find_word(text.substr(0, end));
      const bool month = word != nullptr && word->meaning == Meaning::month;
      if (!month) return text.find('/') == text.npos ? Fault::syntax : Fault::zone_unknown;
    } else if (date_complete()) {
      return time_and_zone(text);
    }
    return date_parts(text);
  }

  // "040506-08" behind a date.
  Fault time_and_zone(std::string_view text) {
    const std::size_t sign = text.find('-');
    if (sign == text.npos) return Fault::syntax;
    const Fault fault = run_together(text.substr(0, sign), true);
    return fault == Fault::none ? zone_token(text.substr(sign)) : fault;
  }

  Fault date_parts(std::string_view text) {
    std::vector<std::string_view> numbers;
    while (!text.empty()) {
      const bool letters = is_letter(text[0]);
      const auto end = std::ranges::find_if_not(text, letters ? is_letter : is_digit);
      const std::string_view part = text.substr(0, static_cast<std::size_t>(end - text.begin()));
      if (part.empty()) return Fault::syntax;
      text.remove_prefix(part.size());
      if (!text.empty() && !is_letter(text[0]) && !is_digit(text[0])) text.remove_prefix(1);
      if (!letters) {
        numbers.push_back(part);
        continue;
      }
      const Word* word = find_word(part);
      if (word == nullptr || word->meaning != Meaning::month) return Fault::syntax;
      if (Fault fault = text_month(word->value); fault != Fault::none) return fault;
    }
    for (const std::string_view number : numbers) {
      if (date_complete()) return Fault::syntax;
      if (Fault fault = date_number(number); fault != Fault::none) return fault;
    }
    return date_complete() ? Fault::none : Fault::syntax;
  }

  // What a lone number is depends on which fields are known: the order is MDY, unless the first
  // number has more than two digits.
  Fault date_number(std::string_view digits) {
    const auto parsed = to_int(digits);
    if (!parsed) return Fault::range;
    const int value = *parsed;
    const bool is_long = digits.size() > 2;
    if (digits.size() == 3 && year_ && !month_ && !day_ && value >= 1 && value <= 366) {
      return day_of_year_number(value);
    }
    if (!date_begun()) {
      if (is_long) return set_year(value, false);
      month_ = value;
    } else if (year_ && !month_) {
      month_ = value;
    } else if (month_ && !day_ && text_month_ && !year_ && is_long) {
      return set_year(value, false);
    } else if (month_ && !day_) {
      day_ = value;
    } else if (month_ && day_ && !year_) {
      return set_year(value, !is_long);
    } else if (date_complete() && !fields_.micros) {
      return run_together(digits, true);
    } else {
      return Fault::syntax;
    }
    return Fault::none;
  }
  Fault set_year(int year, bool two_digits) {
    year_ = year;
    two_digit_year_ = two_digits;
    return Fault::none;
  }

  Fault finish() {
    if (Fault fault = finish_date(); fault != Fault::none) return fault;
    return finish_time();
  }

  Fault finish_date() {
    if (fields_.days || !date_begun()) return Fault::none;
    if (!date_complete()) return Fault::syntax;
    std::int64_t year = *year_;
    if (before_christ_) {
      if (year <= 0) return Fault::range;
      year = 1 - year;
    } else if (two_digit_year_) {
      year += year < 70 ? 2000 : (year < 100 ? 1900 : 0);
    } else if (year <= 0) {
      return Fault::range;
    }
    if (*month_ < 1 || *month_ > 12 || *day_ < 1 || *day_ > 31) return Fault::range_datestyle;
    if (*day_ > days_in_month(year, *month_)) return Fault::range;
    fields_.days = join_date({year, *month_, *day_});
    return Fault::none;
  }

  Fault finish_time() {
    if (!meridian_) return Fault::none;
    if (!fields_.micros) return Fault::syntax;
    const std::int64_t hour = *fields_.micros / kMicrosPerHour;
    if (hour > 12) return Fault::range;
    if (*meridian_ == Meaning::am && hour == 12) *fields_.micros -= 12 * kMicrosPerHour;
    if (*meridian_ == Meaning::pm && hour != 12) *fields_.micros += 12 * kMicrosPerHour;
    return Fault::none;
  }

  bool time_only_;
  DateTimeFields& fields_;
  std::optional<int> year_, month_, day_;
  std::optional<Meaning> meridian_;
  bool two_digit_year_ = false, before_christ_ = false, text_month_ = false;
  bool time_follows_ = false, julian_follows_ = false;
};

}  // namespace

FieldFault read_fields(std::string_view text, bool time_only, DateTimeFields& fields) {
  const auto tokens = cut_datetime(text);
  if (!tokens) return FieldFault::syntax;
  return Decoder(time_only, fields).run(*tokens);
}

}  // namespace spar::data
