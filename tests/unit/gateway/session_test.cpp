#include "gateway/session.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/gateway/talking_session.h"

namespace spar::gateway::test {
namespace {

constexpr const char* kColumns = "T id:23:0 name:25:0";

TEST(Session, GreetsWithParametersKeyAndReady) {
  TalkingSession talk;
  ASSERT_EQ(talk.greeting.size(), 15u);
  EXPECT_EQ(talk.greeting[13], "K 7 9");
  EXPECT_EQ(talk.greeting[14], "Z I");
  auto has = [&](std::string_view line) {
    return std::ranges::find(talk.greeting, line) != talk.greeting.end();
  };
  EXPECT_TRUE(has("S client_encoding=UTF8"));
  EXPECT_TRUE(has("S session_authorization=app"));
  EXPECT_TRUE(has("S standard_conforming_strings=on"));
}

TEST(Session, AnswersAQuery) {
  TalkingSession talk;
  EXPECT_EQ(talk.ask("rows 3"),
            (Lines{kColumns, "D 1|row 1", "D 2|row 2", "D 3|NULL", "C SELECT 3", "Z I"}));
  EXPECT_EQ(talk.calls(), (Lines{"run rows 3", "finish"}));
  EXPECT_EQ(talk.ask("rows 0"), (Lines{kColumns, "C SELECT 0", "Z I"}));
  EXPECT_EQ(talk.ask("insert 5"), (Lines{"C INSERT 0 5", "Z I"}));
  EXPECT_EQ(talk.ask("insert 1 returning"), (Lines{kColumns, "D 1|row 1", "C INSERT 0 1", "Z I"}));
  EXPECT_EQ(talk.ask(""), (Lines{"I", "Z I"}));
  EXPECT_EQ(talk.ask(" ; "), (Lines{"I", "Z I"}));
  EXPECT_EQ(talk.record->violations, 0);
}

TEST(Session, RunsAStringAsOneTransaction) {
  TalkingSession talk;
  EXPECT_EQ(talk.ask("insert 1; insert 2; rows 1"),
            (Lines{"C INSERT 0 1", "C INSERT 0 2", kColumns, "D 1|row 1", "C SELECT 1", "Z I"}));
  EXPECT_EQ(talk.calls(), (Lines{"run insert 1", "run insert 2", "run rows 1", "finish"}));
}

TEST(Session, AnErrorEndsTheStringAndItsTransaction) {
  TalkingSession talk;
  EXPECT_EQ(talk.ask("insert 1; broken; insert 2"),
            (Lines{"C INSERT 0 1", "E ERROR 22012 division by zero", "Z I"}));
  EXPECT_EQ(talk.calls(), (Lines{"run insert 1", "run broken", "abandon"}));
  EXPECT_EQ(talk.ask("what?"), (Lines{"E ERROR 42601 syntax error at or near \"what\" @1", "Z I"}));
  EXPECT_EQ(talk.ask("missing"),
            (Lines{"E ERROR 42P01 relation \"missing\" does not exist @8", "Z I"}));
  EXPECT_EQ(talk.calls(), Lines{});
  EXPECT_EQ(talk.ask("rows 0").back(), "Z I");
}

TEST(Session, SaysNothingOfAWriteBeforeItsCommit) {
  TalkingSession talk;
  EXPECT_EQ(talk.ask("badfinish"), (Lines{"E ERROR 40001 could not serialize access", "Z I"}));
  EXPECT_EQ(talk.ask("insert 1 returning; badfinish"),
            (Lines{"E ERROR 40001 could not serialize access", "Z I"}));
  EXPECT_EQ(talk.say(parse("", "badfinish") + bind("", "") + execute() + sync()),
            (Lines{"1", "2", "E ERROR 40001 could not serialize access", "Z I"}));
  EXPECT_EQ(talk.record->violations, 0);
}

TEST(Session, KeepsTransactionBlocks) {
  TalkingSession talk;
  EXPECT_EQ(talk.ask("begin"), (Lines{"C BEGIN", "Z T"}));
  EXPECT_EQ(talk.ask("begin"), (Lines{"N WARNING 25001 there is already a transaction in progress",
                                      "C BEGIN", "Z T"}));
  EXPECT_EQ(talk.ask("insert 1"), (Lines{"C INSERT 0 1", "Z T"}));
  EXPECT_EQ(talk.ask("commit"), (Lines{"C COMMIT", "Z I"}));
  EXPECT_EQ(talk.calls(), (Lines{"begin", "run insert 1", "commit"}));
  EXPECT_EQ(talk.ask("commit"),
            (Lines{"N WARNING 25P01 there is no transaction in progress", "C COMMIT", "Z I"}));
  EXPECT_EQ(talk.ask("rollback"),
            (Lines{"N WARNING 25P01 there is no transaction in progress", "C ROLLBACK", "Z I"}));
  EXPECT_EQ(talk.record->violations, 0);
}

TEST(Session, IgnoresCommandsInAFailedBlock) {
  TalkingSession talk;
  const std::string aborted =
      "E ERROR 25P02 current transaction is aborted, commands ignored until end of transaction "
      "block";
  talk.ask("begin");
  EXPECT_EQ(talk.ask("broken"), (Lines{"E ERROR 22012 division by zero", "Z E"}));
  EXPECT_EQ(talk.ask("rows 1"), (Lines{aborted, "Z E"}));
  EXPECT_EQ(talk.ask("missing"), (Lines{aborted, "Z E"}));
  EXPECT_EQ(talk.ask("begin"), (Lines{aborted, "Z E"}));
  EXPECT_EQ(talk.ask(""), (Lines{"I", "Z E"}));
  EXPECT_EQ(talk.say(parse("", "rows 1") + sync()), (Lines{aborted, "Z E"}));
  EXPECT_EQ(talk.ask("what?").back(), "Z E");
  EXPECT_EQ(talk.ask("commit"), (Lines{"C ROLLBACK", "Z I"}));
  talk.ask("begin");
  EXPECT_EQ(talk.ask("missing").back(), "Z E");  // an error that the backend has not seen
  EXPECT_EQ(talk.ask("rollback"), (Lines{"C ROLLBACK", "Z I"}));
  EXPECT_EQ(talk.record->violations, 0);
}

TEST(Session, GoesBackToSavepoints) {
  TalkingSession talk;
  EXPECT_EQ(talk.ask("savepoint s"),
            (Lines{"E ERROR 25P01 SAVEPOINT can only be used in transaction blocks", "Z I"}));
  talk.ask("begin");
  EXPECT_EQ(talk.ask("savepoint s"), (Lines{"C SAVEPOINT", "Z T"}));
  talk.ask("set application_name changed");
  talk.ask("broken");
  EXPECT_EQ(talk.ask("rollback to s"), (Lines{"C ROLLBACK", "S application_name=", "Z T"}));
  EXPECT_EQ(talk.ask("release s"), (Lines{"C RELEASE", "Z T"}));
  EXPECT_EQ(talk.ask("release x"), (Lines{"E ERROR 3B001 savepoint \"x\" does not exist", "Z E"}));
  EXPECT_EQ(talk.ask("rollback"), (Lines{"C ROLLBACK", "Z I"}));
}

TEST(Session, ACommitThatFailsEndsTheBlock) {
  TalkingSession talk;
  EXPECT_EQ(talk.ask("begin; badfinish; commit"),
            (Lines{"C BEGIN", "C UPDATE 0", "E ERROR 40001 could not serialize access", "Z I"}));
  EXPECT_EQ(talk.ask("rows 0").back(), "Z I");
  EXPECT_EQ(talk.record->violations, 0);
}

TEST(Session, ABlockTakesOverWhatItsStringDidBefore) {
  TalkingSession talk;
  EXPECT_EQ(talk.ask("insert 1; begin; insert 2"),
            (Lines{"C INSERT 0 1", "C BEGIN", "C INSERT 0 2", "Z T"}));
  EXPECT_EQ(talk.ask("rollback"), (Lines{"C ROLLBACK", "Z I"}));
  EXPECT_EQ(talk.calls(), (Lines{"run insert 1", "begin", "run insert 2", "rollback"}));
}

TEST(Session, SetsShowsAndReports) {
  TalkingSession talk;
  EXPECT_EQ(talk.ask("set application_name psql"),
            (Lines{"C SET", "S application_name=psql", "Z I"}));
  EXPECT_EQ(talk.ask("show application_name"),
            (Lines{"T application_name:25:0", "D psql", "C SHOW", "Z I"}));
  EXPECT_EQ(talk.ask("show timezone")[0], "T TimeZone:25:0");
  EXPECT_EQ(talk.ask("show spar.position")[1], "D 3/1042");
  EXPECT_EQ(talk.ask("show nothing"),
            (Lines{"E ERROR 42704 unrecognized configuration parameter \"nothing\"", "Z I"}));
  EXPECT_EQ(talk.ask("reset application_name"), (Lines{"C RESET", "S application_name=", "Z I"}));
  EXPECT_EQ(
      talk.ask("set local application_name x"),
      (Lines{"N WARNING 25P01 SET LOCAL can only be used in transaction blocks", "C SET", "Z I"}));
  talk.ask("begin");
  EXPECT_EQ(talk.ask("set application_name lost"),
            (Lines{"C SET", "S application_name=lost", "Z T"}));
  EXPECT_EQ(talk.ask("rollback"), (Lines{"C ROLLBACK", "S application_name=", "Z I"}));
  EXPECT_GT(talk.ask("show all").size(), 80u);
}

TEST(Session, ASetInAStringThatFailsIsUndone) {
  TalkingSession talk;
  talk.ask("set application_name x; broken");
  EXPECT_EQ(talk.ask("show application_name")[1], "D");
}

TEST(Session, KnowsTheTransactionsIsolation) {
  TalkingSession talk;
  talk.ask("set default_transaction_isolation serializable");
  EXPECT_EQ(talk.ask("show transaction_isolation")[1], "D serializable");
  EXPECT_EQ(talk.ask("set transaction_isolation serializable")[0],
            "N WARNING 25P01 SET TRANSACTION can only be used in transaction blocks");
  talk.ask("begin");
  EXPECT_EQ(talk.ask("show transaction_isolation")[1], "D serializable");
  talk.ask("set transaction_read_only on");
  EXPECT_EQ(talk.ask("show transaction_read_only")[1], "D on");
  talk.ask("rollback");
  EXPECT_EQ(talk.ask("show transaction_read_only")[1], "D off");
}

TEST(Session, TellsNoticesAsAsked) {
  TalkingSession talk;
  const std::string notice = "N NOTICE 00000 relation \"x\" already exists, skipping";
  EXPECT_EQ(talk.ask("create x"), (Lines{notice, "C CREATE TABLE", "Z I"}));
  talk.ask("set client_min_messages warning");
  EXPECT_EQ(talk.ask("create x"), (Lines{"C CREATE TABLE", "Z I"}));
}

TEST(Session, KeepsSomeCommandsOutOfTransactions) {
  TalkingSession talk;
  EXPECT_EQ(talk.ask("create database").back(), "Z I");
  EXPECT_EQ(talk.ask("rows 0; create database")[2],
            "E ERROR 25001 CREATE DATABASE cannot run inside a transaction block");
  talk.ask("begin");
  EXPECT_EQ(talk.ask("vacuum")[0], "E ERROR 25001 VACUUM cannot run inside a transaction block");
  talk.ask("rollback");
  talk.ask("begin");
  EXPECT_EQ(talk.ask("discard all")[0],
            "E ERROR 25001 DISCARD ALL cannot run inside a transaction block");
}

TEST(Session, PreparesInSql) {
  TalkingSession talk;
  EXPECT_EQ(talk.ask("prepare p value $1 , $2"), (Lines{"C PREPARE", "Z I"}));
  EXPECT_EQ(talk.ask("execute p 5 five"), (Lines{kColumns, "D 5|five", "C SELECT 1", "Z I"}));
  EXPECT_EQ(talk.ask("execute p 5")[0],
            "E ERROR 42601 wrong number of parameters for prepared statement \"p\"");
  EXPECT_EQ(talk.ask("execute p five 5")[0],
            "E ERROR 22P02 invalid input syntax for type integer: \"five\"");
  EXPECT_EQ(talk.ask("prepare p rows 1")[0],
            "E ERROR 42P05 prepared statement \"p\" already exists");
  EXPECT_EQ(talk.ask("deallocate p"), (Lines{"C DEALLOCATE", "Z I"}));
  EXPECT_EQ(talk.ask("execute p 5 five")[0],
            "E ERROR 26000 prepared statement \"p\" does not exist");
  talk.ask("prepare q rows 1");
  EXPECT_EQ(talk.ask("discard all"), (Lines{"C DISCARD ALL", "Z I"}));
  EXPECT_EQ(talk.ask("deallocate q")[0], "E ERROR 26000 prepared statement \"q\" does not exist");
}

TEST(Session, RefusesWhatItCannotUseAndLivesOn) {
  TalkingSession talk;
  EXPECT_EQ(talk.say(message('Q', "no zero")),
            (Lines{"E ERROR 08P01 invalid string in message", "Z I"}));
  EXPECT_EQ(talk.say(message('F', "anything"))[0],
            "E ERROR 0A000 the function call message is not supported yet");
  Lines large = talk.say(query(std::string(2u << 20, 'x')));
  ASSERT_EQ(large.size(), 2u);
  EXPECT_TRUE(large[0].starts_with("E ERROR 54000 ")) << large[0];
  EXPECT_EQ(talk.ask("rows 0").back(), "Z I");
}

TEST(Session, BoundsWhatItHoldsBack) {
  Limits limits;
  limits.held_output_bytes_max = 100'000;
  limits.flush_bytes = 1'000;
  TalkingSession talk(limits);
  Lines lines = talk.ask("insert 20000 returning");
  ASSERT_GE(lines.size(), 2u);
  EXPECT_TRUE(lines[lines.size() - 2].starts_with("E ERROR 54000")) << lines[lines.size() - 2];
  EXPECT_EQ(talk.ask("rows 20000").size(), 20'003u);  // a read streams, whatever its size
  EXPECT_EQ(talk.record->violations, 0);
}

TEST(Session, ClosesWhenTheClientIsGone) {
  TalkingSession talk;
  talk.gone = true;
  talk.ask("rows 1");
  EXPECT_TRUE(talk.closed);
  TalkingSession large;
  large.gone = true;
  large.ask("rows 100000");
  EXPECT_TRUE(large.closed);
  EXPECT_EQ(large.record->open_rows, 0);
}

TEST(Session, LeavesNoTransactionBehind) {
  TalkingSession talk;
  talk.ask("begin");
  talk.say(parse("", "rows 5") + bind("p", "") + execute("p", 2) + sync());
  talk.close();
  EXPECT_EQ(talk.calls().back(), "rollback");
  EXPECT_EQ(talk.record->violations, 0);
}

TEST(Session, KeepsTheMeaningOfTextsThatComeAgain) {
  TalkingSession talk;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(talk.ask("moving")[0], "T v1:23:0 name:25:0");
  talk.ask("create x");
  EXPECT_EQ(talk.ask("moving")[0], "T v2:23:0 name:25:0");
}

}  // namespace
}  // namespace spar::gateway::test
