// query/functions/date_units.h: the names of a moment's fields: extract's and date_trunc's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "data/type.h"

namespace spar::query::functions {

enum class DateUnit {
  microsecond,
  millisecond,
  second,
  minute,
  hour,
  day,
  week,
  month,
  quarter,
  year,
  decade,
  century,
  millennium,
  // Only for extract from here on.
  day_of_week,
  iso_day_of_week,
  day_of_year,
  iso_year,
  epoch,
  julian,
  timezone,
  timezone_hour,
  timezone_minute,
};

std::optional<DateUnit> date_unit(std::string_view name);  // any case

// 0A000 unit "hour" not supported for type date
Failure unit_not_supported(std::string_view unit, data::TypeId type);
// 22023 unit "foo" not recognized for type date
Failure unit_not_recognized(std::string_view unit, data::TypeId type);

}  // namespace spar::query::functions
