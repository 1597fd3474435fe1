// The session machine when its connection is lost, against scripted servers.
#include <gtest/gtest.h>

#include "tests/unit/gateway/relay/talk.h"

namespace spar::gateway::relay {
namespace {

using Loss = RelaySession::Loss;

std::string row(std::string_view value) {
  return message('D',
                 be16(1) + be32(static_cast<std::uint32_t>(value.size())) + std::string(value));
}
// Answers to our own statements; the first time on a connection they are prepared.
const std::string kNew = bare("3") + bare("1");
const std::string kRan = bare("2");
std::string id(std::string_view value) {
  return kRan + row(value) + complete("SELECT 1") + bare("3");
}

class AllTables : public query::route::BuiltInObjects {
 public:
  query::route::RelationKind relation(query::route::ObjectName) const override {
    return query::route::RelationKind::reads;
  }
};

class ContinuityTest : public ::testing::Test {
 protected:
  static SessionLimits limits() {
    SessionLimits limits;
    limits.resolves = true;
    return limits;
  }
  // "BEGIN", and a write whose transaction is 700.
  void write_in_transaction() {
    talk.say(query("begin"));
    talk.attach(one);
    talk.hear(complete("BEGIN") + ready('T'));
    EXPECT_EQ(
        talk.say(query("delete from t")),
        "Q delete from t | C S__spar_1 | P __spar_1 SELECT "
        "pg_catalog.pg_current_xact_id_if_assigned() | B __spar_id __spar_1 | E __spar_id | C "
        "P__spar_id | S");
    EXPECT_EQ(talk.hear(complete("DELETE 1") + ready('T') + kNew + id("700") + ready('T')),
              "C DELETE 1 | Z T");
  }

  StatementBook book{StatementBook::Options{.objects = std::make_shared<AllTables>()}};
  ServerSide one{10}, two{10};
  Talk talk{book, SessionSettings::none(), limits()};
};

TEST_F(ContinuityTest, AsksAReadAgain) {
  talk.say(query("select a from t"));
  talk.attach(one);
  EXPECT_EQ(talk.hear(row("x") + row("y")), "D x | D y");
  EXPECT_EQ(talk.lose(), "");
  EXPECT_EQ(talk.loss, Loss::needs_server);
  EXPECT_EQ(talk.attach(two), "Q select a from t");
  EXPECT_EQ(talk.hear(row("x") + row("y") + row("z") + complete("SELECT 3") + ready()),
            "D z | C SELECT 3 | Z I");
  EXPECT_TRUE(talk.session.may_release());
}

TEST_F(ContinuityTest, AnotherFirstRowIsAnError) {
  talk.say(query("select a from t"));
  talk.attach(one);
  talk.hear(row("x"));
  talk.lose();
  talk.attach(two);
  EXPECT_EQ(talk.hear(row("y")), "");
  EXPECT_TRUE(talk.lost);
  const std::string heard = talk.lose();
  EXPECT_TRUE(heard.starts_with("E ERROR 40001 ") && heard.ends_with(" | Z I")) << heard;
  EXPECT_EQ(talk.loss, Loss::none);
}

TEST_F(ContinuityTest, ACommitIsSentWhenTheTransactionIsKnown) {
  talk.say(query("begin"));
  talk.attach(one);
  talk.hear(complete("BEGIN") + ready('T'));
  talk.say(query("delete from t"));
  EXPECT_EQ(talk.say(query("commit")), "");
  EXPECT_EQ(talk.last, RelaySession::Progress::needs_answers);
  talk.hear(complete("DELETE 1") + ready('T') + kNew + id("700") + ready('T'));
  EXPECT_EQ(talk.say(""), "Q commit");
  EXPECT_EQ(talk.lose(), "");
  EXPECT_EQ(talk.loss, Loss::in_doubt);
  EXPECT_EQ(talk.session.in_doubt(), 700u);
  EXPECT_EQ(talk.resolve(Outcome::committed), "C COMMIT | Z I");
  EXPECT_EQ(talk.loss, Loss::none);
}

TEST_F(ContinuityTest, ACommitThatDidNotHappenIsRepeatedWithItsTransaction) {
  write_in_transaction();
  EXPECT_EQ(talk.say(query("commit")), "Q commit");
  talk.lose();
  EXPECT_EQ(talk.resolve(Outcome::not_committed), "");
  EXPECT_EQ(talk.loss, Loss::needs_server);
  const std::string sent = talk.attach(two);
  EXPECT_TRUE(sent.starts_with("Q begin | Q delete from t | ")) << sent;
  EXPECT_FALSE(sent.contains("commit")) << sent;
  EXPECT_EQ(talk.hear(complete("BEGIN") + ready('T') + complete("DELETE 1") + ready('T') + kNew +
                      id("801") + ready('T')),
            "");
  EXPECT_EQ(talk.asked, "Q commit");
  talk.lose();
  EXPECT_EQ(talk.session.in_doubt(), 801u);
  talk.resolve(Outcome::not_committed);
  ServerSide three(10);
  talk.attach(three);
  talk.hear(complete("BEGIN") + ready('T') + complete("DELETE 1") + ready('T') + kNew + id("900") +
            ready('T'));
  EXPECT_EQ(talk.hear(complete("COMMIT") + ready()), "C COMMIT | Z I");
  EXPECT_TRUE(talk.session.may_release());
}

// As on a server: whatever a COMMIT answers, the transaction is over, and drivers send no ROLLBACK.
TEST_F(ContinuityTest, ACommitThatCannotBeRepeatedEndsTheTransaction) {
  talk.say(query("begin"));
  talk.attach(one);
  talk.hear(complete("BEGIN") + ready('T'));
  talk.say(query("select a from t"));
  talk.hear(row("x") + complete("SELECT 1") + ready('T'));
  talk.say(query("commit"));
  talk.lose();
  talk.attach(two);
  EXPECT_EQ(talk.hear(complete("BEGIN") + ready('T') + row("y") + complete("SELECT 1")), "");
  EXPECT_TRUE(talk.lost);
  const std::string heard = talk.lose();
  EXPECT_TRUE(heard.starts_with("E ERROR 40001 ") && heard.ends_with(" | Z I")) << heard;
  EXPECT_EQ(talk.loss, Loss::none);
}

TEST_F(ContinuityTest, ACommitOfWhichNobodyKnowsEndsTheSession) {
  write_in_transaction();
  talk.say(query("commit"));
  talk.lose();
  EXPECT_EQ(talk.resolve(Outcome::unknown), "");
  EXPECT_EQ(talk.loss, Loss::end);
  EXPECT_EQ(talk.session.fate().sqlstate, "08007");
}

TEST_F(ContinuityTest, ACommitThatDidNotWaitForItsFollowersIsInDoubt) {
  write_in_transaction();
  talk.say(query("commit"));
  const std::string warning = message(
      'N', text("SWARNING") + text("C01000") + text("Mx") + text("RSyncRepWaitForLSN") + '\0');
  EXPECT_EQ(talk.hear(warning), "");
  EXPECT_TRUE(talk.lost);
  talk.lose();
  EXPECT_EQ(talk.loss, Loss::in_doubt);
}

TEST_F(ContinuityTest, AStatementAloneGetsItsTransaction) {
  talk.say(query("delete from t"));
  const std::string sent = talk.attach(one);
  EXPECT_TRUE(sent.contains("E __spar_begin | Q delete from t | ")) << sent;
  EXPECT_TRUE(sent.ends_with("E __spar_id | C P__spar_id | H")) << sent;
  EXPECT_EQ(talk.hear(kNew + kRan + complete("BEGIN") + complete("DELETE 1") + ready('T')), "");
  EXPECT_EQ(talk.hear(kNew + id("700")), "");
  EXPECT_TRUE(talk.asked.ends_with("E __spar_commit | S")) << talk.asked;
  talk.lose();
  EXPECT_EQ(talk.session.in_doubt(), 700u);
  EXPECT_EQ(talk.resolve(Outcome::committed), "C DELETE 1 | Z I");
}

TEST_F(ContinuityTest, ABatchGetsItsTransaction) {
  talk.say(parse("", "delete from t") + bind("") + execute() + kSync);
  const std::string sent = talk.attach(one);
  EXPECT_TRUE(sent.contains("E __spar_begin | E - | ")) << sent;
  EXPECT_TRUE(sent.ends_with("E __spar_id | C P__spar_id | H")) << sent;
  EXPECT_EQ(talk.hear(bare("12") + kNew + kRan + complete("BEGIN") + complete("DELETE 1")),
            "1 | 2 | C DELETE 1");
  EXPECT_EQ(talk.hear(kNew + id("700")), "");
  EXPECT_TRUE(talk.asked.ends_with("E __spar_commit | S")) << talk.asked;
  EXPECT_EQ(talk.hear(kNew + kRan + complete("COMMIT") + ready()), "Z I");
  EXPECT_TRUE(talk.session.may_release());
}

TEST_F(ContinuityTest, AStatementThatFailsIsRolledBack) {
  talk.say(query("delete from t"));
  talk.attach(one);
  const std::string heard =
      talk.hear(kNew + kRan + complete("BEGIN") + error("23503") + ready('E'));
  EXPECT_EQ(heard, "E ERROR 23503 wrong");
  EXPECT_EQ(talk.hear(bare("3") + error("25P02")), "");
  EXPECT_EQ(talk.asked, "S | Q ROLLBACK");
  EXPECT_EQ(talk.hear(ready('E') + complete("ROLLBACK") + ready()), "Z I");
}

// The end of the data crosses the error that refuses them, and comes while it is told.
TEST_F(ContinuityTest, ACopyThatIsRefusedWhileItsDataCome) {
  talk.say(query("copy t from stdin"));
  talk.attach(one);
  talk.hear(kNew + kRan + complete("BEGIN") +
            message('G', std::string(1, '\0') + be16(1) + be16(0)));
  EXPECT_EQ(talk.say(message('d', "1\n")), "d");
  EXPECT_EQ(talk.hear(error("55000") + ready('E')), "E ERROR 55000 wrong");
  EXPECT_EQ(talk.asked, "Q ROLLBACK");
  EXPECT_EQ(talk.say(message('c', "")), "c");
  EXPECT_EQ(talk.hear(complete("ROLLBACK") + ready()), "Z I");
  EXPECT_TRUE(talk.session.may_release());
  talk.session.release();
  talk.say(query("select 1"));
  EXPECT_EQ(talk.attach(one), "Q select 1");
}

TEST_F(ContinuityTest, AFailureAtItsCommitIsTheStatements) {
  talk.say(query("delete from t"));
  talk.attach(one);
  talk.hear(kNew + kRan + complete("BEGIN") + complete("DELETE 1") + ready('T') + kNew + id("700"));
  EXPECT_EQ(talk.hear(kNew + kRan + error("23503") + ready()), "E ERROR 23503 wrong | Z I");
}

TEST_F(ContinuityTest, WhatRunsInNoTransactionIsNotKnown) {
  talk.say(query("vacuum t"));
  EXPECT_EQ(talk.attach(one), "Q vacuum t");
  talk.lose();
  EXPECT_EQ(talk.loss, Loss::end);
  EXPECT_EQ(talk.session.fate().sqlstate, "08007");
}

TEST_F(ContinuityTest, WhatMayHaveCommittedIsNotKnownUntilItsSyncIsAnswered) {
  talk.say(parse("", "do 'begin end'") + bind("") + execute() + kSync);
  talk.attach(one);
  talk.hear(bare("12") + complete("DO"));
  talk.lose();
  EXPECT_EQ(talk.loss, Loss::end);
  EXPECT_EQ(talk.session.fate().sqlstate, "08007");
}

TEST_F(ContinuityTest, ATransactionThatIsTooLargeFails) {
  SessionLimits small = limits();
  small.journal_bytes_max = 2'000;
  Talk it(book, SessionSettings::none(), small);
  it.say(query("begin"));
  it.attach(one);
  it.hear(complete("BEGIN") + ready('T'));
  it.say(query("select '" + std::string(3'000, 'x') + "'"));
  it.hear(row("x") + complete("SELECT 1") + ready('T'));
  EXPECT_EQ(it.lose(), "");
  EXPECT_EQ(it.loss, Loss::needs_server);
  EXPECT_TRUE(it.attach(two).starts_with("Q BEGIN | Q ROLLBACK TO SAVEPOINT "));
  EXPECT_EQ(it.hear(complete("BEGIN") + ready('T') + error("3B001") + ready('E')), "");
  EXPECT_EQ(it.say(query("commit")), "Q ROLLBACK");
  const std::string heard = it.hear(complete("ROLLBACK") + ready());
  EXPECT_TRUE(heard.starts_with("E ERROR 40001 ") && heard.ends_with(" | Z I")) << heard;
  EXPECT_TRUE(it.session.may_release());
}

TEST_F(ContinuityTest, ASessionThatIsHeldEnds) {
  talk.say(query("listen a"));
  talk.attach(one);
  talk.hear(complete("LISTEN") + ready());
  talk.lose();
  EXPECT_EQ(talk.loss, Loss::end);
  EXPECT_EQ(talk.session.fate().sqlstate, "08006");
  EXPECT_TRUE(talk.session.fate().message.contains("LISTEN")) << talk.session.fate().message;
}

TEST_F(ContinuityTest, WhatHoldsItSinceItsTransactionBeganIsRepeated) {
  talk.say(query("begin"));
  talk.attach(one);
  talk.hear(complete("BEGIN") + ready('T'));
  talk.say(query("create temp table s (a int)"));
  talk.hear(complete("CREATE TABLE") + ready('T') + kNew + id("700") + ready('T'));
  talk.lose();
  EXPECT_EQ(talk.loss, Loss::needs_server);
  EXPECT_TRUE(talk.attach(two).starts_with("Q begin | Q create temp table s (a int) | "));
}

TEST_F(ContinuityTest, APreparedStatementIsPreparedThereFirst) {
  talk.say(parse("s", "select a from t where b = $1") + kSync);
  talk.attach(one);
  talk.hear(bare("31") + ready());
  talk.session.release();
  talk.say(bind("s") + execute() + kSync);
  EXPECT_EQ(talk.attach(one), "B - __spar_1 | E - | S");
  EXPECT_EQ(talk.hear(bare("2") + row("x")), "2 | D x");
  talk.lose();
  EXPECT_EQ(talk.attach(two),
            "C S__spar_1 | P __spar_1 select a from t where b = $1 | B - __spar_1 | E - | S");
  EXPECT_EQ(talk.hear(bare("312") + row("x") + complete("SELECT 1") + ready()), "C SELECT 1 | Z I");
}

TEST_F(ContinuityTest, AFencedServerIsALostOne) {
  write_in_transaction();
  talk.say(query("delete from t"));
  EXPECT_EQ(talk.hear(error("25006")), "");
  EXPECT_TRUE(talk.lost);
  talk.lose();
  EXPECT_EQ(talk.loss, Loss::needs_server);
}

TEST_F(ContinuityTest, AFullDiskIsTriedOnceMore) {
  write_in_transaction();
  talk.say(query("insert into t values (2)"));
  EXPECT_EQ(talk.hear(error("53100")), "");
  EXPECT_TRUE(talk.lost);
  EXPECT_EQ(talk.lose(), "");
  EXPECT_EQ(talk.loss, Loss::needs_server);
  talk.attach(two);
  talk.hear(complete("BEGIN") + ready('T'));
  talk.hear(complete("DELETE 1") + ready('T') + kNew + id("800") + ready('T'));
  EXPECT_EQ(talk.hear(error("53100") + ready('E')), "E ERROR 53100 wrong | Z E");
}

TEST_F(ContinuityTest, ARollbackNeedsNoServer) {
  write_in_transaction();
  talk.say(query("rollback"));
  EXPECT_EQ(talk.lose(), "C ROLLBACK | Z I");
  EXPECT_EQ(talk.loss, Loss::none);
}

}  // namespace
}  // namespace spar::gateway::relay
