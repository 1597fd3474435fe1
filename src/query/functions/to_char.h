// query/functions/to_char.h: numbers and moments shown by a pattern.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "data/calendar.h"
#include "data/decimal.h"

namespace spar::query::functions {

// `zone` is what TZ shows: empty without time zone. REQUIRES: a finite moment.
std::string moment_to_char(std::int64_t micros, std::string_view zone, std::string_view pattern);
// 22007 for fields that an interval does not have.
Result<std::string> interval_to_char(const data::Interval& interval, std::string_view pattern);

// `significant`: digits that a float has (15 or 6), 0 for exact numbers.
Result<std::string> number_to_char(const data::Decimal& value, int significant,
                                   std::string_view pattern);

}  // namespace spar::query::functions
