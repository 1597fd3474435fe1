#include "coordination/local/file_store.h"

#include <gtest/gtest.h>

#include "tests/support/fault_disk.h"
#include "tests/support/recording_disk.h"

namespace spar::coordination {
namespace {

using test::Calls;
using test::Fault;

constexpr const char* kPath = "node/main.record";

control::Record sample() {
  ClusterId cluster;
  cluster.bytes[0] = 0x42;
  return control::initial_record(
      cluster, {{CopyId{}, "a", "sqlite", "copies/a"}, {CopyId{}, "b", "sqlite", "copies/b"}}, 1,
      control::Durability::mirrored);
}

class FileStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(recording_.make_directory("node"));
    ASSERT_EQ(store_->compare_and_set(0, sample()), Cas::ok);
  }
  // The record of the next epoch.
  control::Record next(const control::Record& record) {
    control::Record wanted = record;
    ++wanted.epoch.value;
    return wanted;
  }
  control::Record stored() { return store_->read()->value(); }

  test::RecordingDisk recording_;
  test::FaultDisk disk_{recording_};
  std::unique_ptr<RecordStore> store_ = open_file_store(disk_, kPath);
};

TEST_F(FileStoreTest, HasNothingBeforeTheFirstRecord) {
  auto other = open_file_store(disk_, "node/other.record");
  auto read = other->read();
  ASSERT_TRUE(read);
  EXPECT_FALSE(*read);
  EXPECT_EQ(other->compare_and_set(1, sample()), Cas::lost);
}

TEST_F(FileStoreTest, StoresWhenTheVersionIsTheExpectedOne) {
  EXPECT_EQ(stored(), sample());
  EXPECT_EQ(store_->compare_and_set(1, next(sample())), Cas::ok);
  EXPECT_EQ(stored().version, 2u);
  EXPECT_EQ(stored().epoch, Epoch{2});
}

TEST_F(FileStoreTest, StoresNothingWhenSomeoneElseWasFaster) {
  EXPECT_EQ(store_->compare_and_set(0, next(sample())), Cas::lost);
  EXPECT_EQ(store_->compare_and_set(2, next(sample())), Cas::lost);
  EXPECT_EQ(stored(), sample());
}

TEST_F(FileStoreTest, RefusesARecordThatCannotBeReadAgain) {
  control::Record bad = sample();
  bad.primary = CopyId{9};
  EXPECT_EQ(store_->compare_and_set(1, bad), Cas::lost);
  EXPECT_EQ(stored(), sample());
}

TEST_F(FileStoreTest, SaysThatADamagedFileIsDamaged) {
  ASSERT_TRUE(storage::write_file_atomically(disk_, kPath, "noise"));
  auto read = store_->read();
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::corrupt);
  EXPECT_EQ(store_->compare_and_set(1, next(sample())), Cas::unknown);
}

// Every operation of a compare-and-set fails once: the answer is never wrong.
TEST_F(FileStoreTest, NeverLiesWhenAnOperationFails) {
  std::uint64_t failures = 0;
  for (std::uint64_t n = 1;; ++n) {
    const control::Record before = stored();
    const std::uint64_t seen = disk_.operations();
    disk_.fail_operation(n, Fault::io_error);
    const Cas result = store_->compare_and_set(before.version, next(before));
    const bool struck = disk_.operations() - seen >= n;
    disk_.heal();
    const bool is_there = stored().version == before.version + 1;
    EXPECT_TRUE(result == Cas::unknown || is_there == (result == Cas::ok)) << n;
    if (!struck) break;
    ++failures;
  }
  EXPECT_GE(failures, 5u);
}

// A record that read() gave after a failed write is there after a power cut, or a later one.
TEST_F(FileStoreTest, GivesNothingThatAPowerCutCouldTakeBack) {
  for (std::uint64_t n = 1; n <= 12; ++n) {
    const control::Record before = stored();
    disk_.fail_operation(n, Fault::io_error, n % 2 == 0 ? Calls::syncs : Calls::all);
    (void)store_->compare_and_set(before.version, next(before));
    disk_.heal();
    const control::Record seen = stored();
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      auto after = recording_.after_power_cut(seed);
      auto again = open_file_store(*after, kPath)->read();
      ASSERT_TRUE(again) << again.error().message;
      ASSERT_TRUE(*again);
      EXPECT_EQ((*again)->version, seen.version) << "operation " << n << ", seed " << seed;
    }
  }
}

// At every moment of a compare-and-set a power cut leaves the record before or the one after.
TEST_F(FileStoreTest, IsWholeAfterAPowerCutAtAnyMoment) {
  const std::uint64_t begin = recording_.moment();
  ASSERT_EQ(store_->compare_and_set(1, next(sample())), Cas::ok);
  for (std::uint64_t moment = begin; moment <= recording_.moment(); ++moment) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      auto after = recording_.after_power_cut(moment, seed);
      auto read = open_file_store(*after, kPath)->read();
      ASSERT_TRUE(read) << read.error().message;
      ASSERT_TRUE(*read);
      const std::uint64_t version = (*read)->version;
      EXPECT_TRUE(version == 2 || (version == 1 && moment < recording_.moment()))
          << "moment " << moment << ", seed " << seed;
    }
  }
}

}  // namespace
}  // namespace spar::coordination
