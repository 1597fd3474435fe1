// spar/demo/node_process.h: `spar serve` as a child of the demo, and its status.
//
// Contract    The child and all of its own children end with the object, or with this process.
//             Its log goes to DIRECTORY/serve.log.
// Threads     One thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/result.h"
#include "server/config.h"
#include "spar/demo/sql_client.h"

namespace spar::app {

class NodeProcess {
 public:
  // Returns once clients are served.
  static Result<std::unique_ptr<NodeProcess>> start(const std::string& program,
                                                    const std::string& directory);
  ~NodeProcess();
  NodeProcess(const NodeProcess&) = delete;

  // SIGTERM to the supervisor; false when it does not end in time or with another code than 0.
  bool stop(std::chrono::seconds patience);
  bool alive();
  SqlAddress address(const std::string& database) const;
  // The only cluster of `spar status`, and the server's pid.
  std::optional<nlohmann::json> cluster() const;
  int server_pid() const;
  const server::Config& config() const { return config_; }

 private:
  NodeProcess(pid_t pid, server::Config config) : pid_(pid), config_(std::move(config)) {}
  std::optional<nlohmann::json> status() const;
  pid_t pid_;
  server::Config config_;
};

}  // namespace spar::app
