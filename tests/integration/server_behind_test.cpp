// A copy that is far behind: the cluster goes on without it, it is never promoted, `spar status`,
// `spar events` and `spar doctor` say how it is, and it comes back by itself where that can be.
#include <gtest/gtest.h>

#include "tests/support/server_trouble.h"

namespace spar::test {
namespace {

constexpr int kFirstBackups = 2;          // that made the mirror and the replica
constexpr std::int64_t kMuch = 64 << 20;  // bytes of log, more than a mirror may lack
constexpr std::int64_t kPiece = 4 << 20;

class ServerBehind : public ServerTrouble {
 protected:
  // Into the log of the primary, past Spar; in pieces for which its mirror is waited for.
  static void write_much(engines::postgres::ServerLink& primary) {
    for (std::int64_t written = 0; written < kMuch; written += kPiece) {
      must(primary.run("select pg_logical_emit_message(true, 'much', repeat('x', " +
                           std::to_string(kPiece) + "))",
                       patiently()));
    }
  }
  // A server that throws its log away as soon as it may.
  static void keep_little(engines::postgres::ServerLink& server) {
    for (const char* sql :
         {"alter system set wal_keep_size = 0", "alter system set max_slot_wal_keep_size = '32MB'",
          "alter system set min_wal_size = '32MB'", "select pg_reload_conf()"}) {
      must(server.run(sql, patiently()));
    }
  }
  // Until it has thrown away what the owner of this slot needs.
  static void lose_log(engines::postgres::ServerLink& primary, const std::string& slot) {
    const std::string status =
        "select wal_status from pg_replication_slots where slot_name = '" + slot + "'";
    const auto deadline = patiently();
    do {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      write_much(primary);
      must(primary.run("checkpoint", in(2 * kServerPatience)));  // it waits for who is frozen
    } while (one(primary, status) != "lost");
  }
  static std::int64_t behind(const json& cluster, const std::string& name) {
    return copy_of(cluster, name).value("behind_bytes", std::int64_t{-1});
  }
  int base_backups() const {
    const std::string events = said("events");
    int count = 0;
    for (std::size_t at = 0; (at = events.find("by a base backup", at)) != events.npos; ++at)
      ++count;
    return count;
  }
  json wait_until_down(const std::string& name) {
    return life_->wait(name + " is down", [&](const json& now) {
      return is_protected(now) && copy_of(now, name).value("role", "") == "down";
    });
  }
};

TEST_F(ServerBehind, CatchesUpByItselfAndIsNotPromotedMeanwhile) {
  ShopLife& life = start();
  life.open();
  const json whole = life.wait("all copies", is_whole);
  const std::string away = with_role(whole, "replica");
  signal_all(away, SIGSTOP);
  auto primary = link_to(copy_of(wait_until_down(away), primary_of(whole)));
  write_much(primary);
  life.wait("how far behind it is", [&](const json& now) { return behind(now, away) >= kMuch; });
  EXPECT_NE(said("status").find("MiB"), std::string::npos);
  EXPECT_NE(said("switchover --to " + away).find(away), std::string::npos);
  life.wait_for_payments();
  life.lose_primary([](const std::string&, int pid) { ::kill(pid, SIGKILL); });
  EXPECT_EQ(primary_of(life.wait("a primary", is_protected)), with_role(whole, "mirror"));
  signal_all(away, SIGCONT);
  life.wait_until_whole();
  const json caught_up = life.wait("nothing is missing", [&](const json& now) {
    return behind(now, away) >= 0 && behind(now, away) < kMuch;
  });
  EXPECT_EQ(copy_of(caught_up, away).value("health", ""), "ok");
  EXPECT_EQ(base_backups(), kFirstBackups) << said("events");
  life.close_and_check();
}

TEST_F(ServerBehind, IsFilledAnewWhenItsLogIsGone) {
  ShopLife& life = start();
  life.open();
  const json whole = life.wait("all copies", is_whole);
  for (const json& copy : copies_of(whole)) {
    auto server = link_to(copy);
    keep_little(server);
  }
  const std::string away = with_role(whole, "replica");
  signal_all(away, SIGSTOP);
  auto primary = link_to(copy_of(wait_until_down(away), primary_of(whole)));
  lose_log(primary, "spar_" + std::to_string(away[0] - 'a' + 1));
  life.wait_for_payments();
  signal_all(away, SIGCONT);
  life.wait_until_whole();
  const std::string events = said("events");
  EXPECT_EQ(base_backups(), kFirstBackups + 1) << events;
  EXPECT_NE(events.find("has thrown away"), std::string::npos) << events;
  life.close_and_check();
}

// Its receiver was switched off, and nothing else is wrong with it.
TEST_F(ServerBehind, ThatReceivesNothingIsMadeToFollowAgain) {
  ShopLife& life = start();
  life.open();
  for (const char* role : {"replica", "mirror"}) {
    const std::string silent = with_role(life.wait("all copies", is_whole), role);
    auto link = link_to(copy_of(*life.node().cluster(), silent));
    must(link.run("alter system set primary_conninfo = ''", patiently()));
    must(link.run("select pg_reload_conf()", patiently()));
    life.wait("a word about it",
              [&](const json& now) { return copy_of(now, silent).value("health", "ok") != "ok"; });
    life.wait_for_payments();  // also when it was the mirror
    life.wait_until_whole();
    EXPECT_NE(one(link, "show primary_conninfo"), "");
  }
  EXPECT_NE(said("events").find("it receives nothing"), std::string::npos);
  EXPECT_EQ(base_backups(), kFirstBackups) << said("events");
  life.close_and_check();
}

class WithoutAgents : public ServerBehind {
 protected:
  void SetUp() override {
    ServerBehind::SetUp();
    if (IsSkipped()) return;
    for (const char* name : {"a", "b", "c"}) servers_[name] = place_.copy(name);
    a().start_as_primary();
    for (const char* slot : {"spar_2", "spar_3"}) {
      auto link = a().session();
      must(link.run(std::string("select pg_create_physical_replication_slot('") + slot + "', true)",
                    patiently()));
    }
    servers_["b"]->start_behind(a(), "spar_2");
    c().start_behind(a(), "spar_3");
    std::ofstream file(directory_.path() + "/spar.toml");
    file << "[node]\ndata = \"spar-data\"\npostgres_listen = \"127.0.0.1:0\"\n[[cluster]]\nname = "
            "\"main\"\nmirrors = 1\n";
    for (const auto& [name, server] : servers_) {
      file << "[[cluster.copy]]\nname = \"" << name
           << "\"\nengine = \"postgres\"\naddress = " << json(server->address().text()).dump()
           << "\n"
           << (name == "c" ? "role = \"replica\"\n" : "");
    }
    file.close();
    life_.emplace(must(start_configured_node(directory_.path())));
  }
  void TearDown() override {
    ServerBehind::TearDown();
    servers_.clear();
  }
  PostgresCopy& a() { return *servers_["a"]; }
  PostgresCopy& c() { return *servers_["c"]; }

  // As the server's user, who knows the password.
  void run_as_server(const std::string& command) {
    std::vector<std::string> words = {"sh", "-c",
                                      "PATH=" + programs() + ":$PATH PGPASSFILE=" +
                                          c().server().place().passwords() + " " + command};
    if (::geteuid() == 0) words.insert(words.begin(), {"runuser", "-u", "postgres", "--"});
    const Ran ran = run_program(words);
    EXPECT_EQ(ran.exit_code, 0) << command << "\n" << ran.output;
  }
  static std::string programs() {
    const std::string one = must(agent::find_postgres_tools()).program("postgres");
    return one.substr(0, one.rfind('/'));
  }

  ServerDirectory place_;
  std::map<std::string, std::unique_ptr<PostgresCopy>> servers_;
};

TEST_F(WithoutAgents, TheStatusNamesTheCommandAndItHelps) {
  ShopLife& life = *life_;
  life.wait_until_whole();
  auto session = a().session();
  keep_little(session);
  must(c().server().stop(agent::Stop::fast, patiently()));
  wait_until_down("c");
  lose_log(session, "spar_3");
  must(c().server().start(agent::StartAs::standby, patiently()));
  const json told = life.wait("advice", [&](const json& now) {
    return copy_of(now, "c").value("health", "").find("pg_basebackup") != std::string::npos;
  });
  const std::string health = copy_of(told, "c").value("health", "");
  EXPECT_NE(health.find("thrown away"), std::string::npos) << health;
  EXPECT_GT(behind(told, "c"), kMuch / 2);
  const std::string doctor = said("doctor");
  EXPECT_NE(doctor.find("thrown away"), std::string::npos) << doctor;
  EXPECT_EQ(doctor.find("pass\\word"), std::string::npos) << doctor;

  const std::size_t from = health.find('`') + 1;
  must(c().server().stop(agent::Stop::fast, patiently()));
  fs::remove_all(c().server().place().data());
  run_as_server(health.substr(from, health.find('`', from) - from));
  must(c().server().start(agent::StartAs::standby, patiently()));
  life.wait_until_whole();
}

}  // namespace
}  // namespace spar::test
