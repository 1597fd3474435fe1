// Four writers with explicit transactions and two readers over PostgreSQL servers while the primary
// is lost in each way, with its agent: nothing is lost, doubled or torn, no client sees an error,
// the old primary comes back by itself, and in the end all copies hold the same.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/managed_servers.h"

namespace spar::test {
namespace {

constexpr int kDefaultRuns = 2;

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

// Running transactions end, new ones wait.
TEST_F(ServerFailover, SwitchesOverWithoutAnError) {
  each_run([&](ManagedServers& servers) {
    for (int turn = 0; turn < 3; ++turn) {
      gaps_.push_back(servers.life().lose_primary(
          [&](const std::string&, int) { servers.command("switchover"); }));
      servers.life().wait_until_whole();
    }
  });
}

// What somebody wrote to a primary past Spar, and no mirror has, goes to the ledger.
TEST_F(ServerFailover, WritesDownWhatTheLostPrimaryHeld) {
  ManagedServers servers;
  ShopLife& life = servers.life();
  life.open();
  life.close_and_check();
  const json now = life.wait("all copies", is_whole);
  const std::string old = primary_of(now);
  for (const json& copy : copies_of(now)) {
    if (copy.value("name", "") == old) continue;
    auto standby = link_to(copy);
    must(standby.run("alter system set primary_conninfo = ''", patiently()));
    must(standby.run("select pg_reload_conf()", patiently()));
    const auto deadline = patiently();
    while (one(standby, "select count(*) from pg_stat_wal_receiver") != "0") {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    }
  }
  auto stray = link_to(copy_of(now, old));
  must(stray.run("set synchronous_commit = local", patiently()));
  for (int i = 0; i < 3; ++i) {
    must(stray.run("insert into payments values (-1, 1, 0)", patiently()));
  }
  ::kill(copy_of(now, old).value("pid", 0), SIGKILL);
  life.wait("all copies again",
            [&](const json& later) { return is_whole(later) && primary_of(later) != old; });
  EXPECT_EQ(servers.ledger_of(old).size(), 3u);
  for (const json& copy : copies_of(life.wait("all copies", is_whole))) {
    auto link = link_to(copy);
    EXPECT_EQ(one(link, "select count(*) from payments where request = -1"), "0");
  }
}

}  // namespace
}  // namespace spar::test
