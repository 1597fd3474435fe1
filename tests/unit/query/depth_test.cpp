// The deepest trees that the limits let through go through analyze() on an ordinary thread's stack,
// and in a time that does not double with each level.
#include <gtest/gtest.h>
#include <pthread.h>

#include <functional>

#include "tests/unit/query/support/mini_server.h"

namespace spar::query::test {
namespace {

std::string repeated(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

std::string nested(std::string_view open, std::string_view close, int times) {
  return "select " + repeated(open, times) + "1" + repeated(close, times);
}

// Half of what a thread has; the address sanitizer's frames are many times as large.
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t kStackBytes = std::size_t{128} << 20;
#else
constexpr std::size_t kStackBytes = std::size_t{4} << 20;
#endif

void on_a_stack(std::size_t bytes, const std::function<void()>& work) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, bytes);
  const auto run = [](void* argument) -> void* {
    (*static_cast<const std::function<void()>*>(argument))();
    return nullptr;
  };
  pthread_t thread{};
  ASSERT_EQ(pthread_create(&thread, &attributes, run, const_cast<std::function<void()>*>(&work)),
            0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

TEST(Depth, FitsOnAThreadsStack) {
  const std::vector<std::string> statements = {
      nested("-(1 + ", ")", 160),
      nested("coalesce(1, ", ")", 480),
      nested("case when true then ", " end", 480),
      nested("(select ", ")", 240),
      nested("(select * from (select ", " as x) s)", 120),
      nested("abs(", ")", 480),
      "select " + repeated("not ", 480) + "true",
      "select 1" + repeated("::text::int", 240),
      "select 'a'" + repeated(" || 'b'", 480),
      "select 1" + repeated(" union all select 1", 480),
      "select 1" + repeated(" union select 1 intersect select 2", 230),
      repeated("select x from generate_series(1, 1, (", 100) + "1" + repeated(")) x", 100),
      "select 1 where " + repeated("(1 = 1 or 2 = 2 and ", 240) + "true" + repeated(")", 240),
      "select 1 where 1 in (" + repeated("select 1 where 1 in (", 240) + "1" + repeated(")", 241),
  };
  MiniServer server;
  std::vector<std::string> crossed;
  on_a_stack(kStackBytes, [&] {
    for (const std::string& sql : statements) {
      const auto analyzed = server.analyze_one(sql);
      crossed.push_back(analyzed ? "ok"
                                 : analyzed.error().sqlstate + " " + analyzed.error().message);
    }
  });
  ASSERT_EQ(crossed.size(), statements.size());
  for (std::size_t i = 0; i < crossed.size(); ++i) {
    EXPECT_EQ(crossed[i], "ok") << statements[i].substr(0, 60);
  }
}

}  // namespace
}  // namespace spar::query::test
