// Point 5 of the main job: kill -9 of the server at random moments under load. What was
// acknowledged is there, nothing twice, nothing torn, and the copies are equal.
#include <gtest/gtest.h>
#include <signal.h>

#include <iostream>
#include <random>
#include <thread>

#include "spar/demo/workload.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_node.h"

namespace spar::test {
namespace {

using std::chrono::seconds;

constexpr seconds kPatience{30};
constexpr int kWriters = 4, kReaders = 2, kDefaultKills = 50;
// A new cluster then: its supervisor waits longer from death to death.
constexpr int kKillsEach = 5;

class KillTest : public ::testing::Test {
 protected:
  void open_shop() {
    auto started = start_process_node(directory_.path());
    ASSERT_TRUE(started) << started.error().message;
    node_ = std::move(*started);
    auto ready = wait_until(*node_, "protection", kPatience, is_protected);
    ASSERT_TRUE(ready) << ready.error().message;
    app::SqlClient client(node_->address("shop"));
    ASSERT_TRUE(client.connect());
    auto made = app::make_shop(client);
    ASSERT_TRUE(made) << made.error().message;
    workload_ = std::make_unique<app::Workload>(node_->address("shop"), kWriters, kReaders);
  }

  void kill_once(std::mt19937& random) {
    std::int64_t from = workload_->counts().acknowledged;
    std::int64_t wanted = from + static_cast<std::int64_t>(random() % 200);
    while (workload_->counts().acknowledged < wanted) {
      ASSERT_TRUE(workload_->all_served_within(kPatience)) << workload_->first_error();
    }
    int pid = node_->server_pid();
    ASSERT_GT(pid, 0);
    workload_->expect_restart();
    // The moment itself is the point of the test, so that this is no waiting for something.
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    auto again = wait_until(*node_, "a new server", kPatience, [&](const json&) {
      int fresh = node_->server_pid();
      return fresh > 0 && fresh != pid;
    });
    ASSERT_TRUE(again) << again.error().message;
    ASSERT_TRUE(workload_->all_served_within(kPatience)) << workload_->first_error();
  }

  void check() {
    workload_->stop();
    app::Counts counts = workload_->counts();
    EXPECT_EQ(counts.errors, 0) << workload_->first_error();
    EXPECT_EQ(counts.stale, 0);
    auto same = wait_until(*node_, "equal copies", kPatience, all_equal);
    EXPECT_TRUE(same) << same.error().message;
    app::SqlClient client(node_->address("shop"));
    ASSERT_TRUE(client.connect());
    auto audit = app::audit_shop(client, workload_->acknowledged());
    ASSERT_TRUE(audit) << audit.error().message;
    EXPECT_EQ(audit->lost, 0);
    EXPECT_EQ(audit->doubled, 0);
    EXPECT_EQ(audit->torn, 0);
    std::cout << counts.acknowledged << " payments, " << counts.in_doubt << " in doubt, "
              << counts.found_committed << " of these committed\n";
  }

  TempDirectory directory_;
  std::unique_ptr<TestNode> node_;
  std::unique_ptr<app::Workload> workload_;
};

// Every instance is a cluster of its own.
class KillRound : public KillTest {
 public:
  void TestBody() override {}
  void play(int kills, std::mt19937& random) {
    ASSERT_NO_FATAL_FAILURE(open_shop());
    for (int i = 0; i < kills; ++i) ASSERT_NO_FATAL_FAILURE(kill_once(random)) << "kill " << i;
    check();
  }
};

TEST(KillTests, ServerIsKilledAtRandomMoments) {
  unsigned seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  std::mt19937 random(seed);
  for (int left = runs(kDefaultKills); left > 0 && !HasFailure(); left -= kKillsEach) {
    KillRound round;
    round.play(std::min(left, kKillsEach), random);
  }
}

}  // namespace
}  // namespace spar::test
