// bench/commits.cpp: commits a second and commit latency of one primary and one mirror, beside
// plain SQLite that keeps every commit through a power cut (WAL, synchronous=FULL), in one run.
//
// Both sides do the same work: UPDATE one row of 10,000 by its key, one transaction each. Plain
// SQLite is tried in each of its usual set-ups and the best one counts. Rounds alternate; medians
// are printed.
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "replicate/bring_up.h"
#include "replicate/cluster.h"
#include "server/session_backend.h"
#include "storage/disk.h"
#include "tests/support/shop_schema.h"

namespace {

using namespace spar;
using Clock = std::chrono::steady_clock;
constexpr int kRows = 10'000;

struct Measured {
  double per_second = 0;
  double median_us = 0;
};

// Runs `work(session)` on `sessions` threads for `seconds`; each call is one commit.
Measured measure(int sessions, double seconds, const std::function<void(int, int)>& work) {
  std::atomic<bool> stop{false};
  std::vector<std::vector<double>> latencies(static_cast<std::size_t>(sessions));
  std::vector<std::thread> threads;
  auto began = Clock::now();
  for (int s = 0; s < sessions; ++s) {
    threads.emplace_back([&, s] {
      std::mt19937 random(static_cast<unsigned>(s + 1));
      auto& mine = latencies[static_cast<std::size_t>(s)];
      while (!stop.load(std::memory_order_relaxed)) {
        auto start = Clock::now();
        work(s, static_cast<int>(random() % kRows) + 1);
        mine.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  stop = true;
  for (std::thread& thread : threads) thread.join();
  double took = std::chrono::duration<double>(Clock::now() - began).count();
  std::vector<double> all;
  for (auto& mine : latencies) all.insert(all.end(), mine.begin(), mine.end());
  if (all.empty()) return {};
  std::nth_element(all.begin(), all.begin() + static_cast<long>(all.size() / 2), all.end());
  return {static_cast<double>(all.size()) / took, all[all.size() / 2]};
}

void check(int code, sqlite3* db) {
  if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return;
  std::fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(db));
  std::exit(1);
}

// Plain SQLite: one connection behind a mutex, or one a thread with busy_timeout.
class Plain {
 public:
  Plain(const std::string& path, int connections) {
    for (int i = 0; i < connections; ++i) {
      sqlite3* db = nullptr;
      check(sqlite3_open(path.c_str(), &db), db);
      check(sqlite3_exec(db,
                         "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                         "PRAGMA busy_timeout=10000",
                         nullptr, nullptr, nullptr),
            db);
      if (i == 0) fill(db);
      sqlite3_stmt *begin = nullptr, *update = nullptr, *commit = nullptr;
      check(sqlite3_prepare_v2(db, "BEGIN IMMEDIATE", -1, &begin, nullptr), db);
      check(sqlite3_prepare_v2(db, "UPDATE t SET balance=balance+1 WHERE id=?1", -1, &update,
                               nullptr),
            db);
      check(sqlite3_prepare_v2(db, "COMMIT", -1, &commit, nullptr), db);
      parts_.push_back({db, begin, update, commit});
    }
  }
  ~Plain() {
    for (Part& part : parts_) {
      sqlite3_finalize(part.begin);
      sqlite3_finalize(part.update);
      sqlite3_finalize(part.commit);
      sqlite3_close(part.db);
    }
  }
  void commit(int session, int key) {
    if (parts_.size() == 1) {
      std::lock_guard lock(mutex_);
      run(parts_[0], key);
    } else {
      run(parts_[static_cast<std::size_t>(session) % parts_.size()], key);
    }
  }

 private:
  struct Part {
    sqlite3* db;
    sqlite3_stmt *begin, *update, *commit;
  };
  static void fill(sqlite3* db) {
    std::string sql =
        "CREATE TABLE t(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<" +
        std::to_string(kRows) + ") INSERT INTO t SELECT i, 0 FROM n";
    check(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), db);
  }
  static void step(sqlite3_stmt* statement, sqlite3* db) {
    check(sqlite3_step(statement), db);
    sqlite3_reset(statement);
  }
  static void run(Part& part, int key) {
    step(part.begin, part.db);
    sqlite3_bind_int(part.update, 1, key);
    step(part.update, part.db);
    step(part.commit, part.db);
  }
  std::vector<Part> parts_;
  std::mutex mutex_;
};

[[noreturn]] void give_up(const Error& error) {
  std::fprintf(stderr, "spar: %s\n", error.message.c_str());
  std::exit(1);
}
template <class T>
T need(Result<T> result) {
  if (!result) give_up(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class Spar {
 public:
  Spar(storage::Disk& disk, const std::string& directory)
      : cluster_([](CopyId, const Error& error) { give_up(error); }), factory_(cluster_) {
    for (std::uint32_t id = 1; id <= 2; ++id) {
      replicate::MemberIdentity place{CopyId(id), std::string(1, static_cast<char>('a' + id)),
                                      directory + "/" + std::to_string(id)};
      cluster_.add(need(replicate::open_parts(disk, place, {{}, 1, CopyId(id)},
                                              [](const Error& error) { give_up(error); })));
    }
    Epoch epoch(1);
    Position end = need(cluster_.promote(CopyId(1), epoch));
    cluster_.begin_epoch({{epoch, end.sequence}}, epoch, end.sequence);
    cluster_.set_synchronous(CopyId(1), {CopyId(2)}, true);
    need(cluster_.admit(CopyId(1), epoch));
    fill();
    statement_ = wrap(test::add_to_balance());
  }

  std::unique_ptr<gateway::Backend> session() { return need(factory_.open("shop", "bench")); }

  void commit(gateway::Backend& session, int key) {
    gateway::Executable executable{statement_, nullptr, {std::int64_t(key), std::int64_t(1)}, true};
    {
      auto rows = need(session.run(std::move(executable)));
    }
    need(session.finish());
  }

 private:
  std::shared_ptr<const query::Statement> wrap(query::Plan plan) {
    auto statement = std::make_shared<query::Statement>();
    statement->body = std::move(plan);
    statement->catalogue_version = cluster_.catalogue()->version();
    return statement;
  }
  void fill() {
    auto lease = need(cluster_.begin_write({1, kNoDeadline, nullptr}, kNoDeadline));
    need(lease->session().change_schema(test::shop_schema()));
    std::vector<data::Row> rows;
    for (std::int64_t id = 1; id <= kRows; ++id) rows.push_back({id, std::int64_t(0)});
    need(lease->session().insert_many(test::insert_account(), rows, {}));
    auto position = need(lease->commit(TransactionId(1), Timestamp(0)));
    cluster_.pipeline().wait(*position, kNoDeadline);
  }

  replicate::Cluster cluster_;
  server::SessionFactory factory_;
  std::shared_ptr<const query::Statement> statement_;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 1.0;
  std::string directory = (argc > 3 ? argv[3] : ".") + std::string("/commit-bench-XXXXXX");
  if (mkdtemp(directory.data()) == nullptr) return 1;
  auto disk = storage::make_posix_disk();
  {
    Plain shared(directory + "/shared.sqlite", 1);
    Plain eight(directory + "/eight.sqlite", 8);
    Spar spar(*disk, directory);
    std::vector<std::unique_ptr<gateway::Backend>> sessions;
    for (int i = 0; i < 32; ++i) sessions.push_back(spar.session());
    auto ours = [&](int s, int key) { spar.commit(*sessions[static_cast<std::size_t>(s)], key); };
    auto mutexed = [&](int s, int key) { shared.commit(s, key); };
    auto busy = [&](int s, int key) { eight.commit(s, key); };

    if (argc > 4) {  // under a profiler
      const int alone = std::clamp(std::atoi(argv[4]), 1, 32);
      const Measured m = measure(alone, seconds, ours);
      std::printf("%d sessions: %.0f commits/s, median %.0f us\n", alone, m.per_second,
                  m.median_us);
      std::filesystem::remove_all(directory);
      return 0;
    }
    std::vector<double> plain_1, plain_mutex_8, plain_busy_8, latency_plain;
    std::vector<double> spar_1, spar_8, spar_32, latency_spar;
    for (int round = 0; round < rounds; ++round) {
      Measured m = measure(1, seconds, mutexed);
      plain_1.push_back(m.per_second);
      latency_plain.push_back(m.median_us);
      m = measure(1, seconds, ours);
      spar_1.push_back(m.per_second);
      latency_spar.push_back(m.median_us);
      plain_mutex_8.push_back(measure(8, seconds, mutexed).per_second);
      spar_8.push_back(measure(8, seconds, ours).per_second);
      plain_busy_8.push_back(measure(8, seconds, busy).per_second);
      spar_32.push_back(measure(32, seconds, ours).per_second);
    }
    double best = std::max({median(plain_1), median(plain_mutex_8), median(plain_busy_8)});
    std::printf("commits/s, medians of %d rounds of %.1f s (plain: WAL, synchronous=FULL)\n",
                rounds, seconds);
    std::printf("  plain SQLite, 1 thread                %9.0f\n", median(plain_1));
    std::printf("  plain SQLite, 8 threads, mutex        %9.0f\n", median(plain_mutex_8));
    std::printf("  plain SQLite, 8 threads, busy_timeout %9.0f\n", median(plain_busy_8));
    std::printf("  Spar, primary + mirror, 1 session     %9.0f\n", median(spar_1));
    std::printf("  Spar, 8 sessions                      %9.0f   ratio to the best plain %.2f\n",
                median(spar_8), median(spar_8) / best);
    std::printf("  Spar, 32 sessions                     %9.0f   ratio to the best plain %.2f\n",
                median(spar_32), median(spar_32) / best);
    std::printf("commit latency, one client, median us: plain %.0f, Spar %.0f, ratio %.2f\n",
                median(latency_plain), median(latency_spar),
                median(latency_spar) / median(latency_plain));
  }
  std::filesystem::remove_all(directory);
}
