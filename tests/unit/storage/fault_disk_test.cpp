#include "tests/support/fault_disk.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/recording_disk.h"

namespace spar::test {
namespace {

using storage::OpenMode;

TEST(FaultDisk, StrikesTheChosenCallOnce) {
  RecordingDisk below;
  FaultDisk disk(below);
  auto file = disk.open("f", OpenMode::create).value();
  disk.fail_operation(2, Fault::io_error, Calls::syncs);
  EXPECT_TRUE(file->write(0, "x"));
  EXPECT_TRUE(file->sync());
  EXPECT_EQ(file->sync().error().sqlstate, "58030");
  EXPECT_TRUE(file->sync());
}

TEST(FaultDisk, StrikesUnderAPrefixUntilHealed) {
  RecordingDisk below;
  FaultDisk disk(below);
  auto a = disk.open("a", OpenMode::create).value();
  auto b = disk.open("b", OpenMode::create).value();
  disk.fail_under("a", Fault::io_error);
  char buffer[1];
  EXPECT_FALSE(a->read(0, buffer));
  EXPECT_FALSE(a->write(0, "x"));
  EXPECT_TRUE(b->write(0, "x"));
  disk.heal();
  EXPECT_TRUE(a->write(0, "x"));
}

TEST(FaultDisk, AFullDiskStillReads) {
  RecordingDisk below;
  FaultDisk disk(below);
  auto file = disk.open("f", OpenMode::create).value();
  disk.fail_under("", Fault::disk_full);
  char buffer[1];
  EXPECT_TRUE(file->read(0, buffer));
  EXPECT_EQ(file->write(0, "x").error().sqlstate, "53100");
  EXPECT_FALSE(disk.open("g", OpenMode::create));
  EXPECT_TRUE(disk.open("f", OpenMode::create));
  EXPECT_TRUE(disk.remove("f"));
}

TEST(FaultDisk, HangsUntilHealed) {
  RecordingDisk below;
  FaultDisk disk(below);
  auto file = disk.open("f", OpenMode::create).value();
  disk.fail_under("f", Fault::hang);
  std::thread writer([&] { EXPECT_TRUE(file->write(0, "x")); });
  std::thread watcher([&] { EXPECT_TRUE(file->still_there()); });
  disk.wait_until_hanging(2);
  EXPECT_EQ(below.moment(), 1u);
  disk.heal();
  writer.join();
  watcher.join();
  EXPECT_EQ(below.moment(), 2u);
  EXPECT_EQ(disk.hanging(), 0);
}

}  // namespace
}  // namespace spar::test
