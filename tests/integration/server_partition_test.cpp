// The primary's host cut off, or frozen as a whole, and a primary killed: servers on hosts of their
// own, with their agents and without. Released, the old primary must be fenced before anything else;
// its agent makes it follow, without one it is left for a person.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "agent/process_table.h"
#include "tests/support/agent_process.h"
#include "tests/support/authority.h"
#include "tests/support/network.h"
#include "tests/support/shop_life.h"

namespace spar::test {
namespace {

constexpr int kDefaultRuns = 1;
constexpr const char* kNames[] = {"a", "b", "c"};
constexpr std::uint16_t kPort = 5432, kAgentPort = 6445;

// How long a cut off or frozen primary stays so: SPAR_AWAY, in seconds.
std::chrono::seconds away() {
  const char* text = std::getenv("SPAR_AWAY");
  return std::chrono::seconds(text == nullptr ? 3 : std::atoi(text));
}

// Three servers on three hosts; a is the primary, and b and c stream from it.
class Hosts {
 public:
  explicit Hosts(bool agents) : disk_(storage::make_posix_disk()) {
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
    for (int i = 0; i < 3; ++i) hosts_.push_back(std::make_unique<Host>(i + 2));
    for (int i = 0; i < 3; ++i) {
      servers_.push_back(must(agent::PostgresServer::at(
          *disk_, must(agent::find_postgres_tools()), {path(i), kPort, hosts_[at(i)]->address()})));
    }
    hosts_[0]->run([&] { make_primary(); });
    for (int i = 1; i < 3; ++i) hosts_[at(i)]->run([&] { make_standby(i); });
    for (int i = 0; i < 3 && agents; ++i) start_agent(i);
    write_configuration();
    life_.emplace(must(start_configured_node(directory_.path())));
  }
  ~Hosts() {
    life_.reset();
    agents_.clear();
    for (auto& server : servers_) (void)server.stop(agent::Stop::kill, patiently());
  }
  Hosts(const Hosts&) = delete;
  Hosts& operator=(const Hosts&) = delete;

  ShopLife& life() { return *life_; }
  Host& host(const std::string& name) { return *hosts_[index(name)]; }
  void signal(const std::string& name, int number) {
    const std::string data = servers_[index(name)].place().data();
    for (pid_t pid : agent::working_in(data, "postgres")) ::kill(pid, number);
    if (agents_.empty()) return;
    AgentProcess& its_agent = *agents_[index(name)];
    number == SIGSTOP ? its_agent.freeze() : its_agent.thaw();
  }
  int pid(const std::string& name) { return servers_[index(name)].status().pid; }
  bool runs(const std::string& name) {
    return servers_[index(name)].status().state == agent::ServerState::running;
  }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  static std::size_t index(const std::string& name) {
    return static_cast<std::size_t>(name[0] - 'a');
  }
  std::string path(int i) const { return directory_.path() + "/" + kNames[i]; }

  void make_primary() {
    agent::InitOptions options;
    options.login = agent::Login::trust;
    options.settings = agent::copy_settings("16MB");
    must(servers_[0].init(options, patiently()));
    std::ofstream(servers_[0].place().data() + "/pg_hba.conf", std::ios::app)
        << "host all all 10.77.0.0/24 trust\nhost replication all 10.77.0.0/24 trust\n";
    must(servers_[0].start(agent::StartAs::primary, patiently()));
  }
  void make_standby(int i) {
    agent::Upstream source{
        .conninfo = "host=" + hosts_[0]->address() + " user=postgres application_name=" + kNames[i],
        .password = "",
        .slot = ""};
    must(servers_[at(i)].base_backup(source, patiently()));
    must(servers_[at(i)].start(agent::StartAs::standby, patiently()));
  }
  void start_agent(int i) {
    const std::string name = kNames[i], place = directory_.path() + "/agent-" + name;
    const agent::remote::TlsFiles tls =
        authority_.issue("agent-" + name, "IP:" + hosts_[at(i)]->address());
    agents_.push_back(std::make_unique<AgentProcess>(
        hosts_[at(i)]->inside(SPAR_PROGRAM, place), place + ".toml",
        "[agent]\nlisten = \"" + hosts_[at(i)]->address() + ":" + std::to_string(kAgentPort) +
            "\"\ncertificate = \"" + tls.certificate + "\"\nkey = \"" + tls.key +
            "\"\nauthority = \"" + tls.authority + "\"\n" + server_table(name, path(i), kPort) +
            "listen = \"" + hosts_[at(i)]->address() + "\"\n"));
    agents_.back()->start();
  }
  void write_configuration() {
    std::ofstream file(directory_.path() + "/spar.toml");
    file << "[node]\npostgres_listen = \"127.0.0.1:0\"\n";
    if (!agents_.empty()) {
      const agent::remote::TlsFiles tls = authority_.issue("spar");
      file << "[agent_tls]\ncertificate = \"" << tls.certificate << "\"\nkey = \"" << tls.key
           << "\"\nauthority = \"" << tls.authority << "\"\n";
    }
    file << "[[cluster]]\nname = \"main\"\n";
    for (int i = 0; i < 3; ++i) {
      file << "[[cluster.copy]]\nname = \"" << kNames[i] << "\"\nengine = \"postgres\"\n"
           << "address = \"host=" << hosts_[at(i)]->address() << " user=postgres\"\n";
      if (!agents_.empty()) {
        file << "agent = \"" << hosts_[at(i)]->address() << ":" << kAgentPort << "\"\n";
      }
    }
  }

  TempDirectory directory_;
  std::unique_ptr<storage::Disk> disk_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<agent::PostgresServer> servers_;
  Authority authority_;
  std::vector<std::unique_ptr<AgentProcess>> agents_;
  std::optional<ShopLife> life_;
};

class ServerPartition : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!ServerDirectory::can_run()) GTEST_SKIP() << kNoPostgres;
    if (!Network::can_run()) GTEST_SKIP() << "no network namespaces here (needs root)";
    Network::enter();
  }
  void TearDown() override { report_gaps(gaps_); }

  using Change = std::function<void(Hosts&, const std::string& name)>;
  void lose_and_release(bool agents, const Change& harm, const Change& release) {
    for (int run = 0; run < runs(kDefaultRuns) && !HasFailure(); ++run) {
      SCOPED_TRACE("run " + std::to_string(run));
      Hosts hosts(agents);
      ShopLife& life = hosts.life();
      life.open();
      std::string lost;
      gaps_.push_back(
          life.lose_primary([&](const std::string& name, int) { harm(hosts, name); }, &lost));
      // Without an agent a replica that had received more than the promoted mirror waits for a person
      // too: then there is no other mirror.
      if (agents) life.wait("protection", is_protected);
      std::this_thread::sleep_for(away());  // the time that it is away is what is tried here
      release(hosts, lost);
      if (agents) life.wait_until_whole();
      if (!agents && hosts.runs(lost)) expect_fenced(life, lost);
      life.close_and_check(serving(life));
    }
  }

  static std::vector<std::string> serving(ShopLife& life) {
    std::vector<std::string> names;
    for (const json& copy : copies_of(
             life.wait("a primary", [](const json& now) { return !primary_of(now).empty(); }))) {
      if (copy.value("health", "") == "ok") names.push_back(copy.value("name", ""));
    }
    return names;
  }

  // It is read-only, and what to do about it is said.
  static void expect_fenced(ShopLife& life, const std::string& lost) {
    const json now = life.wait("what to do about " + lost, [&](const json& cluster) {
      return copy_of(cluster, lost).value("health", "").find("pg_rewind") != std::string::npos;
    });
    auto link = link_to(copy_of(now, lost));
    const auto deadline = patiently();
    while (one(link, "show default_transaction_read_only") != "on") {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << lost << " was not fenced";
      link = link_to(copy_of(now, lost));
    }
  }

  std::vector<std::chrono::milliseconds> gaps_;
};

void cut(Hosts& hosts, const std::string& name) {
  hosts.host(name).cut();
}
void heal(Hosts& hosts, const std::string& name) {
  hosts.host(name).heal();
}
// All of Spar's and PostgreSQL's processes there.
void freeze(Hosts& hosts, const std::string& name) {
  hosts.signal(name, SIGSTOP);
}
void thaw(Hosts& hosts, const std::string& name) {
  hosts.signal(name, SIGCONT);
}

TEST_F(ServerPartition, SurvivesThePrimaryCutOff) {
  lose_and_release(true, cut, heal);
}

TEST_F(ServerPartition, SurvivesTheFrozenHost) {
  lose_and_release(true, freeze, thaw);
}

TEST_F(ServerPartition, FencesThePrimaryThatWasCutOffWithoutAnAgent) {
  lose_and_release(false, cut, heal);
}

TEST_F(ServerPartition, SurvivesTheKilledPrimaryWithoutAnAgent) {
  lose_and_release(
      false, [](Hosts& hosts, const std::string& name) { ::kill(hosts.pid(name), SIGKILL); },
      [](Hosts&, const std::string&) {});
}

}  // namespace
}  // namespace spar::test
