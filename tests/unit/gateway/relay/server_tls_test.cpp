// What an address may say of TLS, and both ends of it in memory.
#include "gateway/relay/server_tls.h"

#include <gtest/gtest.h>

#include "gateway/relay/tls_stream.h"
#include "tests/support/authority.h"

namespace spar::gateway::relay {
namespace {

TEST(ServerTls, FollowsTheAddress) {
  test::Authority authority;
  const std::string file = authority.issue("x").authority;
  EXPECT_EQ(*ServerTls::make("disable", "", "10.0.0.1"), nullptr);
  EXPECT_EQ(*ServerTls::make("verify-full", file, "/run/postgresql"), nullptr);
  EXPECT_FALSE((*ServerTls::make("", "", "10.0.0.1"))->required());
  EXPECT_FALSE((*ServerTls::make("prefer", file, "10.0.0.1"))->required());
  EXPECT_TRUE((*ServerTls::make("require", "", "10.0.0.1"))->required());
  EXPECT_TRUE((*ServerTls::make("verify-full", "system", "db"))->required());
}

TEST(ServerTls, RefusesWhatCannotBeChecked) {
  EXPECT_EQ(ServerTls::make("always", "", "db").error().code, Code::invalid);
  EXPECT_TRUE(ServerTls::make("verify-ca", "", "db").error().message.contains("sslrootcert"));
  const auto missing = ServerTls::make("verify-ca", "/nowhere/root.crt", "db");
  EXPECT_TRUE(missing.error().message.contains("/nowhere/root.crt")) << missing.error().message;
}

// What both have said goes to the other until nobody says more.
Result<void> talk(TlsStream& client, TlsStream& server, Bytes& heard) {
  Bytes to_server, to_client, nothing;
  SPAR_TRY(client.begin(to_server));
  while (!to_server.empty() || !to_client.empty()) {
    const Bytes up = std::exchange(to_server, {}), down = std::exchange(to_client, {});
    SPAR_TRY(server.received(up, heard, to_client));
    SPAR_TRY(client.received(down, nothing, to_server));
  }
  return {};
}

TEST(ServerTls, BothEndsUnderstandEachOther) {
  test::Authority authority;
  const auto files = authority.issue("db-a", "DNS:db-a");
  auto context = TlsContext::load(files.certificate, files.key);
  ASSERT_TRUE(context);
  auto speak = [&](const std::string& host, Bytes& heard) -> Result<void> {
    auto tls = ServerTls::make("verify-full", files.authority, host);
    TlsStream client(**tls), server(**context);
    SPAR_TRY(talk(client, server, heard));
    Bytes wire, back;
    SPAR_TRY(client.send("hello", wire));
    return server.received(wire, heard, back);
  };
  Bytes heard;
  ASSERT_TRUE(speak("db-a", heard));
  EXPECT_EQ(heard, "hello");
  const auto wrong = speak("db-b", heard);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::unavailable);
  EXPECT_TRUE(wrong.error().message.contains("hostname mismatch")) << wrong.error().message;
}

}  // namespace
}  // namespace spar::gateway::relay
