#include "gateway/wire/decoder.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/gateway/client_bytes.h"

namespace spar::gateway::wire {
namespace {

using test::be16;
using test::be32;
using test::message;
using test::text;

// What a message says, so that two of them can be compared after their bytes are gone.
struct Describer {
  std::string operator()(const Startup& m) const {
    std::string out = "startup " + std::to_string(m.minor_version);
    for (const auto& [name, value] : m.parameters) {
      out += " " + std::string(name) + "=" + std::string(value);
    }
    return out;
  }
  std::string operator()(const Query& m) const { return "query " + std::string(m.text); }
  std::string operator()(const Parse& m) const {
    std::string out = "parse " + std::string(m.name) + " " + std::string(m.text);
    for (std::uint32_t oid : m.parameter_types) out += " " + std::to_string(oid);
    return out;
  }
  std::string operator()(const Bind& m) const {
    std::string out = "bind " + std::string(m.portal) + " " + std::string(m.statement);
    for (std::int16_t format : m.parameter_formats) out += " f" + std::to_string(format);
    for (const auto& value : m.parameters) out += value ? " =" + std::string(*value) : " null";
    for (std::int16_t format : m.result_formats) out += " r" + std::to_string(format);
    return out;
  }
  std::string operator()(const Describe& m) const {
    return std::string("describe ") + static_cast<char>(m.target) + std::string(m.name);
  }
  std::string operator()(const Close& m) const {
    return std::string("close ") + static_cast<char>(m.target) + std::string(m.name);
  }
  std::string operator()(const Execute& m) const {
    return "execute " + std::string(m.portal) + " " + std::to_string(m.rows_max);
  }
  std::string operator()(const CopyData& m) const { return "copy " + std::string(m.bytes); }
  std::string operator()(const CopyFail& m) const { return "fail " + std::string(m.reason); }
  std::string operator()(const Authentication& m) const { return "auth " + std::string(m.bytes); }
  std::string operator()(const Malformed& m) const { return "malformed " + m.reason; }
  std::string operator()(const TooLarge& m) const {
    return std::string("large ") + m.type + std::to_string(m.bytes);
  }
  std::string operator()(const CancelRequest& m) const {
    return "cancel " + std::to_string(m.process) + " " + std::to_string(m.secret);
  }
  std::string operator()(const UnsupportedVersion& m) const {
    return "version " + std::to_string(m.major) + "." + std::to_string(m.minor);
  }
  std::string operator()(const SslRequest&) const { return "ssl"; }
  std::string operator()(const GssEncryptionRequest&) const { return "gss"; }
  std::string operator()(const Flush&) const { return "flush"; }
  std::string operator()(const Sync&) const { return "sync"; }
  std::string operator()(const Terminate&) const { return "terminate"; }
  std::string operator()(const CopyDone&) const { return "done"; }
  std::string operator()(const FunctionCall&) const { return "function"; }
};

Decoder session_decoder(std::uint64_t message_bytes_max = 1u << 20) {
  Decoder decoder({.message_bytes_max = message_bytes_max, .login_bytes_max = 100});
  decoder.enter(Decoder::Phase::session);
  return decoder;
}

// All messages that are complete; the last entry is the error if the stream broke.
std::vector<std::string> drain(Decoder& decoder) {
  std::vector<std::string> out;
  for (;;) {
    auto next = decoder.next();
    if (!next) {
      out.push_back("fatal " + next.error().message);
      return out;
    }
    if (!*next) return out;
    out.push_back(std::visit(Describer(), **next));
  }
}

std::vector<std::string> decode(std::string_view bytes) {
  Decoder decoder = session_decoder();
  decoder.feed(bytes);
  return drain(decoder);
}

std::string bind_message() {
  return message('B', text("p") + text("s") + be16(2) + be16(0) + be16(1) + be16(3) + be32(2) +
                          "ab" + be32(0xffffffff) + be32(0) + be16(1) + be16(1));
}

std::string all_messages() {
  return message('Q', text("select 1")) +
         message('P', text("s") + text("select $1") + be16(2) + be32(23) + be32(0)) +
         bind_message() + message('D', "S" + text("s")) + message('D', "P" + text("")) +
         message('E', text("p") + be32(7)) + message('C', "P" + text("p")) + message('H', "") +
         message('S', "") + message('d', "1\t2\n") + message('c', "") +
         message('f', text("no more")) + message('p', "secret") + message('F', "anything") +
         message('X', "");
}

std::vector<std::string> all_described() {
  return {"query select 1",
          "parse s select $1 23 0",
          "bind p s f0 f1 =ab null = r1",
          "describe Ss",
          "describe P",
          "execute p 7",
          "close Pp",
          "flush",
          "sync",
          "copy 1\t2\n",
          "done",
          "fail no more",
          "auth secret",
          "function",
          "terminate"};
}

TEST(Decoder, ReadsEveryMessage) {
  EXPECT_EQ(decode(all_messages()), all_described());
}

TEST(Decoder, ReadsMessagesSplitAtEveryByte) {
  const std::string bytes = all_messages();
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    Decoder decoder = session_decoder();
    decoder.feed(std::string_view(bytes).substr(0, cut));
    std::vector<std::string> seen = drain(decoder);
    decoder.feed(std::string_view(bytes).substr(cut));
    for (std::string& one : drain(decoder)) seen.push_back(std::move(one));
    EXPECT_EQ(seen, all_described()) << "cut at " << cut;
  }
}

TEST(Decoder, ReadsMessagesByteByByte) {
  Decoder decoder = session_decoder();
  std::vector<std::string> seen;
  for (char c : all_messages()) {
    decoder.feed({&c, 1});
    for (std::string& one : drain(decoder)) seen.push_back(std::move(one));
  }
  EXPECT_EQ(seen, all_described());
}

TEST(Decoder, ReadsTwoMessagesInOneBuffer) {
  EXPECT_EQ(decode(message('S', "") + message('H', "")),
            (std::vector<std::string>{"sync", "flush"}));
}

TEST(Decoder, KeepsWhatIsNotWholeYet) {
  const std::string bytes = message('Q', text("select 1"));
  Decoder decoder = session_decoder();
  decoder.feed(std::string_view(bytes).substr(0, bytes.size() - 1));
  EXPECT_TRUE(drain(decoder).empty());
  EXPECT_EQ(decoder.buffered(), bytes.size() - 1);
}

TEST(Decoder, ReadsStartUpPackets) {
  auto startup = [](std::string_view bytes) {
    Decoder decoder({});
    decoder.feed(bytes);
    return drain(decoder);
  };
  EXPECT_EQ(startup(test::startup_packet({{"user", "app"}, {"database", "shop"}})),
            (std::vector<std::string>{"startup 0 user=app database=shop"}));
  EXPECT_EQ(startup(be32(8) + be32(80877103)), std::vector<std::string>{"ssl"});
  EXPECT_EQ(startup(be32(8) + be32(80877104)), std::vector<std::string>{"gss"});
  EXPECT_EQ(startup(be32(16) + be32(80877102) + be32(7) + be32(9)),
            std::vector<std::string>{"cancel 7 9"});
  EXPECT_EQ(startup(be32(8) + be32(2u << 16)), std::vector<std::string>{"version 2.0"});
  EXPECT_EQ(startup(be32(9) + be32((3u << 16) | 2) + std::string(1, '\0')),
            std::vector<std::string>{"startup 2"});
}

TEST(Decoder, RefusesGarbageInsteadOfAStartUpPacket) {
  for (std::string bytes : {std::string("GET / HTTP/1.1\r\n\r\n"), be32(0), be32(7) + "abc",
                            be32(10'001) + be32(3u << 16), be32(0xffffffff),
                            be32(12) + be32(3u << 16) + "user", be32(9) + be32(3u << 16) + "x"}) {
    Decoder decoder({});
    decoder.feed(bytes);
    auto next = decoder.next();
    ASSERT_FALSE(next.has_value());
    EXPECT_EQ(next.error().sqlstate, "08P01");
  }
}

TEST(Decoder, RefusesAbsurdLengths) {
  for (std::uint32_t length : {0u, 3u, 0x40000001u, 0x7fffffffu, 0xffffffffu}) {
    auto seen = decode("Q" + be32(length));
    ASSERT_EQ(seen.size(), 1u) << length;
    EXPECT_EQ(seen[0], "fatal invalid message length");
  }
  EXPECT_EQ(decode("S" + be32(20'000)), std::vector<std::string>{"fatal invalid message length"});
}

TEST(Decoder, RefusesUnknownMessageTypesAtTheirFirstByte) {
  EXPECT_EQ(decode("z"), std::vector<std::string>{"fatal invalid frontend message type 122"});
}

TEST(Decoder, TellsMalformedBodiesAndGoesOn) {
  const std::string next = message('S', "");
  for (std::string bad :
       {message('Q', "no zero"),
        message('Q', ""),
        message('Q', text("a") + text("b")),
        message('P', text("s")),
        message('P', text("s") + text("q") + be16(2) + be32(1)),
        message('P', text("s") + text("q") + be16(0) + "x"),
        message('B', text("p")),
        message('B', text("p") + text("s") + be16(0xffff)),
        message('B', text("") + text("") + be16(0) + be16(1) + be32(0x7fffffff) + "x" + be16(0)),
        message('B', text("") + text("") + be16(0) + be16(1) + be32(0xfffffffe) + be16(0)),
        message('D', ""),
        message('D', "X" + text("")),
        message('D', "Sopen"),
        message('C', "Q" + text("")),
        message('E', text("") + be16(1)),
        message('E', be32(1)),
        message('H', "x"),
        message('S', "x"),
        message('c', "x"),
        message('f', "x")}) {
    auto seen = decode(bad + next);
    ASSERT_EQ(seen.size(), 2u) << bad;
    EXPECT_TRUE(seen[0].starts_with("malformed ")) << seen[0];
    EXPECT_EQ(seen[1], "sync");
  }
}

TEST(Decoder, SkipsWhatIsTooLargeWithoutBufferingIt) {
  constexpr std::size_t kBody = 3u << 20;
  Decoder decoder = session_decoder(1u << 20);
  decoder.feed("Q" + be32(kBody + 4));
  EXPECT_EQ(drain(decoder), std::vector<std::string>{"large Q" + std::to_string(kBody + 4)});
  const std::string chunk(100'000, 'x');
  for (std::size_t left = kBody; left > 0;) {
    std::size_t size = std::min(left, chunk.size());
    decoder.feed(std::string_view(chunk).substr(0, size));
    left -= size;
    EXPECT_EQ(decoder.buffered(), 0u);
    EXPECT_TRUE(drain(decoder).empty());
  }
  decoder.feed(message('Q', text("select 2")));
  EXPECT_EQ(drain(decoder), std::vector<std::string>{"query select 2"});
}

TEST(Decoder, TakesAMessageOfExactlyTheLimit) {
  Decoder decoder = session_decoder(20'000);
  decoder.feed(message('Q', text(std::string(19'999, 'a'))));
  EXPECT_EQ(drain(decoder), std::vector<std::string>{"query " + std::string(19'999, 'a')});
  decoder.feed(message('Q', text(std::string(20'000, 'a'))));
  EXPECT_EQ(drain(decoder), std::vector<std::string>{"large Q20005"});
}

TEST(Decoder, TakesOnlySmallMessagesBeforeTheLogin) {
  Decoder decoder({.message_bytes_max = 1u << 20, .login_bytes_max = 100});
  decoder.enter(Decoder::Phase::login);
  decoder.feed(message('p', std::string(100, 'a')));
  EXPECT_EQ(drain(decoder), std::vector<std::string>{"auth " + std::string(100, 'a')});
  decoder.feed(message('p', std::string(101, 'a')));
  EXPECT_EQ(drain(decoder), std::vector<std::string>{"fatal invalid message length"});
}

TEST(Decoder, SurvivesNoise) {
  const unsigned seed = std::random_device()();
  RecordProperty("seed", std::to_string(seed));
  std::mt19937 engine(seed);
  for (int round = 0; round < 2'000; ++round) {
    std::string bytes = all_messages();
    for (int i = 0; i < 4; ++i) bytes[engine() % bytes.size()] = static_cast<char>(engine());
    Decoder decoder = session_decoder(10'000);
    std::size_t cut = engine() % bytes.size();
    decoder.feed(std::string_view(bytes).substr(0, cut));
    drain(decoder);
    decoder.feed(std::string_view(bytes).substr(cut));
    EXPECT_LE(drain(decoder).size(), bytes.size()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace spar::gateway::wire
