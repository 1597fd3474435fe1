// Four writers with explicit transactions and two readers over PostgreSQL servers while the primary
// is lost in each way, with its agent: nothing is lost, doubled or torn, no client sees an error,
// the old primary comes back by itself, and in the end all copies hold the same.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "agent/process_table.h"
#include "tests/support/shop_life.h"

namespace spar::test {
namespace {

constexpr int kDefaultRuns = 2;

// Servers that Spar makes and starts itself.
class ManagedServers {
 public:
  ManagedServers() {
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
    life_.emplace(must(start_server_node(directory_.path())));
  }
  ShopLife& life() { return *life_; }
  // Every process of the server.
  std::vector<pid_t> processes_of(const std::string& name) const {
    return agent::working_in(directory_.path() + "/copies/" + name + "/data", "postgres");
  }

 private:
  TempDirectory directory_;
  std::optional<ShopLife> life_;
};

class ServerFailover : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!ServerDirectory::can_run()) GTEST_SKIP() << kNoPostgres;
  }
  void TearDown() override { report_gaps(gaps_); }

  // Each run is a cluster of its own.
  void each_run(const std::function<void(ManagedServers&)>& body) {
    for (int run = 0; run < runs(kDefaultRuns) && !HasFailure(); ++run) {
      SCOPED_TRACE("run " + std::to_string(run));
      ManagedServers servers;
      servers.life().open();
      body(servers);
      servers.life().wait_until_whole();
      servers.life().close_and_check();
    }
  }

  std::vector<std::chrono::milliseconds> gaps_;
};

TEST_F(ServerFailover, SurvivesTheKilledPrimary) {
  each_run([&](ManagedServers& servers) {
    for (int loss = 0; loss < 2; ++loss) {
      gaps_.push_back(
          servers.life().lose_primary([](const std::string&, int pid) { ::kill(pid, SIGKILL); }));
      servers.life().wait_until_whole();
    }
  });
}

// PostgreSQL alone; the agent lives, and ends it.
TEST_F(ServerFailover, SurvivesTheFrozenPrimary) {
  each_run([&](ManagedServers& servers) {
    gaps_.push_back(servers.life().lose_primary([&](const std::string& name, int) {
      for (pid_t pid : servers.processes_of(name)) ::kill(pid, SIGSTOP);
    }));
  });
}

}  // namespace
}  // namespace spar::test
