#include "gateway/relay/reading.h"

#include <gtest/gtest.h>

namespace spar::gateway::relay {
namespace {

using std::chrono::milliseconds;

Monotonic at(int time) {
  return Monotonic(milliseconds(time));
}

SettingsPtr settings(const std::vector<std::pair<std::string, std::string>>& values) {
  return SessionSettings::of(values);
}

TEST(ReadSettings, AreReadFromTheStatementsThatRepeatThem) {
  EXPECT_EQ(read_settings(*SessionSettings::none()).mode, ReadMode::strict);
  const auto read = read_settings(*settings(
      {{"spar.read", "session"}, {"spar.max_staleness", "2min"}, {"spar.after", "3/1/A0"}}));
  EXPECT_EQ(read.mode, ReadMode::session);
  EXPECT_EQ(read.max_staleness, milliseconds(120'000));
  EXPECT_EQ(read.after, (Position{Epoch(3), Sequence((1ull << 32) | 0xa0)}));
  auto set = SessionSettings::with(SessionSettings::none(), "spar.read",
                                   "SET \"spar\".\"read\" TO 'BOUNDED'");
  EXPECT_EQ(read_settings(*set).mode, ReadMode::bounded);
  set = SessionSettings::with(set, "spar.max_staleness", "SET \"spar\".\"max_staleness\" TO 250");
  EXPECT_EQ(read_settings(*set).max_staleness, milliseconds(250));
}

TEST(ReadSettings, ThatAreNotUnderstoodAreTheStrictest) {
  EXPECT_EQ(read_settings(*settings({{"spar.read", "sometimes"}})).mode, ReadMode::strict);
  EXPECT_EQ(read_settings(*settings({{"spar.read", "it''s"}})).mode, ReadMode::strict);
  EXPECT_EQ(read_settings(*settings({{"spar.read", "bounded"}, {"spar.max_staleness", "soon"}}))
                .max_staleness,
            milliseconds(0));
}

TEST(ReadSettings, AreCheckedAsTheyAreSet) {
  EXPECT_TRUE(check_read_setting("spar.read", "session"));
  EXPECT_TRUE(check_read_setting("spar.after", ""));
  EXPECT_TRUE(check_read_setting("spar.after", "3/0/16B3748"));
  EXPECT_EQ(check_read_setting("spar.read", "x").error().sqlstate, "22023");
  EXPECT_EQ(check_read_setting("spar.max_staleness", "x").error().sqlstate, "22023");
  EXPECT_EQ(check_read_setting("spar.position", "1/0/1").error().sqlstate, "55P02");
  EXPECT_EQ(check_read_setting("spar.reed", "x").error().sqlstate, "42704");
}

TEST(ReadPosition, IsAnEpochAndAPlaceInTheLog) {
  for (const char* text : {"3/0/16B3748", "1/A/0", "18446744073709551615/FFFFFFFF/FFFFFFFF"}) {
    const auto position = parse_read_position(text);
    ASSERT_TRUE(position) << text;
    EXPECT_EQ(read_position_text(*position), text);
  }
  for (const char* text :
       {"", "3", "3/1", "3/0/", "/0/1", "3/0/1/2", "3/0/100000000", "3/0/x", "-3/0/1", "3/0/1 "}) {
    EXPECT_FALSE(parse_read_position(text)) << text;
  }
}

class ReadTrailTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kB = 0, kC = 1;

  ReadTrailTest() {
    map.epoch = Epoch(2);
    map.history =
        std::make_shared<const History>(History{{Epoch(1), Sequence(0)}, {Epoch(2), Sequence(50)}});
    map.written = Sequence(100);
    map.asked = at(0);
    for (std::uint32_t id : {2u, 3u}) {
      map.copies.push_back({.copy = CopyId(id),
                            .placing = {.epoch = 2, .stay = 1},
                            .applied = Sequence(100),
                            .asked = at(0),
                            .complete_to = at(0)});
    }
  }
  std::optional<std::size_t> choose(int now = 0, std::size_t spread = 0) {
    return trail.choose(map, read, at(now), spread);
  }
  void was_at(std::size_t copy, int when) {
    trail.was_at(map.copies[copy].copy, map.copies[copy].placing, at(when));
  }
  // The next look at the primary.
  void primary_says(std::uint64_t written, int asked) {
    map.written = Sequence(written);
    map.asked = at(asked);
  }
  void copy_says(std::size_t copy, std::uint64_t applied, int asked) {
    map.copies[copy].applied = Sequence(applied);
    map.copies[copy].asked = at(asked);
  }
  void turn_to(Epoch epoch, std::uint64_t fork, int asked) {
    History history = *map.history;
    history.push_back({epoch, Sequence(fork)});
    map.history = std::make_shared<const History>(history);
    map.epoch = epoch;
    primary_says(fork, asked);
    for (ReadCopy& copy : map.copies) {
      copy.placing = {.epoch = epoch.value, .stay = copy.placing.stay + 1};
      copy.applied = Sequence(fork);
      copy.asked = at(asked);
    }
  }

  ReadMap map;
  ReadSettings read{.mode = ReadMode::session, .after = std::nullopt};
  ReadTrail trail;
};

TEST_F(ReadTrailTest, SpreadsSessionsThatHaveSeenNothing) {
  EXPECT_EQ(choose(0, 0), kB);
  trail = ReadTrail();
  EXPECT_EQ(choose(0, 1), kC);
  read.mode = ReadMode::strict;
  EXPECT_EQ(choose(), std::nullopt);
}

TEST_F(ReadTrailTest, ReadsOnThePrimaryUntilItIsKnownWhatTheSessionWrote) {
  trail.was_at_primary(Epoch(2), at(10));
  EXPECT_EQ(choose(11), std::nullopt);
  primary_says(120, 10);  // asked before, or just then
  EXPECT_EQ(choose(12), std::nullopt);
  primary_says(130, 11);
  EXPECT_EQ(choose(13), std::nullopt);  // no copy has it
  copy_says(kC, 129, 13);
  EXPECT_EQ(choose(14), std::nullopt);
  copy_says(kC, 130, 14);
  EXPECT_EQ(choose(15), kC);
}

TEST_F(ReadTrailTest, WhatIsWrittenLaterIsNotAskedFor) {
  trail.was_at_primary(Epoch(2), at(10));
  primary_says(130, 11);
  EXPECT_EQ(choose(12), std::nullopt);
  primary_says(500, 20);
  copy_says(kB, 130, 21);
  EXPECT_EQ(choose(22), kB);
}

TEST_F(ReadTrailTest, StaysWhereItWasUntilItIsKnownWhatItSawThere) {
  ASSERT_EQ(choose(1), kB);
  was_at(kB, 5);
  map.copies[kC].applied = Sequence(400);
  EXPECT_EQ(choose(6), kB);
  was_at(kB, 7);
  const ReadCopy b = map.copies[kB];
  map.copies.erase(map.copies.begin());
  EXPECT_EQ(choose(8), std::nullopt);  // nobody says what it saw
  primary_says(300, 9);                // not more than that
  EXPECT_EQ(choose(10), kB) << "that is the other one now";
  map.copies.insert(map.copies.begin(), b);
}

TEST_F(ReadTrailTest, GoesToAnotherThatShowsAllOfIt) {
  ASSERT_EQ(choose(1), kB);
  was_at(kB, 5);
  copy_says(kB, 200, 6);
  EXPECT_EQ(choose(7), kB);
  map.copies.erase(map.copies.begin());
  EXPECT_EQ(choose(8), std::nullopt);  // the other has 100
  copy_says(0, 200, 9);
  EXPECT_EQ(choose(10), 0u);
}

TEST_F(ReadTrailTest, DoesNotTakeACopyThatCameBackForTheSame) {
  ASSERT_EQ(choose(1), kB);
  was_at(kB, 5);
  map.copies[kB].placing.stay = 2;
  map.copies[kB].applied = Sequence(150);
  EXPECT_EQ(choose(6), std::nullopt);
}

TEST_F(ReadTrailTest, KeepsToTheFirstCopyThoughThePrimaryHasWrittenMore) {
  ASSERT_EQ(choose(1), kB);
  was_at(kB, 5);
  primary_says(1000, 6);
  EXPECT_EQ(choose(7), kB);
}

TEST_F(ReadTrailTest, ForgetsItsCopyWhenItHasBeenOnThePrimary) {
  ASSERT_EQ(choose(1), kB);
  was_at(kB, 5);
  trail.was_at_primary(Epoch(2), at(6));
  EXPECT_EQ(choose(7), std::nullopt);
}

TEST_F(ReadTrailTest, AsksForAllOfAnEpochThatIsOver) {
  trail.was_at_primary(Epoch(2), at(10));
  turn_to(Epoch(3), 140, 20);
  EXPECT_EQ(choose(21), kB);
  copy_says(kB, 139, 22);
  copy_says(kC, 139, 22);
  trail = ReadTrail();
  trail.was_at_primary(Epoch(2), at(10));
  EXPECT_EQ(choose(23), std::nullopt);
}

// The lost primary had written more than anybody acknowledged.
TEST_F(ReadTrailTest, AsksForNoMoreOfAnOldPositionThanItsEpochGave) {
  trail.was_at_primary(Epoch(2), at(10));
  primary_says(180, 11);
  EXPECT_EQ(choose(12), std::nullopt);
  turn_to(Epoch(3), 140, 20);
  EXPECT_EQ(choose(21), kB);
}

TEST_F(ReadTrailTest, DoesNotReadBehindAPrimaryThatTheMapDoesNotKnowYet) {
  trail.was_at_primary(Epoch(3), at(10));
  primary_says(500, 11);
  copy_says(kB, 500, 12);
  EXPECT_EQ(choose(13), std::nullopt);
}

TEST_F(ReadTrailTest, HonoursAPositionThatWasHandedOn) {
  read.after = Position{Epoch(2), Sequence(110)};
  EXPECT_EQ(choose(), std::nullopt);
  copy_says(kC, 110, 1);
  EXPECT_EQ(choose(), kC);
  read.mode = ReadMode::bounded;
  copy_says(kC, 109, 1);
  EXPECT_EQ(choose(), std::nullopt);
  read.after = Position{Epoch(1), Sequence(900)};  // it ended at 50
  EXPECT_EQ(choose(), kC);
  read.after = Position{Epoch(7), Sequence(1)};  // of another cluster, or of the future
  EXPECT_EQ(choose(), std::nullopt);
}

TEST_F(ReadTrailTest, MeasuresABoundFromWhereACopyIsComplete) {
  read.mode = ReadMode::bounded;
  read.max_staleness = milliseconds(100);
  trail.was_at_primary(Epoch(2), at(10));
  EXPECT_EQ(choose(100), kB);
  EXPECT_EQ(choose(101), std::nullopt);
  map.copies[kC].complete_to = at(50);
  EXPECT_EQ(choose(101), kC);
  map.copies[kC].complete_to = Monotonic::min();
  EXPECT_EQ(choose(101), std::nullopt);
}

// A bounded read may have gone anywhere: what it saw counts when the session asks for more.
TEST_F(ReadTrailTest, CountsWhatBoundedReadsHaveSeen) {
  read.mode = ReadMode::bounded;
  ASSERT_EQ(choose(0, 0), kB);
  was_at(kB, 5);
  map.copies[kB].complete_to = Monotonic::min();
  ASSERT_EQ(choose(6), kC);
  was_at(kC, 7);
  read.mode = ReadMode::session;
  copy_says(kB, 100, 8);
  copy_says(kC, 100, 8);
  EXPECT_EQ(choose(9), std::nullopt);  // of two places, only the primary can tell
  primary_says(100, 9);
  EXPECT_EQ(choose(10), kC);
}

}  // namespace
}  // namespace spar::gateway::relay
