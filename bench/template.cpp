// bench/template.cpp: what routing costs a statement: its template's key, a hit in the cache, a
// miss.
#include <benchmark/benchmark.h>

#include <random>
#include <string>

#include "query/route/router.h"

namespace {

using namespace spar::query::route;

const std::string kPoint = "SELECT abalance FROM pgbench_accounts WHERE aid = 12345;";

void key(benchmark::State& state, const std::string& text) {
  for (auto _ : state) benchmark::DoNotOptimize(template_key(text, {.seed = 42}));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

// Words, numbers and strings of random lengths, so that no branch predictor knows them by heart.
std::string dense_text(std::size_t bytes) {
  std::mt19937 random(1);
  std::string text = "SELECT 1";
  while (text.size() < bytes) {
    text += random() % 3 == 0 ? "\n  AND " : ", ";
    text.append(1 + random() % 14, static_cast<char>('a' + random() % 26));
    text += random() % 2 == 0 ? " = " : " || ";
    if (random() % 2 == 0) {
      text += "'" + std::string(random() % 24, 'x') + "'";
    } else {
      text += std::to_string(random() % 100'000);
    }
  }
  return text;
}

std::string rows_text(std::size_t bytes) {
  std::string text = "INSERT INTO t (id, name, price) VALUES (0, 'x', 1.5)";
  for (int i = 0; text.size() < bytes; ++i) {
    text += ", (" + std::to_string(i) + ", 'the name of a thing " + std::to_string(i) + "', 19.99)";
  }
  return text;
}

void point_select(benchmark::State& state) {
  key(state, kPoint);
}
void dense(benchmark::State& state) {
  key(state, dense_text(100'000));
}
void insert_of_rows(benchmark::State& state) {
  key(state, rows_text(100'000));
}
void long_literal(benchmark::State& state) {
  key(state, "UPDATE t SET x = '" + std::string(100'000, 'x') + "'");
}

void route(benchmark::State& state, const std::string& text) {
  Router router(std::make_shared<BuiltInObjects>(), {.seed = 42});
  router.route(text);
  for (auto _ : state) benchmark::DoNotOptimize(&router.route(text));
}
void point_select_hit(benchmark::State& state) {
  route(state, kPoint);
}
void exact_hit(benchmark::State& state) {
  route(state, "SET work_mem = '4MB'");
}

void cache_find(benchmark::State& state) {
  RouteCache cache;
  const TemplateKey point = *template_key(kPoint, {.seed = 42});
  cache.insert(point, Route());
  for (auto _ : state) benchmark::DoNotOptimize(cache.find(point));
}

void point_select_miss(benchmark::State& state) {
  Router router(std::make_shared<BuiltInObjects>(), {.seed = 42});
  const auto objects = std::make_shared<BuiltInObjects>();
  std::uint64_t epoch = 0;
  for (auto _ : state) {
    state.PauseTiming();
    router.renew(objects, ++epoch);
    state.ResumeTiming();
    benchmark::DoNotOptimize(&router.route(kPoint));
  }
}

BENCHMARK(point_select);
BENCHMARK(dense);
BENCHMARK(insert_of_rows);
BENCHMARK(long_literal);
BENCHMARK(cache_find);
BENCHMARK(point_select_hit);
BENCHMARK(exact_hit);
BENCHMARK(point_select_miss)->Iterations(2000);

}  // namespace

BENCHMARK_MAIN();
