// tests/support/managed_servers.h: three servers that Spar makes and starts itself, and what it says
// of them.
//
// Contract    Throws when the node does not start. All ends with the object.
// Threads     One.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "agent/process_table.h"
#include "tests/support/shop_life.h"
#include "tests/support/subprocess.h"

namespace spar::test {

class ManagedServers {
 public:
  ManagedServers() {
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
    life_.emplace(must(start_server_node(directory_.path())));
  }
  ShopLife& life() { return *life_; }
  // Every process of the server.
  std::vector<pid_t> processes_of(const std::string& name) const {
    return agent::working_in(directory_.path() + "/copies/" + name + "/data", "postgres");
  }
  // Of the executable, on this cluster.
  void command(const std::string& words) const { run_command(words, directory_.path()); }

  // What `spar events` says, and how often it says these words.
  std::string events() const {
    return run_program({SPAR_PROGRAM, "events", "--config", file()}).output;
  }
  std::string log() const {
    std::ifstream in(directory_.path() + "/serve.log");
    return {std::istreambuf_iterator<char>(in), {}};
  }
  int told(const std::string& words) const {
    const std::string all = events();
    int count = 0;
    for (std::size_t at = 0; (at = all.find(words, at)) != all.npos; ++at) ++count;
    return count;
  }
  // The numbers of the transactions in all ledgers of this copy.
  std::multiset<std::uint64_t> ledger_of(const std::string& name) const {
    static const std::regex kCommit("tx: *([0-9]+),.*desc: COMMIT");
    std::multiset<std::uint64_t> found;
    std::error_code none_yet;
    for (const auto& file :
         std::filesystem::directory_iterator(directory_.path() + "/spar-data/ledgers", none_yet)) {
      if (!file.path().filename().string().starts_with(name + "-")) continue;
      std::ifstream in(file.path());
      std::smatch match;
      for (std::string line; std::getline(in, line);) {
        if (std::regex_search(line, match, kCommit)) found.insert(std::stoull(match[1]));
      }
    }
    return found;
  }

 private:
  std::string file() const { return directory_.path() + "/spar.toml"; }

  TempDirectory directory_;
  std::optional<ShopLife> life_;
};

}  // namespace spar::test
