// What PostgreSQL 15 answers to SELECT 'input'::type::text with TimeZone UTC; "ERR sqlstate
// message" where it refuses.
#include "data/datetime_text.h"

#include <gtest/gtest.h>

#include "data/calendar.h"
#include "tests/unit/data/datetime_cases.h"

namespace spar::data {
namespace {

template <class T>
std::string refused(const Result<T>& result) {
  return "ERR " + result.error().sqlstate + " " + result.error().message;
}

std::string shown(const DateTimeCase& sample, const TextContext& context) {
  std::string out;
  if (sample.type == TypeId::interval) {
    const auto interval = parse_interval(sample.input, sample.typmod);
    if (!interval) return refused(interval);
    format_interval(*interval, out);
    return out;
  }
  Result<std::int64_t> value = 0;
  switch (sample.type) {
    case TypeId::date:
      value = parse_date(sample.input);
      break;
    case TypeId::time:
      value = parse_time(sample.input, sample.typmod);
      break;
    case TypeId::timestamp:
      value = parse_timestamp(sample.input, sample.typmod);
      break;
    default:
      value = parse_timestamptz(sample.input, sample.typmod, context);
      break;
  }
  if (!value) return refused(value);
  switch (sample.type) {
    case TypeId::date:
      format_date(*value, out);
      break;
    case TypeId::time:
      format_time(*value, out);
      break;
    case TypeId::timestamp:
      format_timestamp(*value, out);
      break;
    default:
      format_timestamptz(*value, context, out);
      break;
  }
  return out;
}

TEST(DateTimeText, AgreesWithPostgreSQL) {
  for (const DateTimeCase& sample : kDateTimeCases) {
    EXPECT_EQ(shown(sample, TextContext()), sample.expected)
        << type_name({sample.type, sample.typmod}) << " '" << sample.input << "'";
  }
}

TEST(DateTimeText, OutputIsReadBackAsItself) {
  for (const DateTimeCase& sample : kDateTimeCases) {
    if (sample.expected.starts_with("ERR")) continue;
    const DateTimeCase again{sample.type, sample.expected, sample.expected, sample.typmod};
    EXPECT_EQ(shown(again, TextContext()), sample.expected);
  }
}

TEST(DateTimeText, ShowsTimestamptzInTheSessionsZone) {
  const TextContext east{"+05:30"}, west{"-3"};
  const auto moment = parse_timestamptz("2024-01-01 00:00", -1, east);
  ASSERT_TRUE(moment);
  std::string text;
  format_timestamptz(*moment, east, text);
  text += " = ";
  format_timestamptz(*moment, west, text);
  text += " = ";
  format_timestamptz(*moment, TextContext(), text);
  EXPECT_EQ(text, "2024-01-01 00:00:00+05:30 = 2023-12-31 15:30:00-03 = 2023-12-31 18:30:00+00");
  EXPECT_EQ(zone_offset_seconds({"-0330"}), -12600);
}

TEST(DateTimeText, WordsThatAskTheClockAreNotSupported) {
  EXPECT_EQ(parse_date("today").error().sqlstate, "0A000");
  EXPECT_EQ(parse_timestamp("now", -1).error().sqlstate, "0A000");
}

TEST(DateTimeText, NoInputCrashesIt) {
  const std::string pieces[] = {"1",    "99", "2024", "-",   ":",   ".",
                                "/",    "+",  "jan",  "t",   "j",   "bc",
                                "pm",   " ",  "P",    "ago", "day", "999999999999999999999",
                                "\xff", "z"};
  std::uint64_t state = 20260101;  // xorshift
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (int n = 0; n < 6; ++n) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      text += pieces[state % std::size(pieces)];
    }
    for (const TypeId type : {TypeId::date, TypeId::time, TypeId::timestamp, TypeId::interval}) {
      EXPECT_NE(shown({type, text, "", -1}, TextContext()), "?");
    }
  }
}

}  // namespace
}  // namespace spar::data
