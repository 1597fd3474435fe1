#include "gateway/tls.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/certificate.h"
#include "tests/unit/gateway/client_bytes.h"
#include "tests/unit/gateway/libpq_client.h"
#include "tests/unit/gateway/server_bytes.h"
#include "tests/unit/gateway/test_server.h"

namespace spar::gateway::test {
namespace {

using spar::test::Certificate;

struct TlsTest : ::testing::Test {
  Certificate certificate;
  std::unique_ptr<TlsContext> context =
      TlsContext::load(certificate.certificate_file(), certificate.key_file()).value();
};

TEST_F(TlsTest, EncryptsASession) {
  TestServer server({.tls = context.get()});
  PqClient client(server.conninfo("sslmode=require"));
  ASSERT_TRUE(client.connected()) << client.message();
  EXPECT_EQ(PQsslInUse(client.get()), 1);
  EXPECT_EQ(client.ask("rows 2"), "1");
  std::string large = client.ask("value $1 , $2", {"7", std::string(300'000, 'x')});
  EXPECT_EQ(large, "7");
  EXPECT_EQ(client.ask("rows 100000"), "1");
}

TEST_F(TlsTest, ClientsCanVerifyTheServer) {
  TestServer server({.tls = context.get()});
  PqClient client(
      server.conninfo("host=localhost hostaddr=127.0.0.1 sslmode=verify-full "
                      "sslrootcert=" +
                      certificate.certificate_file()));
  EXPECT_TRUE(client.connected()) << client.message();
}

TEST_F(TlsTest, BindsPasswordsToTheChannel) {
  TestServer server({.trust = false, .tls = context.get(), .tls_required = true});
  PqClient bound(server.conninfo("sslmode=require channel_binding=require password=right"));
  EXPECT_TRUE(bound.connected()) << bound.message();
  PqClient unbound(server.conninfo("sslmode=require channel_binding=disable password=right"));
  EXPECT_TRUE(unbound.connected()) << unbound.message();
  PqClient wrong(server.conninfo("sslmode=require password=wrong"));
  EXPECT_NE(wrong.message().find("password authentication failed"), std::string::npos);
  PqClient plain(server.conninfo("sslmode=disable password=right"));
  EXPECT_NE(plain.message().find("connections without TLS are not allowed here"),
            std::string::npos);
}

TEST_F(TlsTest, RefusesBytesFromBeforeTheHandshake) {
  TestServer server({.tls = context.get()});
  RawClient client(server.port());
  client.send(be32(8) + be32(80877103) + startup_packet({{"user", "mallory"}}));
  std::string answer = client.receive_all();
  ASSERT_FALSE(answer.empty());
  EXPECT_EQ(answer[0], 'S');
  EXPECT_EQ(describe_server(std::string_view(answer).substr(1)),
            std::vector<std::string>{"E FATAL 08P01 received unencrypted data after SSL request"});
}

TEST_F(TlsTest, SurvivesAHandshakeThatIsNone) {
  TestServer server({.tls = context.get()});
  for (std::string bytes :
       {std::string(), std::string(1'000, '\xff'), std::string("\x16\x03\x01", 3)}) {
    RawClient client(server.port());
    client.send(be32(8) + be32(80877103));
    client.send(bytes);
  }
  PqClient client(server.conninfo("sslmode=require"));
  EXPECT_EQ(client.ask("rows 1"), "1");
}

TEST_F(TlsTest, SaysWhichFileIsWrong) {
  auto missing = TlsContext::load(certificate.directory() + "/none.crt", certificate.key_file());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::invalid);
  EXPECT_NE(missing.error().message.find("none.crt"), std::string::npos);
  Certificate other;
  auto mismatch = TlsContext::load(certificate.certificate_file(), other.key_file());
  ASSERT_FALSE(mismatch);
  EXPECT_NE(mismatch.error().message.find("server.key"), std::string::npos);
  std::ofstream(certificate.directory() + "/noise.key") << "noise";
  EXPECT_FALSE(
      TlsContext::load(certificate.certificate_file(), certificate.directory() + "/noise.key"));
}

}  // namespace
}  // namespace spar::gateway::test
