#include "gateway/login.h"

#include <gtest/gtest.h>

#include "gateway/wire/decoder.h"
#include "tests/unit/gateway/client_bytes.h"
#include "tests/unit/gateway/server_bytes.h"

namespace spar::gateway::test {
namespace {

using Next = Login::Next;
using Lines = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

// One login, spoken to in bytes.
struct Talk {
  explicit Talk(bool trust = true, Login::Options options = {}) {
    credentials.trust_everyone = trust;
    credentials.secrets["app"] = to_secret("right", "0123456789abcdef");
    credentials.mock_key = "key";
    options.random = [](std::size_t size) { return Bytes(size, '\7'); };
    login = std::make_unique<Login>(credentials, std::move(options));
  }
  Next say(std::string_view bytes) {
    wire::Decoder decoder({});
    if (login->expects_password()) decoder.enter(wire::Decoder::Phase::login);
    decoder.feed(bytes);
    auto message = decoder.next();
    EXPECT_TRUE(message && *message);
    out.clear();
    return login->handle(**message, out);
  }
  Next start(const Pairs& parameters, std::uint32_t version = 3u << 16) {
    return say(startup_packet(parameters, version));
  }
  Next choose(std::string_view mechanism, std::string_view first) {
    return say(message('p', text(mechanism) + be32(static_cast<std::uint32_t>(first.size())) +
                                std::string(first)));
  }
  Lines lines() const { return describe_server(out); }

  Credentials credentials;
  std::unique_ptr<Login> login;
  Bytes out;
};

TEST(Login, TrustsEveryoneWithoutUsers) {
  Talk talk;
  EXPECT_EQ(talk.start({{"user", "anyone"}, {"database", "shop"}}), Next::authenticated);
  EXPECT_EQ(talk.lines(), Lines{"R 0"});
  EXPECT_EQ(talk.login->user(), "anyone");
  EXPECT_EQ(talk.login->database(), "shop");
  Talk alone;
  EXPECT_EQ(alone.start({{"user", "anyone"}}), Next::authenticated);
  EXPECT_EQ(alone.login->database(), "anyone");
}

TEST(Login, RefusesWhatItCannotServe) {
  Talk nobody;
  EXPECT_EQ(nobody.start({{"database", "shop"}}), Next::close);
  EXPECT_EQ(nobody.lines(),
            Lines{"E FATAL 28000 no PostgreSQL user name specified in startup packet"});
  Talk replication;
  EXPECT_EQ(replication.start({{"user", "a"}, {"replication", "database"}}), Next::close);
  EXPECT_EQ(replication.lines(),
            Lines{"E FATAL 0A000 the replication protocol is not supported yet"});
  Talk old;
  EXPECT_EQ(old.say(be32(8) + be32(2u << 16)), Next::close);
  EXPECT_EQ(old.lines(),
            Lines{"E FATAL 0A000 unsupported frontend protocol 2.0: server supports 3.0 to 3.0"});
}

TEST(Login, NegotiatesNewerMinorVersions) {
  Talk talk;
  EXPECT_EQ(talk.start({{"user", "a"}, {"_pq_.wish", "1"}}, (3u << 16) | 2), Next::authenticated);
  EXPECT_EQ(talk.out, message('v', be32(0) + be32(1) + text("_pq_.wish")) + message('R', be32(0)));
}

TEST(Login, OffersTlsWhenThereIsACertificate) {
  Talk without;
  EXPECT_EQ(without.say(be32(8) + be32(80877103)), Next::read);
  EXPECT_EQ(without.out, "N");
  EXPECT_EQ(without.say(be32(8) + be32(80877104)), Next::read);
  EXPECT_EQ(without.out, "N");
  EXPECT_EQ(without.start({{"user", "a"}}), Next::authenticated);
  Talk with(true, {.tls_offered = true});
  EXPECT_EQ(with.say(be32(8) + be32(80877103)), Next::start_tls);
  EXPECT_EQ(with.out, "S");
  with.login->tls_started("");
  EXPECT_EQ(with.say(be32(8) + be32(80877103)), Next::close);
}

TEST(Login, InsistsOnTls) {
  Talk talk(true, {.tls_offered = true, .tls_required = true});
  EXPECT_EQ(talk.start({{"user", "a"}}), Next::close);
  EXPECT_EQ(talk.lines(), Lines{"E FATAL 28000 connections without TLS are not allowed here"});
}

TEST(Login, PassesCancelRequestsOn) {
  Talk talk;
  EXPECT_EQ(talk.say(be32(16) + be32(80877102) + be32(7) + be32(9)), Next::cancel);
  EXPECT_EQ(talk.login->cancel_request().process, 7u);
  EXPECT_EQ(talk.login->cancel_request().secret, 9u);
}

TEST(Login, TakesSettingsFromTheStartUpPacket) {
  Talk talk;
  talk.start({{"user", "a"},
              {"application_name", "psql"},
              {"TimeZone", "Europe/Paris"},
              {"options", "-c statement_timeout=5s --lock-timeout=2s -c search_path=a\\ b"}});
  std::vector<std::string> warnings;
  auto settings = talk.login->settings(Limits(), warnings);
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->get("application_name"), "psql");
  EXPECT_EQ(settings->get("statement_timeout"), "5s");
  EXPECT_EQ(settings->get("lock_timeout"), "2s");
  EXPECT_EQ(settings->get("search_path"), "a b");
  ASSERT_EQ(warnings.size(), 1u);
  Talk wrong;
  wrong.start({{"user", "a"}, {"no_such", "1"}});
  EXPECT_EQ(wrong.login->settings(Limits(), warnings).error().sqlstate, "42704");
  Talk odd;
  EXPECT_EQ(odd.start({{"user", "a"}, {"options", "-x"}}), Next::close);
}

// Logs in with a proof that is no proof: what the client is told.
std::pair<std::string, Lines> refused(std::string_view user) {
  Talk talk(false);
  EXPECT_EQ(talk.start({{"user", std::string(user)}}), Next::read);
  EXPECT_EQ(talk.out, message('R', be32(10) + text("SCRAM-SHA-256") + '\0'));
  EXPECT_EQ(talk.choose("SCRAM-SHA-256", "n,,n=,r=abc"), Next::read);
  const std::string challenge = talk.out.substr(9);
  const std::string nonce = challenge.substr(0, challenge.find(','));
  const std::string proof = auth::encode_base64(std::string(32, '\1'));
  EXPECT_EQ(talk.say(message('p', "c=biws," + nonce + ",p=" + proof)), Next::close);
  return {challenge, talk.lines()};
}

TEST(Login, TellsAWrongPasswordAndAnUnknownUserAlike) {
  auto known = refused("app"), unknown = refused("nobody");
  EXPECT_EQ(known.second, Lines{"E FATAL 28P01 password authentication failed for user \"app\""});
  EXPECT_EQ(unknown.second,
            Lines{"E FATAL 28P01 password authentication failed for user \"nobody\""});
  EXPECT_EQ(known.first.size(), unknown.first.size());
  EXPECT_EQ(known.first.substr(0, known.first.find(",s=")),
            unknown.first.substr(0, unknown.first.find(",s=")));
}

TEST(Login, RefusesBrokenSaslMessages) {
  for (std::string body :
       {std::string(), std::string("no zero"), text("MD5") + be32(0),
        text("SCRAM-SHA-256-PLUS") + be32(0), text("SCRAM-SHA-256"),
        text("SCRAM-SHA-256") + be32(100) + "n,,", text("SCRAM-SHA-256") + be32(3) + "n,,"}) {
    Talk talk(false);
    talk.start({{"user", "app"}});
    EXPECT_EQ(talk.say(message('p', body)), Next::close) << body;
    EXPECT_TRUE(talk.lines()[0].starts_with("E FATAL 08P01")) << talk.lines()[0];
  }
  Talk other(false);
  other.start({{"user", "app"}});
  EXPECT_EQ(other.say(query("select 1")), Next::close);
  EXPECT_EQ(other.lines(), Lines{"E FATAL 08P01 expected a SASL response"});
}

TEST(Login, OffersChannelBindingOverTls) {
  Talk talk(false, {.tls_offered = true});
  talk.login->tls_started("digest");
  talk.start({{"user", "app"}});
  EXPECT_EQ(talk.out,
            message('R', be32(10) + text("SCRAM-SHA-256-PLUS") + text("SCRAM-SHA-256") + '\0'));
}

}  // namespace
}  // namespace spar::gateway::test
