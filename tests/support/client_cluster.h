// tests/support/client_cluster.h: three PostgreSQL servers behind `spar serve` for programs that are
// clients, and the same programs directly on the primary.
//
// Contract    Throws when something does not happen in time. Spar makes the servers below a
//             directory of its own; all of it ends with the object.
// Threads     One.
#pragma once

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/postgres_versions.h"
#include "tests/support/shop_life.h"
#include "tests/support/subprocess.h"

namespace spar::test {

class ClientCluster {
 public:
  static constexpr std::chrono::seconds kPatience{60};
  // A version of the servers, such as 17; else the installed one.
  static constexpr const char* kVersion = "SPAR_POSTGRES";

  ClientCluster() {
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
    if (const char* version = std::getenv(kVersion)) {
      const std::string bin = programs_of(version);
      if (bin.empty()) throw std::runtime_error(std::string(version) + " is not there");
      node_ = start_with_programs(directory_.path(),
                                  complete_programs(bin, directory_.path() + "/programs"));
    } else {
      node_ = must(start_server_node(directory_.path()));
    }
    wait_until_whole();
  }

  TestNode& node() { return *node_; }
  std::string directory() const { return directory_.path(); }
  json status() { return must(wait_until(*node_, "a status", kPatience, is_protected)); }
  json wait_until_whole() { return must(wait_until(*node_, "all copies", kPatience, is_whole)); }

  app::SqlAddress through(const std::string& database) const {
    app::SqlAddress address = node_->address(database);
    address.user = "postgres";
    return address;
  }
  app::SqlAddress direct(const std::string& database) {
    const json now = status();
    return address_of(copy_of(now, primary_of(now)), database);
  }
  static app::SqlAddress address_of(const json& copy, const std::string& database) {
    const std::string where = copy.value("address", "");
    const auto colon = where.rfind(':');
    return {where.substr(0, colon), where.substr(colon + 1), database, "postgres"};
  }

  // On the primary, past Spar, as the superuser.
  void run_directly(const std::string& sql) {
    const json now = status();
    auto link = link_to(copy_of(now, primary_of(now)));
    must(link.run(sql, patiently()));
  }
  // A database in which every role may do everything.
  void make_database(const std::string& name) {
    run_directly("create database " + name + " template template0");
    const Ran ran = psql(direct(name), {"-c", "grant all on schema public to public"});
    if (ran.exit_code != 0) throw std::runtime_error(ran.output);
  }

  static Ran psql(const app::SqlAddress& address, const std::vector<std::string>& more,
                  const std::vector<std::string>& environment = {}) {
    return client("psql", address, "-X", more, environment);
  }
  static Ran client(const std::string& program, const app::SqlAddress& address,
                    const std::string& first, const std::vector<std::string>& more,
                    const std::vector<std::string>& environment = {}) {
    std::vector<std::string> command = {program, first,           "-h", address.host,
                                        "-p",    address.port,    "-U", address.user,
                                        "-d",    address.database};
    command.insert(command.end(), more.begin(), more.end());
    std::vector<std::string> all = {"LC_ALL=C.UTF-8", "PGTZ=UTC", "PGDATESTYLE=ISO, MDY"};
    all.insert(all.end(), environment.begin(), environment.end());
    return run_program(command, all, 2 * kPatience);
  }

  // Every copy gives the same dump of the database. The program that dumps is of the installed
  // version, and refuses newer servers.
  void expect_equal_copies(const std::string& database) {
    if (std::getenv(kVersion) != nullptr) return;
    const json now = wait_until_whole();
    auto primary = link_to(copy_of(now, primary_of(now)));
    const std::string lsn = one(primary, "select pg_current_wal_lsn()");
    const std::string expected = dump(copy_of(now, primary_of(now)), database);
    for (const json& copy : copies_of(now)) {
      const std::string name = copy.value("name", "");
      if (name == primary_of(now)) continue;
      auto standby = link_to(copy);
      const auto deadline = patiently();
      while (one(standby, "select pg_last_wal_replay_lsn() >= '" + lsn + "'") != "t") {
        if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error(name + " lags");
      }
      EXPECT_TRUE(dump(copy, database) == expected) << name << " holds something else";
    }
  }

  // Runs psql with `script` on a fresh database of that name directly, and on another one through
  // Spar; "" when both say the same, byte for byte, else their difference. Process numbers count as
  // equal.
  std::string difference_in(const std::string& database, const std::string& script) {
    make_database(database);
    const std::string expected = run_script(direct(database), script);
    run_directly("drop database " + database + " with (force)");
    make_database(database);
    return difference(expected, run_script(through(database), script));
  }
  std::string run_script(const app::SqlAddress& address, const std::string& script,
                         const std::vector<std::string>& environment = {}) {
    static const std::regex kProcess("process (with PID )?[0-9]+");
    const Ran ran = psql(address, {"-a", "-q", "-f", script}, environment);
    return std::regex_replace(ran.output, kProcess, "process N") +
           "\nexit code: " + std::to_string(ran.exit_code) + "\n";
  }
  std::string difference(const std::string& expected, const std::string& found) {
    if (expected == found) return "";
    const std::string left = write("direct.out", expected), right = write("spar.out", found);
    return run_program({"diff", "-U2", left, right}).output;
  }

 private:
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = directory_.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  // Without the key that newer versions draw at random, and without sequences: a server writes
  // values that are still to come into its log.
  static std::string dump(const json& copy, const std::string& database) {
    const Ran ran = client("pg_dump", address_of(copy, database), "--no-sync", {});
    if (ran.exit_code != 0) throw std::runtime_error(ran.output);
    static const std::regex kOwn("\\\\(un)?restrict [^\n]*|SELECT pg_catalog.setval[^\n]*");
    return std::regex_replace(ran.output, kOwn, "");
  }

  TempDirectory directory_;
  std::unique_ptr<TestNode> node_;
};

}  // namespace spar::test
