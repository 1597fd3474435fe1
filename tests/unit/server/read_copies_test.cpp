#include "server/postgres/read_copies.h"

#include <gtest/gtest.h>

namespace spar::server::postgres {
namespace {

using engines::postgres::Lsn;
using gateway::relay::Address;
using std::chrono::milliseconds;

const CopyId kB{2}, kC{3};
const Address kThere{.host = "127.0.0.1", .port = 5433};

Monotonic at(int time) {
  return Monotonic(milliseconds(time));
}

class ReadCopiesTest : public ::testing::Test {
 protected:
  ReadCopiesTest() {
    copies.open(Epoch(2), {{Epoch(1), Sequence(0)}, {Epoch(2), Sequence(50)}}, at(0));
  }
  ReadCopies copies;
};

TEST_F(ReadCopiesTest, HasNobodyBeforeAPrimaryIsAdmitted) {
  ReadCopies closed;
  EXPECT_EQ(closed.map(), nullptr);
  closed.copy_at(kB, kThere, Lsn(60), at(1));
  EXPECT_EQ(closed.map(), nullptr);
  EXPECT_FALSE(closed.take_changed());
}

TEST_F(ReadCopiesTest, SaysHowFarACopyIsAndWhereItIs) {
  copies.primary_at(Lsn(70), at(10));
  copies.copy_at(kB, kThere, Lsn(60), at(11));
  EXPECT_TRUE(copies.take_changed());
  const auto map = copies.map();
  EXPECT_EQ(map->epoch, Epoch(2));
  EXPECT_EQ(map->written, Sequence(70));
  EXPECT_EQ(map->asked, at(10));
  ASSERT_EQ(map->copies.size(), 1u);
  EXPECT_EQ(map->copies[0].copy, kB);
  EXPECT_EQ(map->copies[0].applied, Sequence(60));
  EXPECT_EQ(map->copies[0].placing.address, kThere);
  EXPECT_EQ(map->copies[0].placing.epoch, 2u);
  copies.copy_at(kB, kThere, Lsn(65), at(21));
  EXPECT_FALSE(copies.take_changed());
  EXPECT_EQ(copies.map()->copies[0].placing, map->copies[0].placing);
}

TEST_F(ReadCopiesTest, DatesACopyByWhatThePrimaryHadWrittenThen) {
  copies.copy_at(kB, kThere, Lsn(60), at(5));
  EXPECT_EQ(copies.map()->copies[0].complete_to, Monotonic::min());
  copies.primary_at(Lsn(60), at(10));
  copies.primary_at(Lsn(70), at(20));
  copies.primary_at(Lsn(80), at(30));
  EXPECT_EQ(copies.map()->copies[0].complete_to, at(10));
  copies.copy_at(kB, kThere, Lsn(79), at(31));
  EXPECT_EQ(copies.map()->copies[0].complete_to, at(20));
  copies.copy_at(kB, kThere, Lsn(90), at(32));
  EXPECT_EQ(copies.map()->copies[0].complete_to, at(30));
  copies.primary_at(Lsn(90), at(40));  // nothing written since: it is still complete
  EXPECT_EQ(copies.map()->copies[0].complete_to, at(40));
}

TEST_F(ReadCopiesTest, DatesACopyFarBehindTooOldRatherThanTooNew) {
  for (int i = 1; i <= 10'000; ++i)
    copies.primary_at(Lsn(static_cast<std::uint64_t>(100 + i)), at(i));
  copies.copy_at(kB, kThere, Lsn(100 + 700), at(10'001));
  const Monotonic date = copies.map()->copies[0].complete_to;
  EXPECT_LE(date, at(700));
  EXPECT_GT(date, at(0));
}

TEST_F(ReadCopiesTest, TakesACopyThatCameBackForAnother) {
  copies.copy_at(kB, kThere, Lsn(60), at(5));
  const auto before = copies.map()->copies[0].placing;
  (void)copies.take_changed();
  copies.lost(kB);
  EXPECT_TRUE(copies.take_changed());
  EXPECT_TRUE(copies.map()->copies.empty());
  copies.lost(kB);
  EXPECT_FALSE(copies.take_changed());
  copies.copy_at(kB, kThere, Lsn(40), at(9));
  EXPECT_NE(copies.map()->copies[0].placing, before);
  EXPECT_EQ(copies.map()->copies[0].applied, Sequence(40));
}

TEST_F(ReadCopiesTest, BelievesNoLookFromBeforeTheAdmission) {
  copies.primary_at(Lsn(70), at(10));
  copies.copy_at(kB, kThere, Lsn(60), at(11));
  copies.copy_at(kC, kThere, Lsn(60), at(11));
  copies.close();
  EXPECT_EQ(copies.map(), nullptr);
  copies.open(Epoch(3), {{Epoch(3), Sequence(65)}}, at(20));
  EXPECT_TRUE(copies.map()->copies.empty());
  copies.primary_at(Lsn(90), at(19));
  copies.copy_at(kB, kThere, Lsn(60), at(19));
  EXPECT_FALSE(copies.knows_primary());
  EXPECT_TRUE(copies.map()->copies.empty());
  EXPECT_EQ(copies.map()->asked, Monotonic::min());
}

}  // namespace
}  // namespace spar::server::postgres
