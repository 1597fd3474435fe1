#include "control/record.h"

#include <gtest/gtest.h>

#include "control/limits.h"
#include "tests/unit/control/rig.h"

namespace spar::control {
namespace {

TEST(Record, OfANewClusterHasAPrimaryAndNoMirrors) {
  Record record = initial_record(
      test_cluster(), {{CopyId{}, "r", "sqlite", "x", false}, {CopyId{}, "a", "sqlite", "y", true}},
      1, Durability::mirrored);
  EXPECT_EQ(record.version, 1u);
  EXPECT_EQ(record.epoch, Epoch{1});
  EXPECT_EQ(name_of(record, record.primary), "a");
  EXPECT_TRUE(record.synchronous.empty());
  EXPECT_TRUE(fork_known(record));
  EXPECT_TRUE(validate(record));
}

TEST(Record, ForksTellWhoDiverged) {
  Record record = record_of(2);
  record.epoch = Epoch{2};
  EXPECT_FALSE(fork_known(record));
  add_fork(record, Sequence{10});
  EXPECT_TRUE(fork_known(record));
  EXPECT_FALSE(diverged(record, at(1, 10)));
  EXPECT_TRUE(diverged(record, at(1, 11)));
  EXPECT_FALSE(diverged(record, at(2, 11)));
  EXPECT_FALSE(diverged(record, at(0, 0)));
}

TEST(Record, KeepsWhatAnEngineHasToRememberOfAFork) {
  Record record = record_of(2);
  record.epoch = Epoch{2};
  add_fork(record, Sequence{10}, "timeline 2 xid 745");
  EXPECT_EQ(record.fork_notes.at(Epoch{2}), "timeline 2 xid 745");
  auto text = encode(record);
  ASSERT_TRUE(text) << text.error().message;
  auto again = decode(*text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, record);
  record.fork_notes[Epoch{2}] = std::string(kForkNoteBytesMax + 1, 'x');
  EXPECT_FALSE(validate(record));
  record.fork_notes = {{Epoch{7}, "of no fork"}};
  EXPECT_FALSE(validate(record));
}

TEST(Record, DropsTheOldestForksAndComparesNothingOlder) {
  Record record = record_of(2);
  for (std::uint64_t epoch = 2; epoch <= kForksMax + 3; ++epoch) {
    record.epoch = Epoch{epoch};
    add_fork(record, Sequence{epoch * 10});
  }
  EXPECT_EQ(record.history.size(), kForksMax);
  EXPECT_EQ(record.comparable_from, Epoch{3});
  EXPECT_TRUE(validate(record));
  EXPECT_TRUE(diverged(record, at(2, 1)));
  EXPECT_FALSE(diverged(record, at(3, 31)));
}

TEST(Record, StrictHoldsCommitsWithTooFewMirrors) {
  Record record = record_of(3, {}, 1);
  EXPECT_FALSE(holds_commits(record));
  record.durability = Durability::mirrored_strict;
  EXPECT_TRUE(holds_commits(record));
  record.synchronous = {kB};
  EXPECT_FALSE(holds_commits(record));
}

TEST(Record, SetsAreOrdered) {
  CopySet set = with(with(with({}, kC), kA), kC);
  EXPECT_EQ(set, (CopySet{kA, kC}));
  EXPECT_TRUE(contains(set, kC));
  EXPECT_EQ(without(set, kA), CopySet{kC});
}

TEST(Record, RefusesWhatMakesNoSense) {
  auto refused = [](auto change) {
    Record record = record_of(3);
    change(record);
    return !validate(record).has_value();
  };
  EXPECT_FALSE(refused([](Record&) {}));
  EXPECT_TRUE(refused([](Record& r) { r.version = 0; }));
  EXPECT_TRUE(refused([](Record& r) { r.epoch = Epoch{0}; }));
  EXPECT_TRUE(refused([](Record& r) { r.members.clear(); }));
  EXPECT_TRUE(refused([](Record& r) { r.primary = CopyId{9}; }));
  EXPECT_TRUE(refused([](Record& r) { r.synchronous = {r.primary}; }));
  EXPECT_TRUE(refused([](Record& r) { r.synchronous = {kC, kB}; }));
  EXPECT_TRUE(refused([](Record& r) { r.synchronous = {CopyId{9}}; }));
  EXPECT_TRUE(refused([](Record& r) { r.members[1].may_be_primary = false; }));
  EXPECT_TRUE(refused([](Record& r) { r.members[1].name = "a"; }));
  EXPECT_TRUE(refused([](Record& r) { r.members[1].name = ""; }));
  EXPECT_TRUE(refused([](Record& r) { r.members[1].id = kA; }));
  EXPECT_TRUE(refused([](Record& r) { r.next_copy = kC; }));
  EXPECT_TRUE(refused([](Record& r) { r.history = {{Epoch{2}, Sequence{1}}}; }));
  EXPECT_TRUE(refused([](Record& r) { r.mirrors = kMembersMax + 1; }));
  EXPECT_TRUE(refused([](Record& r) { r.members[0].location.resize(kLocationBytesMax + 1); }));
  EXPECT_TRUE(refused([](Record& r) { r.members.resize(kMembersMax + 1); }));
}

TEST(Record, PrintsOneLine) {
  EXPECT_EQ(to_string(record_of(3)), "version 1, epoch 1, primary a, mirrors b of 1, mirrored");
}

}  // namespace
}  // namespace spar::control
