// data/datetime_text.h: dates, times, timestamps and intervals to and from text.
//
// Contract    Part of data/text_format.h, by families: DateStyle ISO, MDY and IntervalStyle
//             postgres on the way out; what PostgreSQL's input functions take on the way in, but
//             for words that ask the clock ("now", "today": 0A000) and zones by region (22023).
//             typmod is the number of digits of the second, negative for all. Errors: 22007 syntax,
//             22008 and 22015 range, 22009 zone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "data/text_format.h"

namespace spar::data {

void format_date(std::int64_t days, std::string& out);
void format_time(std::int64_t micros_of_day, std::string& out);
void format_timestamp(std::int64_t micros, std::string& out);
void format_timestamptz(std::int64_t micros, const TextContext& context, std::string& out);
void format_interval(std::string_view blob, std::string& out);

Result<std::int64_t> parse_date(std::string_view text);
Result<std::int64_t> parse_time(std::string_view text, int typmod);
Result<std::int64_t> parse_timestamp(std::string_view text, int typmod);
Result<std::int64_t> parse_timestamptz(std::string_view text, int typmod,
                                       const TextContext& context);
Result<std::string> parse_interval(std::string_view text, int typmod);  // the storage form's bytes

// Seconds east of UTC: 0 for "UTC", 7200 for "+02:00" and "+2".
int zone_offset_seconds(const TextContext& context);

}  // namespace spar::data
