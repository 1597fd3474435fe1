// The relay in front of a real PostgreSQL server, with the clients that people use.
#include "tests/support/relay.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/support/certificate.h"
#include "tests/support/cutting_proxy.h"
#include "tests/support/raw_client.h"
#include "tests/support/subprocess.h"
#include "tests/unit/gateway/libpq_client.h"

namespace spar::test {
namespace {

using gateway::relay::Placing;
using gateway::relay::RelayLimits;
using gateway::test::PqClient;

constexpr const char* kSources = SPAR_SOURCE_DIR "/tests/integration";
constexpr int kSkipped = 77;

RelayLimits with_pool(std::size_t connections) {
  RelayLimits limits;
  limits.pool.connections_max = connections;
  return limits;
}

class RelayTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = PostgresServer::start();
    if (started) {
      postgres_ = std::move(*started).release();
    } else {
      trouble_ = started.error().message;
    }
  }
  static void TearDownTestSuite() {
    delete postgres_;
    postgres_ = nullptr;
  }
  void SetUp() override {
    if (postgres_ == nullptr) GTEST_SKIP() << trouble_;
  }

  static Placing server() {
    const app::SqlAddress address = postgres_->address("postgres");
    return {.address = {.host = address.host,
                        .port = static_cast<std::uint16_t>(std::stoi(address.port))}};
  }
  static std::string direct() {
    const app::SqlAddress address = postgres_->address("postgres");
    return "host=" + address.host + " port=" + address.port +
           " dbname=postgres user=demo sslmode=disable";
  }
  static RelayOptions options(std::size_t pool = 3) {
    return {.limits = with_pool(pool), .server = server()};
  }
  static void make_watched_table(PqClient& client) {
    client.ask("DROP TABLE IF EXISTS watched");
    client.ask("CREATE TABLE watched (a int)");
  }
  // Asks until the answer is `wanted`: others need a moment.
  static std::string eventually(const PqClient& client, const std::string& sql,
                                const std::string& wanted) {
    std::string answer;
    for (int i = 0; i < 500 && (answer = client.ask(sql)) != wanted; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return answer;
  }
  static Ran pgbench(const Relay& relay, std::vector<std::string> words) {
    std::vector<std::string> command = {"pgbench",    "-h", "127.0.0.1", "-p",
                                        relay.port(), "-U", "demo"};
    command.insert(command.end(), words.begin(), words.end());
    command.push_back("postgres");
    return run_program(command);
  }

  static PostgresServer* postgres_;
  static std::string trouble_;
};

PostgresServer* RelayTest::postgres_ = nullptr;
std::string RelayTest::trouble_;

TEST_F(RelayTest, Psql) {
  if (find_program("psql").empty()) GTEST_SKIP() << "psql is not installed";
  Relay relay(options());
  Ran ran = run_program({"psql", "-X", "-At", relay.conninfo(), "-c", "SELECT 40 + 2", "-c",
                         "SHOW application_name", "-c", "SELEC", "-c", "\\d"});
  EXPECT_NE(ran.output.find("42\npsql\n"), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("syntax error"), std::string::npos) << ran.output;
}

TEST_F(RelayTest, PgbenchWithFewerConnectionsThanClients) {
  if (find_program("pgbench").empty()) GTEST_SKIP() << "pgbench is not installed";
  Relay relay(options(3));
  Ran made = pgbench(relay, {"-i", "-s", "1"});
  ASSERT_EQ(made.exit_code, 0) << made.output;
  for (const char* mode : {"simple", "extended", "prepared"}) {
    // A thread a client: pgbench prepares with calls that block all clients of a thread.
    Ran writing = pgbench(relay, {"-n", "-M", mode, "-c", "8", "-j", "8", "-t", "25"});
    EXPECT_EQ(writing.exit_code, 0) << mode << ": " << writing.output;
    EXPECT_NE(writing.output.find("processed: 200/200"), std::string::npos) << writing.output;
    Ran reading = pgbench(relay, {"-n", "-S", "-M", mode, "-c", "8", "-j", "8", "-t", "250"});
    EXPECT_EQ(reading.exit_code, 0) << mode << ": " << reading.output;
    EXPECT_NE(reading.output.find("processed: 2000/2000"), std::string::npos) << reading.output;
  }
  PqClient client(direct());
  EXPECT_EQ(client.ask("SELECT (SELECT sum(abalance) FROM pgbench_accounts) ="
                       " (SELECT sum(delta) FROM pgbench_history)"),
            "t");
  EXPECT_LE(std::stoi(client.ask("SELECT count(*) FROM pg_stat_activity WHERE datname ="
                                 " 'postgres' AND pid <> pg_backend_pid()")),
            3);
}

TEST_F(RelayTest, Psycopg2) {
  const std::string system = find_program("/usr/bin/python3");
  const std::string python = system.empty() ? find_program("python3") : system;
  if (python.empty()) GTEST_SKIP() << "python3 is not installed";
  Relay relay(options());
  PqClient admin(direct());
  admin.ask("CREATE ROLE python LOGIN SUPERUSER");  // as whom the script connects
  Ran ran = run_program({python, std::string(kSources) + "/python/psycopg2_client.py", "127.0.0.1",
                         relay.port(), "postgres"});
  if (ran.exit_code == kSkipped) GTEST_SKIP() << ran.output;
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
}

// Makes the connection that `client` used last somebody else's for a while.
class Elsewhere {
 public:
  explicit Elsewhere(const Relay& relay) : other_(relay.conninfo()) {
    other_.ask("BEGIN");
    pid_ = other_.ask("SELECT pg_backend_pid()");
  }
  const std::string& pid() const { return pid_; }

 private:
  PqClient other_;
  std::string pid_;
};

TEST_F(RelayTest, PreparedStatementsFollowTheSession) {
  Relay relay(options(2));
  PqClient client(relay.conninfo());
  PGresult* made = PQprepare(client.get(), "where", "SELECT pg_backend_pid() + $1", 0, nullptr);
  EXPECT_EQ(PQresultStatus(made), PGRES_COMMAND_OK) << client.message();
  PQclear(made);
  auto run = [&] {
    const char* zero = "0";
    return PqClient::answer(PQexecPrepared(client.get(), "where", 1, &zero, nullptr, nullptr, 0));
  };
  const std::string first = run();
  Elsewhere held(relay);
  EXPECT_EQ(held.pid(), first);
  const std::string second = run();
  EXPECT_NE(second, first);
  EXPECT_NE(second, "26000");
  PGresult* described = PQdescribePrepared(client.get(), "where");
  EXPECT_EQ(PQnparams(described), 1);
  PQclear(described);
  EXPECT_EQ(client.ask("DEALLOCATE \"where\""), "DEALLOCATE");
  EXPECT_EQ(run(), "26000");
}

TEST_F(RelayTest, SchemaChangesBelowASharedStatement) {
  Relay relay(options(1));
  PqClient client(relay.conninfo());
  client.ask("DROP TABLE IF EXISTS shared");
  client.ask("CREATE TABLE shared (a int)");
  client.ask("INSERT INTO shared VALUES (1)");
  auto prepare = [&](const char* name) {
    PQclear(PQprepare(client.get(), name, "SELECT * FROM shared", 0, nullptr));
  };
  auto run = [&](const char* name) {
    return PqClient::answer(PQexecPrepared(client.get(), name, 0, nullptr, nullptr, nullptr, 0));
  };
  prepare("before");
  EXPECT_EQ(run("before"), "1");
  client.ask("ALTER TABLE shared ADD COLUMN b int");
  EXPECT_EQ(run("before"), "0A000");  // as PostgreSQL says it
  prepare("after");
  EXPECT_EQ(run("after"), "1");
}

TEST_F(RelayTest, SettingsFollowTheSession) {
  Relay relay(options(2));
  PqClient client(relay.conninfo("application_name=mine options='-c statement_timeout=54321'"));
  EXPECT_EQ(client.ask("SHOW application_name"), "mine");
  client.ask("SET search_path = pg_catalog, \"Odd name\"");
  client.ask("SET TIME ZONE 'Asia/Tokyo'");
  EXPECT_STREQ(PQparameterStatus(client.get(), "TimeZone"), "Asia/Tokyo");
  const std::string first = client.ask("SELECT pg_backend_pid()");
  Elsewhere held(relay);
  EXPECT_EQ(held.pid(), first);
  EXPECT_NE(client.ask("SELECT pg_backend_pid()"), first);
  EXPECT_EQ(client.ask("SHOW search_path"), "pg_catalog, \"Odd name\"");
  EXPECT_EQ(client.ask("SHOW TimeZone"), "Asia/Tokyo");
  EXPECT_EQ(client.ask("SHOW statement_timeout"), "54321ms");
  EXPECT_EQ(client.ask("SHOW application_name"), "mine");

  client.ask("BEGIN");
  client.ask("SET search_path = nowhere");
  client.ask("ROLLBACK");
  EXPECT_EQ(client.ask("SHOW search_path"), "pg_catalog, \"Odd name\"");
  EXPECT_EQ(client.ask("RESET ALL"), "RESET");
  EXPECT_EQ(client.ask("SHOW application_name"), "mine");
  EXPECT_EQ(client.ask("SHOW search_path"), "\"$user\", public");
}

TEST_F(RelayTest, SettingsStayWithTheirSession) {
  Relay relay(options(1));
  PqClient one(relay.conninfo()), two(relay.conninfo("application_name=two"));
  one.ask("SET search_path = pg_catalog");
  one.ask("SET work_mem = '7MB'");
  EXPECT_EQ(two.ask("SHOW search_path"), "\"$user\", public");
  EXPECT_EQ(two.ask("SHOW work_mem"), "4MB");
  EXPECT_EQ(one.ask("SHOW work_mem"), "7MB");
  EXPECT_EQ(one.ask("SHOW application_name"), "");
  EXPECT_EQ(two.ask("SHOW application_name"), "two");
}

TEST_F(RelayTest, ASettingThatCannotBeEndsTheSession) {
  Relay relay(options(1));
  PqClient client(relay.conninfo("options='-c nonsense=1'"));
  ASSERT_EQ(PQsendQuery(client.get(), "SELECT 1"), 1);
  EXPECT_EQ(PqClient::answer(PQgetResult(client.get())), "42704");
  PqClient other(relay.conninfo());
  EXPECT_EQ(other.ask("SELECT 1"), "1");
}

TEST_F(RelayTest, TemporaryTablesHoldTheirConnection) {
  Relay relay(options(2));
  PqClient client(relay.conninfo());
  EXPECT_EQ(client.ask("CREATE TEMP TABLE mine (a int)"), "CREATE TABLE");
  const std::string pid = client.ask("SELECT pg_backend_pid()");
  PqClient others[] = {PqClient(relay.conninfo()), PqClient(relay.conninfo())};
  for (int i = 0; i < 5; ++i) {
    for (const PqClient& other : others) {
      EXPECT_NE(other.ask("SELECT pg_backend_pid()"), pid);
      EXPECT_EQ(other.ask("SELECT * FROM mine"), "42P01");
    }
    EXPECT_EQ(client.ask("INSERT INTO mine VALUES (1)"), "INSERT 0 1");
  }
  EXPECT_EQ(client.ask("SELECT count(*) FROM mine"), "5");
  client.ask("DISCARD ALL");
  EXPECT_EQ(client.ask("SELECT * FROM mine"), "42P01");
}

TEST_F(RelayTest, WhatAHeldSessionLeftIsGone) {
  Relay relay(options(1));
  {
    PqClient client(relay.conninfo());
    client.ask("CREATE TEMP TABLE left_behind (a int)");
    client.ask("SET work_mem = '7MB'");
    EXPECT_EQ(client.ask("SELECT pg_advisory_lock(42)"), "");
    client.ask("LISTEN gone");
  }
  PqClient next(relay.conninfo());
  EXPECT_EQ(next.ask("SELECT * FROM left_behind"), "42P01");
  EXPECT_EQ(next.ask("SHOW work_mem"), "4MB");
  EXPECT_EQ(next.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), "0");
  EXPECT_EQ(next.ask("SELECT count(*) FROM pg_listening_channels()"), "0");
}

TEST_F(RelayTest, NotificationsReachWhoListens) {
  Relay relay(options(2));
  PqClient listening(relay.conninfo()), speaking(relay.conninfo());
  EXPECT_EQ(listening.ask("LISTEN news"), "LISTEN");
  EXPECT_EQ(speaking.ask("NOTIFY news, 'hello'"), "NOTIFY");
  PGnotify* news = nullptr;
  for (int i = 0; i < 500 && news == nullptr; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    PQconsumeInput(listening.get());
    news = PQnotifies(listening.get());
  }
  ASSERT_NE(news, nullptr);
  EXPECT_STREQ(news->extra, "hello");
  PQfreemem(news);
}

TEST_F(RelayTest, CopyBothWays) {
  Relay relay(options(1));
  PqClient client(relay.conninfo());
  client.ask("DROP TABLE IF EXISTS copied");
  client.ask("CREATE TABLE copied (a int, b text)");
  EXPECT_EQ(client.ask("COPY copied FROM STDIN"), "copy in");
  const std::string tail(1000, 'x');
  for (int i = 0; i < 20'000; ++i) {
    const std::string line = std::to_string(i) + "\t" + tail + "\n";
    ASSERT_EQ(PQputCopyData(client.get(), line.data(), static_cast<int>(line.size())), 1);
  }
  ASSERT_EQ(PQputCopyEnd(client.get(), nullptr), 1);
  EXPECT_EQ(PqClient::answer(PQgetResult(client.get())), "COPY 20000");
  EXPECT_EQ(PQgetResult(client.get()), nullptr);
  EXPECT_EQ(client.ask("SELECT count(*) FROM copied WHERE length(b) = 1000"), "20000");

  EXPECT_EQ(client.ask("COPY copied TO STDOUT"), "copy out");
  std::size_t bytes = 0;
  char* line = nullptr;
  for (int size = 0; (size = PQgetCopyData(client.get(), &line, 0)) > 0; PQfreemem(line)) {
    bytes += static_cast<std::size_t>(size);
  }
  EXPECT_EQ(PqClient::answer(PQgetResult(client.get())), "COPY 20000");
  EXPECT_EQ(PQgetResult(client.get()), nullptr);
  EXPECT_EQ(bytes, 20'000 * 1002 + 10 + 90 * 2 + 900 * 3 + 9'000 * 4 + 10'000 * 5);

  EXPECT_EQ(client.ask("COPY copied FROM STDIN"), "copy in");
  ASSERT_EQ(PQputCopyEnd(client.get(), "changed my mind"), 1);
  EXPECT_EQ(PqClient::answer(PQgetResult(client.get())), "57014");
  EXPECT_EQ(PQgetResult(client.get()), nullptr);
  EXPECT_EQ(client.ask("SELECT 1"), "1");
}

TEST_F(RelayTest, ASlowReaderHoldsTheServerBackAndNobodyElse) {
  Relay relay(options(2));
  PqClient slow(relay.conninfo()), quick(relay.conninfo());
  ASSERT_EQ(PQsendQuery(slow.get(), "SELECT repeat('x', 1000) FROM generate_series(1, 200000)"), 1);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(quick.ask("SELECT 1"), "1");
  PGresult* rows = PQgetResult(slow.get());
  EXPECT_EQ(PQntuples(rows), 200'000);
  PQclear(rows);
  EXPECT_EQ(PQgetResult(slow.get()), nullptr);
}

TEST_F(RelayTest, CancelsTheStatementOfTheSessionAlone) {
  Relay relay(options(2));
  PqClient client(relay.conninfo()), other(relay.conninfo());
  std::unique_ptr<PGcancel, void (*)(PGcancel*)> cancel(PQgetCancel(client.get()), PQfreeCancel);
  char why[256];
  EXPECT_EQ(client.ask("SELECT 1"), "1");
  // Idle: whoever has the connection now is not disturbed.
  ASSERT_EQ(PQsendQuery(other.get(), "SELECT pg_sleep(0.5)"), 1);
  EXPECT_EQ(PQcancel(cancel.get(), why, sizeof why), 1) << why;
  EXPECT_EQ(PqClient::answer(PQgetResult(other.get())), "");
  while (PGresult* more = PQgetResult(other.get())) PQclear(more);

  const auto begun = std::chrono::steady_clock::now();
  ASSERT_EQ(PQsendQuery(client.get(), "SELECT pg_sleep(20)"), 1);
  PqClient watching(direct());
  EXPECT_EQ(eventually(watching,
                       "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND"
                       " query = 'SELECT pg_sleep(20)'",
                       "1"),
            "1");
  EXPECT_EQ(PQcancel(cancel.get(), why, sizeof why), 1) << why;
  EXPECT_EQ(PqClient::answer(PQgetResult(client.get())), "57014");
  while (PGresult* more = PQgetResult(client.get())) PQclear(more);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
  EXPECT_EQ(client.ask("SELECT 1"), "1");
}

TEST_F(RelayTest, AClientThatVanishesInATransactionLeavesNothing) {
  Relay relay(options(1));
  PqClient watching(direct());
  make_watched_table(watching);
  {
    RawClient client({"127.0.0.1", relay.port(), "postgres"});
    client.send(RawClient::start_up("demo", "postgres"));
    client.send(RawClient::message('Q', std::string("BEGIN; INSERT INTO watched VALUES (1); "
                                                    "LOCK TABLE watched") +
                                            '\0'));
    EXPECT_EQ(eventually(watching,
                         "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND"
                         " relation = 'watched'::regclass",
                         "1"),
              "1");
  }
  EXPECT_EQ(eventually(watching,
                       "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND"
                       " relation = 'watched'::regclass",
                       "0"),
            "0");
  EXPECT_EQ(watching.ask("SELECT count(*) FROM watched"), "0");
  PqClient next(relay.conninfo());
  EXPECT_EQ(next.ask("SELECT 1"), "1");
}

TEST_F(RelayTest, AnUnfinishedBatchIsNotCommittedForAClientThatVanished) {
  Relay relay(options(1));
  PqClient watching(direct());
  make_watched_table(watching);
  {
    RawClient client({"127.0.0.1", relay.port(), "postgres"});
    client.send(RawClient::start_up("demo", "postgres"));
    client.send(RawClient::message('P', std::string("\0INSERT INTO watched VALUES (1)\0\0\0", 34)) +
                RawClient::message('B', std::string(8, '\0')) +
                RawClient::message('E', std::string(5, '\0')) + RawClient::message('H', ""));
    EXPECT_EQ(eventually(watching,
                         "SELECT count(*) FROM pg_locks WHERE mode = 'RowExclusiveLock' AND"
                         " relation = 'watched'::regclass",
                         "1"),
              "1");
  }
  EXPECT_EQ(eventually(watching,
                       "SELECT count(*) FROM pg_locks WHERE relation = 'watched'::regclass AND"
                       " pid <> pg_backend_pid()",
                       "0"),
            "0");
  EXPECT_EQ(watching.ask("SELECT count(*) FROM watched"), "0");
}

TEST_F(RelayTest, IdleSessionsDoNotNoticeALostConnection) {
  Relay relay(options(1));
  PqClient client(relay.conninfo());
  const std::string pid = client.ask("SELECT pg_backend_pid()");
  PqClient admin(direct());
  EXPECT_EQ(admin.ask("SELECT pg_terminate_backend(" + pid + ", 5000)"), "t");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_NE(client.ask("SELECT pg_backend_pid()"), pid);
  EXPECT_EQ(client.ask("SELECT 1"), "1");
}

TEST_F(RelayTest, ATransactionThatTheNextConnectionAnswersOtherwiseFails) {
  CuttingProxy proxy(server().address.port, [] { return CuttingProxy::Fate::pass; });
  RelayOptions through = options(1);
  through.server->address.port = proxy.port();
  Relay relay(through);
  PqClient client(relay.conninfo());
  client.ask("BEGIN");
  client.ask("SELECT pg_backend_pid()");
  proxy.cut_one(0);
  EXPECT_EQ(client.ask("SELECT 1"), "40001");
  EXPECT_EQ(client.ask("SELECT 1"), "25P02");
  EXPECT_EQ(client.ask("ROLLBACK"), "ROLLBACK");
  EXPECT_EQ(client.ask("SELECT 1"), "1");
}

// What somebody ends on a server that goes on is not run again.
TEST_F(RelayTest, AStatementThatIsEndedByCommandStaysEnded) {
  Relay relay(options(2));
  PqClient client(relay.conninfo()), other(relay.conninfo());
  const std::string pid = client.ask("SELECT pg_backend_pid()");
  ASSERT_EQ(PQsendQuery(client.get(), "SELECT pg_sleep(600)"), 1);
  PqClient admin(direct());
  EXPECT_EQ(eventually(admin,
                       "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND"
                       " pid = " +
                           pid,
                       "1"),
            "1");
  EXPECT_EQ(other.ask("SELECT 1"), "1");
  EXPECT_EQ(admin.ask("SELECT pg_terminate_backend(" + pid + ", 5000)"), "t");
  EXPECT_EQ(PqClient::answer(PQgetResult(client.get())), "57P01") << client.message();
  EXPECT_EQ(other.ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"), "0");
}

TEST_F(RelayTest, AHeldSessionIsToldWhenItsConnectionIsLost) {
  Relay relay(options(1));
  PqClient client(relay.conninfo());
  client.ask("LISTEN a");
  const std::string pid = client.ask("SELECT pg_backend_pid()");
  PqClient admin(direct());
  EXPECT_EQ(admin.ask("SELECT pg_terminate_backend(" + pid + ", 5000)"), "t");
  const std::string answer = client.ask("SELECT 1");
  EXPECT_TRUE(answer == "08006" || answer == "lost") << answer;
  EXPECT_EQ(PQstatus(client.get()), CONNECTION_BAD);
  PqClient next(relay.conninfo());
  EXPECT_EQ(next.ask("SELECT 1"), "1");
}

TEST_F(RelayTest, HoldsSessionsWhileThereIsNoServer) {
  RelayOptions held = options(2);
  held.server.reset();
  Relay relay(held);
  std::thread comes_back([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    relay.route_to(server());
  });
  PqClient client(relay.conninfo());  // waits for its welcome
  EXPECT_TRUE(client.connected()) << client.message();
  comes_back.join();
  EXPECT_EQ(client.ask("SELECT 1"), "1");

  relay.route_to(std::nullopt);
  ASSERT_EQ(PQsendQuery(client.get(), "SELECT 2"), 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  PQconsumeInput(client.get());
  EXPECT_EQ(PQisBusy(client.get()), 1);
  relay.route_to(server());
  EXPECT_EQ(PqClient::answer(PQgetResult(client.get())), "2");
}

TEST_F(RelayTest, GivesUpAfterTheWaitItWasGiven) {
  RelayOptions nowhere = options(1);
  nowhere.server->address.port = 1;
  nowhere.limits.pool.wait_max = std::chrono::milliseconds(300);
  Relay relay(nowhere);
  PqClient client(relay.conninfo());
  EXPECT_FALSE(client.connected());
  EXPECT_NE(client.message().find("no server could be reached"), std::string::npos)
      << client.message();
}

TEST_F(RelayTest, SaysWhatTheServerSaysAboutADatabaseThatIsNotThere) {
  Relay relay(options(1));
  PqClient client(relay.conninfo("dbname=nonesuch"));
  EXPECT_FALSE(client.connected());
  EXPECT_NE(client.message().find("database \"nonesuch\" does not exist"), std::string::npos)
      << client.message();
}

// Users whom the server itself asks for a SCRAM proof.
class RelayScramTest : public RelayTest {
 protected:
  void SetUp() override {
    RelayTest::SetUp();
    if (IsSkipped()) return;
    PqClient admin(direct());
    admin.ask("DROP ROLE IF EXISTS app");
    admin.ask("CREATE ROLE app LOGIN PASSWORD 'right'");
    secret_ = admin.ask("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'");
    ask_for_proof(admin, "scram-sha-256");
    ASSERT_FALSE(PqClient(direct() + " user=app").connected());
    ASSERT_TRUE(PqClient(direct() + " user=app password=right").connected());
  }
  void TearDown() override {
    if (postgres_ == nullptr) return;
    PqClient admin(direct());
    ask_for_proof(admin, "trust");
  }
  static void ask_for_proof(const PqClient& admin, const std::string& method) {
    const std::string file = admin.ask("SHOW hba_file");
    admin.ask("COPY (SELECT unnest(ARRAY['host all app 127.0.0.1/32 " + method +
              "', 'host all all 127.0.0.1/32 trust'])) TO '" + file + "'");
    admin.ask("SELECT pg_reload_conf()");
    for (int i = 0; i < 500 && PqClient(direct() + " user=app").connected() != (method == "trust");
         ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  std::string secret_;
};

TEST_F(RelayScramTest, LogsInToTheServerByTheKeysOfTheClientsLogin) {
  RelayOptions secured = options(2);
  secured.secrets = {{"app", secret_}};
  Relay relay(secured);
  PqClient client(relay.conninfo("user=app password=right"));
  ASSERT_TRUE(client.connected()) << client.message();
  EXPECT_EQ(client.ask("SELECT current_user || ' ' || session_user"), "app app");
}

TEST_F(RelayScramTest, RefusesAWrongPassword) {
  RelayOptions secured = options(2);
  secured.secrets = {{"app", secret_}};
  Relay relay(secured);
  for (const char* who : {"user=app password=wrong", "user=stranger password=right", "user=app"}) {
    EXPECT_FALSE(PqClient(relay.conninfo(who)).connected()) << who;
  }
  EXPECT_EQ(relay.loop().connections(), 0u);
}

TEST_F(RelayScramTest, SaysSoWhenTheServerHoldsAnotherSecret) {
  RelayOptions secured = options(2);
  secured.secrets = {{"app", to_string(gateway::auth::make_secret("right", "0123456789abcdef"))}};
  Relay relay(secured);
  PqClient client(relay.conninfo("user=app password=right"));
  EXPECT_FALSE(client.connected());
  EXPECT_NE(client.message().find("another SCRAM secret"), std::string::npos) << client.message();
}

TEST_F(RelayScramTest, EncryptsClients) {
  Certificate certificate;
  auto context =
      gateway::TlsContext::load(certificate.certificate_file(), certificate.key_file()).value();
  RelayOptions secured = options(2);
  secured.secrets = {{"app", secret_}};
  secured.tls = context.get();
  Relay relay(secured);
  // By channel binding: the digest of the certificate is part of the proof.
  PqClient client(
      relay.conninfo("user=app password=right sslmode=require channel_binding=require"));
  ASSERT_TRUE(client.connected()) << client.message();
  EXPECT_EQ(PQsslInUse(client.get()), 1);
  EXPECT_EQ(client.ask("SELECT current_user"), "app");
  EXPECT_EQ(client.ask("SELECT length(repeat('x', 3000000))"), "3000000");
  EXPECT_EQ(client.ask("SELECT repeat('x', 3000000)").size(), 3'000'000u);
  EXPECT_EQ(client.ask("SELECT length($1)", {std::string(3'000'000, 'y')}), "3000000");
}

}  // namespace
}  // namespace spar::test
