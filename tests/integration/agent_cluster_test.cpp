// A cluster of three PostgreSQL servers, each looked after by an agent's process of its own.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "agent/process_table.h"
#include "spar/demo/node_process.h"
#include "spar/demo/sql_client.h"
#include "tests/support/agent_process.h"
#include "tests/support/authority.h"
#include "tests/support/postgres_copy.h"

namespace spar::test {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kPatience{90};

class AgentCluster : public ::testing::Test {
 protected:
  struct Host {
    std::string name, path;
    std::uint16_t server_port = 0, agent_port = 0;
    std::unique_ptr<AgentProcess> agent;
  };

  void SetUp() override {
    if (!ServerDirectory::can_run()) GTEST_SKIP() << kNoPostgres;
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
    for (const char* name : {"a", "b", "c"}) {
      Host& host = hosts_.emplace_back(Host{name, directory_ / name, free_port(), free_port(), {}});
      host.agent =
          std::make_unique<AgentProcess>(SPAR_PROGRAM, directory_ / (host.name + ".toml"),
                                         agent_table(authority_.issue("agent-" + host.name),
                                                     host.agent_port, "allow = [\"spar\"]\n") +
                                             server_table(host.name, host.path, host.server_port));
      host.agent->start();
    }
    std::ofstream(directory_ / "spar.toml") << node_file();
    auto node = app::NodeProcess::start(SPAR_PROGRAM, directory_.path());
    ASSERT_TRUE(node) << node.error().message;
    node_ = std::move(*node);
  }
  // The servers outlive the node and the agents: ended here.
  void TearDown() override {
    node_.reset();
    for (Host& host : hosts_) {
      host.agent.reset();
      for (pid_t pid : agent::working_in(host.path + "/data", "postgres")) ::kill(pid, SIGKILL);
    }
  }

  std::string node_file() const {
    TlsFiles tls = authority_.issue("spar");
    std::string text = "[node]\npostgres_listen = \"127.0.0.1:0\"\n[agent_tls]\ncertificate = \"" +
                       tls.certificate + "\"\nkey = \"" + tls.key + "\"\nauthority = \"" +
                       tls.authority + "\"\n[[cluster]]\nname = \"main\"\nmirrors = 1\n";
    for (const Host& host : hosts_) {
      text += "[[cluster.copy]]\nname = \"" + host.name +
              "\"\nengine = \"postgres\"\naddress = \"host=127.0.0.1 port=" +
              std::to_string(host.server_port) +
              " user=postgres\"\nagent = \"127.0.0.1:" + std::to_string(host.agent_port) +
              "\"\nagent_name = \"agent-" + host.name + "\"\n";
    }
    return text;
  }

  json wait_until(const std::string& what, const std::function<bool(const json&)>& wanted) {
    auto deadline = steady_clock::now() + kPatience;
    std::string last = "no answer";
    while (steady_clock::now() < deadline) {
      std::optional<json> cluster = node_->cluster();
      if (cluster && wanted(*cluster)) return *cluster;
      if (cluster) last = cluster->dump();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    std::ifstream log(directory_ / "serve.log");
    throw std::runtime_error(what + " did not happen; last: " + last + "\n" +
                             std::string(std::istreambuf_iterator<char>(log), {}));
  }

  static bool all_serve(const json& cluster) {
    if (!cluster.value("protected", false)) return false;
    for (const json& copy : cluster["copies"]) {
      if (copy.value("health", "") != "ok" || copy.value("pid", 0) == 0) return false;
      const std::string role = copy.value("role", "");
      if (role != "primary" && role != "mirror" && role != "replica") return false;
    }
    return true;
  }
  static json copy_named(const json& cluster, const std::string& name) {
    for (const json& copy : cluster["copies"]) {
      if (copy.value("name", "") == name) return copy;
    }
    return {};
  }
  Host& host(const std::string& name) {
    for (Host& each : hosts_) {
      if (each.name == name) return each;
    }
    throw std::runtime_error("no host " + name);
  }

  void run(const std::string& sql) {
    app::SqlAddress address = node_->address("postgres");
    address.user = "postgres";
    app::SqlClient client(std::move(address));
    ASSERT_TRUE(client.connect());
    app::SqlAnswer answer = client.run(sql);
    ASSERT_TRUE(answer.ok) << answer.error;
  }
  // At the server itself, as a copy that follows shows it in a moment.
  void wait_for_rows(const Host& at, const std::string& count) {
    app::SqlClient client({"127.0.0.1", std::to_string(at.server_port), "postgres", "postgres"});
    auto deadline = steady_clock::now() + kPatience;
    while (true) {
      app::SqlAnswer answer;
      if (client.connect()) answer = client.run("select count(*) from t");
      if (answer.ok && answer.rows[0][0] == count) return;
      ASSERT_LT(steady_clock::now(), deadline) << at.name << " " << answer.error;
    }
  }

  using TlsFiles = agent::remote::TlsFiles;
  TempDirectory directory_;
  Authority authority_;
  std::vector<Host> hosts_;
  std::unique_ptr<app::NodeProcess> node_;
};

TEST_F(AgentCluster, AKilledPrimaryComesBackThroughItsAgent) {
  json cluster = wait_until("three copies", all_serve);
  run("create table t (id int primary key)");
  for (int round = 1; round <= 2; ++round) {
    run("insert into t values (" + std::to_string(round) + ")");
    const std::string lost = cluster["primary"];
    const int pid = copy_named(cluster, lost)["pid"];
    ::kill(pid, SIGKILL);
    cluster = wait_until("another primary, and " + lost + " behind it", [&](const json& now) {
      return all_serve(now) && now["primary"] != lost && copy_named(now, lost)["pid"] != pid;
    });
    EXPECT_NE(copy_named(cluster, lost)["role"], "primary");
    wait_for_rows(host(lost), std::to_string(round));
  }
}

// Without its agent a server serves as before; one that died waits for it.
TEST_F(AgentCluster, ADeadOrFrozenAgentHoldsNobodyUp) {
  json cluster = wait_until("three copies", all_serve);
  run("create table t (id int primary key)");
  const std::string lost = cluster["primary"];
  const int pid = copy_named(cluster, lost)["pid"];
  host(lost).agent->freeze();
  run("insert into t values (1)");
  ::kill(pid, SIGKILL);
  cluster = wait_until("another primary", [&](const json& now) {
    return now["primary"] != lost && now["primary"] != "" && now.value("protected", false);
  });
  run("insert into t values (2)");
  host(lost).agent->kill();
  run("insert into t values (3)");
  wait_until("a word about the agent", [&](const json& now) {
    return copy_named(now, lost).value("health", "").contains("no agent answers");
  });
  host(lost).agent->start();
  wait_until(lost + " back", all_serve);
  wait_for_rows(host(lost), "3");
}

// Spar goes and comes; the servers, which are not its own, go on.
TEST_F(AgentCluster, TheServersOutliveTheNode) {
  json cluster = wait_until("three copies", all_serve);
  run("create table t (id int primary key)");
  const std::string primary = cluster["primary"];
  const int pid = copy_named(cluster, primary)["pid"];
  EXPECT_TRUE(node_->stop(seconds(20)));
  EXPECT_EQ(agent::state_of(pid), agent::ProcessState::alive);
  node_ = must(app::NodeProcess::start(SPAR_PROGRAM, directory_.path()));
  cluster = wait_until("three copies again", all_serve);
  EXPECT_EQ(copy_named(cluster, primary)["pid"], pid);
  run("insert into t values (1)");
}

}  // namespace
}  // namespace spar::test
