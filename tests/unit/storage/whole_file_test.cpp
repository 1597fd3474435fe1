#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/disk.h"
#include "tests/support/fault_disk.h"
#include "tests/support/recording_disk.h"

namespace spar::storage {
namespace {

using test::FaultDisk;
using test::RecordingDisk;

TEST(WholeFile, RoundTripAndLimit) {
  RecordingDisk disk;
  ASSERT_TRUE(disk.make_directory("d"));
  ASSERT_TRUE(write_file_atomically(disk, "d/f", "hello"));
  EXPECT_EQ(read_file(disk, "d/f", 5).value(), "hello");
  auto large = read_file(disk, "d/f", 4);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, Code::invalid);
  EXPECT_THAT(disk.list("d").value(), testing::ElementsAre("f"));
}

TEST(WholeFile, APowerCutLeavesOneOfTheTwoContents) {
  RecordingDisk disk;
  ASSERT_TRUE(disk.make_directory("d"));
  ASSERT_TRUE(write_file_atomically(disk, "d/f", std::string(3000, 'a')));
  const std::uint64_t before = disk.moment();
  ASSERT_TRUE(write_file_atomically(disk, "d/f", std::string(2000, 'b')));
  const std::uint64_t after = disk.moment();
  for (std::uint64_t moment = before; moment <= after; ++moment) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      auto state = disk.after_power_cut(moment, seed);
      std::string bytes = read_file(*state, "d/f", 10000).value();
      bool is_new = bytes == std::string(2000, 'b');
      EXPECT_TRUE(is_new || (moment < after && bytes == std::string(3000, 'a')))
          << "moment " << moment << " seed " << seed;
    }
  }
}

TEST(WholeFile, AFailureLeavesTheOldContent) {
  for (std::uint64_t n = 1;; ++n) {
    RecordingDisk below;
    ASSERT_TRUE(write_file_atomically(below, "f", "old"));
    FaultDisk disk(below);
    disk.fail_operation(n, test::Fault::io_error);
    if (write_file_atomically(disk, "f", "new")) {
      EXPECT_GT(n, 5u);
      break;
    }
    std::string bytes = read_file(below, "f", 100).value();
    EXPECT_TRUE(bytes == "old" || bytes == "new") << n;
  }
}

TEST(WholeFile, ParentDirectory) {
  EXPECT_EQ(parent_directory("a/b/c"), "a/b");
  EXPECT_EQ(parent_directory("/a"), "/");
  EXPECT_EQ(parent_directory("a"), ".");
}

}  // namespace
}  // namespace spar::storage
