#include <gtest/gtest.h>

#include "tests/unit/gateway/talking_session.h"

namespace spar::gateway::test {
namespace {

constexpr const char* kColumns = "T id:23:0 name:25:0";

TEST(ExtendedQuery, ParsesBindsDescribesAndExecutes) {
  TalkingSession talk;
  EXPECT_EQ(talk.say(parse("s", "value $1 , $2") + describe_statement("s") + sync()),
            (Lines{"1", "t 23 25", kColumns, "Z I"}));
  EXPECT_EQ(talk.say(bind("", "s", {"5", "five"}) + describe_portal("") + execute() + sync()),
            (Lines{"2", kColumns, "D 5|five", "C SELECT 1", "Z I"}));
  EXPECT_EQ(talk.calls(), (Lines{"run value $1 , $2", "finish"}));
  EXPECT_EQ(
      talk.say(parse("", "insert 3") + describe_statement("") + bind("", "") + execute() + sync()),
      (Lines{"1", "t", "n", "2", "C INSERT 0 3", "Z I"}));
}

TEST(ExtendedQuery, SendsNothingBeforeItIsAsked) {
  TalkingSession talk;
  EXPECT_EQ(talk.say(parse("", "rows 1")), Lines{});
  EXPECT_EQ(talk.say(flush()), Lines{"1"});
  EXPECT_EQ(talk.say(bind("", "") + execute()), Lines{});
  EXPECT_EQ(talk.say(flush()), (Lines{"2", "D 1|row 1", "C SELECT 1"}));
  EXPECT_EQ(talk.say(sync()), Lines{"Z I"});
}

TEST(ExtendedQuery, TakesBinaryValuesAndGivesThem) {
  TalkingSession talk;
  talk.say(parse("s", "value $1 , $2") + sync());
  Lines lines =
      talk.say(bind("", "s", {be32(258), "text"}, 1, 1) + describe_portal("") + execute() + sync());
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[1], "T id:23:1 name:25:1");
  EXPECT_EQ(lines[2], "D " + be32(258) + "|text");
}

TEST(ExtendedQuery, GivesRowsInParts) {
  TalkingSession talk;
  EXPECT_EQ(talk.say(parse("", "rows 3") + bind("p", "") + execute("p", 2) + execute("p", 2) +
                     execute("p", 2) + sync()),
            (Lines{"1", "2", "D 1|row 1", "D 2|row 2", "s", "D 3|NULL", "C SELECT 1", "C SELECT 0",
                   "Z I"}));
  EXPECT_EQ(talk.say(execute("p") + sync())[0], "E ERROR 34000 portal \"p\" does not exist");
  talk.ask("begin");
  talk.say(parse("", "rows 3") + bind("p", "") + execute("p", 1) + sync());
  EXPECT_EQ(talk.say(execute("p", 1) + sync()), (Lines{"D 2|row 2", "s", "Z T"}));
  EXPECT_EQ(talk.say(close_portal("p") + sync()), (Lines{"3", "Z T"}));
  talk.ask("commit");
  EXPECT_EQ(talk.record->violations, 0);
}

TEST(ExtendedQuery, RunsAWriteWholeWhateverTheLimit) {
  TalkingSession talk;
  EXPECT_EQ(talk.say(parse("", "insert 3 returning") + bind("", "") + execute("", 2) +
                     execute("", 2) + execute("", 2) + sync()),
            (Lines{"1", "2", "D 1|row 1", "D 2|row 2", "s", "D 3|NULL", "C INSERT 0 3",
                   "E ERROR 55000 portal cannot be run", "Z I"}));
}

TEST(ExtendedQuery, SkipsToSyncAfterAnError) {
  TalkingSession talk;
  EXPECT_EQ(talk.say(parse("", "missing") + bind("", "") + execute() + query("rows 1") + flush() +
                     sync()),
            (Lines{"E ERROR 42P01 relation \"missing\" does not exist @8", "Z I"}));
  EXPECT_EQ(talk.say(message('B', "broken") + execute() + sync()),
            (Lines{"E ERROR 08P01 invalid string in message", "Z I"}));
  EXPECT_EQ(talk.ask("rows 0").back(), "Z I");
}

TEST(ExtendedQuery, OneUnitIsOneTransaction) {
  TalkingSession talk;
  const std::string unit =
      parse("i", "insert 1") + bind("", "i") + execute() + bind("", "i") + execute();
  EXPECT_EQ(talk.say(unit), Lines{});
  EXPECT_EQ(talk.say(sync()), (Lines{"1", "2", "C INSERT 0 1", "2", "C INSERT 0 1", "Z I"}));
  EXPECT_EQ(talk.calls(), (Lines{"run insert 1", "run insert 1", "finish"}));
  EXPECT_EQ(
      talk.say(bind("", "i") + execute() + parse("", "broken") + bind("", "") + execute() + sync()),
      (Lines{"2", "C INSERT 0 1", "1", "2", "E ERROR 22012 division by zero", "Z I"}));
  EXPECT_EQ(talk.calls().back(), "abandon");
}

TEST(ExtendedQuery, FlushAfterAWriteCommitsIt) {
  TalkingSession talk;
  EXPECT_EQ(talk.say(parse("", "insert 1") + bind("", "") + execute() + flush()),
            (Lines{"1", "2", "C INSERT 0 1"}));
  EXPECT_EQ(talk.calls(), (Lines{"run insert 1", "finish"}));
  EXPECT_EQ(talk.say(sync()), Lines{"Z I"});
}

TEST(ExtendedQuery, ControlsTransactions) {
  TalkingSession talk;
  EXPECT_EQ(talk.say(parse("", "begin") + bind("", "") + execute() + sync()),
            (Lines{"1", "2", "C BEGIN", "Z T"}));
  EXPECT_EQ(talk.say(parse("", "commit") + bind("c", "") + execute("c") + sync()),
            (Lines{"1", "2", "C COMMIT", "Z I"}));
  EXPECT_EQ(talk.say(parse("", "show application_name") + bind("", "") + describe_portal("") +
                     execute() + sync()),
            (Lines{"1", "2", "T application_name:25:0", "D", "C SHOW", "Z I"}));
}

TEST(ExtendedQuery, KnowsNames) {
  TalkingSession talk;
  EXPECT_EQ(talk.say(parse("s", "rows 1") + parse("s", "rows 2") + sync()),
            (Lines{"1", "E ERROR 42P05 prepared statement \"s\" already exists", "Z I"}));
  EXPECT_EQ(talk.say(bind("", "nothing") + sync())[0],
            "E ERROR 26000 prepared statement \"nothing\" does not exist");
  EXPECT_EQ(talk.say(bind("", "") + sync())[0],
            "E ERROR 26000 unnamed prepared statement does not exist");
  EXPECT_EQ(talk.say(describe_portal("x") + sync())[0],
            "E ERROR 34000 portal \"x\" does not exist");
  EXPECT_EQ(talk.say(bind("p", "s") + bind("p", "s") + sync())[1],
            "E ERROR 42P03 cursor \"p\" already exists");
  EXPECT_EQ(talk.say(close_statement("s") + close_statement("s") + bind("", "s") + sync()),
            (Lines{"3", "3", "E ERROR 26000 prepared statement \"s\" does not exist", "Z I"}));
}

TEST(ExtendedQuery, ChecksParametersAndFormats) {
  TalkingSession talk;
  talk.say(parse("s", "value $1") + sync());
  EXPECT_EQ(talk.say(bind("", "s") + sync())[0],
            "E ERROR 08P01 bind message supplies 0 parameters, but prepared statement \"s\" "
            "requires 1");
  EXPECT_EQ(talk.say(bind("", "s", {"five"}) + sync())[0],
            "E ERROR 22P02 invalid input syntax for type integer: \"five\"");
  EXPECT_EQ(talk.say(bind("", "s", {"5"}, 2) + sync())[0],
            "E ERROR 22023 unsupported format code: 2");
  EXPECT_EQ(talk.say(bind("", "s", {"5"}, 0, 1) + sync())[0].substr(0, 14), "E ERROR 22P03 ");
  talk.say(parse("t", "value $1 , $2") + sync());
  EXPECT_EQ(talk.say(bind("", "t", {"5", "\xff"}) + sync())[0],
            "E ERROR 22021 invalid byte sequence for encoding \"UTF8\": 0xff");
  EXPECT_EQ(talk.say(message('P', text("") + text("rows 1") + be16(1) + be32(869)) + sync())[0],
            "E ERROR 0A000 the parameter type with OID 869 is not supported yet");
  EXPECT_EQ(talk.say(parse("", "rows 1; rows 2") + sync())[0],
            "E ERROR 42601 cannot insert multiple commands into a prepared statement");
}

TEST(ExtendedQuery, TakesEmptyStatements) {
  TalkingSession talk;
  EXPECT_EQ(talk.say(parse("", "") + describe_statement("") + bind("", "") + describe_portal("") +
                     execute() + sync()),
            (Lines{"1", "t", "n", "2", "n", "I", "Z I"}));
}

TEST(ExtendedQuery, AnalysesAgainWhenTheCatalogueMoves) {
  TalkingSession talk;
  talk.say(parse("same", "rows 1") + parse("moving", "moving") + sync());
  talk.ask("create x");
  EXPECT_EQ(talk.say(bind("", "same") + execute() + sync()),
            (Lines{"2", "D 1|row 1", "C SELECT 1", "Z I"}));
  EXPECT_EQ(talk.say(bind("", "moving") + sync()),
            (Lines{"E ERROR 0A000 cached plan must not change result type", "Z I"}));
  EXPECT_EQ(talk.say(parse("again", "moving") + sync()), (Lines{"1", "Z I"}));
}

TEST(ExtendedQuery, LimitsStatementsAndPortals) {
  Limits limits;
  limits.prepared_statements_max = 2;
  limits.portals_max = 1;
  TalkingSession talk(limits);
  EXPECT_EQ(
      talk.say(parse("a", "rows 1") + parse("b", "rows 1") + parse("c", "rows 1") + sync())[2],
      "E ERROR 54000 too many prepared statements");
  EXPECT_EQ(talk.say(bind("a", "a") + bind("b", "a") + sync())[1],
            "E ERROR 54000 too many portals");
}

}  // namespace
}  // namespace spar::gateway::test
