// The session machine against a scripted server: what each side gets, as readable lines.
#include "gateway/relay/relay_session.h"

#include <gtest/gtest.h>

#include "tests/unit/gateway/relay/talk.h"

namespace spar::gateway::relay {
namespace {

class RelaySessionTest : public ::testing::Test {
 protected:
  StatementBook book;
  ServerSide one{10}, two{10};
};

using Progress = RelaySession::Progress;

TEST_F(RelaySessionTest, BorrowsAConnectionForAQueryAndGivesItBack) {
  Talk talk(book);
  EXPECT_EQ(talk.say(query("select 1")), "");
  EXPECT_EQ(talk.last, Progress::needs_server);
  EXPECT_EQ(talk.attach(one), "Q select 1");
  EXPECT_FALSE(talk.session.may_release());
  EXPECT_EQ(talk.hear(complete("SELECT 1") + ready()), "C SELECT 1 | Z I");
  EXPECT_TRUE(talk.session.may_release());
  talk.session.release();
  EXPECT_EQ(talk.say(message('X', "")), "");
  EXPECT_EQ(talk.last, Progress::farewell);
}

TEST_F(RelaySessionTest, KeepsTheConnectionWhileATransactionIsOpen) {
  Talk talk(book);
  talk.say(query("begin"));
  talk.attach(one);
  talk.hear(complete("BEGIN") + ready('T'));
  EXPECT_FALSE(talk.session.may_release());
  EXPECT_EQ(talk.say(query("commit")), "Q commit");
  talk.hear(complete("COMMIT") + ready());
  EXPECT_TRUE(talk.session.may_release());
}

TEST_F(RelaySessionTest, CountsPipelinedAnswers) {
  Talk talk(book);
  talk.say(query("table a") + query("table b"));
  EXPECT_EQ(talk.attach(one), "Q table a | Q table b");
  talk.hear(complete("A") + ready());
  EXPECT_FALSE(talk.session.may_release());
  talk.hear(complete("B") + ready());
  EXPECT_TRUE(talk.session.may_release());
}

TEST_F(RelaySessionTest, HoldsABatchUntilItsSync) {
  Talk talk(book);
  talk.say(parse("", "select 1") + bind("") + execute() + kFlush);
  EXPECT_EQ(talk.attach(one), "P - select 1 | B - - | E - | H");
  EXPECT_EQ(talk.hear(bare("12") + complete("SELECT 1")), "1 | 2 | C SELECT 1");
  EXPECT_FALSE(talk.session.may_release());
  EXPECT_EQ(talk.say(kSync), "S");
  EXPECT_EQ(talk.hear(ready()), "Z I");
  EXPECT_TRUE(talk.session.may_release());
}

TEST_F(RelaySessionTest, AnErrorSkipsToTheSync) {
  Talk talk(book);
  talk.say(parse("", "select bad") + bind("") + execute() + kSync + query("table next"));
  talk.attach(one);
  EXPECT_EQ(talk.hear(error("42601") + ready() + complete("NEXT") + ready()),
            "E ERROR 42601 wrong | Z I | C NEXT | Z I");
  EXPECT_TRUE(talk.session.may_release());
}

TEST_F(RelaySessionTest, AnErrorBeforeTheSyncDropsWhatTheServerIgnores) {
  Talk talk(book);
  talk.say(parse("", "select bad") + kFlush);
  talk.attach(one);
  talk.hear(error());
  EXPECT_EQ(talk.say(bind("") + query("ignored") + parse("s", "ignored")), "");
  EXPECT_FALSE(talk.session.may_release());
  EXPECT_EQ(talk.say(kSync), "S");
  EXPECT_EQ(talk.hear(ready()), "Z I");
  EXPECT_TRUE(talk.session.may_release());
}

TEST_F(RelaySessionTest, AnswersASyncWithoutAnything) {
  Talk talk(book);
  EXPECT_EQ(talk.say(kSync + kFlush), "");
  EXPECT_EQ(talk.last, Progress::read);
  talk.say(query("table x"));
  talk.attach(one);
  EXPECT_EQ(talk.hear(ready()), "Z I | Z I");
}

TEST_F(RelaySessionTest, PreparesWhatAnotherConnectionLacks) {
  Talk talk(book);
  talk.say(parse("s", "select 1") + describe("s") + kSync);
  EXPECT_EQ(talk.attach(one), "C S__spar_1 | P __spar_1 select 1 | D S__spar_1 | S");
  EXPECT_EQ(talk.hear(bare("31") + message('t', be16(0)) + bare("n") + ready()), "1 | t | n | Z I");
  talk.session.release();
  talk.say(bind("s") + execute() + kSync);
  EXPECT_EQ(talk.attach(two), "C S__spar_1 | P __spar_1 select 1 | B - __spar_1 | E - | S");
  EXPECT_EQ(talk.hear(bare("312") + complete("SELECT 1") + ready()), "2 | C SELECT 1 | Z I");
  talk.session.release();
  talk.say(bind("s") + execute() + kSync);
  EXPECT_EQ(talk.attach(one), "B - __spar_1 | E - | S");
}

TEST_F(RelaySessionTest, SharesStatementsOfOneText) {
  Talk first(book), second(book);
  first.say(parse("a", "select 1") + kSync);
  first.attach(one);
  first.hear(bare("31") + ready());
  first.session.release();
  second.say(parse("b", "select 1") + bind("b") + execute() + kSync);
  EXPECT_EQ(second.attach(one), "B - __spar_1 | E - | S");
  EXPECT_EQ(second.hear(bare("2") + complete("SELECT 1") + ready()), "1 | 2 | C SELECT 1 | Z I");
}

TEST_F(RelaySessionTest, AnswersAKnownParseInItsTurn) {
  Talk talk(book);
  talk.say(parse("a", "table x") + kSync);
  talk.attach(one);
  talk.hear(bare("31") + ready());
  EXPECT_EQ(talk.say(bind("a") + parse("b", "table x") + kSync), "B - __spar_1 | S");
  EXPECT_EQ(talk.hear(bare("2") + ready()), "2 | 1 | Z I");
  // What comes before may fail its transaction: then the server must say so.
  EXPECT_EQ(talk.say(query("table y") + parse("c", "table x") + kSync),
            "Q table y | C S__spar_1 | P __spar_1 table x | S");
  EXPECT_EQ(talk.hear(complete("Y") + ready() + bare("31") + ready()), "C Y | Z I | 1 | Z I");
}

TEST_F(RelaySessionTest, ForgetsAStatementThatFailedToParse) {
  Talk talk(book);
  talk.say(parse("s", "bad") + kSync);
  talk.attach(one);
  talk.hear(bare("3") + error("42601") + ready());
  EXPECT_EQ(talk.say(bind("s") + kSync), "B - s | S");  // unknown: the server says so
  talk.hear(error("26000") + ready());
  EXPECT_EQ(talk.say(parse("s", "table good") + kSync), "C S__spar_2 | P __spar_2 table good | S");
}

TEST_F(RelaySessionTest, RefusesANameThatIsTaken) {
  Talk talk(book);
  talk.say(parse("s", "table a") + kSync);
  talk.attach(one);
  talk.hear(bare("31") + ready());
  EXPECT_EQ(talk.say(parse("s", "table b") + kSync),
            "C S__spar_taken | P __spar_taken ROLLBACK | P __spar_taken table b | S");
  const std::string taken = text("M\"__spar_taken\" is taken");
  EXPECT_EQ(talk.hear(bare("31") + error("42P05", taken) + ready()),
            "E ERROR 42P05 \"s\" is taken | Z I");
}

TEST_F(RelaySessionTest, ClosesANameAndTakesItBackWhenThatIsSkipped) {
  Talk talk(book);
  talk.say(parse("s", "table a") + kSync);
  talk.attach(one);
  talk.hear(bare("31") + ready());
  EXPECT_EQ(talk.say(parse("", "select bad") + close("s") + parse("s", "table b") + kSync),
            "P - select bad | C S__spar_none | C S__spar_2 | P __spar_2 table b | S");
  talk.hear(error() + ready());
  EXPECT_EQ(talk.say(bind("s") + kSync), "B - __spar_1 | S");
  talk.hear(bare("2") + ready());
  EXPECT_EQ(talk.say(close("s") + kSync), "C S__spar_none | S");
  EXPECT_EQ(talk.hear(bare("3") + ready()), "3 | Z I");
  EXPECT_EQ(talk.say(bind("s") + kSync), "B - s | S");
}

TEST_F(RelaySessionTest, WaitsForTheAnswersThatSayWhatANameMeans) {
  Talk talk(book);
  talk.say(parse("s", "select bad") + kSync + query("DEALLOCATE s"));
  EXPECT_EQ(talk.attach(one), "C S__spar_1 | P __spar_1 select bad | S");
  EXPECT_EQ(talk.last, Progress::needs_answers);
  talk.hear(bare("3") + error("42601") + ready());
  EXPECT_EQ(talk.say(""), "Q DEALLOCATE s");
  talk.hear(error("26000") + ready());
  // Within a batch nothing waits: an error skips all of it.
  EXPECT_EQ(talk.say(parse("s", "table a") + bind("s") + execute() + kSync),
            "C S__spar_2 | P __spar_2 table a | B - __spar_2 | E - | S");
  EXPECT_EQ(talk.last, Progress::read);
}

TEST_F(RelaySessionTest, CarriesTheUnnamedStatementOver) {
  Talk talk(book);
  talk.say(parse("", "select 1") + kSync);
  talk.attach(one);
  talk.hear(bare("1") + ready());
  talk.session.release();
  talk.say(bind("") + execute() + kSync);
  EXPECT_EQ(talk.attach(two), "P - select 1 | B - - | E - | S");
  EXPECT_EQ(talk.hear(bare("12") + complete("SELECT 1") + ready()), "2 | C SELECT 1 | Z I");
}

TEST_F(RelaySessionTest, NeverUsesAnothersUnnamedStatement) {
  Talk talk(book);
  talk.say(bind("") + kSync);
  EXPECT_EQ(talk.attach(one), "C S | B - - | S");
  EXPECT_EQ(talk.hear(bare("3") + error("26000") + ready()), "E ERROR 26000 wrong | Z I");
}

TEST_F(RelaySessionTest, MakesPlaceForAStatement) {
  ServerSide small(1);
  Talk talk(book);
  talk.say(parse("a", "table a") + parse("b", "table b") + kSync);
  EXPECT_EQ(
      talk.attach(small),
      "C S__spar_1 | P __spar_1 table a | C S__spar_2 | C S__spar_1 | P __spar_2 table b | S");
  EXPECT_EQ(talk.hear(bare("31331") + ready()), "1 | 1 | Z I");
}

TEST_F(RelaySessionTest, PreparesAnewWhatWentStale) {
  Talk talk(book);
  talk.say(parse("s", "select * from t") + kSync);
  talk.attach(one);
  talk.hear(bare("31") + ready());
  talk.say(bind("s") + kSync);
  talk.hear(error("0A000", text("RRevalidateCachedQuery")) + ready());
  EXPECT_EQ(talk.say(bind("s") + kSync),
            "C S__spar_1 | P __spar_1 select * from t | B - __spar_1 | S");
}

TEST_F(RelaySessionTest, DeallocatesByItsOwnName) {
  Talk talk(book);
  talk.say(parse("s", "table a") + kSync);
  talk.attach(one);
  talk.hear(bare("31") + ready());
  EXPECT_EQ(talk.say(query("DEALLOCATE s")),
            "Q PREPARE \"__spar_gone\" AS SELECT 1 | Q DEALLOCATE \"__spar_gone\"");
  EXPECT_EQ(talk.hear(complete("PREPARE") + ready() + complete("DEALLOCATE") + ready()),
            "C DEALLOCATE | Z I");
  EXPECT_EQ(talk.say(bind("s") + kSync), "B - s | S");
}

TEST_F(RelaySessionTest, SettingsFollowTheSession) {
  Talk talk(book);
  talk.say(query("SET search_path = a, b"));
  talk.attach(one);
  talk.hear(complete("SET") + ready());
  talk.session.release();
  talk.say(query("table x"));
  EXPECT_EQ(talk.attach(two), "Q SET \"search_path\" TO 'a', 'b' | Q table x");
  EXPECT_EQ(talk.hear(complete("SET") + ready() + complete("X") + ready()), "C X | Z I");
  talk.session.release();
  talk.say(query("table x"));
  EXPECT_EQ(talk.attach(one), "Q table x");
  talk.hear(complete("X") + ready());
  talk.session.release();
  Talk other(book);
  other.say(query("table y"));
  EXPECT_EQ(other.attach(one), "Q RESET \"search_path\" | Q table y");
}

TEST_F(RelaySessionTest, SettingsOfATransactionThatFailedDoNot) {
  for (std::string end : {"ROLLBACK", "COMMIT"}) {
    Talk talk(book);
    ServerSide fresh(10);
    talk.say(query("BEGIN"));
    talk.attach(one);
    talk.hear(complete("BEGIN") + ready('T'));
    talk.say(query("SET a.b = 1"));
    talk.hear(complete("SET") + ready('T'));
    talk.say(query(end));
    talk.hear(complete(end) + ready());
    EXPECT_TRUE(talk.session.may_release());
    talk.session.release();
    talk.say(query("table x"));
    EXPECT_EQ(talk.attach(fresh),
              end == "COMMIT" ? "Q SET \"a\".\"b\" TO 1 | Q table x" : "Q table x");
  }
}

TEST_F(RelaySessionTest, HoldsWhenASavepointUndoesSettings) {
  Talk talk(book);
  talk.say(query("BEGIN"));
  talk.attach(one);
  talk.hear(complete("BEGIN") + ready('T'));
  for (const char* sql : {"SAVEPOINT s", "SET a.b = 1", "ROLLBACK TO s"}) {
    talk.say(query(sql));
    talk.hear(complete("X") + ready('T'));
  }
  talk.say(query("COMMIT"));
  talk.hear(complete("COMMIT") + ready());
  EXPECT_FALSE(talk.session.may_release());
}

TEST_F(RelaySessionTest, ReportedParametersFollowTheSession) {
  one.defaults = two.defaults = SessionSettings::of({{"TimeZone", "UTC"}});
  Talk talk(book);
  talk.say(query("SET TIME ZONE 'Europe/Berlin'"));
  talk.attach(one);
  EXPECT_EQ(talk.hear(complete("SET") + parameter("TimeZone", "Europe/Berlin") + ready()),
            "C SET | S TimeZone=Europe/Berlin | Z I");
  talk.session.release();
  talk.say(query("table x"));
  EXPECT_EQ(talk.attach(two),
            "Q SELECT pg_catalog.set_config('timezone', 'Europe/Berlin', false) | Q table x");
  // Known already: not told again.
  EXPECT_EQ(talk.hear(parameter("TimeZone", "Europe/Berlin") + ready() + complete("X") + ready()),
            "C X | Z I");
}

TEST_F(RelaySessionTest, AppliesTheStartUpParametersAndTellsTheirRealSpelling) {
  one.defaults = SessionSettings::of({{"client_encoding", "SQL_ASCII"}});
  Talk talk(book, SessionSettings::of({{"client_encoding", "utf8"}}));
  talk.say(query("table x"));
  EXPECT_EQ(talk.attach(one),
            "Q SELECT pg_catalog.set_config('client_encoding', 'utf8', false) | Q table x");
  EXPECT_EQ(talk.hear(parameter("client_encoding", "UTF8") + ready()), "S client_encoding=UTF8");
}

TEST_F(RelaySessionTest, EndsWhenItsSettingsCannotBeRepeated) {
  Talk talk(book, SessionSettings::of({{"nonsense", "1"}}));
  talk.say(query("table x"));
  talk.attach(one);
  Chunks to_server, to_client;
  std::string bytes = error("42704");
  std::string_view in = bytes;
  auto done = talk.session.server_said(in, to_server, to_client);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().sqlstate, "42704");
}

TEST_F(RelaySessionTest, IsHeldByWhatNoOtherConnectionHas) {
  for (const char* sql : {"CREATE TEMP TABLE t (a int)", "LISTEN a", "SELECT pg_advisory_lock(1)",
                          "PREPARE p AS SELECT 1"}) {
    Talk talk(book);
    talk.say(query(sql));
    talk.attach(one);
    talk.hear(complete("X") + ready());
    EXPECT_FALSE(talk.session.may_release()) << sql;
    EXPECT_TRUE(talk.session.is_idle());
    talk.say(query("DISCARD ALL"));
    talk.hear(complete("DISCARD ALL") + ready());
    EXPECT_TRUE(talk.session.may_release()) << sql;
    talk.session.release();
  }
}

TEST_F(RelaySessionTest, IsHeldByExtendedStatementsToo) {
  Talk talk(book);
  talk.say(parse("s", "LISTEN a") + kSync);
  talk.attach(one);
  talk.hear(bare("31") + ready());
  EXPECT_TRUE(talk.session.may_release());
  talk.say(bind("s") + execute() + kSync);
  talk.hear(bare("2") + complete("LISTEN") + ready());
  EXPECT_FALSE(talk.session.may_release());
}

TEST_F(RelaySessionTest, IsNotHeldByWhatFailedSaveForLocks) {
  Talk talk(book);
  talk.say(query("LISTEN a b"));
  talk.attach(one);
  talk.hear(error("42601") + ready());
  EXPECT_TRUE(talk.session.may_release());
  talk.say(query("SELECT pg_advisory_lock(1), 1/0"));
  talk.hear(error("22012") + ready());
  EXPECT_FALSE(talk.session.may_release());
}

TEST_F(RelaySessionTest, RelaysCopyIn) {
  Talk talk(book);
  talk.say(query("COPY t FROM STDIN"));
  talk.attach(one);
  EXPECT_EQ(talk.hear(message('G', std::string(1, '\0') + be16(1) + be16(0))), "G 1");
  EXPECT_EQ(talk.say(message('d', "1\n") + kSync + message('c', "")), "d | S | c");
  EXPECT_EQ(talk.hear(complete("COPY 1") + ready()), "C COPY 1 | Z I");
  EXPECT_TRUE(talk.session.may_release());
}

TEST_F(RelaySessionTest, CopyInIgnoresTheSyncThatWasSentBeforeIt) {
  Talk talk(book);
  talk.say(parse("", "COPY t FROM STDIN") + bind("") + execute() + kSync);
  talk.attach(one);
  talk.hear(bare("12") + message('G', std::string(1, '\0') + be16(1) + be16(0)));
  EXPECT_EQ(talk.say(message('c', "") + kSync), "c | S");
  talk.hear(complete("COPY 0") + ready());
  EXPECT_TRUE(talk.session.may_release());
}

TEST_F(RelaySessionTest, CopyInThatWasSentBlindly) {
  Talk talk(book);
  talk.say(parse("", "COPY t FROM STDIN") + bind("") + execute() + message('d', "1\n") +
           message('c', "") + kSync);
  talk.attach(one);
  talk.hear(bare("12") + message('G', std::string(1, '\0') + be16(1) + be16(0)) +
            complete("COPY 1") + ready());
  EXPECT_TRUE(talk.session.may_release());
  // And one that fails before it takes data.
  talk.say(query("COPY nowhere FROM STDIN") + message('d', "1\n") + message('c', ""));
  talk.hear(error("42P01") + ready());
  EXPECT_TRUE(talk.session.may_release());
}

TEST_F(RelaySessionTest, CleansUpAfterAClientThatIsGone) {
  Talk talk(book);
  talk.say(query("BEGIN"));
  talk.attach(one);
  talk.hear(complete("BEGIN") + ready('T'));
  talk.say(query("LISTEN a"));
  talk.hear(complete("LISTEN") + ready('T'));
  Chunks to_server;
  ASSERT_TRUE(talk.session.clean_up(to_server));
  Bytes sent;
  to_server.append_to(sent);
  EXPECT_EQ(describe_client(sent), "Q ROLLBACK | Q DISCARD ALL");
  talk.hear(complete("ROLLBACK") + ready() + complete("DISCARD ALL") + ready());
  EXPECT_TRUE(talk.session.is_idle());
  talk.session.release();
  EXPECT_TRUE(one.settings->empty());
}

TEST_F(RelaySessionTest, CannotCleanUpAnOpenBatch) {
  Talk talk(book);
  talk.say(parse("", "insert") + bind("") + execute() + kFlush);
  talk.attach(one);
  talk.hear(bare("12") + complete("INSERT 0 1"));
  Chunks to_server;
  EXPECT_FALSE(talk.session.clean_up(to_server));
}

TEST_F(RelaySessionTest, RefusesAServerThatAnswersOutOfTurn) {
  for (const std::string& bytes : {ready(), complete("X"), bare("1"), bare("K"), bare("W")}) {
    Talk talk(book);
    talk.say(query("table x"));
    ServerSide fresh(10);
    talk.attach(fresh);
    talk.hear(ready());
    Chunks to_server, to_client;
    std::string_view in = bytes;
    EXPECT_FALSE(talk.session.server_said(in, to_server, to_client)) << bytes[0];
  }
}

// All of a conversation in pieces of every size: both sides get the same.
TEST_F(RelaySessionTest, MeansTheSameWhereverPiecesEnd) {
  const std::string client = parse("s", "select 1") + bind("s") + describe("s") + execute() +
                             parse("", "select 2") + bind("s", "p") + execute("p") + kSync;
  const std::string server = bare("312") + message('t', be16(0)) + bare("n") +
                             message('D', be16(1) + be32(100) + std::string(100, 'x')) +
                             complete("SELECT 1") + bare("12") + complete("SELECT 1") + ready();
  std::string sent_whole, heard_whole;
  for (std::size_t size = client.size(); size > 0; --size) {
    StatementBook own;
    RelaySession session(own, SessionSettings::none());
    ServerSide side(10);
    Bytes sent, heard, kept;
    auto drive = [&](std::string_view all, auto&& take) {
      kept.clear();
      for (std::size_t at = 0; at < all.size(); at += size) {
        kept += all.substr(at, size);
        std::string_view in = kept;
        take(in);
        kept = std::string(in);
      }
    };
    drive(client, [&](std::string_view& in) {
      Chunks to_server, to_client;
      auto progress = session.client_said(in, to_server, to_client);
      ASSERT_TRUE(progress);
      if (*progress == Progress::needs_server) {
        session.attach(side, to_server, to_client);
        ASSERT_TRUE(session.client_said(in, to_server, to_client));
      }
      to_server.append_to(sent);
    });
    drive(server, [&](std::string_view& in) {
      Chunks to_server, to_client;
      ASSERT_TRUE(session.server_said(in, to_server, to_client));
      to_client.append_to(heard);
    });
    EXPECT_TRUE(session.may_release()) << size;
    if (size == client.size()) {
      sent_whole = sent;
      heard_whole = heard;
    }
    EXPECT_EQ(describe_client(sent), describe_client(sent_whole)) << size;
    EXPECT_EQ(heard, heard_whole) << size;
  }
}

TEST_F(RelaySessionTest, SurvivesAnyClient) {
  const std::string stream = parse("s", "SET a.b = 1") + bind("s", "p") + describe("s") +
                             execute("p") + close("s") + kSync + query("LISTEN x");
  for (std::size_t i = 0; i < stream.size(); ++i) {
    for (char c : {'\0', '\1', 'B', 'P', '\x7f', '\xff'}) {
      std::string other = stream;
      other[i] = c;
      RelaySession session(book, SessionSettings::none());
      ServerSide side(10);
      Chunks to_server, to_client;
      std::string_view in = other;
      auto progress = session.client_said(in, to_server, to_client);
      if (!progress || *progress != Progress::needs_server) continue;
      session.attach(side, to_server, to_client);
      (void)session.client_said(in, to_server, to_client);
    }
  }
}

}  // namespace
}  // namespace spar::gateway::relay
