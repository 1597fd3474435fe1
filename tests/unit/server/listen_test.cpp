#include "server/listen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spar::server {
namespace {

TEST(Listen, TheSystemPicksAPort) {
  auto fd = listen_on({"127.0.0.1", 0});
  ASSERT_TRUE(fd) << fd.error().message;
  auto bound = bound_to(fd->get());
  ASSERT_TRUE(bound);
  EXPECT_EQ(bound->host, "127.0.0.1");
  EXPECT_NE(bound->port, 0);
}

TEST(Listen, ATakenPortSaysSo) {
  auto fd = listen_on({"127.0.0.1", 0});
  auto bound = bound_to(fd->get());
  auto second = listen_on(*bound);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, testing::HasSubstr(to_string(*bound)));
  EXPECT_THAT(second.error().hint, testing::HasSubstr("another port"));
}

TEST(Listen, WritesAddressesAsTheConfigurationDoes) {
  EXPECT_EQ(to_string({"127.0.0.1", 1}), "127.0.0.1:1");
  EXPECT_EQ(to_string({"::1", 2}), "[::1]:2");
}

}  // namespace
}  // namespace spar::server
