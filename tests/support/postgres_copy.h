// tests/support/postgres_copy.h: PostgreSQL servers of a test, with their superuser's password.
//
// Contract    A PostgresCopy lives in a directory of its own below `parent`, on a free port, named
//             `name` as a follower. All of its processes end with the object, frozen ones too, and
//             its files go.
// Threads     One at a time.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "agent/postgres_server.h"
#include "engines/postgres/server_control.h"
#include "storage/disk.h"
#include "tests/support/free_port.h"
#include "tests/support/temp_directory.h"

namespace spar::test {

inline Monotonic in(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}
inline constexpr std::chrono::seconds kServerPatience{30};
inline Monotonic patiently() {
  return in(kServerPatience);
}

// The value, or the test ends here and says why there is none.
template <class T>
T must(Result<T> result) {
  if (!result) {
    throw std::runtime_error(result.error().sqlstate + " " + result.error().message + "\n" +
                             result.error().detail);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class PostgresCopy {
 public:
  PostgresCopy(storage::Disk& disk, const std::string& parent, std::string name)
      : name_(std::move(name)),
        server_(must(agent::PostgresServer::at(disk, must(agent::find_postgres_tools()),
                                               {parent + "/" + name_, free_port()}))) {}
  ~PostgresCopy() {
    (void)server_.stop(agent::Stop::kill, patiently());
    std::error_code ignored;
    std::filesystem::remove_all(server_.place().directory, ignored);
  }
  PostgresCopy(const PostgresCopy&) = delete;
  PostgresCopy& operator=(const PostgresCopy&) = delete;

  void start_as_primary(const agent::Settings& more = {}) {
    agent::InitOptions options{.password = kPassword, .settings = agent::copy_settings("16MB")};
    options.settings.insert(options.settings.end(), more.begin(), more.end());
    must(server_.init(options, patiently()));
    must(server_.start(agent::StartAs::primary, patiently()));
  }

  void start_behind(const PostgresCopy& primary) { start_behind(primary, slot()); }
  void start_behind(const PostgresCopy& primary, const std::string& slot) {
    agent::Upstream source = upstream(primary);
    source.slot = slot;
    must(server_.base_backup(source, patiently()));
    must(server_.start(agent::StartAs::standby, patiently()));
  }

  // How this copy reaches `primary`.
  agent::Upstream upstream(const PostgresCopy& primary) const {
    return {.conninfo = follow_address(primary).without_password(),
            .password = kPassword,
            .slot = slot()};
  }
  engines::postgres::Conninfo follow_address(const PostgresCopy& primary) const {
    auto address = primary.address();
    address.set("application_name", name_);
    return address;
  }
  engines::postgres::Conninfo address() const {
    engines::postgres::Conninfo address;
    address.set("host", "127.0.0.1");
    address.set("port", std::to_string(server_.place().port));
    address.set("user", "postgres");
    address.set("password", kPassword);
    return address;
  }

  engines::postgres::ServerControl control() const {
    return must(engines::postgres::ServerControl::connect(address(), patiently()));
  }
  engines::postgres::ServerLink session() const {
    return must(engines::postgres::ServerLink::connect(address(), patiently()));
  }

  const std::string& name() const { return name_; }
  std::string slot() const { return engines::postgres::kSlotPrefix + name_; }
  agent::PostgresServer& server() { return server_; }

  static constexpr const char* kPassword = R"(it's a "pass\word": 1 = 1)";

 private:
  std::string name_;
  agent::PostgresServer server_;
};

inline constexpr const char* kNoPostgres = "PostgreSQL is not installed";

// Where the servers of a test are, and their user can get through to.
class ServerDirectory {
 public:
  ServerDirectory() : disk_(storage::make_posix_disk()) {
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
  }
  static bool can_run() { return agent::find_postgres_tools().has_value(); }
  std::unique_ptr<PostgresCopy> copy(const std::string& name) {
    return std::make_unique<PostgresCopy>(*disk_, directory_.path(), name);
  }
  storage::Disk& disk() { return *disk_; }

 private:
  TempDirectory directory_;
  std::unique_ptr<storage::Disk> disk_;
};

class PostgresCopies : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!ServerDirectory::can_run()) GTEST_SKIP() << kNoPostgres;
  }
  std::unique_ptr<PostgresCopy> copy(const std::string& name) { return place_.copy(name); }

  ServerDirectory place_;
};

// The first field of the answer.
inline std::string one(engines::postgres::ServerLink& link, const std::string& sql) {
  return must(link.run(sql, patiently()))[0][0].value_or("NULL");
}

// Until the condition, an SQL expression, is true there.
inline void wait_for(PostgresCopy& copy, const std::string& condition) {
  engines::postgres::ServerLink link = copy.session();
  auto deadline = patiently();
  while (one(link, "select " + condition) != "t") {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << condition << " on " << copy.name();
  }
}

}  // namespace spar::test
