// tests/support/shop_life.h: the shop under load over a cluster of PostgreSQL servers: customers who
// pay and look while primaries are lost, and what must be true afterwards.
//
// Contract    Throws when something does not happen in time; what clients saw is checked in
//             close_and_check().
// Threads     One.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "engines/postgres/server_link.h"
#include "spar/demo/workload.h"
#include "tests/support/postgres_copy.h"
#include "tests/support/test_node.h"

namespace spar::test {

inline std::vector<json> copies_of(const json& cluster) {
  return cluster["copies"].get<std::vector<json>>();
}

inline json copy_of(const json& cluster, const std::string& name) {
  for (const json& copy : cluster["copies"]) {
    if (copy.value("name", "") == name) return copy;
  }
  return {};
}

inline bool all_serve(const json& cluster) {
  return std::ranges::all_of(copies_of(cluster),
                             [](const json& copy) { return copy.value("health", "") == "ok"; });
}

inline bool is_whole(const json& cluster) {
  return is_protected(cluster) && all_serve(cluster);
}

// Directly, as the superuser.
inline engines::postgres::ServerLink link_to(const json& copy) {
  const std::string where = copy.value("address", "");
  engines::postgres::Conninfo direct;
  direct.set("host", where.substr(0, where.find(':')));
  direct.set("port", where.substr(where.find(':') + 1));
  direct.set("user", "postgres");
  return must(engines::postgres::ServerLink::connect(direct, patiently()));
}

class ShopLife {
 public:
  using milliseconds = std::chrono::milliseconds;
  static constexpr std::chrono::seconds kPatience{60};
  static constexpr int kWriters = 4, kReaders = 2;
  static constexpr std::int64_t kPaymentsBetween = 150;

  explicit ShopLife(std::unique_ptr<TestNode> node) : node_(std::move(node)) {}

  app::SqlAddress address() const {
    app::SqlAddress address = node_->address("postgres");
    address.user = "postgres";
    return address;
  }

  json wait(const std::string& what, const Wanted& wanted) {
    return must(wait_until(*node_, what, kPatience, wanted));
  }
  void wait_until_whole() { wait("all copies", is_whole); }

  void open() {
    wait_until_whole();
    app::SqlClient client(address());
    must(client.connect());
    must(app::make_shop(client));
    workload_ = std::make_unique<app::Workload>(address(), kWriters, kReaders);
    wait_for_payments();
  }

  void wait_for_payments() {
    const std::int64_t wanted = workload_->counts().acknowledged + kPaymentsBetween;
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (workload_->counts().acknowledged < wanted) {
      if (std::chrono::steady_clock::now() > deadline || !workload_->all_served_within(kPatience)) {
        throw std::runtime_error("clients are not served: " + workload_->first_error());
      }
    }
  }

  // Another primary in a new epoch, and every client served by it; gives the longest that one
  // waited, and the name of the lost one.
  milliseconds lose_primary(const std::function<void(const std::string& name, int pid)>& harm,
                            std::string* lost = nullptr) {
    const json before = wait("a primary", [](const json& now) { return !primary_of(now).empty(); });
    const std::string old = primary_of(before);
    if (lost != nullptr) *lost = old;
    workload_->take_longest_wait();
    harm(old, copy_of(before, old).value("pid", 0));
    const json after = wait("a new primary", [&](const json& now) {
      return !primary_of(now).empty() && primary_of(now) != old;
    });
    EXPECT_GT(after["epoch"].get<int>(), before["epoch"].get<int>());
    EXPECT_TRUE(workload_->all_served_within(kPatience)) << "a client waits for ever";
    const milliseconds pause = workload_->take_longest_wait();
    wait_for_payments();
    return pause;
  }

  // `copies`: those that must hold the same in the end.
  void close_and_check(const std::vector<std::string>& copies = {"a", "b", "c"}) {
    workload_->stop();
    const app::Counts counts = workload_->counts();
    EXPECT_EQ(counts.errors, 0) << workload_->first_error();
    EXPECT_EQ(counts.stale, 0);
    app::SqlClient client(address());
    must(client.connect());
    const auto audit = must(app::audit_shop(client, workload_->acknowledged()));
    EXPECT_EQ(audit.lost, 0);
    EXPECT_EQ(audit.doubled, 0);
    EXPECT_EQ(audit.torn, 0);
    EXPECT_GE(audit.payments, counts.acknowledged);
    for (const std::string& copy : copies) expect_equal(client, copy);
  }

  TestNode& node() { return *node_; }

 private:
  // Asked of the server itself.
  void expect_equal(app::SqlClient& client, const std::string& name) {
    const std::string sql =
        "select (select count(*) || ' ' || md5(string_agg(request || ' ' || amount, ',' order by "
        "request)) from payments) || ' ' || (select sum(spent) from customers)";
    const std::string expected = client.run(sql).rows.at(0).at(0);
    const json now = wait("a status", [](const json&) { return true; });
    auto link = link_to(copy_of(now, name));
    const auto deadline = patiently();
    while (one(link, sql) != expected && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(milliseconds(5));
    }
    EXPECT_EQ(one(link, sql), expected) << name;
  }

  std::unique_ptr<TestNode> node_;
  std::unique_ptr<app::Workload> workload_;
};

inline void report_gaps(std::vector<std::chrono::milliseconds> gaps) {
  if (gaps.empty()) return;
  std::ranges::sort(gaps);
  std::cout << "write gaps of " << gaps.size() << ": longest " << gaps.back().count()
            << " ms, median " << gaps[gaps.size() / 2].count() << " ms\n";
}

}  // namespace spar::test
