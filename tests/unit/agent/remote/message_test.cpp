#include "agent/remote/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "agent/remote/limits.h"

namespace spar::agent::remote {
namespace {

using testing::HasSubstr;
using testing::Not;

const Upstream kSource{"host=10.0.0.5 port=5432", "it's \"secret\"", "spar_2"};

std::vector<Request> every_request() {
  auto request = [](Ask ask) { return Request{"id-1", "a", milliseconds(1500), std::move(ask)}; };
  return {request(Look{}),
          request(TransactionsBeyond{{{1, "0/3000148"}, {4, "A/0"}}}),
          request(TransactionsBeyond{}),
          request(Create{Epoch(1), {"postgres", "p\"w\n"}}),
          request(Start{Epoch(2), StartAs::primary}),
          request(Start{Epoch(2), StartAs::standby}),
          request(End{Epoch(3), Stop::fast}),
          request(End{Epoch(3), Stop::immediate}),
          request(End{Epoch(~0ull), Stop::kill}),
          request(Rewind{Epoch(4), kSource}),
          request(Rebuild{Epoch(5), kSource})};
}

TEST(Message, RequestsComeBackAsTheyWere) {
  for (const Request& request : every_request()) {
    auto body = encode(request);
    ASSERT_TRUE(body);
    auto back = decode_request(*body);
    ASSERT_TRUE(back) << *body << ": " << back.error().message;
    EXPECT_EQ(back->ask.index(), request.ask.index());
    EXPECT_EQ(back->within, request.within);
    EXPECT_EQ(*encode(*back), *body);
  }
}

TEST(Message, OrdersAreWhatChangesSomething) {
  EXPECT_FALSE(is_order(Look{}));
  EXPECT_FALSE(is_order(TransactionsBeyond{}));
  EXPECT_TRUE(is_order(Start{}));
  EXPECT_TRUE(is_order(End{}));
  EXPECT_TRUE(is_order(Rebuild{}));
}

std::vector<Answer> every_answer() {
  AgentReport report{.server = {ServerState::running, 4711, false, true},
                     .has_data = true,
                     .standby = true,
                     .must_be_rewound = false,
                     .epoch = Epoch(7)};
  auto refused = failure(Code::invalid, "an order of epoch 1 is refused", "22023");
  refused.error().hint = "do something";
  refused.error().detail = "line 1\nline 2";
  return {{"1", "set-aside-1", {}}, {"2", "", report}, {"3", refused, {}}};
}

TEST(Message, AnswersComeBackAsTheyWere) {
  for (const Answer& answer : every_answer()) {
    auto back = decode_answer(encode(answer));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->report.has_value(), answer.report.has_value());
    EXPECT_EQ(encode(*back), encode(answer));
  }
  auto error = decode_answer(encode(every_answer()[2]));
  ASSERT_TRUE(error && !error->text);
  EXPECT_EQ(error->text.error().code, Code::invalid);
  EXPECT_EQ(error->text.error().hint, "do something");
}

TEST(Message, WhatIsNoTextIsReplacedInAnswersAndRefusedInRequests) {
  auto back = decode_answer(encode(Answer{"1",
                                          "a\xff"
                                          "b",
                                          {}}));
  ASSERT_TRUE(back && back->text);
  EXPECT_THAT(*back->text, HasSubstr("b"));
  auto request = encode(Request{"1", "a", milliseconds(1), Create{Epoch(1), {"p", "\xff"}}});
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().code, Code::invalid);
}

TEST(Message, WhatIsTooLongIsCutOrRefused) {
  std::string body = encode(Answer{"1", std::string(5u << 20, '\x01') + "end", {}});
  EXPECT_LE(body.size(), kAnswerMax);
  auto back = decode_answer(body);
  ASSERT_TRUE(back && back->text);
  EXPECT_TRUE(back->text->ends_with("end"));
  Rewind huge{Epoch(1), {std::string(kRequestMax, 'x'), "", ""}};
  EXPECT_EQ(encode(Request{"1", "a", milliseconds(1), huge}).error().code, Code::invalid);
}

TEST(Message, GarbageIsCorrupt) {
  for (
      const char* body :
      {"", "x", "[]", "{}", "null", "{\"protocol\":2}", "{\"protocol\":1}",
       R"({"protocol":1,"id":"1","server":"a","within_ms":5,"ask":"fly"})",
       R"({"protocol":1,"id":"1","server":"a","within_ms":-5,"ask":"look"})",
       R"({"protocol":1,"id":"1","server":"a","within_ms":1e99,"ask":"look"})",
       R"({"protocol":1,"id":1,"server":"a","within_ms":5,"ask":"look"})",
       R"({"protocol":1,"id":"1","server":"a","within_ms":5,"ask":"stop","epoch":1})",
       R"({"protocol":1,"id":"1","server":"a","within_ms":5,"ask":"stop","epoch":"1","how":"kill"})",
       R"({"protocol":1,"id":"1","server":"a","within_ms":5,"ask":"start","epoch":1,"as":"king"})",
       R"({"protocol":1,"id":"1","server":"a","within_ms":5,"ask":"transactions_beyond","ends":[[1]]})",
       R"({"protocol":1,"id":"1","server":"a","within_ms":5,"ask":"rewind","epoch":1,"conninfo":"secret"})"}) {
    auto request = decode_request(body);
    ASSERT_FALSE(request) << body;
    EXPECT_EQ(request.error().code, Code::corrupt) << body;
    EXPECT_THAT(request.error().message, Not(HasSubstr("secret")));
    EXPECT_FALSE(decode_answer(body)) << body;
  }
  EXPECT_FALSE(decode_answer(R"({"id":"1","error":"no"})"));
  EXPECT_FALSE(decode_answer(R"({"id":"1","error":{"code":"?"}})"));
  EXPECT_FALSE(decode_answer(R"({"id":"1","state":"flying"})"));
  std::string deep = R"({"protocol":1,"ask":)" + std::string(100'000, '[');
  EXPECT_FALSE(decode_request(deep));
  EXPECT_FALSE(decode_request(deep + std::string(100'000, ']') + "}"));
}

// Every byte of a request changed, and every prefix of it: an error or another request, no crash.
TEST(Message, DamagedMessagesAreNoDanger) {
  std::mt19937 random(7);
  for (const Request& request : every_request()) {
    std::string body = *encode(request);
    for (std::size_t at = 0; at < body.size(); ++at) {
      EXPECT_FALSE(decode_request(body.substr(0, at)));
      std::string changed = body;
      changed[at] = static_cast<char>(random());
      (void)decode_request(changed);
      (void)decode_answer(changed);
    }
  }
}

TEST(Frames, SplitAtEveryByteAndTwoInOneBuffer) {
  const std::string bytes = frame("first") + frame("2nd");
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    FrameReader reader(100);
    std::vector<std::string> bodies;
    for (const std::string& part : {bytes.substr(0, split), bytes.substr(split)}) {
      reader.add(part);
      while (true) {
        auto body = reader.next();
        ASSERT_TRUE(body);
        if (!*body) break;
        bodies.push_back(**body);
      }
    }
    EXPECT_THAT(bodies, testing::ElementsAre("first", "2nd")) << split;
    EXPECT_FALSE(reader.begun());
  }
}

TEST(Frames, AbsurdLengthsAreRefusedBeforeTheirBytesCome) {
  for (std::string header :
       {std::string("\0\0\0\0", 4), std::string("\0\0\0\x65", 4),
        std::string("\xff\xff\xff\xff", 4), std::string("GET / HTTP/1.1\r\n")}) {
    FrameReader reader(100);
    reader.add(header);
    auto body = reader.next();
    ASSERT_FALSE(body);
    EXPECT_EQ(body.error().code, Code::corrupt);
  }
  FrameReader reader(100);
  reader.add(frame(std::string(100, 'x')));
  EXPECT_EQ((*reader.next())->size(), 100u);
}

}  // namespace
}  // namespace spar::agent::remote
