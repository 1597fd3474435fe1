#include "server/node_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/temp_directory.h"

namespace spar::server {
namespace {

TEST(NodeLock, OneServerADirectory) {
  test::TempDirectory directory;
  std::string data = directory / "deep/data";
  auto lock = lock_node(data);
  ASSERT_TRUE(lock) << lock.error().message;
  auto second = lock_node(data);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::unavailable);
  EXPECT_THAT(second.error().message, testing::HasSubstr("pid " + std::to_string(::getpid())));
}

TEST(NodeLock, IsFreeAgainAfterwards) {
  test::TempDirectory directory;
  {
    auto lock = lock_node(directory.path());
  }
  EXPECT_FALSE(find_running_node(directory.path()));
  EXPECT_TRUE(lock_node(directory.path()));
}

TEST(NodeLock, TellsWhereTheNodeIs) {
  test::TempDirectory directory;
  auto lock = lock_node(directory.path());
  EXPECT_EQ(find_running_node(directory.path())->address, "");
  ASSERT_TRUE(publish_address(*lock, {"::1", 77}));
  auto node = find_running_node(directory.path());
  ASSERT_TRUE(node);
  EXPECT_EQ(node->pid, ::getpid());
  EXPECT_EQ(node->address, "[::1]:77");
}

}  // namespace
}  // namespace spar::server
