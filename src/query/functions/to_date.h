// query/functions/to_date.h: a date read by a pattern.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace spar::query::functions {

// Days since 2000-01-01. 22007 where the text does not fit the pattern, 22008 out of range. Fields
// of the time of day are read and forgotten.
Result<std::int64_t> date_by_pattern(std::string_view text, std::string_view pattern);
// Microseconds since 2000-01-01, UTC. 0A000 for zones.
Result<std::int64_t> moment_by_pattern(std::string_view text, std::string_view pattern);

}  // namespace spar::query::functions
