#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "storage/disk.h"

namespace spar::storage {
namespace {

class PosixDisk : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "spar_disk_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  std::string at(const std::string& name) const { return root_ + "/" + name; }
  std::unique_ptr<File> open(const std::string& name, OpenMode mode) {
    auto file = disk_->open(at(name), mode);
    EXPECT_TRUE(file) << file.error().message;
    return file ? std::move(*file) : nullptr;
  }

  std::unique_ptr<Disk> disk_ = make_posix_disk();
  std::string root_;
};

TEST_F(PosixDisk, ReadsBackWhatWasWritten) {
  auto file = open("f", OpenMode::create_new);
  ASSERT_TRUE(file->write(3, "abc"));
  ASSERT_TRUE(file->sync());
  char buffer[10];
  EXPECT_EQ(file->read(0, buffer).value(), 6u);
  EXPECT_EQ(std::string(buffer, 6), std::string("\0\0\0abc", 6));
  EXPECT_EQ(file->read(4, buffer).value(), 2u);
  EXPECT_EQ(file->read(100, buffer).value(), 0u);
  ASSERT_TRUE(file->truncate(4));
  EXPECT_EQ(file->size().value(), 4u);
}

TEST_F(PosixDisk, OpenModes) {
  EXPECT_FALSE(disk_->open(at("f"), OpenMode::read));
  auto missing = disk_->open(at("f"), OpenMode::read_write);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::io);
  EXPECT_EQ(missing.error().sqlstate, "58030");
  EXPECT_THAT(missing.error().message, testing::HasSubstr(at("f") + ": No such file"));
  EXPECT_TRUE(disk_->open(at("f"), OpenMode::create));
  EXPECT_TRUE(disk_->open(at("f"), OpenMode::read));
  EXPECT_FALSE(disk_->open(at("f"), OpenMode::create_new));
  struct stat info{};
  ASSERT_EQ(::stat(at("f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(PosixDisk, FullDiskHasItsOwnState) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  auto file = disk_->open("/dev/full", OpenMode::read_write);
  ASSERT_TRUE(file);
  auto written = (*file)->write(0, "x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().sqlstate, "53100");
  EXPECT_NE(written.error().hint, "");
}

TEST_F(PosixDisk, NoticesThatItsFileIsGone) {
  ASSERT_TRUE(disk_->make_directory(at("d")));
  auto file = open("d/f", OpenMode::create);
  EXPECT_TRUE(file->still_there());
  ASSERT_TRUE(disk_->rename(at("d"), at("e")));
  EXPECT_FALSE(file->still_there());
  ASSERT_TRUE(disk_->make_directory(at("d")));
  auto other = open("d/f", OpenMode::create);
  EXPECT_FALSE(file->still_there());
  EXPECT_TRUE(other->still_there());
  ASSERT_TRUE(disk_->remove(at("d/f")));
  EXPECT_FALSE(other->still_there());
}

TEST_F(PosixDisk, Directories) {
  ASSERT_TRUE(disk_->make_directory(at("x/y/z")));
  ASSERT_TRUE(disk_->make_directory(at("x/y/z")));
  struct stat info{};
  ASSERT_EQ(::stat(at("x/y").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  open("x/b", OpenMode::create);
  open("x/a", OpenMode::create);
  EXPECT_THAT(disk_->list(at("x")).value(), testing::ElementsAre("a", "b", "y"));
  EXPECT_TRUE(disk_->sync_directory(at("x")));
  EXPECT_FALSE(disk_->make_directory(at("x/a")));
  EXPECT_FALSE(disk_->make_directory(at("x/a/c")));
  ASSERT_TRUE(disk_->remove_all(at("x")));
  ASSERT_TRUE(disk_->remove_all(at("x")));
  EXPECT_FALSE(disk_->exists(at("x")));
  EXPECT_FALSE(disk_->list(at("x")));
  EXPECT_FALSE(disk_->sync_directory(at("x")));
}

TEST_F(PosixDisk, RemovingWhatIsAbsentIsNoError) {
  EXPECT_TRUE(disk_->remove(at("nothing")));
  EXPECT_FALSE(disk_->rename(at("nothing"), at("f")));
}

}  // namespace
}  // namespace spar::storage
