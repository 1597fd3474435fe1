// tests/support/subprocess.h: runs another program to its end, and what it takes to run PostgreSQL.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "spar/demo/sql_client.h"
#include "tests/support/temp_directory.h"

namespace spar::test {

// Where a program is: a path, or a name to look for in PATH; "" when it is not there.
std::string find_program(const std::string& name);

struct Ran {
  int exit_code = -1;  // -1: did not start, or ended by a signal
  std::string output;  // stdout and stderr as they came
};
// `environment` is added to that of this process ("NAME=VALUE"). Killed with its children after
// `patience`.
Ran run_program(const std::vector<std::string>& command,
                const std::vector<std::string>& environment = {},
                std::chrono::seconds patience = std::chrono::seconds(120));

// A PostgreSQL server in a temporary directory with C collation, on a free port, over TCP alone.
class PostgresServer {
 public:
  // Code::unavailable says what is missing.
  static Result<std::unique_ptr<PostgresServer>> start();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  app::SqlAddress address(const std::string& database) const;

 private:
  PostgresServer() = default;
  Result<void> init();
  Result<void> serve();
  TempDirectory directory_;
  std::string port_;
  int pid_ = -1;
};

}  // namespace spar::test
