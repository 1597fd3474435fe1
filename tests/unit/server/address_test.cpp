#include "server/address.h"

#include <gtest/gtest.h>

namespace spar::server {
namespace {

TEST(Address, TakesNumericAddressesWithPort) {
  Listener listener;
  EXPECT_TRUE(parse_address("127.0.0.1:6432", listener));
  EXPECT_EQ(listener.host, "127.0.0.1");
  EXPECT_TRUE(parse_address("[::1]:0", listener));
  EXPECT_EQ(listener.host, "::1");
  EXPECT_EQ(listener.port, 0);
  EXPECT_TRUE(parse_address("localhost:1", listener));
  EXPECT_EQ(listener.host, "127.0.0.1");
}

TEST(Address, RefusesTheRest) {
  Listener listener;
  for (const char* text : {"", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:1x", "::1:5",
                           "example.org:1", "1.2.3.4:65536", "1.2.3.4:-1", "[]:1"}) {
    EXPECT_FALSE(parse_address(text, listener)) << text;
  }
}

TEST(Address, KnowsLoopback) {
  EXPECT_TRUE(is_loopback("127.9.9.9"));
  EXPECT_TRUE(is_loopback("::1"));
  EXPECT_FALSE(is_loopback("::"));
  EXPECT_FALSE(is_loopback("0.0.0.0"));
  EXPECT_FALSE(is_loopback("12.7.0.1"));
}

}  // namespace
}  // namespace spar::server
