#include <gtest/gtest.h>

#include "tests/unit/gateway/talking_session.h"

namespace spar::gateway::test {
namespace {

std::string copied(const TalkingSession& talk) {
  std::string out;
  for (const data::Row& row : talk.record->copied) {
    for (const data::Datum& value : row) {
      if (const auto* number = std::get_if<std::int64_t>(&value)) out += std::to_string(*number);
      if (const auto* text = std::get_if<std::string>(&value)) out += "'" + *text + "'";
      if (data::is_null(value)) out += "null";
      out += ',';
    }
  }
  return out;
}

// The answers to a whole COPY of this data, and the rows it made.
std::pair<Lines, std::string> copy_in(std::string_view sql, std::string_view data,
                                      std::size_t piece = 1'000) {
  TalkingSession talk;
  Lines begun = talk.ask(sql);
  EXPECT_EQ(begun, Lines{"G 2"});
  Lines lines;
  while (!data.empty()) {
    for (std::string& line : talk.say(copy_data(data.substr(0, piece)))) lines.push_back(line);
    data.remove_prefix(std::min(piece, data.size()));
  }
  for (std::string& line : talk.say(copy_done())) lines.push_back(line);
  EXPECT_EQ(talk.ask("rows 0").back(), "Z I");
  EXPECT_EQ(talk.record->violations, 0);
  return {lines, copied(talk)};
}

std::string copy_error(std::string_view sql, std::string_view data) {
  Lines lines = copy_in(sql, data).first;
  EXPECT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines.back(), "Z I");
  return lines.front();
}

TEST(CopyIn, ReadsText) {
  const std::string_view data = "1\tone\n2\t\\N\n3\ta\\tb\\\\c\\x41\\101\n4\t\n\\.\nrest\n";
  for (std::size_t piece : {1, 2, 3, 7, 1000}) {
    auto [lines, rows] = copy_in("copy in", data, piece);
    EXPECT_EQ(lines, (Lines{"C COPY 4", "Z I"}));
    EXPECT_EQ(rows, "1,'one',2,null,3,'a\tb\\cAA',4,'',");
  }
}

TEST(CopyIn, ReadsCsv) {
  const std::string_view data = "1,one\n2,\n3,\"\"\n4,\"a, \"\"b\"\"\nc\"\n";
  for (std::size_t piece : {1, 2, 3, 7, 1000}) {
    auto [lines, rows] = copy_in("copy in csv", data, piece);
    EXPECT_EQ(lines, (Lines{"C COPY 4", "Z I"}));
    EXPECT_EQ(rows, "1,'one',2,null,3,'',4,'a, \"b\"\nc',");
  }
  EXPECT_EQ(copy_in("copy in csv header", "a,b\n1,x\n").second, "1,'x',");
}

TEST(CopyIn, TellsWhereTheDataIsWrong) {
  EXPECT_EQ(copy_error("copy in", "1\tx\n2\ty\nthree\tz\n"),
            "E ERROR 22P02 invalid input syntax for type integer: \"three\" "
            "<COPY t, line 3, column a: \"three\">");
  EXPECT_EQ(copy_error("copy in", "1\tx\ty\n"),
            "E ERROR 22P04 extra data after last expected column "
            "<COPY t, line 1: \"1\tx\ty\">");
  EXPECT_EQ(copy_error("copy in", "1\tx\n2\n"),
            "E ERROR 22P04 missing data for column \"b\" <COPY t, line 2: \"2\">");
  EXPECT_EQ(copy_error("copy in csv", "1,\"open\n"),
            "E ERROR 22P04 unterminated CSV quoted field <COPY t, line 2: \"1,\"open\n\">");
  EXPECT_EQ(copy_error("copy in", "1\t\xff\n"),
            "E ERROR 22021 invalid byte sequence for encoding \"UTF8\": 0xff <COPY t, line 1>");
  EXPECT_EQ(copy_error("copy in", "1\tx\r\n2\ty\n"),
            "E ERROR 22P04 literal newline found in data <COPY t, line 2>");
  EXPECT_EQ(copy_error("copy in", "1\t\\.x\n"),
            "E ERROR 22P04 end-of-copy marker corrupt <COPY t, line 1: \"1\t\\.x\">");
}

TEST(CopyIn, WritesInBatches) {
  Limits limits;
  limits.copy_batch_rows = 2;
  limits.copy_batch_bytes = 8;
  TalkingSession talk(limits);
  talk.ask("copy in");
  talk.say(copy_data("1\ta\n2\tb\n3\tc\n") + copy_data("4\td\n5\te\n"));
  EXPECT_EQ(talk.say(copy_done()), (Lines{"C COPY 5", "Z I"}));
  EXPECT_EQ(talk.calls(), (Lines{"rows 2", "rows 3", "finish"}));
}

TEST(CopyIn, TheClientMayGiveUp) {
  TalkingSession talk;
  talk.ask("copy in");
  EXPECT_EQ(talk.say(copy_data("1\tx\n") + message('f', text("changed my mind"))),
            (Lines{"E ERROR 57014 COPY from stdin failed: changed my mind", "Z I"}));
  EXPECT_EQ(talk.record->copied.size(), 0u);
}

TEST(CopyIn, IgnoresWhatIsLeftAfterAnError) {
  TalkingSession talk;
  talk.ask("copy in");
  EXPECT_EQ(talk.say(copy_data("bad\tx\n") + copy_data("2\ty\n") + copy_done()).size(), 2u);
  EXPECT_EQ(talk.ask("rows 0").back(), "Z I");
}

TEST(CopyIn, RefusesOtherMessages) {
  TalkingSession talk;
  talk.ask("copy in");
  EXPECT_EQ(talk.ask("rows 1"),
            (Lines{"E ERROR 08P01 unexpected message type 0x51 during COPY from stdin", "Z I"}));
}

TEST(CopyIn, GoesOnWithTheString) {
  TalkingSession talk;
  EXPECT_EQ(talk.ask("insert 1; copy in; rows 1").back(), "G 2");
  Lines lines = talk.say(copy_data("1\tx\n") + copy_done());
  EXPECT_EQ(lines, (Lines{"C COPY 1", "T id:23:0 name:25:0", "D 1|row 1", "C SELECT 1", "Z I"}));
  EXPECT_EQ(talk.calls(), (Lines{"run insert 1", "rows 1", "run rows 1", "finish"}));
}

TEST(CopyIn, WorksInTheExtendedProtocol) {
  TalkingSession talk;
  EXPECT_EQ(talk.say(parse("", "copy in") + bind("", "") + execute() + sync()),
            (Lines{"1", "2", "G 2"}));
  EXPECT_EQ(talk.say(copy_data("1\tx\n") + copy_done()), Lines{});
  EXPECT_EQ(talk.say(sync()), (Lines{"C COPY 1", "Z I"}));
  talk.say(parse("", "copy in") + bind("", "") + execute());
  EXPECT_EQ(talk.say(copy_data("x\tx\n") + copy_done()), Lines{});
  Lines lines = talk.say(sync());
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines[0].starts_with("E ERROR 22P02"));
}

TEST(CopyIn, ABlockFailsWithItsCopy) {
  TalkingSession talk;
  talk.ask("begin");
  talk.ask("copy in");
  EXPECT_EQ(talk.say(copy_data("bad\tx\n") + copy_done()).back(), "Z E");
  EXPECT_EQ(talk.ask("rollback"), (Lines{"C ROLLBACK", "Z I"}));
}

TEST(CopyOut, WritesTextAndCsv) {
  TalkingSession talk;
  EXPECT_EQ(talk.ask("copy out"),
            (Lines{"H 2", "d 1\trow 1\n", "d 2\trow 2\n", "d 3\t\\N\n", "c", "C COPY 3", "Z I"}));
  EXPECT_EQ(talk.ask("copy out csv header"),
            (Lines{"H 2", "d id,name\n", "d 1,row 1\n", "d 2,row 2\n", "d 3,\n", "c", "C COPY 3",
                   "Z I"}));
  EXPECT_EQ(talk.record->violations, 0);
}

}  // namespace
}  // namespace spar::gateway::test
