#include "spar/demo/workload.h"

#include <random>

namespace spar::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kBetweenPayments{2};
constexpr milliseconds kBetweenReads{1};
constexpr milliseconds kReconnectEvery{20};
constexpr std::chrono::seconds kReconnectPatience{20};
constexpr std::int64_t kRequestsPerWriter = 1'000'000;

}  // namespace

Workload::Workload(SqlAddress address, int writers, int readers)
    : address_(std::move(address)), writers_(writers) {
  for (int i = 0; i < writers + readers; ++i) workers_.push_back(std::make_unique<Worker>());
  for (int i = 0; i < writers + readers; ++i) {
    workers_[static_cast<std::size_t>(i)]->thread =
        std::thread([this, i] { i < writers_ ? write(i) : read(i); });
  }
}

Workload::~Workload() {
  stop();
}

void Workload::stop() {
  stopping_ = true;
  for (auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
}

void Workload::note_error(const std::string& error) {
  errors_.fetch_add(1);
  std::lock_guard lock(mutex_);
  if (first_error_.empty()) first_error_ = error;
}

void Workload::note_wait(steady_clock::time_point since, Worker& worker) {
  auto took = std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - since);
  std::int64_t longest = longest_us_.load();
  while (took.count() > longest && !longest_us_.compare_exchange_weak(longest, took.count())) {
  }
  worker.served.fetch_add(1);
}

// False when the server does not come back, or was not expected to go.
bool Workload::reconnect(SqlClient& client, Worker& worker, const std::string& error) {
  if (restarts_.load() == worker.restarts_seen) note_error(error);
  worker.restarts_seen = restarts_.load();
  auto deadline = steady_clock::now() + kReconnectPatience;
  while (steady_clock::now() < deadline) {
    if (client.connect()) {
      reconnects_.fetch_add(1);
      return true;
    }
    std::this_thread::sleep_for(kReconnectEvery);
  }
  note_error("no new connection within 20 s");
  return false;
}

void Workload::acknowledge(Worker& worker, const Payment& payment) {
  worker.acknowledged.push_back(payment);
  spent_[static_cast<std::size_t>(payment.customer)].fetch_add(payment.cents);
  acknowledged_.fetch_add(1);
}

// Pays once, however often the connection breaks. False ends the writer.
bool Workload::settle(SqlClient& client, Worker& worker, const Payment& payment) {
  while (true) {
    bool commit_sent = false;
    SqlAnswer answer = pay(client, payment, commit_sent);
    if (answer.ok) {
      acknowledge(worker, payment);
      return true;
    }
    if (!answer.lost) {
      note_error(answer.error);
      client.run("ROLLBACK");
      return true;
    }
    if (!reconnect(client, worker, answer.error)) return false;
    if (!commit_sent) continue;
    in_doubt_.fetch_add(1);
    std::optional<bool> happened = look_up(client, worker, payment);
    if (!happened) return false;
    if (*happened) {
      found_committed_.fetch_add(1);
      acknowledge(worker, payment);
      return true;
    }
  }
}

// Whether a payment in doubt happened; nothing when the server does not come back.
std::optional<bool> Workload::look_up(SqlClient& client, Worker& worker, const Payment& payment) {
  while (true) {
    SqlAnswer found = client.run("SELECT count(*) FROM payments WHERE request = $1",
                                 {std::to_string(payment.request)});
    if (found.ok) return found.rows[0][0] != "0";
    if (!found.lost) note_error(found.error);
    if (!found.lost || !reconnect(client, worker, found.error)) return std::nullopt;
  }
}

// Each writer has customers of its own. A transaction that is repeated must see what it saw; where
// another one has changed that since, it may not go on (40001), and that is no fault.
int Workload::own_customer(int writer, unsigned random) const {
  const auto all = static_cast<unsigned>(kCustomers / writers_);
  return static_cast<int>(random % all) * writers_ + writer + 1;
}

void Workload::write(int number) {
  Worker& worker = *workers_[static_cast<std::size_t>(number)];
  SqlClient client(address_);
  if (auto connected = client.connect(); !connected) return note_error(connected.error().message);
  std::mt19937 random(static_cast<unsigned>(number) + 1);
  for (std::int64_t i = 1; !stopping_; ++i) {
    Payment payment{.request = number * kRequestsPerWriter + i,
                    .customer = own_customer(number, random()),
                    .cents = 100 + static_cast<std::int64_t>(random() % 20'000)};
    auto begun = steady_clock::now();
    if (!settle(client, worker, payment)) return;
    note_wait(begun, worker);
    std::this_thread::sleep_for(kBetweenPayments);
  }
}

void Workload::check_customer(SqlClient& client, Worker& worker, int customer) {
  std::int64_t before = spent_[static_cast<std::size_t>(customer)].load();
  SqlAnswer answer =
      client.run("SELECT spent FROM customers WHERE id = $1", {std::to_string(customer)});
  if (answer.lost) {
    reconnect(client, worker, answer.error);
  } else if (!answer.ok || answer.rows.size() != 1) {
    note_error(answer.ok ? "a customer was not found" : answer.error);
  } else {
    reads_.fetch_add(1);
    if (cents_of(answer.rows[0][0]) < before) stale_.fetch_add(1);
  }
}

void Workload::read(int number) {
  Worker& worker = *workers_[static_cast<std::size_t>(number)];
  SqlClient client(address_);
  if (auto connected = client.connect(); !connected) return note_error(connected.error().message);
  std::mt19937 random(static_cast<unsigned>(number) + 1);
  while (!stopping_) {
    auto begun = steady_clock::now();
    check_customer(client, worker, static_cast<int>(random() % kCustomers) + 1);
    note_wait(begun, worker);
    std::this_thread::sleep_for(kBetweenReads);
  }
}

milliseconds Workload::take_longest_wait() {
  return std::chrono::ceil<milliseconds>(std::chrono::microseconds(longest_us_.exchange(0)));
}

bool Workload::all_served_within(milliseconds patience) {
  std::vector<std::uint64_t> before;
  for (auto& worker : workers_) before.push_back(worker->served.load());
  auto deadline = steady_clock::now() + patience;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    // Two answers: the first one may have been asked for before.
    while (workers_[i]->served.load() < before[i] + 2) {
      if (steady_clock::now() >= deadline) return false;
      std::this_thread::sleep_for(milliseconds(2));
    }
  }
  return true;
}

Counts Workload::counts() const {
  return {.acknowledged = acknowledged_,
          .reads = reads_,
          .stale = stale_,
          .errors = errors_,
          .reconnects = reconnects_,
          .in_doubt = in_doubt_,
          .found_committed = found_committed_};
}

std::string Workload::first_error() const {
  std::lock_guard lock(mutex_);
  return first_error_;
}

std::vector<Payment> Workload::acknowledged() const {
  std::vector<Payment> all;
  for (const auto& worker : workers_) {
    all.insert(all.end(), worker->acknowledged.begin(), worker->acknowledged.end());
  }
  return all;
}

}  // namespace spar::app
