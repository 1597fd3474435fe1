// The relay's connections to a server that wants TLS, in each of libpq's modes.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/authority.h"
#include "tests/support/postgres_copy.h"
#include "tests/support/relay.h"
#include "tests/unit/gateway/libpq_client.h"

namespace spar::test {
namespace {

using gateway::relay::Placing;
using gateway::relay::ServerTls;
using gateway::test::PqClient;

class RelayTls : public PostgresCopies {
 protected:
  // `encrypted`: it lets nobody in without TLS.
  void start(bool encrypted) {
    server_ = copy("a");
    agent::PostgresServer& server = server_->server();
    agent::Settings settings;
    if (encrypted) {
      must(server.make_place());
      const std::string base = server.place().directory + "/tls";
      give(files_.certificate, base + ".crt");
      give(files_.key, base + ".key");
      const std::string rules = base + ".hba";
      std::ofstream(rules) << "local all all trust\n"
                              "hostssl all all 127.0.0.1/32 scram-sha-256\n";
      settings = {{"ssl", "on"},
                  {"ssl_cert_file", base + ".crt"},
                  {"ssl_key_file", base + ".key"},
                  {"hba_file", rules}};
      std::filesystem::permissions(rules, std::filesystem::perms(0644));
    }
    server_->start_as_primary(settings);
  }
  // What the session sees of its server connection, or the error.
  std::string ask(const std::string& mode, const std::string& authority, const std::string& host) {
    RelayOptions options;
    options.server = Placing{{.host = "127.0.0.1",
                              .port = server_->server().place().port,
                              .tls = must(ServerTls::make(mode, authority, host))}};
    options.secret = gateway::relay::Password{PostgresCopy::kPassword};
    Relay relay(std::move(options));
    PqClient client(relay.conninfo("user=postgres"));
    if (PQstatus(client.get()) != CONNECTION_OK) return client.message();
    return client.ask("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
  }

  Authority authority_, other_;
  const agent::remote::TlsFiles files_ = authority_.issue("db-a", "DNS:db-a,IP:127.0.0.1");
  std::unique_ptr<PostgresCopy> server_;

 private:
  // For the server's user alone.
  void give(const std::string& file, const std::string& to) {
    std::filesystem::copy_file(file, to);
    std::filesystem::permissions(to, std::filesystem::perms(0600));
    if (const auto& user = server_->server().user()) {
      ASSERT_EQ(::chown(to.c_str(), user->user, user->group), 0);
    }
  }
};

TEST_F(RelayTls, EncryptsAsTheAddressSays) {
  start(true);
  EXPECT_EQ(ask("prefer", "", "127.0.0.1"), "t");
  EXPECT_EQ(ask("require", "", "127.0.0.1"), "t");
  EXPECT_EQ(ask("verify-ca", files_.authority, "127.0.0.1"), "t");
  EXPECT_EQ(ask("verify-full", files_.authority, "127.0.0.1"), "t");
  EXPECT_EQ(ask("verify-full", files_.authority, "db-a"), "t");
  const std::string open = ask("disable", "", "127.0.0.1");
  EXPECT_TRUE(open.contains("no encryption")) << open;
}

TEST_F(RelayTls, TrustsNobodyElse) {
  start(true);
  const std::string foreign = other_.issue("x").authority;
  for (const auto& [mode, authority, host] :
       {std::tuple("verify-ca", foreign, "127.0.0.1"), std::tuple("require", foreign, "127.0.0.1"),
        std::tuple("verify-full", files_.authority, "db-b"),
        std::tuple("verify-full", files_.authority, "127.0.0.2")}) {
    const std::string refused = ask(mode, authority, host);
    EXPECT_TRUE(refused.contains("the server's certificate is not accepted")) << refused;
  }
}

TEST_F(RelayTls, AServerWithoutIt) {
  start(false);
  EXPECT_EQ(ask("prefer", "", "127.0.0.1"), "f");
  const std::string refused = ask("require", "", "127.0.0.1");
  EXPECT_TRUE(refused.contains("offers no TLS")) << refused;
}

}  // namespace
}  // namespace spar::test
