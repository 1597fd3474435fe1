// SQLAlchemy's ORM with serial ids in explicit transactions, four threads, while the primary server
// is killed again and again: no client sees an error, nothing is lost, nothing doubled.
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "tests/support/client_cluster.h"

namespace spar::test {
namespace {

constexpr const char* kPython = "/usr/bin/python3";
constexpr const char* kProgram =
    SPAR_SOURCE_DIR "/tests/integration/python/sqlalchemy_failovers.py";
constexpr const char* kDatabase = "orders";
constexpr int kDefaultLosses = 3, kSkipped = 77;
constexpr std::size_t kOrdersBetween = 40;
constexpr std::chrono::seconds kAtMost{1800};

// The program at work; it ends when it is told to.
class OrmProgram {
 public:
  explicit OrmProgram(ClientCluster& cluster)
      : ledger_(cluster.directory() + "/acknowledged"), stop_(cluster.directory() + "/stop") {
    const app::SqlAddress address = cluster.through(kDatabase);
    thread_ = std::jthread([this, address] {
      ran_ = run_program({kPython, kProgram, address.host, address.port, kDatabase, ledger_, stop_},
                         {}, kAtMost);
      ended_ = true;
    });
  }
  ~OrmProgram() { finish(); }

  // Until more is acknowledged; false when the program has ended.
  bool goes_on() const {
    const std::size_t wanted = acknowledged() + kOrdersBetween;
    const auto deadline = std::chrono::steady_clock::now() + ClientCluster::kPatience;
    while (acknowledged() < wanted) {
      if (ended_ || std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }
  Ran finish() {
    std::ofstream(stop_).put('\n');
    if (thread_.joinable()) thread_.join();
    return ran_;
  }

 private:
  std::size_t acknowledged() const {
    std::ifstream in(ledger_);
    return static_cast<std::size_t>(
        std::count(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>(), '\n'));
  }

  std::string ledger_, stop_;
  std::atomic<bool> ended_{false};
  Ran ran_;
  std::jthread thread_;
};

void kill_primary(ClientCluster& cluster) {
  const json before = cluster.wait_until_whole();
  const std::string old = primary_of(before);
  ::kill(copy_of(before, old).value("pid", 0), SIGKILL);
  must(wait_until(cluster.node(), "a new primary", ClientCluster::kPatience, [&](const json& now) {
    return !primary_of(now).empty() && primary_of(now) != old;
  }));
}

TEST(ServerOrm, SerialIdsSurviveFailovers) {
  if (!ServerDirectory::can_run()) GTEST_SKIP() << kNoPostgres;
  if (find_program(kPython).empty()) GTEST_SKIP() << kPython << " is not installed";
  ClientCluster cluster;
  cluster.make_database(kDatabase);
  OrmProgram program(cluster);
  int losses = 0;
  while (losses < runs(kDefaultLosses) && program.goes_on()) {
    kill_primary(cluster);
    ++losses;
    cluster.wait_until_whole();
  }
  program.goes_on();
  const Ran ran = program.finish();
  if (ran.exit_code == kSkipped) GTEST_SKIP() << ran.output;
  EXPECT_EQ(losses, runs(kDefaultLosses));
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
  std::cout << losses << " failovers: " << ran.output;
  cluster.expect_equal_copies(kDatabase);
}

// What the heir never heard of, a sequence's step too, is repeated there with the ids that the client
// was told; nobody gets them again.
TEST(ServerOrm, AnIdIsGivenOnce) {
  if (!ServerDirectory::can_run()) GTEST_SKIP() << kNoPostgres;
  ClientCluster cluster;
  const app::SqlAddress address = cluster.through("postgres");
  for (int loss = 0; loss < runs(kDefaultLosses) && !HasFailure(); ++loss) {
    const json before = cluster.wait_until_whole();
    const std::string table = "t" + std::to_string(loss);
    app::SqlClient first(address), second(address);
    must(first.connect());
    must(second.connect());
    ASSERT_TRUE(first.run("create table " + table + " (id serial primary key, t text)").ok);
    ASSERT_TRUE(first.run("begin").ok);
    const std::string insert = "insert into " + table + " (t) values ('x') returning id";
    const auto told = first.run(insert);
    ASSERT_TRUE(told.ok) << told.error;
    ::kill(copy_of(before, primary_of(before)).value("pid", 0), SIGKILL);
    const auto committed = first.run("commit");
    EXPECT_TRUE(committed.ok) << committed.error;
    const auto next = second.run(insert);
    EXPECT_TRUE(next.ok) << "after " << told.rows[0][0] << ": " << next.error;
  }
}

}  // namespace
}  // namespace spar::test
