// Point 8 of the main job: eight clients read and write a few registers while the primary's copy is
// destroyed, then the next one's, and both come back empty. Every answer must be one that a single
// register could have given. Reads are strict, over the primary and its mirrors.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <mutex>
#include <random>
#include <thread>

#include "tests/support/linearizability.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_node.h"

namespace spar::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using std::chrono::steady_clock;
using Kind = RegisterOperation::Kind;

constexpr seconds kPatience{30};
constexpr int kClients = 8, kRegisters = 3;
constexpr std::int64_t kInitial = 0, kOperationsBetween = 1000;

std::int64_t now() {
  return steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

// Clients that write down what they asked, what they heard, and when.
class Clients {
 public:
  Clients(app::SqlAddress address, unsigned seed) {
    for (int i = 0; i < kClients; ++i) {
      threads_.emplace_back([this, address, i, seed] { live(address, i, seed); });
    }
  }
  ~Clients() { stop(); }

  void stop() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  std::int64_t done() const { return done_; }
  // Once stopped.
  const std::vector<RegisterOperation>& history() const { return history_; }

  std::string errors() {
    std::lock_guard lock(mutex_);
    return errors_;
  }

 private:
  void live(const app::SqlAddress& address, int number, unsigned seed) {
    std::mt19937 random(seed + static_cast<unsigned>(number));
    std::vector<RegisterOperation> mine;
    app::SqlClient client(address);
    if (auto connected = client.connect(); !connected) complain(connected.error().message);
    while (!stop_) {
      RegisterOperation operation;
      operation.client = number;
      operation.key = static_cast<std::int64_t>(random() % kRegisters);
      operation.kind = random() % 2 == 0 ? Kind::read : Kind::write;
      operation.value = static_cast<std::int64_t>(mine.size()) * kClients + number + 1;
      if (ask(client, operation)) mine.push_back(operation);
      ++done_;
    }
    std::lock_guard lock(mutex_);
    history_.insert(history_.end(), mine.begin(), mine.end());
  }

  // False if the answer says nothing about the register.
  bool ask(app::SqlClient& client, RegisterOperation& operation) {
    bool writes = operation.kind == Kind::write;
    std::string key = std::to_string(operation.key), value = std::to_string(operation.value);
    operation.invoked = now();
    app::SqlAnswer answer =
        writes ? client.run("UPDATE register SET value = $2 WHERE id = $1", {key, value})
               : client.run("SELECT value FROM register WHERE id = $1", {key});
    operation.returned = answer.ok ? now() : kNeverReturned;
    if (!answer.ok) complain(answer.error);
    if (answer.lost) static_cast<void>(client.connect());
    if (writes) return true;
    return answer.ok && take_value(answer, operation.value);
  }

  bool take_value(const app::SqlAnswer& answer, std::int64_t& value) {
    if (answer.rows.size() == 1 && answer.rows[0].size() == 1) {
      const std::string& text = answer.rows[0][0];
      auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (status == std::errc() && end == text.data() + text.size()) return true;
    }
    complain("a register is not one row with one number");
    return false;
  }

  void complain(const std::string& error) {
    std::lock_guard lock(mutex_);
    if (errors_.size() < 2000) errors_ += error + '\n';
  }

  std::atomic<bool> stop_{false};
  std::atomic<std::int64_t> done_{0};
  std::mutex mutex_;  // protects what follows
  std::vector<RegisterOperation> history_;
  std::string errors_;
  std::vector<std::thread> threads_;
};

// The last write of a key that surely ended before `time`.
const RegisterOperation* last_write(const std::vector<RegisterOperation>& history, std::int64_t key,
                                    std::int64_t time) {
  const RegisterOperation* last = nullptr;
  for (const RegisterOperation& each : history) {
    if (each.kind != Kind::write || each.key != key || each.returned >= time) continue;
    if (last == nullptr || each.invoked > last->invoked) last = &each;
  }
  return last;
}

// The history with one read, in its middle, of a value that had surely been overwritten.
std::vector<RegisterOperation> with_a_stale_read(std::vector<RegisterOperation> history) {
  std::sort(history.begin(), history.end(),
            [](const auto& a, const auto& b) { return a.invoked < b.invoked; });
  for (std::size_t i = history.size() / 2; i < history.size(); ++i) {
    if (history[i].kind != Kind::read) continue;
    const RegisterOperation* over = last_write(history, history[i].key, history[i].invoked);
    if (over == nullptr) continue;
    const RegisterOperation* old = last_write(history, over->key, over->invoked);
    history[i].value = old == nullptr ? kInitial : old->value;
    return history;
  }
  return {};
}

// What was asked about the register shortly before and after the answer that does not fit, for who
// has to explain it. `why` ends in "in key K during [A, B]".
void print_around(std::vector<RegisterOperation> history, const std::string& why) {
  std::int64_t key = 0, from = 0, to = 0;
  const std::size_t at = why.rfind("in key ");
  if (at == std::string::npos ||
      std::sscanf(why.c_str() + at, "in key %ld during [%ld, %ld]", &key, &from, &to) != 3) {
    return;
  }
  constexpr std::int64_t kAround = 4'000'000;  // ns
  std::ranges::sort(history, {}, &RegisterOperation::invoked);
  for (const RegisterOperation& each : history) {
    const bool near = each.returned > from - kAround && each.invoked < to + kAround;
    if (each.key != key || !near) continue;
    std::cout << "  " << (each.invoked - from) / 1000 << " .. " << (each.returned - from) / 1000
              << " us  client " << each.client << (each.kind == Kind::read ? " reads " : " writes ")
              << each.value << '\n';
  }
}

bool all_serve(const json& cluster) {
  return is_protected(cluster) && std::ranges::all_of(cluster["copies"], [](const json& copy) {
           std::string role = copy.value("role", "");
           return copy.value("health", "") == "ok" &&
                  (role == "primary" || role == "mirror" || role == "replica");
         });
}

// Several times: what goes wrong here goes wrong in windows of microseconds.
class LinearizableTest : public ::testing::TestWithParam<int> {
 protected:
  void start() {
    auto started = start_process_node(directory_.path());
    ASSERT_TRUE(started) << started.error().message;
    node_ = std::move(*started);
    ASSERT_NO_FATAL_FAILURE(wait_for("protection", is_protected));
    app::SqlClient client(node_->address("shop"));
    ASSERT_TRUE(client.connect());
    auto made = client.run("CREATE TABLE register (id int PRIMARY KEY, value bigint NOT NULL)");
    ASSERT_TRUE(made.ok) << made.error;
    for (int id = 0; id < kRegisters; ++id) {
      auto put = client.run("INSERT INTO register VALUES ($1, $2)",
                            {std::to_string(id), std::to_string(kInitial)});
      ASSERT_TRUE(put.ok) << put.error;
    }
    clients_ = std::make_unique<Clients>(node_->address("shop"), seed_);
    wait_for_operations();
  }

  void destroy_primary() {
    auto before = wait_until(*node_, "a primary", kPatience,
                             [](const json& cluster) { return !primary_of(cluster).empty(); });
    ASSERT_TRUE(before) << before.error().message;
    std::string old = primary_of(*before);
    lost_.push_back(path_of(*before, old));
    auto deadline = steady_clock::now() + seconds(5);
    std::error_code busy;  // the server may be writing there
    do {
      fs::remove_all(lost_.back(), busy);
    } while (fs::exists(lost_.back()) && steady_clock::now() < deadline);
    ASSERT_NO_FATAL_FAILURE(wait_for("a new primary", [&](const json& cluster) {
      return !primary_of(cluster).empty() && primary_of(cluster) != old;
    }));
    wait_for_operations();
  }

  void bring_back() {
    for (const std::string& path : lost_) fs::create_directories(path);
    ASSERT_NO_FATAL_FAILURE(wait_for("three copies that serve", all_serve));
    wait_for_operations();
  }

  void wait_for(const std::string& what, const Wanted& wanted) {
    auto seen = wait_until(*node_, what, kPatience, wanted);
    ASSERT_TRUE(seen) << seen.error().message;
  }

  void wait_for_operations() {
    std::int64_t wanted = clients_->done() + kOperationsBetween;
    auto enough = wait_until(*node_, "operations", kPatience,
                             [&](const json&) { return clients_->done() >= wanted; });
    ASSERT_TRUE(enough) << enough.error().message << '\n' << clients_->errors();
  }

  TempDirectory directory_;
  unsigned seed_ = std::random_device{}();
  std::unique_ptr<TestNode> node_;
  std::vector<std::string> lost_;
  std::unique_ptr<Clients> clients_;
};

TEST_P(LinearizableTest, StrictReadsWhileCopiesAreDestroyed) {
  std::cout << "seed " << seed_ << '\n';
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_NO_FATAL_FAILURE(destroy_primary());
  ASSERT_NO_FATAL_FAILURE(wait_for("protection", is_protected));
  ASSERT_NO_FATAL_FAILURE(destroy_primary());
  ASSERT_NO_FATAL_FAILURE(bring_back());
  clients_->stop();
  EXPECT_EQ(clients_->errors(), "");
  EXPECT_NO_FATAL_FAILURE(wait_for("equal copies", all_equal));

  const auto& history = clients_->history();
  auto stale = with_a_stale_read(history);
  ASSERT_FALSE(stale.empty());
  Judgement of_stale = check_registers(stale, kInitial);
  EXPECT_EQ(of_stale.verdict, Verdict::violated) << of_stale.why;
  Judgement judgement = check_registers(history, kInitial);
  EXPECT_EQ(judgement.verdict, Verdict::linearizable) << judgement.why;
  if (judgement.verdict == Verdict::violated) print_around(history, judgement.why);
  std::cout << history.size() << " operations; with a stale read: " << of_stale.why << '\n';
}

INSTANTIATE_TEST_SUITE_P(Rounds, LinearizableTest, ::testing::Range(0, runs(8)));

}  // namespace
}  // namespace spar::test
