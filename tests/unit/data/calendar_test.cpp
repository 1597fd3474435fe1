#include "data/calendar.h"

#include <gtest/gtest.h>

namespace spar::data {
namespace {

TEST(Calendar, KnowsItsEpochs) {
  EXPECT_EQ(join_date({2000, 1, 1}), 0);
  EXPECT_EQ(join_date({1970, 1, 1}), -kUnixDayOfEpoch);
  EXPECT_EQ(join_date({-4713, 11, 24}), kDateMin);
  EXPECT_EQ(join_date({5874897, 12, 31}), kDateMax);
}

TEST(Calendar, SplitIsTheInverseOfJoin) {
  CivilDate expected{-401, 1, 1};
  for (std::int64_t days = join_date(expected); expected.year < 2500; ++days) {
    ASSERT_EQ(split_date(days), expected) << days;
    ASSERT_EQ(join_date(expected), days);
    if (++expected.day <= days_in_month(expected.year, expected.month)) continue;
    expected.day = 1;
    if (++expected.month <= 12) continue;
    expected.month = 1;
    ++expected.year;
  }
  EXPECT_EQ(split_date(kDateMax), (CivilDate{5874897, 12, 31}));
}

TEST(Calendar, CountsWeekdaysAndWeeks) {
  EXPECT_EQ(day_of_week(0), 6);
  EXPECT_EQ(day_of_week(join_date({1969, 7, 20})), 0);
  EXPECT_EQ(iso_week(join_date({2021, 1, 3})).week, 53);
  EXPECT_EQ(iso_week(join_date({2021, 1, 3})).year, 2020);
  EXPECT_EQ(iso_week(join_date({2018, 12, 31})).week, 1);
  EXPECT_EQ(day_of_year({2024, 12, 31}), 366);
}

TEST(Calendar, TimestampsKeepTheirRange) {
  EXPECT_EQ(join_timestamp(kDateMin, 0), kTimestampMin);
  EXPECT_FALSE(join_timestamp(kDateMin, -1));
  EXPECT_EQ(join_timestamp(join_date({294276, 12, 31}), kMicrosPerDay - 1), kTimestampMax);
  EXPECT_FALSE(join_timestamp(join_date({294277, 1, 1}), 0));
  EXPECT_FALSE(join_timestamp(kDateMax, 0));
  EXPECT_EQ(split_timestamp(-1).days, -1);
  EXPECT_EQ(split_timestamp(-1).micros, kMicrosPerDay - 1);
  EXPECT_EQ(date_to_timestamp(kDateInfinity), kTimestampInfinity);
  EXPECT_EQ(date_to_timestamp(kDateMax).error().sqlstate, "22008");
}

TEST(Calendar, IntervalsKeepTheirOrderAsBytes) {
  const Interval intervals[] = {{-13, -40, -5}, {0, -1, 0}, {0, 0, -1}, {0, 0, 0}, {0, 0, 1},
                                {0, 29, 0},     {1, 0, 0},  {0, 31, 0}, {12, 0, 0}};
  for (std::size_t i = 0; i + 1 < std::size(intervals); ++i) {
    EXPECT_LT(interval_key(intervals[i]), interval_key(intervals[i + 1])) << i;
    EXPECT_EQ(interval_from_blob(interval_to_blob(intervals[i])), intervals[i]);
  }
  EXPECT_EQ(interval_key({1, 0, 0}), interval_key({0, 30, 0}));
  EXPECT_EQ(interval_key({0, 1, -kMicrosPerHour}), interval_key({0, 0, 23 * kMicrosPerHour}));
}

}  // namespace
}  // namespace spar::data
