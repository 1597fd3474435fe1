// tests/support/server_trouble.h: a cluster of servers to which a test does what it likes.
//
// Contract    start() makes three servers below a directory of the test; refusal() runs a node that
//             must not start. All ends with the test.
// Threads     One.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "agent/process_table.h"
#include "tests/support/shop_life.h"
#include "tests/support/subprocess.h"

namespace spar::test {

namespace fs = std::filesystem;

class ServerTrouble : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!ServerDirectory::can_run()) GTEST_SKIP() << kNoPostgres;
    fs::permissions(directory_.path(), fs::perms(0755));
  }
  // The node goes first, its servers with it.
  void TearDown() override {
    life_.reset();
    if (HasFailure()) std::cout << std::ifstream(directory_.path() + "/serve.log").rdbuf();
  }

  ShopLife& start() {
    life_.emplace(must(start_server_node(directory_.path())));
    return *life_;
  }
  std::string data_of(const std::string& name) const {
    return directory_.path() + "/copies/" + name + "/data";
  }
  // A command of the executable on this cluster: what it said.
  std::string said(const std::string& words) const {
    std::vector<std::string> command = {SPAR_PROGRAM};
    std::istringstream in(words);
    for (std::string word; in >> word;) command.push_back(word);
    command.insert(command.end(), {"--config", directory_.path() + "/spar.toml"});
    return run_program(command).output;
  }
  void signal_all(const std::string& name, int number) const {
    for (pid_t pid : agent::working_in(data_of(name), "postgres")) ::kill(pid, number);
  }
  static std::string with_role(const json& cluster, const std::string& role) {
    for (const json& copy : copies_of(cluster)) {
      if (copy.value("role", "") == role) return copy.value("name", "");
    }
    return "";
  }

  // `spar serve` with these copies ends by itself: what it said.
  std::string refusal(const std::string& copies) {
    const std::string file = directory_.path() + "/spar.toml", log = directory_.path() + "/said";
    std::ofstream(file) << "[node]\npostgres_listen = \"127.0.0.1:0\"\n[[cluster]]\nname = "
                           "\"main\"\n"
                        << copies;
    const std::string command = "timeout 60 " + std::string(SPAR_PROGRAM) +
                                " serve --no-supervisor " + file + " > " + log + " 2>&1";
    EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 1);
    std::ifstream in(log);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static std::string copy_table(const std::string& name, const std::string& address) {
    return "[[cluster.copy]]\nname = \"" + name + "\"\nengine = \"postgres\"\naddress = \"" +
           address + "\"\n";
  }
  static std::string address_of(const PostgresCopy& copy, const std::string& password) {
    auto address = copy.address();
    return "host=127.0.0.1 port=" + address.get("port") + " user=postgres password=" + password;
  }

  TempDirectory directory_;
  std::optional<ShopLife> life_;
};

}  // namespace spar::test
