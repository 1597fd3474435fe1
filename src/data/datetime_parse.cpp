// The way in of data/datetime_text.h, for everything but intervals.
#include <charconv>

#include "data/calendar.h"
#include "data/characters.h"
#include "data/datetime_fields.h"
#include "data/datetime_text.h"

namespace spar::data {
namespace {

using Special = DateTimeFields::Special;

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

Failure syntax(std::string_view type, std::string_view text) {
  return sql_error("22007",
                   "invalid input syntax for type " + std::string(type) + ": " + quoted(text));
}

Failure out_of_range(std::string_view what, std::string_view text) {
  return sql_error("22008", std::string(what) + " out of range: " + quoted(text));
}

Failure explain(FieldFault fault, std::string_view type, std::string_view text) {
  switch (fault) {
    case FieldFault::range:
    case FieldFault::range_datestyle: {
      Failure error = out_of_range("date/time field value", text);
      if (fault == FieldFault::range_datestyle) {
        error.error().hint = "Perhaps you need a different \"datestyle\" setting.";
      }
      return error;
    }
    case FieldFault::zone_range:
      return sql_error("22009", "time zone displacement out of range: " + quoted(text));
    case FieldFault::zone_unknown: {
      const std::size_t start = text.find_last_of(" \t") + 1;
      return sql_error("22023", "time zone " + quoted(text.substr(start)) + " not recognized");
    }
    case FieldFault::clock:
      return not_supported("a moment relative to now");
    default:
      return syntax(type, text);
  }
}

Result<std::int64_t> moment(std::string_view text, std::string_view type, int typmod,
                            std::optional<int> session_zone) {
  DateTimeFields fields;
  const FieldFault fault = read_fields(text, false, fields);
  if (fault != FieldFault::none) return explain(fault, type, text);
  switch (fields.special) {
    case Special::infinity:
      return kTimestampInfinity;
    case Special::minus_infinity:
      return kTimestampMinusInfinity;
    case Special::epoch:
      return -kUnixDayOfEpoch * kMicrosPerDay;
    case Special::none:
      break;
  }
  if (!fields.days) return syntax(type, text);
  std::int64_t micros = fields.micros.value_or(0);
  if (session_zone) micros -= fields.zone_seconds.value_or(*session_zone) * kMicrosPerSecond;
  const auto joined = join_timestamp(*fields.days, micros);
  if (!joined) return out_of_range("timestamp", text);
  const std::int64_t rounded = round_to_digits(*joined, typmod);
  if (rounded > kTimestampMax) return out_of_range("timestamp", text);
  return rounded;
}

}  // namespace

Result<std::int64_t> parse_date(std::string_view text) {
  DateTimeFields fields;
  const FieldFault fault = read_fields(text, false, fields);
  if (fault != FieldFault::none) return explain(fault, "date", text);
  switch (fields.special) {
    case Special::infinity:
      return kDateInfinity;
    case Special::minus_infinity:
      return kDateMinusInfinity;
    case Special::epoch:
      return -kUnixDayOfEpoch;
    case Special::none:
      break;
  }
  if (!fields.days) return syntax("date", text);
  if (*fields.days < kDateMin || *fields.days > kDateMax) return out_of_range("date", text);
  return *fields.days;
}

Result<std::int64_t> parse_time(std::string_view text, int typmod) {
  DateTimeFields fields;
  const FieldFault fault = read_fields(text, true, fields);
  if (fault != FieldFault::none) return explain(fault, "time", text);
  if (!fields.micros) return syntax("time", text);
  if (*fields.micros > kMicrosPerDay) return explain(FieldFault::range, "time", text);
  return round_to_digits(*fields.micros, typmod);
}

Result<std::int64_t> parse_timestamp(std::string_view text, int typmod) {
  return moment(text, "timestamp", typmod, std::nullopt);
}

Result<std::int64_t> parse_timestamptz(std::string_view text, int typmod,
                                       const TextContext& context) {
  return moment(text, "timestamp with time zone", typmod, zone_offset_seconds(context));
}

// +2, +02, +0230, +02:30
int zone_offset_seconds(const TextContext& context) {
  const std::string_view zone = context.time_zone;
  if (context.is_utc()) return 0;
  int hours = 0, minutes = 0;
  const char* end = zone.data() + zone.size();
  const auto read = std::from_chars(zone.data() + 1, end, hours);
  if (read.ptr != end && *read.ptr == ':') {
    std::from_chars(read.ptr + 1, end, minutes);
  } else if (read.ptr - zone.data() > 3) {
    minutes = hours % 100;
    hours /= 100;
  }
  const int seconds = hours * 3600 + minutes * 60;
  return zone[0] == '-' ? -seconds : seconds;
}

}  // namespace spar::data
