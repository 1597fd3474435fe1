// Reads on the standbys of a cluster of PostgreSQL servers: they go there when a session asks for it,
// see what it was promised, and clients notice nothing when a standby dies.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <set>
#include <thread>

#include "agent/process_table.h"
#include "tests/support/client_cluster.h"
#include "tests/unit/gateway/libpq_client.h"

namespace spar::test {
namespace {

using gateway::test::PqClient;
using std::chrono::milliseconds;

class ServerReads : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!ServerDirectory::can_run()) return;
    cluster_ = std::make_unique<ClientCluster>();
    cluster_->make_database("reads");
    PqClient owner(conninfo());
    // Where it is answered; stable, so that any copy may.
    must_run(owner,
             "create function here() returns int language sql stable as "
             "'select inet_server_port()'");
    must_run(owner, "create table counts (id int primary key, n bigint not null)");
    must_run(owner, "insert into counts select i, 0 from generate_series(1, 100) i");
    for (const json& copy : copies_of(cluster_->wait_until_whole())) wait_to_know(copy);
  }
  static void TearDownTestSuite() { cluster_.reset(); }
  void SetUp() override {
    if (!cluster_) GTEST_SKIP() << kNoPostgres;
    cluster_->wait_until_whole();
  }

  static std::string conninfo(const std::string& options = "") {
    const app::SqlAddress address = cluster_->through("reads");
    return "host=" + address.host + " port=" + address.port +
           " dbname=reads user=postgres options='" + options + "'";
  }
  static void must_run(const PqClient& client, const std::string& sql) {
    const std::string answer = client.ask(sql);
    if (answer.size() == 5) throw std::runtime_error(sql + ": " + answer + client.message());
  }
  static void wait_to_know(const json& copy) {
    auto link = link_to(copy);
    const auto deadline = patiently();
    while (one(link, "select count(*) from pg_database where datname = 'reads'") != "1") {
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("a copy lags");
    }
  }
  static std::string port_of(const json& copy) {
    return copy.value("address", "").substr(copy.value("address", "").rfind(':') + 1);
  }
  static std::string primary_port() {
    const json now = cluster_->status();
    return port_of(copy_of(now, primary_of(now)));
  }
  // Repeats it until it is answered elsewhere than on the primary; the place.
  static std::string read_elsewhere(const PqClient& client, const std::string& sql) {
    const std::string primary = primary_port();
    const auto deadline = patiently();
    for (;;) {
      const std::string place = client.ask(sql);
      if (place != primary) return place;
      if (std::chrono::steady_clock::now() > deadline) return "only on the primary";
    }
  }
  static void on_standbys(const std::string& sql) {
    const json now = cluster_->wait_until_whole();
    for (const json& copy : copies_of(now)) {
      if (copy.value("name", "") == primary_of(now)) continue;
      auto link = link_to(copy);
      must(link.run(sql, patiently()));
    }
  }
  static bool is_standby(const std::string& place) {
    for (const json& copy : copies_of(cluster_->status())) {
      if (port_of(copy) == place) return place != primary_port();
    }
    return false;
  }

  static inline std::unique_ptr<ClientCluster> cluster_;
};

TEST_F(ServerReads, StayOnThePrimaryUnlessAskedFor) {
  PqClient client(conninfo());
  ASSERT_TRUE(client.connected()) << client.message();
  EXPECT_EQ(client.ask("show spar.read"), "strict");
  for (int i = 0; i < 50; ++i) ASSERT_EQ(client.ask("select here()"), primary_port());
}

TEST_F(ServerReads, GoToAStandbyInEachWayThatASessionAsks) {
  for (const char* mode : {"session", "bounded"}) {
    PqClient at_start(conninfo(std::string("-c spar.read=") + mode));
    ASSERT_TRUE(at_start.connected()) << at_start.message();
    EXPECT_EQ(at_start.ask("show spar.read"), mode);
    EXPECT_TRUE(is_standby(read_elsewhere(at_start, "select here()")));

    PqClient set(conninfo());
    EXPECT_EQ(set.ask(std::string("set spar.read = '") + mode + "'"), "SET");
    EXPECT_TRUE(is_standby(read_elsewhere(set, "select here()")));
    EXPECT_EQ(set.ask("reset spar.read"), "RESET");
    EXPECT_EQ(set.ask("select here()"), primary_port());
    EXPECT_EQ(set.ask("show spar.read"), "strict");
  }
}

TEST_F(ServerReads, GoToAStandbyInTheExtendedProtocolAndPrepared) {
  PqClient client(conninfo("-c spar.read=session"));
  const std::string primary = primary_port();
  const auto deadline = patiently();
  std::string place = primary;
  while (place == primary && std::chrono::steady_clock::now() < deadline) {
    place = client.ask("select here() + $1::int", {"0"});
  }
  EXPECT_TRUE(is_standby(place)) << place;
  ASSERT_EQ(PqClient::answer(PQprepare(client.get(), "p", "select here()", 0, nullptr)), "");
  auto run = [&] {
    return PqClient::answer(PQexecPrepared(client.get(), "p", 0, nullptr, nullptr, nullptr, 0));
  };
  for (place = run(); place == primary && std::chrono::steady_clock::now() < deadline;)
    place = run();
  EXPECT_TRUE(is_standby(place)) << place;
  // The same name on the primary, and elsewhere again.
  EXPECT_EQ(client.ask("update counts set n = n where id = 1"), "UPDATE 1");
  EXPECT_EQ(run(), primary);
  for (place = run(); place == primary && std::chrono::steady_clock::now() < deadline;)
    place = run();
  EXPECT_TRUE(is_standby(place)) << place;
}

TEST_F(ServerReads, KeepAReadOnlyTransactionOnOneCopy) {
  PqClient client(conninfo("-c spar.read=session"));
  EXPECT_TRUE(is_standby(read_elsewhere(client, "select here()")));
  for (const char* begin : {"begin read only", "begin isolation level repeatable read read only"}) {
    ASSERT_EQ(client.ask(begin), "BEGIN");
    const std::string place = client.ask("select here()");
    EXPECT_TRUE(is_standby(place)) << place;
    for (int i = 0; i < 10; ++i) EXPECT_EQ(client.ask("select here()"), place);
    EXPECT_EQ(client.ask("commit"), "COMMIT");
  }
  ASSERT_EQ(client.ask("begin"), "BEGIN");
  EXPECT_EQ(client.ask("set transaction isolation level repeatable read, read only"), "SET");
  EXPECT_TRUE(is_standby(client.ask("select here()")));
  EXPECT_EQ(client.ask("commit"), "COMMIT");
  ASSERT_EQ(client.ask("set default_transaction_read_only = on"), "SET");
  EXPECT_TRUE(is_standby(read_elsewhere(client, "select here()")));
  ASSERT_EQ(client.ask("begin"), "BEGIN");
  EXPECT_TRUE(is_standby(client.ask("select here()")));
  EXPECT_EQ(client.ask("commit"), "COMMIT");
  ASSERT_EQ(client.ask("reset default_transaction_read_only"), "RESET");
  // Any other transaction is the primary's.
  ASSERT_EQ(client.ask("begin"), "BEGIN");
  EXPECT_EQ(client.ask("select here()"), primary_port());
  EXPECT_EQ(client.ask("rollback"), "ROLLBACK");
}

// What only the primary can answer takes the transaction there.
TEST_F(ServerReads, MoveATransactionToThePrimaryWhenItMust) {
  PqClient client(conninfo("-c spar.read=session"));
  EXPECT_TRUE(is_standby(read_elsewhere(client, "select here()")));
  ASSERT_EQ(client.ask("begin read only"), "BEGIN");
  EXPECT_EQ(client.ask("select n from counts where id = 7"), "0");
  EXPECT_EQ(client.ask("select pg_is_in_recovery()"), "f");
  EXPECT_EQ(client.ask("select here()"), primary_port());
  EXPECT_EQ(client.ask("select pg_advisory_xact_lock(1)"), "");
  EXPECT_EQ(client.ask("commit"), "COMMIT");
  ASSERT_EQ(client.ask("begin read only"), "BEGIN");
  EXPECT_EQ(client.ask("update counts set n = 1"), "25006");
  EXPECT_EQ(client.ask("rollback"), "ROLLBACK");
  EXPECT_EQ(client.ask("create temp table mine (a int)"), "CREATE TABLE");
  EXPECT_EQ(client.ask("select count(*) from mine"), "0");
}

TEST_F(ServerReads, RefuseValuesThatAreNone) {
  PqClient client(conninfo());
  EXPECT_EQ(client.ask("set spar.read = 'sometimes'"), "22023");
  EXPECT_TRUE(client.message().contains("invalid value for parameter \"spar.read\": \"sometimes\""))
      << client.message();
  EXPECT_TRUE(client.message().contains("strict, session, bounded")) << client.message();
  EXPECT_EQ(client.ask("set spar.max_staleness = 'soon'"), "22023");
  EXPECT_EQ(client.ask("set spar.after = '7'"), "22023");
  EXPECT_EQ(client.ask("set spar.reed = 'session'"), "42704");
  EXPECT_EQ(client.ask("select set_config('spar.read', $1, false)", {"session"}), "session");
  EXPECT_EQ(client.ask("set spar.max_staleness = '2s'"), "SET");
  EXPECT_EQ(client.ask("begin"), "BEGIN");
  EXPECT_EQ(client.ask("set spar.read = 'sometimes'"), "22023");
  EXPECT_EQ(client.ask("select 1"), "25P02");
  EXPECT_EQ(client.ask("rollback"), "ROLLBACK");
  PqClient at_start(conninfo("-c spar.read=sometimes"));
  EXPECT_FALSE(at_start.connected());
}

TEST_F(ServerReads, SeeTheirOwnWrites) {
  PqClient client(conninfo("-c spar.read=session"));
  const std::string primary = primary_port();
  int elsewhere = 0;
  for (int i = 1; i <= 600; ++i) {
    ASSERT_EQ(client.ask("update counts set n = " + std::to_string(i) + " where id = 2"),
              "UPDATE 1");
    if (i % 3 == 0) std::this_thread::sleep_for(milliseconds(i % 30));
    PGresult* raw = PQexec(client.get(), "select n, here() from counts where id = 2");
    ASSERT_EQ(PQresultStatus(raw), PGRES_TUPLES_OK) << client.message();
    ASSERT_EQ(std::string(PQgetvalue(raw, 0, 0)), std::to_string(i)) << PQgetvalue(raw, 0, 1);
    elsewhere += PQgetvalue(raw, 0, 1) != primary;
    PQclear(raw);
  }
  std::cout << "reads on standbys: " << elsewhere << " of 600\n";
  EXPECT_GT(elsewhere, 50);
}

TEST_F(ServerReads, HandOnWhatTheyHaveSeen) {
  PqClient writer(conninfo("-c spar.read=session")), reader(conninfo("-c spar.read=session"));
  const std::string primary = primary_port();
  int elsewhere = 0;
  for (int i = 1; i <= 200; ++i) {
    ASSERT_EQ(writer.ask("update counts set n = " + std::to_string(i) + " where id = 3"),
              "UPDATE 1");
    const std::string position = writer.ask("show spar.position");
    ASSERT_EQ(std::ranges::count(position, '/'), 2) << position;
    ASSERT_EQ(reader.ask("set spar.after = '" + position + "'"), "SET");
    if (i % 2 == 0) std::this_thread::sleep_for(milliseconds(30));
    ASSERT_EQ(reader.ask("select n from counts where id = 3"), std::to_string(i));
    elsewhere += reader.ask("select here()") != primary;
  }
  std::cout << "reads on standbys: " << elsewhere << " of 200\n";
  EXPECT_GT(elsewhere, 20);
}

TEST_F(ServerReads, LeaveCopiesThatLag) {
  PqClient session(conninfo("-c spar.read=session"));
  PqClient bounded(conninfo("-c spar.read=bounded -c spar.max_staleness=700ms"));
  EXPECT_TRUE(is_standby(read_elsewhere(session, "select here()")));
  EXPECT_TRUE(is_standby(read_elsewhere(bounded, "select here()")));
  on_standbys("select pg_wal_replay_pause()");
  for (int i = 1; i <= 50; ++i) {
    ASSERT_EQ(session.ask("update counts set n = " + std::to_string(i) + " where id = 4"),
              "UPDATE 1");
    if (i % 10 == 0) std::this_thread::sleep_for(milliseconds(50));
    ASSERT_EQ(session.ask("select n from counts where id = 4"), std::to_string(i));
  }
  EXPECT_EQ(session.ask("select here()"), primary_port());
  std::this_thread::sleep_for(milliseconds(800));
  EXPECT_EQ(bounded.ask("select n from counts where id = 4"), "50");
  EXPECT_EQ(bounded.ask("select here()"), primary_port());
  on_standbys("select pg_wal_replay_resume()");
  EXPECT_TRUE(is_standby(read_elsewhere(session, "select here()")));
  EXPECT_TRUE(is_standby(read_elsewhere(bounded, "select here()")));
  EXPECT_EQ(session.ask("select n from counts where id = 4"), "50");
}

// The copy ends a read that is in the way of what it has to apply; the primary answers it.
TEST_F(ServerReads, SurviveAConflictWithWhatACopyApplies) {
  on_standbys("alter system set max_standby_streaming_delay = '50ms'");
  on_standbys("select pg_reload_conf()");
  PqClient owner(conninfo());
  must_run(owner,
           "create function slow() returns int language plpgsql stable as "
           "'begin perform pg_sleep(2); return inet_server_port(); end'");
  must_run(owner, "create table locked (n int); insert into locked values (7)");
  PqClient reader(conninfo("-c spar.read=session"));
  EXPECT_TRUE(is_standby(read_elsewhere(reader, "select here() from locked")));
  ASSERT_EQ(PQsendQuery(reader.get(), "select n, slow() from locked"), 1);
  std::this_thread::sleep_for(milliseconds(300));
  must_run(owner, "alter table locked add column more int");
  PGresult* raw = PQgetResult(reader.get());
  EXPECT_EQ(PQresultStatus(raw), PGRES_TUPLES_OK) << reader.message();
  EXPECT_EQ(std::string(PQgetvalue(raw, 0, 0)), "7");
  EXPECT_EQ(std::string(PQgetvalue(raw, 0, 1)), primary_port());
  PQclear(raw);
  PQclear(PQgetResult(reader.get()));
  on_standbys("alter system reset max_standby_streaming_delay");
  on_standbys("select pg_reload_conf()");
}

// A reader whose counter only grows must never see it shrink, whichever copies it reads.
class Watcher {
 public:
  Watcher(const std::string& conninfo, int id, const std::string& primary)
      : thread_([=, this](const std::stop_token& stop) {
          PqClient client(conninfo);
          const std::string sql = "select n, here() from counts where id = " + std::to_string(id);
          while (!stop.stop_requested()) {
            PGresult* raw = PQexec(client.get(), sql.c_str());
            if (PQresultStatus(raw) != PGRES_TUPLES_OK) {
              ++errors;
              error = client.message();
              PQclear(raw);
              return;
            }
            const long long n = std::atoll(PQgetvalue(raw, 0, 0));
            back += n < last_;
            last_ = n;
            ++reads;
            elsewhere += PQgetvalue(raw, 0, 1) != primary;
            PQclear(raw);
          }
        }) {}
  std::atomic<int> reads{0}, elsewhere{0}, back{0}, errors{0};
  std::string error;

 private:
  long long last_ = 0;
  std::jthread thread_;
};

class Writer {
 public:
  Writer(const std::string& conninfo, int id)
      : thread_([=, this](const std::stop_token& stop) {
          PqClient client(conninfo);
          while (!stop.stop_requested()) {
            const std::string answer =
                client.ask("update counts set n = n + 1 where id = " + std::to_string(id));
            if (answer != "UPDATE 1") ++errors;
            ++writes;
            std::this_thread::sleep_for(milliseconds(1));
          }
        }) {}
  std::atomic<int> writes{0}, errors{0};

 private:
  std::jthread thread_;
};

class ReadsUnderLoad : public ServerReads {
 protected:
  void begin(const std::string& options, int id) {
    writer_ = std::make_unique<Writer>(conninfo(), id);
    for (int i = 0; i < 4; ++i) {
      watchers_.push_back(std::make_unique<Watcher>(conninfo(options), id, primary_port()));
    }
    go_on();
  }
  void go_on(int reads = 300) {
    const auto deadline = patiently();
    for (auto& watcher : watchers_) {
      const int wanted = watcher->reads + reads;
      while (watcher->reads < wanted && watcher->errors == 0) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "a reader waits for ever";
        std::this_thread::sleep_for(milliseconds(5));
      }
    }
  }
  void end() {
    int reads = 0, elsewhere = 0;
    for (auto& watcher : watchers_) {
      EXPECT_EQ(watcher->errors, 0) << watcher->error;
      EXPECT_EQ(watcher->back, 0);
      reads += watcher->reads;
      elsewhere += watcher->elsewhere;
    }
    EXPECT_EQ(writer_->errors, 0);
    std::cout << "reads on standbys: " << elsewhere << " of " << reads << ", beside "
              << writer_->writes << " writes\n";
    EXPECT_GT(elsewhere, reads / 4);
    watchers_.clear();
    writer_.reset();
  }
  static json some_standby() {
    const json now = cluster_->wait_until_whole();
    for (const json& copy : copies_of(now)) {
      if (copy.value("name", "") != primary_of(now)) return copy;
    }
    return {};
  }

  std::unique_ptr<Writer> writer_;
  std::vector<std::unique_ptr<Watcher>> watchers_;
};

TEST_F(ReadsUnderLoad, NoticeNothingOfAStandbyThatIsKilled) {
  begin("-c spar.read=session", 10);
  for (int i = 0; i < 3; ++i) {
    ::kill(some_standby().value("pid", 0), SIGKILL);
    go_on();
    cluster_->wait_until_whole();
    go_on(50);
  }
  end();
}

TEST_F(ReadsUnderLoad, NoticeNothingOfAStandbyThatFreezes) {
  begin("-c spar.read=bounded", 11);
  const json standby = some_standby();
  const auto processes = agent::working_in(
      cluster_->directory() + "/copies/" + standby.value("name", "") + "/data", "postgres");
  ASSERT_FALSE(processes.empty());
  for (const pid_t one : processes) ::kill(one, SIGSTOP);
  go_on();
  for (const pid_t one : processes) ::kill(one, SIGCONT);
  cluster_->wait_until_whole();
  // Bounded reads may go back, within the bound.
  for (auto& watcher : watchers_) watcher->back = 0;
  end();
}

TEST_F(ReadsUnderLoad, NeverGoBackThroughAFailover) {
  begin("-c spar.read=session", 12);
  for (int i = 0; i < 2; ++i) {
    const json now = cluster_->wait_until_whole();
    ::kill(copy_of(now, primary_of(now)).value("pid", 0), SIGKILL);
    (void)must(wait_until(
        cluster_->node(), "a new primary", ClientCluster::kPatience, [&](const json& after) {
          return !primary_of(after).empty() && primary_of(after) != primary_of(now);
        }));
    go_on();
    cluster_->wait_until_whole();
    go_on();
  }
  end();
}

}  // namespace
}  // namespace spar::test
