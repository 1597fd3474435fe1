// tests/support/postgres_copy.h: one PostgreSQL server of a test, with its superuser's password.
//
// Contract    In a directory of its own below `parent`, on a free port, named `name` as a follower.
//             All of its processes end with the object, frozen ones too.
// Threads     One at a time.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "agent/postgres_server.h"
#include "engines/postgres/server_control.h"
#include "tests/support/free_port.h"

namespace spar::test {

inline Monotonic in(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}
inline constexpr std::chrono::seconds kServerPatience{30};
inline Monotonic patiently() {
  return in(kServerPatience);
}

// A value, or the test says why not and goes no further: never called with what may fail.
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
  ~PostgresCopy() { (void)server_.stop(agent::Stop::kill, patiently()); }
  PostgresCopy(const PostgresCopy&) = delete;
  PostgresCopy& operator=(const PostgresCopy&) = delete;

  void start_as_primary() {
    agent::InitOptions options{.password = kPassword, .settings = agent::copy_settings("16MB")};
    must(server_.init(options, patiently()));
    must(server_.start(agent::StartAs::primary, patiently()));
  }

  void start_behind(const PostgresCopy& primary) {
    must(server_.base_backup(upstream(primary), patiently()));
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

  static constexpr const char* kPassword = R"(it's a "pass\word" = 1)";

 private:
  std::string name_;
  agent::PostgresServer server_;
};

}  // namespace spar::test
