// spar/demo/workload.h: the shop's customers: threads that pay and threads that look.
//
// Contract    Between start and stop(), writers pay and remember what was acknowledged; readers
//             check that they see every payment acknowledged before they asked (strict reads). Both
//             count every error that reaches them, and the longest time that one of them waited.
//             A lost connection is an error, unless expect_restart() announced it: then a client
//             connects again and looks up whether its payment in doubt happened, by its number.
// Threads     Callers: one thread. The clients' own threads end in stop().
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "spar/demo/shop.h"

namespace spar::app {

struct Counts {
  std::int64_t acknowledged = 0, reads = 0, stale = 0, errors = 0;
  std::int64_t reconnects = 0, in_doubt = 0, found_committed = 0;
};

class Workload {
 public:
  Workload(SqlAddress address, int writers, int readers);
  ~Workload();

  void expect_restart() { restarts_.fetch_add(1); }
  // The longest wait of any client since the last call.
  std::chrono::milliseconds take_longest_wait();
  // True once every client has had an answer to something asked after this call.
  bool all_served_within(std::chrono::milliseconds patience);

  void stop();
  Counts counts() const;
  std::string first_error() const;
  std::vector<Payment> acknowledged() const;  // after stop()

 private:
  struct Worker {
    std::vector<Payment> acknowledged;
    std::atomic<std::uint64_t> served{0};  // answers so far
    int restarts_seen = 0;
    std::thread thread;
  };

  int own_customer(int writer, unsigned random) const;
  void write(int number);
  void read(int number);
  bool settle(SqlClient& client, Worker& worker, const Payment& payment);
  std::optional<bool> look_up(SqlClient& client, Worker& worker, const Payment& payment);
  bool reconnect(SqlClient& client, Worker& worker, const std::string& error);
  void acknowledge(Worker& worker, const Payment& payment);
  void check_customer(SqlClient& client, Worker& worker, int customer);
  void note_error(const std::string& error);
  void note_wait(std::chrono::steady_clock::time_point since, Worker& worker);

  SqlAddress address_;
  int writers_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::array<std::atomic<std::int64_t>, kCustomers + 1> spent_{};  // acknowledged cents
  std::atomic<bool> stopping_{false};
  std::atomic<int> restarts_{0};
  std::atomic<std::int64_t> longest_us_{0};
  std::atomic<std::int64_t> acknowledged_{0}, reads_{0}, stale_{0}, errors_{0}, reconnects_{0},
      in_doubt_{0}, found_committed_{0};
  mutable std::mutex mutex_;
  std::string first_error_;
};

}  // namespace spar::app
