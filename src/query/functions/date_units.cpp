#include "query/functions/date_units.h"

#include <algorithm>

#include "data/characters.h"

namespace spar::query::functions {
namespace {

struct Name {
  std::string_view text;
  DateUnit unit;
};

using enum DateUnit;
constexpr Name kNames[] = {
    {"microseconds", microsecond},
    {"microsecond", microsecond},
    {"us", microsecond},
    {"usec", microsecond},
    {"usecs", microsecond},
    {"usecond", microsecond},
    {"useconds", microsecond},
    {"milliseconds", millisecond},
    {"millisecond", millisecond},
    {"ms", millisecond},
    {"msec", millisecond},
    {"msecs", millisecond},
    {"msecond", millisecond},
    {"mseconds", millisecond},
    {"second", second},
    {"seconds", second},
    {"sec", second},
    {"secs", second},
    {"s", second},
    {"minute", minute},
    {"minutes", minute},
    {"min", minute},
    {"mins", minute},
    {"m", minute},
    {"hour", hour},
    {"hours", hour},
    {"hr", hour},
    {"hrs", hour},
    {"h", hour},
    {"day", day},
    {"days", day},
    {"d", day},
    {"week", week},
    {"weeks", week},
    {"w", week},
    {"month", month},
    {"months", month},
    {"mon", month},
    {"mons", month},
    {"quarter", quarter},
    {"qtr", quarter},
    {"year", year},
    {"years", year},
    {"yr", year},
    {"yrs", year},
    {"y", year},
    {"decade", decade},
    {"decades", decade},
    {"dec", decade},
    {"decs", decade},
    {"century", century},
    {"centuries", century},
    {"cent", century},
    {"c", century},
    {"millennium", millennium},
    {"millennia", millennium},
    {"mil", millennium},
    {"mils", millennium},
    {"dow", day_of_week},
    {"isodow", iso_day_of_week},
    {"doy", day_of_year},
    {"isoyear", iso_year},
    {"epoch", epoch},
    {"julian", julian},
    {"jd", julian},
    {"j", julian},
    {"timezone", timezone},
    {"timezone_hour", timezone_hour},
    {"timezone_h", timezone_hour},
    {"timezone_minute", timezone_minute},
    {"timezone_m", timezone_minute},
};

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), data::to_lower);
  return result;
}

Failure refuse(std::string_view sqlstate, std::string_view unit, std::string_view how,
               data::TypeId type) {
  return sql_error(sqlstate, "unit \"" + lower(unit) + "\" " + std::string(how) + " for type " +
                                 data::type_name({type, -1}));
}

}  // namespace

std::optional<DateUnit> date_unit(std::string_view name) {
  const auto* found = std::ranges::find(kNames, lower(name), &Name::text);
  if (found == std::end(kNames)) return std::nullopt;
  return found->unit;
}

Failure unit_not_supported(std::string_view unit, data::TypeId type) {
  return refuse("0A000", unit, "not supported", type);
}

Failure unit_not_recognized(std::string_view unit, data::TypeId type) {
  return refuse("22023", unit, "not recognized", type);
}

}  // namespace spar::query::functions
