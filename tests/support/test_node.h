// tests/support/test_node.h: a node with one cluster of three copies for a test, as a real process
// or inside the test, where its disk can be made to fail.
//
// Contract    Both make a fresh node in `directory` with the database "shop" on a free port, and
//             end with the object. restart() stops the node in order and starts it on the same
//             data; its port is another one then.
// Threads     cluster() from any thread while no restart() runs.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/result.h"
#include "spar/demo/sql_client.h"
#include "tests/support/fault_disk.h"

namespace spar::test {

using nlohmann::json;

class TestNode {
 public:
  virtual ~TestNode() = default;
  virtual app::SqlAddress address(const std::string& database) const = 0;
  // The only cluster of its status; nothing while nobody answers.
  virtual std::optional<json> cluster() = 0;
  virtual int server_pid() { return 0; }
  virtual Result<void> restart() = 0;
};

// `spar serve` of the executable under test; `more` is added to its configuration.
Result<std::unique_ptr<TestNode>> start_process_node(const std::string& directory,
                                                     const std::string& more = "");
// The same with three PostgreSQL servers that Spar makes below `directory`.
Result<std::unique_ptr<TestNode>> start_server_node(const std::string& directory);
// With the spar.toml that is there.
Result<std::unique_ptr<TestNode>> start_configured_node(const std::string& directory);
// In this process, over a disk that fails when the test says so.
Result<std::unique_ptr<TestNode>> start_inner_node(const std::string& directory, FaultDisk& disk);

using Wanted = std::function<bool(const json& cluster)>;
// Looks until the cluster is as wanted; its last state is in the error otherwise.
Result<json> wait_until(TestNode& node, const std::string& what, std::chrono::seconds patience,
                        const Wanted& wanted);

std::string primary_of(const json& cluster);
std::string path_of(const json& cluster, const std::string& copy);
bool is_protected(const json& cluster);
// Every copy serves and all hold the same.
bool all_equal(const json& cluster);

// `words` of the executable under test, on the node of this directory; expects it to succeed.
void run_command(const std::string& words, const std::string& directory);

// SPAR_RUNS, or `otherwise`.
int runs(int otherwise);

}  // namespace spar::test
