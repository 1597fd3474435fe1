#include "agent/epoch_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/fault_disk.h"
#include "tests/support/temp_directory.h"

namespace spar::agent {
namespace {

using testing::HasSubstr;

class EpochKeeping : public ::testing::Test {
 protected:
  void write(const std::string& text) { std::ofstream(file_) << text; }

  test::TempDirectory directory_;
  std::unique_ptr<storage::Disk> disk_ = storage::make_posix_disk();
  const std::string file_ = directory_ / "epoch";
};

TEST_F(EpochKeeping, OlderOnesAreRefusedAndBothAreNamed) {
  EpochKeeper keeper(*disk_, file_, std::nullopt);
  EXPECT_EQ(keeper.highest()->value, 0u);
  EXPECT_TRUE(keeper.admit(Epoch(3)));
  EXPECT_TRUE(keeper.admit(Epoch(3)));
  auto old = keeper.admit(Epoch(2));
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code, Code::invalid);
  EXPECT_THAT(old.error().message, HasSubstr("epoch 2"));
  EXPECT_THAT(old.error().message, HasSubstr("epoch 3"));
  EXPECT_EQ(keeper.highest()->value, 3u);
}

TEST_F(EpochKeeping, TheHighestSurvivesTheProcess) {
  EXPECT_TRUE(EpochKeeper(*disk_, file_, std::nullopt).admit(Epoch(12)));
  EpochKeeper again(*disk_, file_, std::nullopt);
  EXPECT_FALSE(again.admit(Epoch(11)));
  EXPECT_TRUE(again.admit(Epoch(12)));
  EXPECT_EQ(again.highest()->value, 12u);
}

TEST_F(EpochKeeping, AFileThatSaysNoEpochRefusesEverything) {
  for (const char* text :
       {"", "epoch", "epoch x\n", "epoch 1", "epoch 99999999999999999999\n", "epoch 1 2\n"}) {
    write(text);
    EpochKeeper keeper(*disk_, file_, std::nullopt);
    auto refused = keeper.admit(Epoch(5));
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, Code::corrupt) << text;
    EXPECT_FALSE(refused.error().hint.empty());
  }
  write("epoch 4\n");
  EXPECT_FALSE(EpochKeeper(*disk_, file_, std::nullopt).admit(Epoch(3)));
}

// Whichever call to the disk fails: what was not made durable is not said to be, and older epochs
// stay refused all the same.
TEST_F(EpochKeeping, AFailingDiskIsTold) {
  for (std::uint64_t n = 1;; ++n) {
    write("epoch 4\n");
    test::FaultDisk failing(*disk_);
    EpochKeeper keeper(failing, file_, std::nullopt);
    failing.fail_operation(n, test::Fault::io_error);
    auto first = keeper.admit(Epoch(6));
    if (first) break;
    EXPECT_EQ(first.error().code, Code::io) << n;
    EXPECT_FALSE(keeper.admit(Epoch(3))) << n;
    EXPECT_TRUE(keeper.admit(Epoch(6))) << n;
    EXPECT_FALSE(EpochKeeper(*disk_, file_, std::nullopt).admit(Epoch(5))) << n;
    ASSERT_LT(n, 100u);
  }
}

}  // namespace
}  // namespace spar::agent
