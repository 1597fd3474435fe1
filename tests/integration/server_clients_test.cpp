// Clients as people use them, unmodified, over three PostgreSQL servers: psql, pgbench, and the
// drivers of Python, Java, Perl and JavaScript.
#include <gtest/gtest.h>

#include "tests/support/client_cluster.h"

namespace spar::test {
namespace {

const std::string kSources = SPAR_SOURCE_DIR "/tests/integration";
constexpr const char* kPython = "/usr/bin/python3";  // the one that has Debian's libraries
constexpr const char* kDriver = "/usr/share/java/postgresql.jar";
constexpr int kSkipped = 77;  // what the scripts say when their library is missing

// One cluster for all tests, a database each.
class ServerClients : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!ServerDirectory::can_run()) return;
    cluster_ = std::make_unique<ClientCluster>();
    for (const char* role : {"demo", "python", "java", "perl", "node"}) {
      cluster_->run_directly("create role " + std::string(role) + " login");
    }
  }
  static void TearDownTestSuite() { cluster_.reset(); }

  void SetUp() override {
    if (!cluster_) GTEST_SKIP() << kNoPostgres;
    database_ = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::ranges::transform(database_, database_.begin(), ::tolower);
    cluster_->make_database(database_);
    address_ = cluster_->through(database_);
  }
  void TearDown() override {
    if (cluster_ && !IsSkipped()) cluster_->expect_equal_copies(database_);
  }

  // A program of ours that gets HOST PORT DATABASE.
  void expect_holds(std::vector<std::string> command,
                    const std::vector<std::string>& environment = {}) {
    if (find_program(command[0]).empty()) GTEST_SKIP() << command[0] << " is not installed";
    for (const std::string& part : {address_.host, address_.port, database_}) {
      command.push_back(part);
    }
    const Ran ran = run_program(command, environment);
    if (ran.exit_code == kSkipped) GTEST_SKIP() << ran.output;
    EXPECT_EQ(ran.exit_code, 0) << ran.output;
  }

  Ran pgbench(const std::vector<std::string>& options) {
    app::SqlAddress as_demo = address_;
    as_demo.user = "demo";
    return ClientCluster::client("pgbench", as_demo, "-n", options);
  }

  static inline std::unique_ptr<ClientCluster> cluster_;
  std::string database_;
  app::SqlAddress address_;
};

TEST_F(ServerClients, PsqlInASession) {
  const std::string found = cluster_->difference_in("session", kSources + "/psql_session.sql");
  EXPECT_TRUE(found.empty()) << found;
}

// The function call message of the protocol, in a transaction.
TEST_F(ServerClients, PsqlUnlinksALargeObject) {
  const Ran ran =
      ClientCluster::psql(address_, {"-c", "select lo_create(42)", "-c", "\\lo_unlink 42"});
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
}

// From the client, by COPY with FREEZE.
TEST_F(ServerClients, PgbenchMakesItsTables) {
  if (find_program("pgbench").empty()) GTEST_SKIP() << "pgbench is not installed";
  const Ran made = pgbench({"-i", "-s", "1"});
  EXPECT_EQ(made.exit_code, 0) << made.output;
}

// The server refuses the data while they are on their way: what follows must not be taken for them.
TEST_F(ServerClients, ACopyIsRefusedWhileItsDataCome) {
  constexpr int kTries = 20;
  const std::string script = cluster_->directory() + "/refused.sql";
  std::ofstream(script)
      << "create or replace view v as select 1 as n;\ncopy v from stdin;\n1\n2\n\\.\n"
         "copy (select 7) to stdout;\nselect 8;\n";
  for (int i = 0; i < kTries; ++i) {
    const Ran ran = ClientCluster::psql(address_, {"-q", "-At", "-f", script});
    EXPECT_TRUE(ran.output.contains("cannot copy to view")) << ran.output;
    ASSERT_TRUE(ran.output.ends_with("7\n8\n")) << i << ": " << ran.output;
  }
}

TEST_F(ServerClients, PgbenchInEachMode) {
  if (find_program("pgbench").empty()) GTEST_SKIP() << "pgbench is not installed";
  const Ran made = pgbench({"-i", "-I", "dtGvpf", "-s", "1"});
  ASSERT_EQ(made.exit_code, 0) << made.output;
  for (const char* mode : {"simple", "extended", "prepared"}) {
    const Ran writing = pgbench({"-M", mode, "-c", "8", "-j", "2", "-t", "50"});
    EXPECT_EQ(writing.exit_code, 0) << mode << ": " << writing.output;
    EXPECT_TRUE(writing.output.contains("processed: 400/400")) << writing.output;
    const Ran reading = pgbench({"-S", "-M", mode, "-c", "8", "-j", "2", "-t", "250"});
    EXPECT_EQ(reading.exit_code, 0) << mode << ": " << reading.output;
    EXPECT_TRUE(reading.output.contains("processed: 2000/2000")) << reading.output;
  }
  app::SqlClient client(address_);
  ASSERT_TRUE(client.connect());
  const auto sums = client.run(
      "SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(tbalance) FROM"
      " pgbench_tellers), (SELECT sum(bbalance) FROM pgbench_branches), (SELECT sum(delta) FROM"
      " pgbench_history), (SELECT count(*) FROM pgbench_history)");
  ASSERT_TRUE(sums.ok) << sums.error;
  EXPECT_EQ(sums.rows[0][0], sums.rows[0][1]);
  EXPECT_EQ(sums.rows[0][0], sums.rows[0][2]);
  EXPECT_EQ(sums.rows[0][0], sums.rows[0][3]);
  EXPECT_EQ(sums.rows[0][4], "1200");
}

TEST_F(ServerClients, Psycopg2) {
  expect_holds({kPython, kSources + "/python/psycopg2_client.py"});
}

TEST_F(ServerClients, SqlAlchemy) {
  expect_holds({kPython, kSources + "/python/sqlalchemy_client.py"});
}

TEST_F(ServerClients, Asyncpg) {
  expect_holds({kPython, kSources + "/python/asyncpg_client.py"});
}

TEST_F(ServerClients, PerlDbi) {
  expect_holds({"/usr/bin/perl", kSources + "/perl/dbi_client.pl"});
}

TEST_F(ServerClients, NodePg) {
  const std::string npm = find_program("npm");
  if (npm.empty()) GTEST_SKIP() << "npm is not installed";
  const std::string home = cluster_->directory() + "/node";
  const Ran installed =
      run_program({npm, "install", "--no-audit", "--no-fund", "--prefix", home, "pg@8"});
  if (installed.exit_code != 0) GTEST_SKIP() << "npm cannot install pg: " << installed.output;
  expect_holds({"node", kSources + "/node/pg_client.js"}, {"NODE_PATH=" + home + "/node_modules"});
}

TEST_F(ServerClients, Jdbc) {
  const std::string javac = find_program("javac"), java = find_program("java");
  if (javac.empty() || java.empty()) GTEST_SKIP() << "java or javac is not installed";
  if (!std::filesystem::exists(kDriver)) GTEST_SKIP() << kDriver << " is not there";
  const std::string classes = cluster_->directory() + "/classes";
  const Ran compiled = run_program({javac, "-d", classes, kSources + "/java/JdbcClient.java"});
  ASSERT_EQ(compiled.exit_code, 0) << compiled.output;
  const Ran ran =
      run_program({java, "-cp", classes + ":" + kDriver, "JdbcClient",
                   "jdbc:postgresql://" + address_.host + ":" + address_.port + "/" + database_});
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
}

}  // namespace
}  // namespace spar::test
