#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "query/parse/deparse.h"
#include "query/parse/nodes.h"
#include "query/parse/tree.h"
#include "query/statement.h"

namespace spar::query {
namespace {

TEST(Parse, SplitsStatements) {
  EXPECT_EQ(parse("", {})->size(), 0u);
  EXPECT_EQ(parse(" ; ;; -- nothing\n", {})->size(), 0u);
  EXPECT_EQ(parse("select 1; select ';'; begin", {})->size(), 3u);
}

TEST(Parse, CountsPositionsInCharactersOfTheWholeString) {
  const auto parsed = parse("select 'é'; selec 1", {});
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().sqlstate, "42601");
  EXPECT_EQ(parsed.error().message, "syntax error at or near \"selec\"");
  EXPECT_EQ(parsed.error().position, 13);
  const auto good = parse("select 'é', x", {});
  const grammar::Source& source = *(*good)[0].tree().source;
  EXPECT_EQ(grammar::position(source, 13), 13);  // one byte more than characters before it
  EXPECT_EQ(grammar::position(source, -1), 0);
}

TEST(Parse, KeepsTheTextAlive) {
  std::optional<ParsedStatement> kept;
  {
    std::string text = "select abc";
    kept = parse(text, {})->front();
    text.assign(text.size(), 'x');
  }
  const auto& target = *kept->tree().node->select_stmt->target_list[0]->res_target;
  EXPECT_EQ(grammar::text_of(target.val->column_ref->fields[0]), "abc");
}

TEST(Parse, RunsInManyThreads) {
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const auto parsed = parse("select " + std::to_string(i) + " from t where a = $1", {});
        const auto bad = parse("selec", {});
        if (parsed && !bad) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 800);
}

TEST(Parse, WritesExpressionsBack) {
  for (const std::string text : {"1 + 2", "'it''s'", "price > 0 AND name LIKE 'a%'", "now()",
                                 "CASE WHEN a THEN 1 ELSE 2 END", "'2020-01-01'::date"}) {
    const auto parsed = parse("SELECT " + text, {});
    const auto* node = (*parsed)[0].tree().node->select_stmt->target_list[0]->res_target->val;
    const Result<std::string> written = grammar::expression_text(node);
    ASSERT_TRUE(written);
    const auto again = parse("SELECT " + *written, {});
    ASSERT_TRUE(again) << *written;
  }
}

}  // namespace
}  // namespace spar::query
