#include "gateway/relay/server_login.h"

#include <gtest/gtest.h>

#include "gateway/wire/encoder.h"
#include "tests/unit/gateway/client_bytes.h"

namespace spar::gateway::relay {
namespace {

using test::be32;
using test::message;
using test::text;

std::string request(std::uint32_t kind, std::string_view data = {}) {
  return message('R', be32(kind) + std::string(data));
}

const std::string kWelcome = request(0) + message('S', text("server_version") + text("15.0")) +
                             message('S', text("TimeZone") + text("UTC")) +
                             message('N', "SNOTICE") + message('K', be32(7) + be32(9)) +
                             message('Z', "I");

ServerIdentity app(ServerSecret secret) {
  return {.user = "app", .database = "shop", .secret = std::move(secret)};
}

// One step with all of `bytes`: "read", "done" or the SQLSTATE.
std::string step(ServerLogin& login, std::string_view bytes, Bytes& out) {
  out.clear();
  auto next = login.step(bytes, out);
  if (!next) return next.error().sqlstate;
  return *next == ServerLogin::Next::done ? "done" : "read";
}

TEST(ServerLogin, NamesUserDatabaseAndParameters) {
  ServerIdentity identity = app(NoSecret{});
  identity.parameters = {{"options", "-c jit=off"}};
  Bytes out;
  ServerLogin(identity, "n").begin(out);
  EXPECT_EQ(out, test::startup_packet(
                     {{"user", "app"}, {"database", "shop"}, {"options", "-c jit=off"}}));
}

TEST(ServerLogin, IsDoneWhenTheServerIsReadyWhereverPiecesEnd) {
  const std::string stream = kWelcome + "more";
  for (std::size_t cut = 0; cut <= kWelcome.size(); ++cut) {
    ServerLogin login(app(NoSecret{}), "n");
    Bytes out;
    std::string_view first = std::string_view(stream).substr(0, cut);
    auto early = login.step(first, out);
    ASSERT_TRUE(early);
    std::string_view rest = std::string_view(stream).substr(cut - first.size());
    if (*early == ServerLogin::Next::read) {
      EXPECT_EQ(login.step(rest, out).value(), ServerLogin::Next::done) << cut;
    }
    EXPECT_EQ(rest, "more") << cut;
    EXPECT_EQ(out, "");
    EXPECT_EQ(login.parameters().at("TimeZone"), "UTC");
    EXPECT_EQ(login.key().process, 7u);
    EXPECT_EQ(login.key().secret, 9u);
  }
}

TEST(ServerLogin, AnswersMd5AsPostgresDoes) {
  ServerLogin login(app(Password{"pencil"}), "n");
  Bytes out;
  EXPECT_EQ(step(login, request(5, "abcd"), out), "read");
  // md5(md5("pencilapp") + "abcd"), by another implementation.
  EXPECT_EQ(out, message('p', text("md5effb53962dd214f1143b0ad1eb8ff14e")));
}

TEST(ServerLogin, SendsAPasswordInClearOnlyWhenAllowed) {
  Bytes out;
  ServerLogin careful(app(Password{"pencil"}), "n");
  EXPECT_EQ(step(careful, request(3), out), "28000");
  ServerIdentity identity = app(Password{"pencil"});
  identity.may_send_clear = true;
  ServerLogin login(identity, "n");
  EXPECT_EQ(step(login, request(3), out), "read");
  EXPECT_EQ(out, message('p', text("pencil")));
}

// The whole conversation with a server that holds `secret`; gives the last step's outcome.
std::string converse(ServerLogin& login, auth::ScramSecret secret) {
  auth::ScramExchange server(std::move(secret), {.server_nonce = "server"});
  Bytes out;
  std::string sasl = text("SCRAM-SHA-256-PLUS") + text("SCRAM-SHA-256") + '\0';
  if (std::string state = step(login, request(10, sasl), out); state != "read") return state;
  auto first = server.first(out.substr(5 + 14 + 4));
  if (!first) return first.error().message;
  if (std::string state = step(login, request(11, *first), out); state != "read") return state;
  auto last = server.last(out.substr(5));
  if (!last) return last.error().message;
  if (!*last) return "wrong proof";
  if (std::string state = step(login, request(12, **last), out); state != "read") return state;
  return step(login, kWelcome, out);
}

const std::string kSalt = "0123456789abcdef";

TEST(ServerLogin, ProvesAPasswordByScram) {
  ServerLogin right(app(Password{"pencil"}), "nonce");
  EXPECT_EQ(converse(right, auth::make_secret("pencil", kSalt)), "done");
  ServerLogin wrong(app(Password{"crayon"}), "nonce");
  EXPECT_EQ(converse(wrong, auth::make_secret("pencil", kSalt)), "wrong proof");
}

TEST(ServerLogin, ProvesKeysByScram) {
  ServerLogin right(app(auth::make_keys("pencil", kSalt)), "nonce");
  EXPECT_EQ(converse(right, auth::make_secret("pencil", kSalt)), "done");
  ServerLogin other_salt(app(auth::make_keys("pencil", "fedcba9876543210")), "nonce");
  EXPECT_EQ(converse(other_salt, auth::make_secret("pencil", kSalt)), "28000");
}

TEST(ServerLogin, RefusesAServerThatDoesNotProveItself) {
  Bytes out;
  ServerLogin login(app(Password{"pencil"}), "nonce");
  EXPECT_EQ(step(login, request(10, text("SCRAM-SHA-256") + '\0'), out), "read");
  EXPECT_EQ(step(login, kWelcome, out), "28000");
}

TEST(ServerLogin, PassesOnWhatTheServerSaysIsWrong) {
  Bytes out;
  ServerLogin login(app(NoSecret{}), "n");
  wire::Encoder(out).error(wire::Severity::fatal,
                           sql_error("3D000", "database \"shop\" does not exist").error());
  std::string refusal = out;
  std::string_view in = refusal;
  auto next = login.step(in, out);
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().sqlstate, "3D000");
  EXPECT_EQ(next.error().message, "database \"shop\" does not exist");
}

TEST(ServerLogin, RefusesWhatIsNoLogin) {
  for (const std::string& bytes :
       {message('R', "x"), message('Z', "I"), message('D', "row"), request(11, "r=x"),
        request(12, "v=x"), request(7), std::string("HTTP/1.1 400"), "R" + be32(0xffffffff),
        request(5, "abcd"), request(3), request(10, text("SCRAM-SHA-256") + '\0'),
        request(10, text("OAUTHBEARER") + '\0')}) {
    ServerLogin login(app(NoSecret{}), "n");
    Bytes out;
    std::string state = step(login, bytes, out);
    EXPECT_TRUE(state == "08P01" || state == "28000") << state << " for " << bytes;
  }
}

TEST(ServerLogin, ReadsErrorsThatAreCutOff) {
  const std::string body = text("SERROR") + text("C42601") + text("Mwrong") + '\0';
  for (std::size_t size = 0; size <= body.size(); ++size) {
    (void)read_server_error(std::string_view(body).substr(0, size));
  }
  EXPECT_EQ(read_server_error(body).sqlstate, "42601");
  EXPECT_EQ(read_server_error("").message, "the server gave no reason");
}

}  // namespace
}  // namespace spar::gateway::relay
