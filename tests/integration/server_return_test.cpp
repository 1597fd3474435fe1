// The primary is lost again and again under load, each old one is rewound by its agent, and the next
// one is lost: no commit is lost, no client sees an error, all copies end equal, and the ledgers
// hold exactly what the lost primaries held beyond their forks.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/managed_servers.h"

namespace spar::test {
namespace {

constexpr int kDefaultRuns = 4;
constexpr int kFirstBackups = 2;  // that made the mirror and the replica

using engines::postgres::ServerLink;
using Numbers = std::multiset<std::uint64_t>;

std::uint64_t number(const std::string& text) {
  return std::stoull(text);
}

// Kills primaries that hold more than anybody else: transactions of the shop's clients that wait
// for their mirror, and `strays` written past Spar.
class Killer {
 public:
  Killer(ManagedServers& servers, int strays) : servers_(servers), strays_(strays) {}

  void kill(const std::string& name, int pid, const json& now) {
    auto primary = link_to(copy_of(now, name));
    must(primary.run("set synchronous_commit = local", patiently()));
    auto mirror = link_to(copy_of(now, mirror_of(now)));
    stop_senders(primary);
    wait_until_received(primary, mirror);
    wait_for_writers(primary);
    note_waiting(primary, mirror);
    for (int i = 0; i < strays_; ++i) write_stray(primary);
    for (pid_t each : servers_.processes_of(name)) ::kill(each, SIGKILL);
    ::kill(pid, SIGKILL);
  }
  const Numbers& beyond_the_fork() const { return beyond_; }

 private:
  static std::string mirror_of(const json& now) {
    for (const json& copy : copies_of(now)) {
      if (copy.value("role", "") == "mirror") return copy.value("name", "");
    }
    throw std::runtime_error("there is no mirror");
  }
  // From now on nothing reaches a standby.
  static void stop_senders(ServerLink& primary) {
    for (const auto& row : must(primary.run("select pid from pg_stat_replication", patiently()))) {
      ::kill(std::stoi(*row[0]), SIGSTOP);
    }
  }
  // What was on its way has arrived, but for what a sender had not given to the network yet.
  static void wait_until_received(ServerLink& primary, ServerLink& mirror) {
    const std::string sent = one(primary, "select max(sent_lsn) from pg_stat_replication");
    const auto soon = in(std::chrono::milliseconds(500));
    while (std::chrono::steady_clock::now() < soon &&
           one(mirror, "select pg_last_wal_replay_lsn() >= '" + sent + "'") != "t") {
    }
  }
  // All writers stand in their COMMIT: nobody else will commit there.
  static void wait_for_writers(ServerLink& primary) {
    const auto deadline = patiently();
    while (one(primary, "select count(*) from pg_stat_activity where wait_event = 'SyncRep'") !=
           std::to_string(ShopLife::kWriters)) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "the writers do not commit";
    }
  }
  void note_waiting(ServerLink& primary, ServerLink& mirror) {
    const auto waiting = must(primary.run(
        "select backend_xid from pg_stat_activity where wait_event = 'SyncRep'", patiently()));
    for (const auto& row : waiting) {
      if (committed(mirror, *row[0])) continue;  // arrived, and only its confirmation did not
      beyond_.insert(number(*row[0]));
    }
  }
  static bool committed(ServerLink& standby, const std::string& xid) {
    auto status = standby.run("select pg_xact_status('" + xid + "'::xid8)", patiently());
    return status && (*status)[0][0] == "committed";  // an error: it is of its future
  }
  void write_stray(ServerLink& primary) {
    beyond_.insert(number(one(primary,
                              "with stray as (insert into payments values (-1, 1, 0) returning 1) "
                              "select pg_current_xact_id() from stray")));
  }

  ManagedServers& servers_;
  int strays_;
  Numbers beyond_;
};

class ServerReturn : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!ServerDirectory::can_run()) GTEST_SKIP() << kNoPostgres;
    servers_.emplace();
    life().open();
    for (const json& copy : copies_of(life().wait("all copies", is_whole))) {
      auto link = link_to(copy);  // its transactions would be nobody's
      must(link.run("alter system set autovacuum = off", patiently()));
      must(link.run("select pg_reload_conf()", patiently()));
    }
  }
  void TearDown() override {
    report_gaps(gaps_);
    if (HasFailure()) std::cout << servers_->log();
    servers_.reset();
  }
  ShopLife& life() { return servers_->life(); }

  // Every fourth primary dies as it is; then its clients' commits alone can be past the fork.
  void lose_one(int loss) {
    const json now = life().wait("all copies", is_whole);
    const std::string name = primary_of(now);
    Numbers expected = servers_->ledger_of(name);
    const std::size_t before = expected.size();
    Killer killer(*servers_, loss % 3);
    const bool plainly = loss % 4 == 3;
    gaps_.push_back(life().lose_primary([&](const std::string& lost, int pid) {
      plainly ? void(::kill(pid, SIGKILL)) : killer.kill(lost, pid, now);
    }));
    life().wait_until_whole();
    const Numbers held = servers_->ledger_of(name);
    if (plainly) {
      EXPECT_LE(held.size(), before + ShopLife::kWriters);
      return;
    }
    expected.insert(killer.beyond_the_fork().begin(), killer.beyond_the_fork().end());
    EXPECT_EQ(held, expected);
  }

  std::optional<ManagedServers> servers_;
  std::vector<std::chrono::milliseconds> gaps_;
};

TEST_F(ServerReturn, FailsBackAndForth) {
  const int losses = runs(kDefaultRuns);
  for (int loss = 0; loss < losses && !HasFailure(); ++loss) {
    SCOPED_TRACE("loss " + std::to_string(loss));
    lose_one(loss);
  }
  life().close_and_check();
  for (const json& copy : copies_of(life().wait("all copies", is_whole))) {
    auto link = link_to(copy);
    EXPECT_EQ(one(link, "select count(*) from payments where request = -1"), "0");
  }
  // A rewind is repeated when the server was not ready to follow in time; that harms nothing.
  const int rewinds = servers_->told("rewound to the fork");
  std::cout << losses << " lost primaries, " << rewinds << " rewinds\n";
  EXPECT_GE(rewinds, losses);
  EXPECT_EQ(servers_->told("by a base backup"), kFirstBackups);
}

}  // namespace
}  // namespace spar::test
