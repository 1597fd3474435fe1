// Point 3 of the main job: clients as people use them, unmodified: pgbench, psycopg2 and JDBC.
#include <gtest/gtest.h>

#include "tests/support/subprocess.h"
#include "tests/support/test_node.h"

namespace spar::test {
namespace {

constexpr const char* kSources = SPAR_SOURCE_DIR "/tests/integration";
constexpr const char* kDriver = "/usr/share/java/postgresql.jar";
constexpr int kSkipped = 77;  // what the Python script says when its library is missing

class ClientsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = start_process_node(directory_.path());
    ASSERT_TRUE(started) << started.error().message;
    node_ = std::move(*started);
    address_ = node_->address("shop");
  }

  void TearDown() override {
    if (!node_ || IsSkipped()) return;
    auto same = wait_until(*node_, "equal copies", std::chrono::seconds(30), all_equal);
    EXPECT_TRUE(same) << same.error().message;
  }

  Ran pgbench(std::vector<std::string> options) {
    std::vector<std::string> command = {"pgbench",     "-h", address_.host, "-p",
                                        address_.port, "-U", "demo"};
    command.insert(command.end(), options.begin(), options.end());
    command.push_back("shop");
    return run_program(command);
  }

  TempDirectory directory_;
  std::unique_ptr<TestNode> node_;
  app::SqlAddress address_;
};

TEST_F(ClientsTest, Pgbench) {
  if (find_program("pgbench").empty()) GTEST_SKIP() << "pgbench is not installed";
  Ran made = pgbench({"-i", "-s", "1"});
  ASSERT_EQ(made.exit_code, 0) << made.output;
  for (const char* mode : {"simple", "extended", "prepared"}) {
    Ran writing = pgbench({"-n", "-M", mode, "-c", "8", "-j", "2", "-t", "25"});
    EXPECT_EQ(writing.exit_code, 0) << mode << ": " << writing.output;
    EXPECT_NE(writing.output.find("processed: 200/200"), std::string::npos) << writing.output;
    Ran reading = pgbench({"-n", "-S", "-M", mode, "-c", "8", "-j", "2", "-t", "250"});
    EXPECT_EQ(reading.exit_code, 0) << mode << ": " << reading.output;
    EXPECT_NE(reading.output.find("processed: 2000/2000"), std::string::npos) << reading.output;
  }
  app::SqlClient client(address_);
  ASSERT_TRUE(client.connect());
  auto sums = client.run(
      "SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(tbalance) FROM"
      " pgbench_tellers), (SELECT sum(bbalance) FROM pgbench_branches), (SELECT sum(delta) FROM"
      " pgbench_history), (SELECT count(*) FROM pgbench_history)");
  ASSERT_TRUE(sums.ok) << sums.error;
  EXPECT_EQ(sums.rows[0][0], sums.rows[0][1]);
  EXPECT_EQ(sums.rows[0][0], sums.rows[0][2]);
  EXPECT_EQ(sums.rows[0][0], sums.rows[0][3]);
  EXPECT_EQ(sums.rows[0][4], "600");
}

TEST_F(ClientsTest, Psycopg2) {
  // Debian's own interpreter has Debian's psycopg2; another one may stand first in PATH.
  std::string python = find_program("/usr/bin/python3");
  if (python.empty()) GTEST_SKIP() << "python3 is not installed";
  Ran ran = run_program({python, std::string(kSources) + "/python/psycopg2_client.py",
                         address_.host, address_.port, "shop"});
  if (ran.exit_code == kSkipped) GTEST_SKIP() << ran.output;
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
}

TEST_F(ClientsTest, Jdbc) {
  std::string javac = find_program("javac"), java = find_program("java");
  if (javac.empty() || java.empty()) GTEST_SKIP() << "java or javac is not installed";
  if (!std::filesystem::exists(kDriver)) GTEST_SKIP() << kDriver << " is not there";
  std::string classes = directory_.path() + "/classes";
  Ran compiled =
      run_program({javac, "-d", classes, std::string(kSources) + "/java/JdbcClient.java"});
  ASSERT_EQ(compiled.exit_code, 0) << compiled.output;
  Ran ran = run_program({java, "-cp", classes + ":" + kDriver, "JdbcClient",
                         "jdbc:postgresql://" + address_.host + ":" + address_.port + "/shop"});
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
}

}  // namespace
}  // namespace spar::test
