#include "tests/support/recording_disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace spar::test {
namespace {

using storage::OpenMode;

constexpr std::uint64_t kSeeds = 300;

std::string content(RecordingDisk& disk, const std::string& path) {
  auto bytes = storage::read_file(disk, path, 1 << 20);
  return bytes ? *bytes : "absent";
}

std::unique_ptr<storage::File> make_durable(RecordingDisk& disk, const std::string& path,
                                            const std::string& bytes) {
  auto file = disk.open(path, OpenMode::create).value();
  EXPECT_TRUE(file->write(0, bytes) && file->sync() && disk.sync_directory("."));
  return file;
}

// Every content that `path` has after a power cut now.
std::set<std::string> outcomes(RecordingDisk& disk, const std::string& path) {
  std::set<std::string> all;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    all.insert(content(*disk.after_power_cut(seed), path));
  }
  return all;
}

TEST(RecordingDisk, KeepsWhatWasSynced) {
  RecordingDisk disk;
  make_durable(disk, "f", std::string(5000, 'a'));
  EXPECT_THAT(outcomes(disk, "f"), testing::ElementsAre(std::string(5000, 'a')));
}

TEST(RecordingDisk, KeepsDropsAndTearsWhatWasNot) {
  RecordingDisk disk;
  auto file = make_durable(disk, "f", std::string(2048, 'a'));
  ASSERT_TRUE(file->write(512, std::string(1024, 'b')));
  const std::string a(512, 'a'), b(512, 'b');
  EXPECT_THAT(outcomes(disk, "f"), testing::UnorderedElementsAre(a + a + a + a, a + b + b + a,
                                                                 a + b + a + a, a + a + b + a));
}

TEST(RecordingDisk, ALostAppendMayLeaveZeros) {
  RecordingDisk disk;
  auto file = make_durable(disk, "f", "a");
  ASSERT_TRUE(file->write(1, "b"));
  EXPECT_THAT(outcomes(disk, "f"), testing::UnorderedElementsAre("a", "ab", std::string("a\0", 2)));
}

TEST(RecordingDisk, KeepsOrderWithinWhatSurvives) {
  RecordingDisk disk;
  auto file = make_durable(disk, "f", "a");
  ASSERT_TRUE(file->write(0, "b") && file->write(0, "c") && file->truncate(0));
  EXPECT_THAT(outcomes(disk, "f"), testing::UnorderedElementsAre("a", "b", "c", ""));
  ASSERT_TRUE(file->sync());
  EXPECT_THAT(outcomes(disk, "f"), testing::ElementsAre(""));
}

TEST(RecordingDisk, NamesNeedTheirDirectorySynced) {
  RecordingDisk disk;
  ASSERT_TRUE(disk.make_directory("d"));
  auto file = disk.open("d/f", OpenMode::create).value();
  ASSERT_TRUE(file->write(0, "x") && file->sync());
  EXPECT_THAT(outcomes(disk, "d/f"), testing::UnorderedElementsAre("absent", "x"));
  ASSERT_TRUE(disk.sync_directory("."));
  EXPECT_THAT(outcomes(disk, "d/f"), testing::UnorderedElementsAre("absent", "x"));
  ASSERT_TRUE(disk.sync_directory("d"));
  EXPECT_THAT(outcomes(disk, "d/f"), testing::ElementsAre("x"));
  ASSERT_TRUE(disk.rename("d/f", "d/g"));
  EXPECT_THAT(outcomes(disk, "d/g"), testing::UnorderedElementsAre("absent", "x"));
  ASSERT_TRUE(disk.sync_directory("d") && disk.remove("d/g"));
  EXPECT_THAT(outcomes(disk, "d/g"), testing::UnorderedElementsAre("absent", "x"));
  ASSERT_TRUE(disk.sync_directory("d"));
  EXPECT_THAT(outcomes(disk, "d/g"), testing::ElementsAre("absent"));
}

TEST(RecordingDisk, AMomentOfThePastCanBeChosen) {
  RecordingDisk disk;
  auto file = make_durable(disk, "f", "0");
  std::vector<std::uint64_t> moments;
  for (char c = '1'; c <= '9'; ++c) {
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(file->write(0, std::string(1, c)) && file->sync());
    moments.push_back(disk.moment());
  }
  for (std::size_t i = 0; i < moments.size(); ++i) {
    EXPECT_EQ(content(*disk.after_power_cut(moments[i], 7), "f"), std::string(1, '1' + char(i)));
  }
}

TEST(RecordingDisk, StatesAreIndependentAndRepeatable) {
  RecordingDisk disk;
  auto file = make_durable(disk, "f", std::string(9000, 'a'));
  ASSERT_TRUE(file->write(0, std::string(9000, 'b')));
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto one = disk.after_power_cut(seed);
    auto two = disk.after_power_cut(seed);
    EXPECT_EQ(content(*one, "f"), content(*two, "f"));
    ASSERT_TRUE(one->open("f", OpenMode::read_write).value()->write(0, "other"));
    EXPECT_NE(content(*one, "f"), content(*two, "f"));
  }
  EXPECT_EQ(content(*disk.clone(), "f"), std::string(9000, 'b'));
}

TEST(RecordingDisk, DirectoriesMoveAndGo) {
  RecordingDisk disk;
  ASSERT_TRUE(disk.make_directory("a/b"));
  auto file = disk.open("a/b/f", OpenMode::create).value();
  EXPECT_TRUE(file->still_there());
  ASSERT_TRUE(disk.rename("a", "c"));
  EXPECT_FALSE(file->still_there());
  EXPECT_TRUE(disk.exists("c/b/f"));
  EXPECT_FALSE(disk.open("a/b/g", OpenMode::create));
  EXPECT_THAT(disk.list("c").value(), testing::ElementsAre("b"));
  ASSERT_TRUE(disk.remove_all("c"));
  EXPECT_FALSE(disk.exists("c"));
  EXPECT_FALSE(disk.list("c/b"));
}

TEST(RecordingDisk, TellsAnObserver) {
  RecordingDisk disk;
  std::vector<std::uint64_t> seen;
  disk.on_operation([&](std::uint64_t moment) { seen.push_back(moment); });
  make_durable(disk, "f", "x");
  EXPECT_THAT(seen, testing::ElementsAre(1, 2, 3, 4));
}

}  // namespace
}  // namespace spar::test
