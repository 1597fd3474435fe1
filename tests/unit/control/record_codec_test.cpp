#include <gtest/gtest.h>

#include "control/limits.h"
#include "control/record.h"
#include "tests/unit/control/rig.h"

namespace spar::control {
namespace {

Record rich() {
  Record record = record_of(4, {kB, kD}, 2);
  record.version = 71;
  record.incarnation = Incarnation{3};
  record.epoch = Epoch{9};
  record.durability = Durability::mirrored_strict;
  record.paused = true;
  record.members[2].may_be_primary = false;
  record.members[0].location = "/somewhere/with \"quotes\", \xc3\xa9 and a \\";
  record.next_copy = CopyId{12};
  record.history = {{Epoch{4}, Sequence{100}}, {Epoch{7}, Sequence{90}}, {Epoch{9}, Sequence{~0u}}};
  record.comparable_from = Epoch{2};
  return record;
}

TEST(RecordCodec, GivesBackWhatItWrote) {
  for (const Record& record : {rich(), record_of(1, {})}) {
    auto text = encode(record);
    ASSERT_TRUE(text);
    auto back = decode(*text);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, record);
  }
}

TEST(RecordCodec, WritesTextForPeople) {
  const std::string text = encode(rich()).value();
  EXPECT_TRUE(text.starts_with("spar-cluster-record 1 "));
  EXPECT_NE(text.find("\n  \"epoch\": 9,\n"), std::string::npos);
  EXPECT_NE(text.find("\"durability\": \"mirrored-strict\""), std::string::npos);
}

TEST(RecordCodec, NoticesEveryChangedByte) {
  const std::string text = encode(rich()).value();
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (char flip : {'\x01', '\x20', '\x80'}) {
      std::string damaged = text;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      auto back = decode(damaged);
      ASSERT_FALSE(back) << i;
      EXPECT_EQ(back.error().code, Code::corrupt);
    }
  }
}

TEST(RecordCodec, NoticesEveryCut) {
  const std::string text = encode(rich()).value();
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(decode(std::string_view(text).substr(0, size))) << size;
  }
  EXPECT_FALSE(decode(text + "\n"));
  EXPECT_FALSE(decode(std::string(kRecordBytesMax + 1, 'x')));
}

TEST(RecordCodec, SaysWhatTheChecksumShouldBe) {
  std::string text = encode(rich()).value();
  text.replace(text.find("\"epoch\": 9"), 10, "\"epoch\": 8");
  const std::string message = decode(text).error().message;
  const std::string expected = message.substr(message.rfind(' ') + 1);
  text.replace(std::string("spar-cluster-record 1 ").size(), 16, expected);
  auto back = decode(text);
  ASSERT_FALSE(back);  // a person may repair a record, but not make a wrong one
  EXPECT_NE(back.error().message.find("the forks are not in order"), std::string::npos);
}

TEST(RecordCodec, RefusesToWriteWhatItCouldNotRead) {
  Record record = rich();
  record.members[0].name = "\xff";
  EXPECT_EQ(encode(record).error().code, Code::invalid);
  record = rich();
  record.primary = CopyId{11};
  EXPECT_EQ(encode(record).error().code, Code::invalid);
}

}  // namespace
}  // namespace spar::control
