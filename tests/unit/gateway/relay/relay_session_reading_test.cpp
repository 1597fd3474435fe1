// What a session sends to a copy that only answers reads, and what takes it away from there.
#include <gtest/gtest.h>

#include "tests/unit/gateway/relay/talk.h"

namespace spar::gateway::relay {
namespace {

using Progress = RelaySession::Progress;

class RelaySessionReading : public ::testing::Test {
 protected:
  RelaySessionReading() {
    copy.copy = true;
    copy.settings = primary.settings = session_reads();  // nothing to repeat
  }
  static SettingsPtr session_reads() { return SessionSettings::of({{"spar.read", "session"}}); }
  // Whether a copy will do for it.
  bool fits(const std::string& bytes, const SettingsPtr& settings = session_reads()) {
    Talk talk(book, settings);
    talk.say(bytes);
    EXPECT_EQ(talk.last, Progress::needs_server);
    return talk.session.wants_copy() != nullptr;
  }
  // A session that has begun a transaction on the copy.
  void begin(Talk& talk) {
    talk.say(query("begin read only"));
    talk.attach(copy);
    talk.hear(complete("BEGIN") + ready('T'));
    ASSERT_FALSE(talk.session.may_release());
  }

  StatementBook book;
  ServerSide primary{10}, copy{10};
};

TEST_F(RelaySessionReading, SendsReadsToACopyWhenItIsAskedTo) {
  EXPECT_TRUE(fits(query("select 1")));
  EXPECT_FALSE(fits(query("select 1"), SessionSettings::none()));
  EXPECT_FALSE(fits(query("select 1"), SessionSettings::of({{"spar.read", "strict"}})));
  EXPECT_TRUE(fits(query("select 1"), SessionSettings::of({{"spar.read", "bounded"}})));
  for (const char* sql :
       {"insert into t values (1)", "select pg_is_in_recovery()", "select now() from t for update",
        "select nextval('s')", "create temp table x (a int)", "selec", "listen x", "commit",
        "prepare p as select 1", "begin; select 1; commit", "select 1; insert into t values (1)"}) {
    EXPECT_FALSE(fits(query(sql))) << sql;
  }
}

TEST_F(RelaySessionReading, SendsWholeTransactionsThatAreReadOnly) {
  EXPECT_TRUE(fits(query("begin read only")));
  EXPECT_TRUE(fits(query("start transaction isolation level repeatable read, read only")));
  EXPECT_FALSE(fits(query("begin read write")));
  EXPECT_FALSE(fits(query("begin isolation level serializable read only")));
  const auto by_default =
      SessionSettings::of({{"spar.read", "session"}, {"default_transaction_read_only", "on"}});
  EXPECT_TRUE(fits(query("begin"), by_default));
  EXPECT_FALSE(fits(query("begin read write"), by_default));
}

TEST_F(RelaySessionReading, AnswersABeginAndSendsItWhereTheNextMessageBelongs) {
  for (const bool read_only : {true, false}) {
    Talk talk(book, session_reads());
    EXPECT_EQ(talk.say(query("begin")), "");
    EXPECT_EQ(talk.last, Progress::read);
    EXPECT_FALSE(talk.session.attached());
    EXPECT_FALSE(talk.session.recovering());
    const std::string next = read_only ? "set transaction read only" : "select 1";
    EXPECT_EQ(talk.say(query(next)), "");
    EXPECT_EQ(talk.last, Progress::needs_server);
    EXPECT_EQ(talk.session.wants_copy() != nullptr, read_only);
    EXPECT_EQ(talk.attach(read_only ? copy : primary), "Q begin");
    EXPECT_EQ(talk.hear(complete("BEGIN") + ready('T')), "C BEGIN | Z T");  // of which ours alone
    EXPECT_EQ(talk.say(""), "Q " + next);
    EXPECT_EQ(talk.hear(complete("SET") + ready('T')), "C SET | Z T");
    EXPECT_EQ(talk.say(query("commit")), "Q commit");
    EXPECT_EQ(talk.hear(complete("COMMIT") + ready()), "C COMMIT | Z I");
    EXPECT_TRUE(talk.session.may_release());
  }
}

TEST_F(RelaySessionReading, TagsABeginAsAServerDoes) {
  Talk talk(book, session_reads());
  talk.say(query("/* well */ Start transaction") + query("rollback"));
  talk.attach(primary);
  EXPECT_EQ(talk.hear(complete("START TRANSACTION") + ready('T')), "C START TRANSACTION | Z T");
  EXPECT_FALSE(talk.lost);
  EXPECT_EQ(talk.say(""), "Q rollback");
  EXPECT_EQ(talk.hear(complete("ROLLBACK") + ready()), "C ROLLBACK | Z I");
}

TEST_F(RelaySessionReading, RepeatsATransactionThatBeganHere) {
  Talk talk(book, session_reads());
  talk.say(query("begin"));
  talk.say(query("select 1"));
  talk.attach(primary);
  talk.hear(complete("BEGIN") + ready('T'));
  talk.say("");
  talk.hear(complete("SELECT 1") + ready('T'));
  talk.lose();
  EXPECT_EQ(talk.loss, RelaySession::Loss::needs_server);
  ServerSide next{10};
  next.settings = session_reads();
  EXPECT_EQ(talk.attach(next), "Q begin | Q select 1");
}

TEST_F(RelaySessionReading, JudgesABatchByAllOfIt) {
  const std::string read = parse("", "select 1") + bind("") + execute();
  EXPECT_TRUE(fits(read + kSync));
  EXPECT_FALSE(fits(read + kFlush));  // who knows what follows
  EXPECT_FALSE(fits(read + parse("", "insert into t values (1)") + bind("") + execute() + kSync));
  EXPECT_TRUE(fits(parse("", "begin read only") + bind("") + execute() + read + kSync));
  EXPECT_FALSE(fits(parse("", "begin") + bind("") + execute() + read + kSync));
  EXPECT_TRUE(fits(parse("p", "select 1") + describe("p") + kSync));
  EXPECT_FALSE(fits(parse("p", "delete from t") + describe("p") + kSync));
  EXPECT_FALSE(fits(bind("unknown") + execute() + kSync));
}

TEST_F(RelaySessionReading, KnowsWhatWasPreparedBefore) {
  for (const bool reads : {true, false}) {
    Talk talk(book, session_reads());
    talk.say(parse("p", reads ? "select 1" : "delete from t") + kSync);
    talk.attach(primary);
    talk.hear(bare("31") + ready());
    primary.statements.clear();
    ASSERT_TRUE(talk.session.may_release());
    talk.session.release();
    talk.say(bind("p") + execute() + kSync);
    EXPECT_EQ(talk.session.wants_copy() != nullptr, reads);
  }
}

TEST_F(RelaySessionReading, LeavesTheCopyForAWriteThatComesBehindARead) {
  Talk talk(book, session_reads());
  talk.say(query("select 1") + query("insert into t values (1)"));
  ASSERT_NE(talk.session.wants_copy(), nullptr);
  talk.attach(copy);
  EXPECT_EQ(talk.last, Progress::needs_answers);
  EXPECT_EQ(talk.hear(complete("SELECT 1") + ready()), "C SELECT 1 | Z I");
  EXPECT_EQ(talk.say(""), "");
  EXPECT_EQ(talk.last, Progress::needs_primary);
  ASSERT_TRUE(talk.session.may_release());
  talk.session.release();
  talk.say("");
  EXPECT_EQ(talk.last, Progress::needs_server);
  EXPECT_EQ(talk.session.wants_copy(), nullptr);
}

TEST_F(RelaySessionReading, StaysInItsTransactionOnTheCopy) {
  Talk talk(book, session_reads());
  begin(talk);
  EXPECT_EQ(talk.say(query("select 1")), "Q select 1");
  talk.hear(complete("SELECT 1") + ready('T'));
  EXPECT_EQ(talk.say(parse("", "select 2") + bind("") + execute() + kSync),
            "P - select 2 | B - - | E - | S");
  talk.hear(bare("12") + complete("SELECT 1") + ready('T'));
  EXPECT_EQ(talk.say(query("commit")), "Q commit");
  talk.hear(complete("COMMIT") + ready());
  EXPECT_TRUE(talk.session.may_release());
}

TEST_F(RelaySessionReading, TakesATransactionToThePrimaryForWhatOnlyThatCanAnswer) {
  Talk talk(book, session_reads());
  begin(talk);
  talk.say(query("select 1"));
  talk.hear(complete("SELECT 1") + ready('T'));
  EXPECT_EQ(talk.say(query("select pg_is_in_recovery()")), "");
  EXPECT_EQ(talk.last, Progress::needs_primary);
  EXPECT_EQ(talk.lose(), "");
  EXPECT_EQ(talk.loss, RelaySession::Loss::needs_server);
  EXPECT_TRUE(talk.session.lost_copy());
  talk.say("");
  EXPECT_EQ(talk.session.wants_copy(), nullptr);
  EXPECT_EQ(talk.attach(primary), "Q begin read only | Q select 1");
  EXPECT_EQ(talk.hear(complete("BEGIN") + ready('T') + complete("SELECT 1") + ready('T')), "");
  EXPECT_EQ(talk.say(""), "Q select pg_is_in_recovery()");
  talk.hear(complete("SELECT 1") + ready('T'));
  EXPECT_EQ(talk.say(query("commit")), "Q commit");
  talk.hear(complete("COMMIT") + ready());
  talk.session.release();
  talk.say(query("select 1"));
  EXPECT_NE(talk.session.wants_copy(), nullptr);
}

TEST_F(RelaySessionReading, RepeatsOnThePrimaryWhatACopyCannotAnswer) {
  for (const char* state : {"40001", "40P01", "25006", "0A000", "55000"}) {
    Talk talk(book, session_reads());
    talk.say(query("select 1"));
    talk.attach(copy);
    EXPECT_EQ(talk.hear(error(state)), "") << state;
    EXPECT_TRUE(talk.lost) << state;
    EXPECT_EQ(talk.lose(), "");
    EXPECT_EQ(talk.loss, RelaySession::Loss::needs_server);
    talk.say("");
    EXPECT_EQ(talk.session.wants_copy(), nullptr);
    EXPECT_EQ(talk.attach(primary), "Q select 1");
    EXPECT_EQ(talk.hear(complete("SELECT 1") + ready()), "C SELECT 1 | Z I");
  }
  Talk talk(book, session_reads());
  talk.say(query("select 1/0"));
  talk.attach(copy);
  EXPECT_EQ(talk.hear(error("22012") + ready()), "E ERROR 22012 wrong | Z I");
}

}  // namespace
}  // namespace spar::gateway::relay
