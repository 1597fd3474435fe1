#include "gateway/auth/scram.h"

#include <gtest/gtest.h>

namespace spar::gateway::auth {
namespace {

// The example of RFC 7677, section 3.
constexpr std::string_view kClientFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view kServerFirst =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr std::string_view kClientLast =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
constexpr std::string_view kServerLast = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

ScramSecret example_secret() {
  return make_secret("pencil", *decode_base64("W22ZaJ0SNY7soEsUEjb6gQ=="));
}

ScramExchange example(ScramSecret secret = example_secret()) {
  return ScramExchange(std::move(secret), {.server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"});
}

TEST(Scram, FollowsTheExampleOfTheRfc) {
  ScramExchange exchange = example();
  EXPECT_EQ(exchange.first(kClientFirst).value(), kServerFirst);
  EXPECT_EQ(exchange.last(kClientLast).value(), std::optional<std::string>(kServerLast));
}

TEST(Scram, RefusesAWrongPassword) {
  ScramExchange exchange =
      example(make_secret("crayon", *decode_base64("W22ZaJ0SNY7soEsUEjb6gQ==")));
  EXPECT_EQ(exchange.first(kClientFirst).value(), kServerFirst);
  EXPECT_EQ(exchange.last(kClientLast).value(), std::nullopt);
}

TEST(Scram, AnswersAnUnknownUserAsAWrongPassword) {
  ScramExchange exchange = example(mock_secret("nobody", "key"));
  std::string first = exchange.first(kClientFirst).value();
  EXPECT_TRUE(first.starts_with("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s="));
  EXPECT_TRUE(first.ends_with(",i=4096"));
  EXPECT_EQ(first.size(), kServerFirst.size());
  EXPECT_EQ(exchange.last(kClientLast).value(), std::nullopt);
}

TEST(Scram, MockSecretsAreTheSameForTheSameUser) {
  EXPECT_EQ(mock_secret("nobody", "key").salt, mock_secret("nobody", "key").salt);
  EXPECT_NE(mock_secret("nobody", "key").salt, mock_secret("noone", "key").salt);
  EXPECT_NE(mock_secret("nobody", "key").salt, mock_secret("nobody", "other").salt);
}

TEST(Scram, ReadsWhatItWrites) {
  ScramSecret secret = make_secret("s3cret", "0123456789abcdef", 5000);
  std::optional<ScramSecret> again = parse_secret(to_string(secret));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->iterations, 5000);
  EXPECT_EQ(again->salt, secret.salt);
  EXPECT_EQ(again->stored_key, secret.stored_key);
  EXPECT_EQ(again->server_key, secret.server_key);
}

TEST(Scram, RefusesSecretsOfAnotherForm) {
  const std::string good = to_string(make_secret("s3cret", "0123456789abcdef"));
  EXPECT_TRUE(parse_secret(good));
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(parse_secret(std::string_view(good).substr(0, size))) << size;
  }
  for (std::string_view bad :
       {"md5abcdef", "SCRAM-SHA-256$0:c2FsdA==$a:b", "SCRAM-SHA-256$-1:c2FsdA==$a:b",
        "SCRAM-SHA-256$99999999999:c2FsdA==$a:b", "SCRAM-SHA-256$4096:$a:b"}) {
    EXPECT_FALSE(parse_secret(bad)) << bad;
  }
}

TEST(Scram, TakesTheFlagOfAClientThatCouldBind) {
  ScramExchange exchange = example();
  EXPECT_TRUE(exchange.first("y,,n=,r=abc"));
  ScramExchange offered(example_secret(), {.server_nonce = "x", .certificate_digest = "d"});
  auto refused = offered.first("y,,n=,r=abc");  // someone took -PLUS out of the offer
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().sqlstate, "28000");
}

TEST(Scram, BindsToTheCertificate) {
  ScramExchange wrong(example_secret(), {.server_nonce = "x", .certificate_digest = "d"});
  EXPECT_FALSE(wrong.first("p=tls-server-end-point,,n=,r=abc"));  // the mechanism was not -PLUS
  ScramExchange exchange(example_secret(),
                         {.server_nonce = "x", .certificate_digest = "d", .plus = true});
  ASSERT_TRUE(exchange.first("p=tls-server-end-point,,n=,r=abc"));
  const std::string proof(32, '\1');
  auto other = exchange.last("c=" + encode_base64("p=tls-server-end-point,,D") +
                             ",r=abcx,p=" + encode_base64(proof));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().sqlstate, "08P01");
  auto same = exchange.last("c=" + encode_base64("p=tls-server-end-point,,d") +
                            ",r=abcx,p=" + encode_base64(proof));
  ASSERT_TRUE(same);
  EXPECT_EQ(*same, std::nullopt);
}

TEST(Scram, RefusesMalformedMessages) {
  for (std::string_view bad : {"", "n", "n,", "n,,", "n,,n=user", "n,,r=abc", "x,,n=,r=abc",
                               "n,,n=,r=", "n,,n=,r=a b", "n,,m=x,n=,r=abc"}) {
    ScramExchange exchange = example();
    auto first = exchange.first(bad);
    ASSERT_FALSE(first) << bad;
    EXPECT_EQ(first.error().sqlstate, "08P01");
  }
  EXPECT_EQ(example().first("n,a=other,n=,r=abc").error().sqlstate, "0A000");
}

TEST(Scram, RefusesEveryTruncatedProof) {
  for (std::size_t size = 0; size < kClientLast.size(); ++size) {
    ScramExchange exchange = example();
    ASSERT_TRUE(exchange.first(kClientFirst));
    EXPECT_FALSE(exchange.last(kClientLast.substr(0, size))) << size;
  }
}

TEST(Scram, RefusesAnotherNonceAndAnotherBinding) {
  for (std::string_view bad : {"c=biws,r=other,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
                               "c=eSws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                               "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="}) {
    ScramExchange exchange = example();
    ASSERT_TRUE(exchange.first(kClientFirst));
    auto last = exchange.last(bad);
    ASSERT_FALSE(last);
    EXPECT_EQ(last.error().sqlstate, "08P01");
  }
}

TEST(Base64, IsStrict) {
  EXPECT_EQ(encode_base64("abc"), "YWJj");
  EXPECT_EQ(*decode_base64("YWI="), "ab");
  for (std::string_view bad : {"", "YWI", "YW=I", "YWJ=", "YW I=", "Y===", "YWI=\n"}) {
    EXPECT_FALSE(decode_base64(bad)) << bad;
  }
}

TEST(ScramClient, FollowsTheExampleOfTheRfc) {
  // The example names the user in the message; PostgreSQL's clients, and ours, leave it empty.
  ScramClient client("pencil", "rOprNGfwEbeRWgbNEkqO");
  EXPECT_EQ(client.first(), "n,,n=,r=rOprNGfwEbeRWgbNEkqO");
  ScramExchange exchange = example();
  auto server_first = exchange.first(client.first());
  ASSERT_TRUE(server_first);
  auto last = client.last(*server_first);
  ASSERT_TRUE(last);
  auto server_last = exchange.last(*last);
  ASSERT_TRUE(server_last && *server_last);
  EXPECT_TRUE(client.verify(**server_last));
  EXPECT_FALSE(client.verify(kServerLast));  // of another conversation
}

TEST(ScramClient, LogsInWithTheKeysThatAnotherLoginLeft) {
  ScramExchange login = example();
  ASSERT_TRUE(login.first(kClientFirst));
  EXPECT_FALSE(login.keys());
  ASSERT_TRUE(login.last(kClientLast).value());
  ASSERT_TRUE(login.keys());
  EXPECT_EQ(*login.keys(), make_keys("pencil", *decode_base64("W22ZaJ0SNY7soEsUEjb6gQ==")));

  ScramClient client(*login.keys(), "anothernonce");
  ScramExchange server = example();
  auto last = client.last(server.first(client.first()).value());
  ASSERT_TRUE(last);
  auto answer = server.last(*last);
  ASSERT_TRUE(answer && *answer);
  EXPECT_TRUE(client.verify(**answer));
}

TEST(ScramClient, SaysWhenItsKeysBelongToAnotherSalt) {
  ScramClient client(make_keys("pencil", "0123456789abcdef"), "n");
  auto last = client.last(example().first("n,,n=,r=n").value());
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().sqlstate, "28000");
  EXPECT_FALSE(last.error().hint.empty());
}

TEST(ScramClient, RefusesMessagesThatAreNotScram) {
  for (std::string_view message :
       {"", "r=n", "r=nx,s=!!,i=1", "r=other,s=c2FsdA==,i=1", "r=n,s=c2FsdA==,i=1",
        "r=nx,s=c2FsdA==,i=0", "r=nx,s=c2FsdA==,i=99999999999", "x=1,y=2,z=3", "e=other-error"}) {
    ScramClient client("secret", "n");
    EXPECT_FALSE(client.last(message)) << message;
  }
  EXPECT_FALSE(ScramClient("secret", "n").verify("e=invalid-proof"));
}

}  // namespace
}  // namespace spar::gateway::auth
