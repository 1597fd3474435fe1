// The record of a node decides what becomes of its servers: one that is old must not, and one that is
// lost can be made anew.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "tests/support/client_cluster.h"

namespace spar::test {
namespace {

namespace fs = std::filesystem;

class ServerRecord : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!ServerDirectory::can_run()) GTEST_SKIP() << kNoPostgres;
    fs::permissions(directory_.path(), fs::perms(0755));
    node_ = must(start_server_node(directory_.path()));
    before_ = wait("all copies", is_whole);
  }
  void TearDown() override { node_.reset(); }

  json wait(const std::string& what, const Wanted& wanted) {
    return must(wait_until(*node_, what, ClientCluster::kPatience, wanted));
  }
  std::string ask(const std::string& sql) {
    app::SqlAddress address = node_->address("postgres");
    address.user = "postgres";
    app::SqlClient client(address);
    must(client.connect());
    const auto answer = client.run(sql);
    EXPECT_TRUE(answer.ok) << answer.error;
    return answer.rows.empty() ? "" : answer.rows[0][0];
  }
  void start_again() { node_ = must(start_configured_node(directory_.path())); }
  fs::path record() const {
    return fs::path(directory_.path()) / "spar-data" / "clusters" / "main" / "record";
  }
  // One epoch further than `before_`.
  void lose_primary() {
    const std::string old = primary_of(before_);
    ::kill(copy_of(before_, old).value("pid", 0), SIGKILL);
    wait("another primary, and all copies",
         [&](const json& now) { return is_whole(now) && primary_of(now) != old; });
  }

  TempDirectory directory_;
  std::unique_ptr<TestNode> node_;
  json before_;
};

TEST_F(ServerRecord, AnOldOneIsToldAndALostOneIsMadeAnew) {
  ask("create table t as select 1 as n");
  const fs::path kept = fs::path(directory_.path()) / "kept";
  fs::copy(record(), kept, fs::copy_options::recursive);
  lose_primary();
  ask("insert into t values (2)");
  node_.reset();

  const fs::path newest = fs::path(directory_.path()) / "newest";
  fs::rename(record(), newest);
  fs::copy(kept, record(), fs::copy_options::recursive);
  start_again();
  const json refused = wait("why", [](const json& now) {
    return now.dump().contains("the record of this node is an old one");
  });
  EXPECT_EQ(primary_of(refused), "") << refused.dump(1);
  node_.reset();

  fs::remove_all(record());
  for (const json& copy : copies_of(before_)) {
    fs::remove(fs::path(directory_.path()) / "copies" / copy.value("name", "") / "epoch");
  }
  start_again();
  wait("all copies", is_whole);
  EXPECT_EQ(ask("select sum(n) from t"), "3");
  lose_primary();  // and it is a cluster like any other
  EXPECT_EQ(ask("select sum(n) from t"), "3");
}

TEST_F(ServerRecord, CopiesComeAndGo) {
  ask("create table t as select 1 as n");
  run_command("copy add d --path " + directory_.path() + "/copies/d", directory_.path());
  wait("a fourth copy",
       [](const json& now) { return is_whole(now) && copies_of(now).size() == 4; });
  run_command("switchover --to d", directory_.path());
  ask("insert into t values (2)");
  const std::string old = primary_of(before_);
  const json all = wait("all of them behind d", is_whole);
  run_command("copy remove " + old, directory_.path());
  EXPECT_EQ(copies_of(wait("three copies", is_whole)).size(), 3u);
  // Its server is gone, and nobody keeps log for it.
  const pid_t pid = copy_of(all, old).value("pid", 0);
  for (int i = 0; i < 300 && ::kill(pid, 0) == 0; ++i) ::usleep(100'000);
  EXPECT_NE(::kill(pid, 0), 0) << "the server of " << old << " is still there";
  const std::string slots = "select count(*) from pg_replication_slots";
  for (int i = 0; i < 300 && ask(slots) != "2"; ++i) ::usleep(100'000);
  EXPECT_EQ(ask(slots), "2");

  node_.reset();  // and so the file has it
  start_again();
  before_ = wait("the same three copies", is_whole);
  EXPECT_EQ(copies_of(before_).size(), 3u);
  EXPECT_EQ(primary_of(before_), "d");
  lose_primary();
  EXPECT_EQ(ask("select sum(n) from t"), "3");
}

}  // namespace
}  // namespace spar::test
