#include "query/route/router.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <random>

#include "query/route/classify.h"
#include "query/route/lexer.h"
#include "tests/unit/query/route/classify_cases.h"
#include "tests/unit/query/route/corpus.h"
#include "tests/unit/query/route/test_objects.h"

namespace spar::query::route {

void PrintTo(const Route& route, std::ostream* out) {
  *out << describe(route);
}

namespace {

Router router() {
  return Router(std::make_shared<test::TestObjects>(), {.seed = 7});
}

TEST(Router, ParsesOnceATemplate) {
  Router one = router();
  EXPECT_EQ(one.route("SELECT x FROM t WHERE id = 1").site, Site::any);
  const Route* const first = &one.route("SELECT x FROM t WHERE id = 2");
  EXPECT_EQ(first, &one.route("select x from t -- again\nwhere id = 3"));
  EXPECT_EQ(one.counts(), (RouterCounts{.template_hits = 2, .misses = 1}));
  EXPECT_EQ(one.route("UPDATE t SET x = 1").site, Site::primary);
  EXPECT_EQ(one.cached(), 2u);
}

TEST(Router, KnowsByTheirBytesWhatHasNoTemplate) {
  Router one = router();
  EXPECT_EQ(one.route("SET work_mem = '1MB'").parts[0].settings[0].value, "1MB");
  EXPECT_EQ(one.route("SET work_mem = '2MB'").parts[0].settings[0].value, "2MB");
  EXPECT_EQ(one.route("SET work_mem = '1MB'").parts[0].settings[0].value, "1MB");
  EXPECT_EQ(one.counts(), (RouterCounts{.exact_hits = 1, .misses = 2}));
}

TEST(Router, WhatDoesNotParseGoesToThePrimary) {
  Router one = router();
  for (int i = 0; i < 2; ++i) {
    for (const std::string_view text :
         {"SELEC 1", "SELECT 'abc", "SELECT \xff", "SELECT float(99)", "/*"}) {
      const Route& route = one.route(text);
      EXPECT_EQ(describe(route), "primary unparsed writes opaque because unparsed") << text;
    }
    std::string zero = "SELECT 1";
    zero[6] = '\0';
    EXPECT_EQ(one.route(zero).parts[0].kind, Kind::unparsed);
  }
  EXPECT_EQ(one.counts(), (RouterCounts{.exact_hits = 6, .misses = 6, .unparsed = 6}));
}

// float(99) is refused, float(1) is not, and they have one key: neither may poison the other.
TEST(Router, ATextThatDoesNotParseTeachesNoTemplate) {
  Router one = router();
  EXPECT_EQ(one.route("SELECT 1::float(99)").parts[0].kind, Kind::unparsed);
  EXPECT_EQ(one.route("SELECT 1::float(1)").site, Site::any);
  EXPECT_EQ(one.route("SELECT 1::float(2)").site, Site::any);
  EXPECT_EQ(one.counts(), (RouterCounts{.template_hits = 1, .misses = 2, .unparsed = 1}));
}

TEST(Router, ReadsStringsAsTheSessionDoes) {
  Router one = router();
  const std::string_view text = "SELECT 'a\\', nextval(''s'') --'";
  EXPECT_EQ(one.route(text, false).site, Site::any);
  EXPECT_EQ(one.route(text, true).parts[0].kind, Kind::unparsed);
  EXPECT_EQ(one.route("SELECT '\\'; DELETE FROM t; --'", false).site, Site::any);
  EXPECT_EQ(one.route("SELECT '\\'; DELETE FROM t; --'", true).site, Site::primary);
  EXPECT_EQ(one.route("SELECT date'2020-01-01', 'a''\\n'\n'b', E'x', $$y$$", false).site,
            Site::any);
  EXPECT_EQ(one.route("SELECT '\\", false).parts[0].kind, Kind::unparsed);
}

TEST(Router, AnotherEpochForgets) {
  Router one = router();
  one.route("SELECT * FROM t");
  one.renew(std::make_shared<BuiltInObjects>(), 0);
  EXPECT_EQ(one.route("SELECT * FROM t").site, Site::any);  // the same epoch: the caller's word
  one.renew(std::make_shared<BuiltInObjects>(), 1);
  EXPECT_EQ(one.cached(), 0u);
  EXPECT_EQ(one.route("SELECT * FROM t").site, Site::primary);
}

TEST(Router, StaysWithinItsBounds) {
  Router one = router();
  for (std::size_t i = 0; i < 3 * kRouteCacheSets * kRouteCacheWays; ++i) {
    one.route("SELECT c" + std::to_string(i) + " FROM t");
    if (i % 16 == 0) one.route("SELECT hot FROM t");
  }
  EXPECT_LE(one.cached(), kRouteCacheSets * kRouteCacheWays);
  EXPECT_GT(one.cached(), kRouteCacheSets * kRouteCacheWays * 9 / 10);
  const std::uint64_t misses = one.counts().misses;
  one.route("SELECT hot FROM t");
  EXPECT_EQ(one.counts().misses, misses);

  std::string many;
  for (std::size_t i = 0; i <= kCachedPartsMax; ++i) many += "SELECT 1;";
  EXPECT_EQ(one.route(many).parts.size(), kCachedPartsMax + 1);
  EXPECT_EQ(one.route(many).parts.size(), kCachedPartsMax + 1);
  const std::string large = "SET work_mem = '" + std::string(kCachedExactBytesMax, 'x') + "'";
  EXPECT_EQ(one.route(large).parts[0].kind, Kind::setting);
  EXPECT_EQ(one.counts().too_large, 3u);
}

// ---- the promise of template_key.h: one key, one route

struct Found {
  Literal literal;
  std::size_t begin, end;
};
class LiteralFinder {
 public:
  explicit LiteralFinder(std::string_view text) : text_(text) {}
  bool word(const char*, const char*) { return true; }
  bool national(const char*, const char* end) {
    after_national_ = end;  // N'..' is NCHAR only while the two touch
    return true;
  }
  bool quoted(const char*, const char*) { return true; }
  bool parameter(const char*, const char*) { return true; }
  bool operation(const char*, const char*) { return true; }
  bool punctuation(const char*, const char*) { return true; }
  bool literal(Literal literal, const char* begin, const char* end) {
    if (begin == after_national_) return true;
    found.push_back({literal, static_cast<std::size_t>(begin - text_.data()),
                     static_cast<std::size_t>(end - text_.data())});
    return true;
  }
  std::vector<Found> found;

 private:
  std::string_view text_;
  const char* after_national_ = nullptr;
};

std::string other_literal(Literal literal, std::mt19937& random) {
  static constexpr std::string_view kTexts[] = {"''",
                                                "'x'",
                                                "'on'",
                                                "'off'",
                                                "'0'",
                                                "'pg_temp'",
                                                "'serializable'",
                                                "'set_config'",
                                                "'work_mem'",
                                                "'transaction_read_only'",
                                                "'SELECT nextval(1)'",
                                                "'it''s'",
                                                "E'\\'x'",
                                                "$$a'b$$",
                                                "'1 day'",
                                                "'pg_class'",
                                                "'year'",
                                                "$t$;$t$"};
  switch (literal) {
    case Literal::integer:
      return std::to_string(random() % 100);
    case Literal::number:
      return std::to_string(random() % 100) + ".5";
    case Literal::text:
      return std::string(kTexts[random() % std::size(kTexts)]);
    case Literal::bits:
      return "B'101'";
    case Literal::hex_bits:
      return "X'1f'";
    case Literal::unicode_text:
      return "U&'x'";
  }
  return "";
}

std::string with_other_literals(const std::string& text, std::mt19937& random) {
  LiteralFinder finder(text);
  Lexer<LiteralFinder>(text, true, finder).run();
  std::string result;
  std::size_t copied = 0;
  for (const Found& found : finder.found) {
    result += text.substr(copied, found.begin - copied);
    result += " " + other_literal(found.literal, random) + " ";
    copied = found.end;
  }
  return result + text.substr(copied);
}

std::vector<std::string> statements() {
  std::vector<std::string> all = test::corpus();
  for (const test::ClassifyCase& one : test::kQueryCases) all.emplace_back(one.sql);
  for (const test::ClassifyCase& one : test::kSessionCases) all.emplace_back(one.sql);
  std::erase_if(all, [](const std::string& text) { return text.size() > 2000; });
  return all;
}

TEST(Templates, EqualKeysHaveEqualRoutes) {
  const std::uint32_t seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const test::TestObjects objects;
  std::size_t compared = 0, templates = 0;
  for (const std::string& text : statements()) {
    const auto key = template_key(text, {});
    const auto parsed = parse(text, {});
    if (!key || !parsed) continue;
    ++templates;
    const Route route = classify_all(*parsed, objects);
    for (int i = 0; i < 20; ++i) {
      const std::string other = with_other_literals(text, random);
      EXPECT_EQ(template_key(other, {}), key) << text << "\n" << other;
      const auto other_parsed = parse(other, {});
      if (!other_parsed) continue;
      ++compared;
      const Route other_route = classify_all(*other_parsed, objects);
      EXPECT_EQ(route, other_route) << text << "\n"
                                    << other << "\n"
                                    << describe(route) << "\n"
                                    << describe(other_route);
    }
  }
  std::printf("%zu templates, %zu pairs\n", templates, compared);
  EXPECT_GT(compared, 5 * templates);
}

// Also texts that came to one key by another way than literals.
TEST(Templates, SpliceOfStatementsKeepsThePromise) {
  const std::uint32_t seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const test::TestObjects objects;
  const std::vector<std::string> all = statements();
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::pair<std::string, Route>> seen;
  std::size_t again = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string &a = all[random() % all.size()], &b = all[random() % all.size()];
    static constexpr std::string_view kBetween[] = {" ", ";", "--x\n", "/**/", "\n", "'", " AND "};
    std::string text = a.substr(0, random() % (a.size() + 1));
    text += kBetween[random() % std::size(kBetween)];
    text += b.substr(random() % (b.size() + 1));
    const auto key = template_key(text, {});
    const auto parsed = key ? parse(text, {}) : failure(Code::invalid, "no template");
    if (!parsed) continue;
    Route route = classify_all(*parsed, objects);
    const auto [at, is_new] = seen.try_emplace({key->low, key->high}, text, std::move(route));
    if (is_new) continue;
    ++again;
    EXPECT_EQ(at->second.second, classify_all(*parsed, objects)) << text << "\n"
                                                                 << at->second.first;
  }
  std::printf("%zu keys, %zu met again\n", seen.size(), again);
}

}  // namespace
}  // namespace spar::query::route
