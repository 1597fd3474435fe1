#include "gateway/relay/frames.h"

#include <gtest/gtest.h>

#include "tests/unit/gateway/client_bytes.h"

namespace spar::gateway::relay {
namespace {

using test::message;
using test::text;

std::string be32(std::uint32_t value) {
  return test::be32(value);
}

struct Seen {
  std::string types;  // of the parts that begin a message
  std::string bytes;  // all of them
  int parts = 0;
};

// Feeds `stream` in pieces of `size`, keeping what the framer leaves.
Seen run(Side side, std::string_view stream, std::size_t size, const FrameLimits& limits = {}) {
  Framer framer(side, limits);
  Seen seen;
  std::string kept;
  for (std::size_t at = 0; at < stream.size(); at += size) {
    kept += stream.substr(at, size);
    std::string_view in = kept;
    for (;;) {
      auto frame = framer.next(in);
      EXPECT_TRUE(frame) << frame.error().message;
      if (!frame || !*frame) break;
      if ((*frame)->begins) seen.types += (*frame)->type;
      seen.bytes += (*frame)->bytes;
      ++seen.parts;
    }
    kept = std::string(in);
  }
  EXPECT_EQ(kept, "");
  EXPECT_TRUE(framer.between());
  return seen;
}

const std::string kClientStream =
    test::query("select 1") + message('P', text("s") + text("select $1") + test::be16(0)) +
    message('B', text("") + text("s") + test::be16(0) + test::be16(1) + be32(3) + "abc" +
                     test::be16(0)) +
    message('D', "P" + text("")) + message('E', text("") + be32(0)) + message('H', "") +
    message('S', "") + message('d', "1\t2\n") + message('c', "") + message('f', text("why")) +
    message('F', std::string(20, '\1')) + message('C', "S" + text("s")) + message('X', "");

const std::string kServerStream =
    message('1', "") + message('2', "") + message('T', "columns") +
    message('D', std::string(300, 'x')) + message('C', text("SELECT 1")) +
    message('S', text("a") + text("b")) + message('E', "SERROR") + message('Z', "I");

TEST(Frames, FindsEveryMessageWherePiecesEnd) {
  for (std::size_t size = 1; size < 80; ++size) {
    Seen client = run(Side::client, kClientStream, size);
    EXPECT_EQ(client.types, "QPBDEHSdcfFCX") << size;
    EXPECT_EQ(client.bytes, kClientStream) << size;
    Seen server = run(Side::server, kServerStream, size);
    EXPECT_EQ(server.types, "12TDCSEZ") << size;
    EXPECT_EQ(server.bytes, kServerStream) << size;
  }
}

TEST(Frames, GivesManyMessagesOfOneBufferEachOnce) {
  Seen seen = run(Side::client, kClientStream, kClientStream.size());
  EXPECT_EQ(seen.parts, 13);
}

TEST(Frames, GivesARowWhole) {
  Framer framer(Side::server);
  std::string row = message('D', std::string(1000, 'x'));
  std::string_view in = std::string_view(row).substr(0, row.size() - 1);
  EXPECT_FALSE(framer.next(in).value());
  in = row;
  EXPECT_TRUE(framer.next(in).value()->whole());
}

TEST(Frames, PassesLongRowsOnAsTheyCome) {
  Framer framer(Side::server);
  std::string row = message('D', std::string(100'000, 'x'));
  std::string_view in = std::string_view(row).substr(0, 10);
  auto first = framer.next(in);
  ASSERT_TRUE(first && *first);
  EXPECT_TRUE((*first)->begins && !(*first)->ends);
  EXPECT_EQ((*first)->size, row.size());
  EXPECT_FALSE(framer.between());
  in = std::string_view(row).substr(10);
  auto second = framer.next(in);
  ASSERT_TRUE(second && *second);
  EXPECT_TRUE(!(*second)->begins && (*second)->ends);
  EXPECT_TRUE(framer.between());
}

TEST(Frames, HoldsAQueryUntilItIsWhole) {
  Framer framer(Side::client);
  std::string query = test::query("select 1");
  for (std::size_t size = 0; size < query.size(); ++size) {
    std::string_view in = std::string_view(query).substr(0, size);
    EXPECT_FALSE(framer.next(in).value()) << size;
    EXPECT_EQ(in.size(), size);
  }
}

TEST(Frames, GivesABindWhenItsNamesAreThere) {
  Framer framer(Side::client);
  std::string bind = message('B', text("p") + text("s") + std::string(100, 'v'));
  std::string_view in = std::string_view(bind).substr(0, 8);
  EXPECT_FALSE(framer.next(in).value());
  in = std::string_view(bind).substr(0, 9);
  auto frame = framer.next(in).value();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->body(), text("p") + text("s"));
  EXPECT_FALSE(frame->ends);
}

TEST(Frames, RefusesWhatIsNoMessage) {
  for (int type = 0; type < 256; ++type) {
    Framer framer(Side::client);
    std::string bytes = std::string(1, static_cast<char>(type)) + be32(4);
    std::string_view in = bytes;
    bool known = std::string_view("QPBDECHSXdcfF").contains(static_cast<char>(type));
    EXPECT_EQ(framer.next(in).has_value(), known) << type;
  }
  Framer framer(Side::server);
  std::string_view garbage = "HTTP/1.1 400 Bad Request";
  EXPECT_FALSE(framer.next(garbage));
}

TEST(Frames, RefusesAbsurdLengths) {
  for (std::uint32_t length : {0u, 3u, (1u << 30) + 1, 0x80000000u, 0xffffffffu}) {
    for (Side side : {Side::client, Side::server}) {
      Framer framer(side);
      std::string bytes = "d" + be32(length);
      std::string_view in = bytes;
      auto frame = framer.next(in);
      ASSERT_FALSE(frame) << length;
      EXPECT_EQ(frame.error().sqlstate, "08P01");
    }
  }
}

TEST(Frames, BoundsWhatMustBeWhole) {
  FrameLimits limits{.whole_bytes_max = 100, .small_bytes_max = 50};
  auto state = [&](std::string bytes) {
    Framer framer(Side::client, limits);
    std::string_view in = bytes;
    auto frame = framer.next(in);
    return frame ? std::string("fine") : frame.error().sqlstate;
  };
  EXPECT_EQ(state("Q" + be32(100)), "54000");
  EXPECT_EQ(state("Q" + be32(99)), "fine");
  EXPECT_EQ(state("S" + be32(100)), "08P01");
  EXPECT_EQ(state("d" + be32(1000)), "fine");
  EXPECT_EQ(state("B" + be32(1000) + std::string(40, 'x')), "fine");
  EXPECT_EQ(state("B" + be32(1000) + std::string(60, 'x')), "54000");
  EXPECT_EQ(state("B" + be32(8) + "abcd"), "fine");  // the server says what is wrong with it
}

TEST(Frames, PassesLongErrorsOnInParts) {
  std::string error = message('E', std::string(500, 'x'));
  Seen seen = run(Side::server, error, 100, {.small_bytes_max = 50});
  EXPECT_EQ(seen.types, "E");
  EXPECT_EQ(seen.bytes, error);
  EXPECT_EQ(seen.parts, 6);
}

}  // namespace
}  // namespace spar::gateway::relay
