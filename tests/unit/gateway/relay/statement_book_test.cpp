#include "gateway/relay/statement_book.h"

#include <gtest/gtest.h>

#include "gateway/relay/chunks.h"
#include "gateway/relay/fifo.h"
#include "gateway/relay/session_settings.h"

namespace spar::gateway::relay {
namespace {

std::string body(std::string_view sql) {
  return std::string(sql) + std::string(3, '\0');
}

TEST(StatementBook, GivesOneStatementForOneText) {
  StatementBook book;
  StatementPtr first = book.intern(body("select 1")), second = book.intern(body("select 1"));
  EXPECT_EQ(first, second);
  EXPECT_NE(first->id, book.intern(body("select 2"))->id);
  EXPECT_EQ(first->server_name, "__spar_1");
  EXPECT_EQ(first->effects, nullptr);
  EXPECT_NE(book.intern(body("listen a"))->effects, nullptr);
}

TEST(StatementBook, ForgetsWhatNobodyUses) {
  StatementBook book;
  StatementPtr kept = book.intern(body("kept"));
  for (int i = 0; i < 10'000; ++i) (void)book.intern(body("select " + std::to_string(i)));
  EXPECT_LT(book.size(), 200u);
  EXPECT_EQ(book.intern(body("kept")), kept);
}

TEST(StatementBook, KeepsTheEffectsOfTextsThatNeedTheGrammar) {
  StatementBook book;
  EXPECT_EQ(book.judge("select 1").effects, nullptr);
  EXPECT_EQ(book.judge("listen a").effects, book.judge("listen a").effects);
  for (int i = 0; i < 1'000; ++i) (void)book.judge("set a.b = " + std::to_string(i));
}

// Texts that differ in literals only are judged once, by their words.
TEST(StatementBook, JudgesATemplateOnce) {
  StatementBook book;
  for (const char* text : {"insert into t values (1)", "INSERT INTO t VALUES (22)"}) {
    EXPECT_TRUE(book.judge(text).traits.wraps) << text;
    EXPECT_FALSE(book.judge(text).traits.returns) << text;
    EXPECT_EQ(book.judge(text).effects, nullptr) << text;
  }
  EXPECT_TRUE(book.judge("insert into t values (1) returning id").traits.returns);
  EXPECT_EQ(book.judge("select 'temp'").effects, nullptr);
  EXPECT_NE(book.judge("create temp table a (n int)").effects, nullptr);
  EXPECT_NE(book.judge("create temp table a (n int)").effects, nullptr);
  EXPECT_NE(book.judge("set a.b = 1").effects, book.judge("set a.b = 2").effects);
}

// Renewed catalogues forget what was made of the routes before.
TEST(StatementBook, JudgesAnewWhatTheCataloguesSay) {
  StatementBook book;
  const StatementPtr call = book.intern(body("select f(1)"));
  EXPECT_TRUE(book.judge("select f(1)").traits.writes);
  (void)book.judge("create table a (n int)");
  EXPECT_TRUE(book.take_touched());
  (void)book.judge("create table a (n int)");
  EXPECT_TRUE(book.take_touched());
  EXPECT_TRUE(call->traits.writes);
}

TEST(ServerStatements, GiveUpTheOneUnusedForLongest) {
  StatementBook book;
  ServerStatements there(2);
  StatementPtr a = book.intern(body("a")), b = book.intern(body("b")), c = book.intern(body("c"));
  EXPECT_EQ(there.add(a), std::nullopt);
  EXPECT_EQ(there.add(b), std::nullopt);
  EXPECT_TRUE(there.touch(a->id));
  EXPECT_EQ(there.add(c), b->server_name);
  EXPECT_FALSE(there.touch(b->id));
  there.forget(a->id);
  there.forget(a->id);
  EXPECT_FALSE(there.touch(a->id));
  EXPECT_EQ(there.size(), 1u);
}

TEST(SessionSettings, DifferByWhatMustBeSaid) {
  SettingsPtr none = SessionSettings::none();
  SettingsPtr defaults = SessionSettings::of({{"TimeZone", "UTC"}});
  SettingsPtr one = SessionSettings::of({{"A", "1"}, {"TimeZone", "UTC"}});
  EXPECT_EQ(settings_difference(none, none, *defaults), "");
  EXPECT_EQ(settings_difference(none, one, *defaults),
            "SELECT pg_catalog.set_config('a', '1', false)");
  EXPECT_EQ(settings_difference(one, none, *defaults), "RESET \"a\"; RESET \"timezone\"");
  EXPECT_EQ(SessionSettings::with(one, "a", *one->find("a")), one);
  SettingsPtr two = SessionSettings::with(one, "b.c", "SET \"b\".\"c\" TO 2");
  EXPECT_EQ(settings_difference(one, two, *defaults), "SET \"b\".\"c\" TO 2");
  EXPECT_EQ(SessionSettings::with(two, "b.c", "")->map(), one->map());
}

TEST(Chunks, KeepTheOrderOfWhatIsBorrowedAndCopied) {
  const std::string text = "0123456789", large(Chunks::kCopiedMax + 1, 'x');
  Chunks chunks;
  chunks.borrow(std::string_view(text).substr(0, 3));
  chunks.borrow(std::string_view(text).substr(3, 2));
  EXPECT_EQ(chunks.pieces(), 1u);  // they touch
  chunks.copy("ab");
  chunks.borrow(std::string_view(text).substr(7));
  EXPECT_EQ(chunks.pieces(), 2u);  // small: copied behind the copy
  chunks.borrow(large);
  chunks.copy("end");
  Bytes all;
  chunks.append_to(all);
  EXPECT_EQ(all, "01234ab789" + large + "end");
  EXPECT_EQ(chunks.size(), all.size());
  for (std::size_t from = 0; from <= all.size(); from += 7) {
    Bytes rest;
    chunks.append_to(rest, from);
    EXPECT_EQ(rest, all.substr(from));
  }
  chunks.clear();
  EXPECT_TRUE(chunks.empty());
}

TEST(Fifo, IsAQueue) {
  Fifo<int> queue;
  for (int i = 0; i < 100; ++i) queue.push(i);
  EXPECT_EQ(queue.pop(), 0);
  queue.erase(1);
  EXPECT_EQ(queue.at(1), 3);
  queue.pop_back();
  EXPECT_EQ(queue.size(), 97u);
  while (!queue.empty()) queue.pop();
  queue.push(7);
  EXPECT_EQ(queue.front(), 7);
}

}  // namespace
}  // namespace spar::gateway::relay
