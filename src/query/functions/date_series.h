// query/functions/date_series.h: a moment and an interval later, as + has it.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "data/calendar.h"

namespace spar::query::functions {

// Microseconds as in data/type.h; 22008 out of range; infinities stay.
Result<std::int64_t> moment_plus(std::int64_t micros, const data::Interval& interval);

}  // namespace spar::query::functions
