// Intervals from text: PostgreSQL's verbose form ("1 year 2 mons 3 days 04:05:06"), the SQL
// standard's ("1-2", "3 4:05:06") and ISO 8601's ("P1Y2M3DT4H5M6S").
#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <vector>

#include "data/calendar.h"
#include "data/characters.h"
#include "data/datetime_text.h"

namespace spar::data {
namespace {

constexpr std::size_t kTextMax = 256;

enum class Fault { none, syntax, range };

// A unit is a number of months, of days or of microseconds.
enum class Unit {
  microsecond,
  millisecond,
  second,
  minute,
  hour,
  day,
  week,
  month,
  year,
  decade,
  century,
  millennium
};
struct UnitWord {
  std::string_view text;
  Unit unit;
};
constexpr UnitWord kUnits[] = {
    {"microsecond", Unit::microsecond},
    {"microseconds", Unit::microsecond},
    {"us", Unit::microsecond},
    {"usec", Unit::microsecond},
    {"usecs", Unit::microsecond},
    {"usecond", Unit::microsecond},
    {"useconds", Unit::microsecond},
    {"millisecond", Unit::millisecond},
    {"milliseconds", Unit::millisecond},
    {"ms", Unit::millisecond},
    {"msec", Unit::millisecond},
    {"msecs", Unit::millisecond},
    {"msecond", Unit::millisecond},
    {"mseconds", Unit::millisecond},
    {"second", Unit::second},
    {"seconds", Unit::second},
    {"s", Unit::second},
    {"sec", Unit::second},
    {"secs", Unit::second},
    {"minute", Unit::minute},
    {"minutes", Unit::minute},
    {"m", Unit::minute},
    {"min", Unit::minute},
    {"mins", Unit::minute},
    {"hour", Unit::hour},
    {"hours", Unit::hour},
    {"h", Unit::hour},
    {"hr", Unit::hour},
    {"hrs", Unit::hour},
    {"day", Unit::day},
    {"days", Unit::day},
    {"d", Unit::day},
    {"week", Unit::week},
    {"weeks", Unit::week},
    {"w", Unit::week},
    {"month", Unit::month},
    {"months", Unit::month},
    {"mon", Unit::month},
    {"mons", Unit::month},
    {"year", Unit::year},
    {"years", Unit::year},
    {"y", Unit::year},
    {"yr", Unit::year},
    {"yrs", Unit::year},
    {"decade", Unit::decade},
    {"decades", Unit::decade},
    {"dec", Unit::decade},
    {"decs", Unit::decade},
    {"century", Unit::century},
    {"centuries", Unit::century},
    {"c", Unit::century},
    {"cent", Unit::century},
    {"millennium", Unit::millennium},
    {"millennia", Unit::millennium},
    {"mil", Unit::millennium},
    {"mils", Unit::millennium},
};

std::optional<Unit> find_unit(std::string_view text) {
  const auto* found = std::ranges::find(kUnits, text, &UnitWord::text);
  if (found == std::end(kUnits)) return std::nullopt;
  return found->unit;
}

std::int64_t micros_of(Unit unit) {
  switch (unit) {
    case Unit::microsecond:
      return 1;
    case Unit::millisecond:
      return 1000;
    case Unit::second:
      return kMicrosPerSecond;
    case Unit::minute:
      return kMicrosPerMinute;
    default:
      return kMicrosPerHour;
  }
}

std::int64_t months_of(Unit unit) {
  switch (unit) {
    case Unit::month:
      return 1;
    case Unit::year:
      return 12;
    case Unit::decade:
      return 120;
    case Unit::century:
      return 1200;
    default:
      return 12000;
  }
}

// Adds up in 64 bits and narrows at the end, so that every overflow is seen.
class Sum {
 public:
  bool add(std::int64_t whole, double fraction, Unit unit) {
    if (unit <= Unit::hour) {
      const std::int64_t size = micros_of(unit);
      return add_product(micros_, whole, size) &&
             add_product(micros_, std::llrint(fraction * static_cast<double>(size)), 1);
    }
    if (unit == Unit::day || unit == Unit::week) {
      const std::int64_t size = unit == Unit::day ? 1 : 7;
      return add_product(days_, whole, size) && add_days(fraction * static_cast<double>(size));
    }
    if (!add_product(months_, whole, months_of(unit))) return false;
    if (unit == Unit::month) return add_days(fraction * kDaysPerMonth);
    return add_product(months_, std::llrint(fraction * static_cast<double>(months_of(unit))), 1);
  }
  void negate() {
    micros_ = -micros_;
    days_ = -days_;
    months_ = -months_;
  }
  std::optional<Interval> total() const {
    if (months_ != static_cast<std::int32_t>(months_)) return std::nullopt;
    if (days_ != static_cast<std::int32_t>(days_)) return std::nullopt;
    return Interval{static_cast<std::int32_t>(months_), static_cast<std::int32_t>(days_), micros_};
  }

 private:
  static bool add_product(std::int64_t& sum, std::int64_t value, std::int64_t size) {
    std::int64_t product = 0;
    return !__builtin_mul_overflow(value, size, &product) &&
           !__builtin_add_overflow(sum, product, &sum) &&
           sum != std::numeric_limits<std::int64_t>::min();
  }
  bool add_days(double days) {
    const double whole = std::trunc(days);
    // The rest of the day comes to whole seconds as near as a double can tell.
    const double micros = std::rint((days - whole) * static_cast<double>(kMicrosPerDay));
    return add_product(days_, static_cast<std::int64_t>(whole), 1) &&
           add_product(micros_, static_cast<std::int64_t>(micros), 1);
  }

  std::int64_t months_ = 0, days_ = 0, micros_ = 0;
};

// A number with its sign and its fraction apart.
struct Number {
  bool negative = false;
  std::int64_t whole = 0;  // with its sign
  double fraction = 0;     // with its sign
};

// REQUIRES: [+-] digits [. digits].
Fault read_number(std::string_view text, Number& number) {
  const std::size_t digits = text.find_first_not_of("+-");
  if (digits == std::string_view::npos || digits > 1) return Fault::syntax;
  number.negative = text[0] == '-';
  if (digits == 1) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  if (!std::ranges::all_of(whole, is_digit)) return Fault::syntax;
  number.whole = 0;
  if (!whole.empty()) {
    const auto read = std::from_chars(whole.data(), whole.data() + whole.size(), number.whole);
    if (read.ec != std::errc()) return Fault::range;
  }
  number.fraction = 0;
  if (point != std::string_view::npos) {
    const std::string_view behind = text.substr(point + 1);
    if (!std::ranges::all_of(behind, is_digit)) return Fault::syntax;
    if (whole.empty() && behind.empty()) return Fault::syntax;
    const std::string decimal = "0." + std::string(behind.empty() ? "0" : behind);
    std::from_chars(decimal.data(), decimal.data() + decimal.size(), number.fraction);
  }
  if (number.negative) {
    number.whole = -number.whole;
    number.fraction = -number.fraction;
  }
  return Fault::none;
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

// [h:]m:s[.f], or h:m; the sign is that of the whole.
Fault add_clock(std::string_view text, bool negative, Sum& sum) {
  const auto parts = split(text, ':');
  if (parts.size() > 3) return Fault::syntax;
  const bool to_seconds = parts.size() == 2 && parts[1].find('.') != std::string_view::npos;
  Unit unit = to_seconds ? Unit::minute : Unit::hour;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Number number;
    if (parts[i].empty() && i > 0 && i + 1 == parts.size()) break;
    if (!parts[i].empty() && !is_digit(parts[i][0])) return Fault::syntax;
    const Fault fault = read_number(parts[i], number);
    if (fault != Fault::none) return fault;
    if (number.fraction != 0 && unit != Unit::second) return Fault::syntax;
    if (i > 0 && number.whole > (unit == Unit::second ? 60 : 59)) return Fault::range;
    const std::int64_t whole = negative ? -number.whole : number.whole;
    const double fraction = negative ? -number.fraction : number.fraction;
    if (!sum.add(whole, fraction, unit)) return Fault::range;
    unit = unit == Unit::hour ? Unit::minute : Unit::second;
  }
  return Fault::none;
}

// "1-2": years and months.
Fault add_year_month(std::string_view text, Sum& sum) {
  const bool negative = text[0] == '-';
  if (text[0] == '-' || text[0] == '+') text.remove_prefix(1);
  const std::size_t dash = text.find('-');
  Number years, months;
  Fault fault = read_number(text.substr(0, dash), years);
  if (fault != Fault::none) return fault;
  const std::string_view behind = text.substr(dash + 1);
  if (behind.empty() || !is_digit(behind[0])) return Fault::syntax;
  fault = read_number(behind, months);
  if (fault != Fault::none) return fault;
  if (months.whole >= kMonthsPerYear) return Fault::range;
  const int sign = negative ? -1 : 1;
  if (!sum.add(sign * years.whole, 0, Unit::year)) return Fault::range;
  return sum.add(sign * months.whole, 0, Unit::month) ? Fault::none : Fault::range;
}

// Cuts into [sign] number pieces, words and clock times.
std::optional<std::vector<std::string>> cut(std::string_view text) {
  if (text.size() > kTextMax) return std::nullopt;
  std::vector<std::string> pieces;
  std::size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (is_blank(c) || c == '@' || c == ',') {
      ++at;
      continue;
    }
    std::string piece;
    if (is_letter(c)) {
      while (at < text.size() && is_letter(text[at])) piece.push_back(to_lower(text[at++]));
    } else {
      if (c == '+' || c == '-') {
        piece.push_back(c);
        ++at;
        while (at < text.size() && is_blank(text[at])) ++at;
      }
      const std::size_t start = piece.size();
      if (start == 1 && at < text.size() && !is_digit(text[at])) return std::nullopt;
      while (at < text.size() && (is_digit(text[at]) || text[at] == '.' || text[at] == ':' ||
                                  (text[at] == '-' && piece.size() > start))) {
        piece.push_back(text[at++]);
      }
      if (piece.size() == start) return std::nullopt;
    }
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

class Verbose {
 public:
  Fault run(const std::vector<std::string>& pieces, Sum& sum) {
    std::size_t count = pieces.size();
    const bool ago = count > 0 && pieces[count - 1] == "ago";
    if (ago) --count;
    if (count == 0) return Fault::syntax;
    // From the end, so that a number without a unit knows what stands behind it.
    std::optional<Unit> unit = Unit::second;
    bool unit_named = false;
    for (std::size_t i = count; i-- > 0;) {
      const std::string& piece = pieces[i];
      if (is_letter(piece[0])) {
        if (unit_named) return Fault::syntax;
        unit = find_unit(piece);
        if (!unit) return Fault::syntax;
        unit_named = true;
        continue;
      }
      const Fault fault = value(piece, unit, unit_named, sum);
      if (fault != Fault::none) return fault;
      unit_named = false;
    }
    if (unit_named) return Fault::syntax;
    if (ago) sum.negate();
    return Fault::none;
  }

 private:
  // `next` becomes the unit of a number before this piece that names none.
  Fault value(const std::string& piece, std::optional<Unit>& next, bool named, Sum& sum) {
    if (piece.find(':') != std::string::npos) {
      if (named || !once(Unit::hour) || !once(Unit::minute) || !all_of_second()) {
        return Fault::syntax;
      }
      const bool has_sign = piece[0] == '-' || piece[0] == '+';
      next = Unit::day;
      return add_clock(std::string_view(piece).substr(has_sign ? 1 : 0), piece[0] == '-', sum);
    }
    if (piece.find('-', 1) != std::string::npos) {
      if (named || !once(Unit::year) || !once(Unit::month)) return Fault::syntax;
      next.reset();
      return add_year_month(piece, sum);
    }
    if (!next || !once(*next)) return Fault::syntax;
    Number number;
    const Fault fault = read_number(piece, number);
    if (fault != Fault::none) return fault;
    const bool with_parts = *next == Unit::second && number.fraction != 0;
    if (with_parts && (!once(Unit::millisecond) || !once(Unit::microsecond))) return Fault::syntax;
    const bool added = sum.add(number.whole, number.fraction, *next);
    if (!named) next.reset();
    return added ? Fault::none : Fault::range;
  }
  bool all_of_second() {
    return once(Unit::second) && once(Unit::millisecond) && once(Unit::microsecond);
  }
  bool once(Unit unit) {
    const unsigned bit = 1U << static_cast<unsigned>(unit);
    const bool fresh = (seen_ & bit) == 0;
    seen_ |= bit;
    return fresh;
  }

  unsigned seen_ = 0;
};

// P[n]Y[n]M[n]W[n]DT[n]H[n]M[n]S, or P0001-02-03T04:05:06.
class Iso {
 public:
  Iso(std::string_view text, Sum& sum) : text_(text), sum_(sum) {}

  Fault run() {
    if (text_.empty()) return Fault::syntax;
    while (!text_.empty()) {
      if (text_[0] == 'T') {
        if (time_) return Fault::syntax;
        time_ = true;
        text_.remove_prefix(1);
        continue;
      }
      if (Fault fault = field(); fault != Fault::none) return fault;
    }
    return Fault::none;
  }

 private:
  Fault field() {
    const std::size_t end = text_.find_first_not_of("+-.0123456789");
    if (end == std::string_view::npos || text_[end] == ':' || text_[end] == 'T') {
      return alternative(text_.substr(0, text_.find('T')));
    }
    static constexpr std::string_view kDateLetters = "YMWD", kTimeLetters = "HMS";
    constexpr Unit kDateUnits[] = {Unit::year, Unit::month, Unit::week, Unit::day};
    constexpr Unit kTimeUnits[] = {Unit::hour, Unit::minute, Unit::second};
    const std::size_t which = (time_ ? kTimeLetters : kDateLetters).find(text_[end]);
    if (which == std::string_view::npos) return Fault::syntax;
    const std::string_view digits = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return add(digits, time_ ? kTimeUnits[which] : kDateUnits[which]);
  }
  Fault alternative(std::string_view piece) {
    text_.remove_prefix(piece.size());
    if (time_) return add_clock(piece, false, sum_);
    const auto parts = split(piece, '-');
    if (parts.size() > 3) return Fault::syntax;
    constexpr Unit kParts[] = {Unit::year, Unit::month, Unit::day};
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (Fault fault = add(parts[i], kParts[i]); fault != Fault::none) return fault;
    }
    return Fault::none;
  }
  Fault add(std::string_view digits, Unit unit) {
    Number number;
    if (Fault fault = read_number(digits, number); fault != Fault::none) return fault;
    return sum_.add(number.whole, number.fraction, unit) ? Fault::none : Fault::range;
  }

  std::string_view text_;
  Sum& sum_;
  bool time_ = false;
};

}  // namespace

Result<std::string> parse_interval(std::string_view text, int typmod) {
  Sum sum;
  const std::string_view bare = trim_blanks(text);
  Fault fault = Fault::syntax;
  if (bare.starts_with('P') && bare.size() > 1 && bare.size() <= kTextMax) {
    fault = Iso(bare.substr(1), sum).run();
  } else if (const auto pieces = cut(bare)) {
    fault = Verbose().run(*pieces, sum);
  }
  const auto total = fault == Fault::none ? sum.total() : std::nullopt;
  if (fault == Fault::syntax) {
    return sql_error("22007",
                     "invalid input syntax for type interval: \"" + std::string(text) + "\"");
  }
  if (!total) {
    return sql_error("22015", "interval field value out of range: \"" + std::string(text) + "\"");
  }
  Interval interval = *total;
  interval.micros = round_to_digits(interval.micros, typmod);
  return interval_to_blob(interval);
}

}  // namespace spar::data
