// data/datetime_fields.h: what stands in the text of a date, a time or a timestamp.
//
// Contract    Pieces are recognised by their shape as PostgreSQL 15 does with DateStyle MDY: the
//             documented forms of its appendix B.1. Only for data/datetime_parse.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "data/calendar.h"

namespace spar::data {

enum class FieldFault {
  none,
  syntax,
  range,            // a field's value is out of range
  range_datestyle,  // month or day: perhaps the order of fields is another
  zone_range,
  zone_unknown,  // a zone by its region
  clock,         // "now" and its like
};

struct DateTimeFields {
  enum class Special { none, epoch, infinity, minus_infinity };
  Special special = Special::none;
  std::optional<std::int64_t> days;    // a complete and valid date
  std::optional<std::int64_t> micros;  // of the day; 24:00:00 and second 60 go past its end
  std::optional<int> zone_seconds;     // east of UTC
};

// `time_only`: digits that run together are a time and not a date.
FieldFault read_fields(std::string_view text, bool time_only, DateTimeFields& fields);

}  // namespace spar::data
