#include "tests/support/test_node.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "gateway/listener.h"
#include "server/listen.h"
#include "server/node.h"
#include "spar/commands/init.h"
#include "spar/demo/node_process.h"

namespace spar::test {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookEvery{2};
constexpr std::chrono::seconds kStopPatience{20};

Result<void> make_files(const std::string& directory) {
  return app::make_node({.directory = directory, .database = "shop", .listen = "127.0.0.1:0"},
                        false);
}

class ProcessNode : public TestNode {
 public:
  explicit ProcessNode(std::string directory) : directory_(std::move(directory)) {}

  Result<void> start() {
    SPAR_ASSIGN(process_, app::NodeProcess::start(SPAR_PROGRAM, directory_));
    return {};
  }
  app::SqlAddress address(const std::string& database) const override {
    return process_->address(database);
  }
  std::optional<json> cluster() override { return process_->cluster(); }
  int server_pid() override { return process_->server_pid(); }
  Result<void> restart() override {
    if (!process_->stop(kStopPatience)) return failure(Code::unavailable, "it did not stop well");
    return start();
  }

 private:
  std::string directory_;
  std::unique_ptr<app::NodeProcess> process_;
};

class InnerNode : public TestNode {
 public:
  InnerNode(server::Config config, FaultDisk& disk) : config_(std::move(config)), disk_(disk) {
    credentials_.trust_everyone = true;
  }
  ~InnerNode() override { stop(); }

  Result<void> start() {
    std::signal(SIGPIPE, SIG_IGN);
    SPAR_ASSIGN(socket_, server::listen_on(config_.postgres));
    SPAR_ASSIGN(bound_, server::bound_to(socket_.get()));
    node_ = std::make_unique<server::Node>(disk_, config_);
    SPAR_TRY(node_->prepare());
    SPAR_TRY(node_->start(steady_clock::now() + kStopPatience));
    gateway::Service service{.backends = *node_,
                             .credentials = credentials_,
                             .limits = config_.limits,
                             .language = gateway::sql_language()};
    listener_ =
        std::make_unique<gateway::Listener>(std::vector<int>{socket_.get()}, std::move(service));
    listener_->start();
    return {};
  }
  app::SqlAddress address(const std::string& database) const override {
    return {bound_.host, std::to_string(bound_.port), database};
  }
  std::optional<json> cluster() override {
    return node_->answer({{"command", "status"}})["clusters"][0];
  }
  Result<void> restart() override {
    stop();
    return start();
  }

 private:
  void stop() {
    listener_.reset();
    node_.reset();
    socket_ = {};
  }
  server::Config config_;
  FaultDisk& disk_;
  gateway::Credentials credentials_;
  server::OwnedFd socket_;
  server::Listener bound_;
  std::unique_ptr<server::Node> node_;
  std::unique_ptr<gateway::Listener> listener_;
};

bool serves(const json& copy) {
  std::string role = copy.value("role", "");
  return copy.value("health", "") == "ok" &&
         (role == "primary" || role == "mirror" || role == "replica");
}

}  // namespace

Result<std::unique_ptr<TestNode>> start_process_node(const std::string& directory,
                                                     const std::string& more) {
  SPAR_TRY(make_files(directory));
  std::ofstream(directory + "/spar.toml", std::ios::app) << more;
  auto node = std::make_unique<ProcessNode>(directory);
  SPAR_TRY(node->start());
  return node;
}

Result<std::unique_ptr<TestNode>> start_server_node(const std::string& directory) {
  SPAR_TRY(app::make_node({.directory = directory, .engine = "postgres", .listen = "127.0.0.1:0"},
                          false));
  return start_configured_node(directory);
}

Result<std::unique_ptr<TestNode>> start_configured_node(const std::string& directory) {
  auto node = std::make_unique<ProcessNode>(directory);
  SPAR_TRY(node->start());
  return node;
}

Result<std::unique_ptr<TestNode>> start_inner_node(const std::string& directory, FaultDisk& disk) {
  SPAR_TRY(make_files(directory));
  SPAR_ASSIGN(server::Config config, server::read_config(directory + "/spar.toml"));
  auto node = std::make_unique<InnerNode>(std::move(config), disk);
  SPAR_TRY(node->start());
  return node;
}

Result<json> wait_until(TestNode& node, const std::string& what, std::chrono::seconds patience,
                        const Wanted& wanted) {
  auto deadline = steady_clock::now() + patience;
  std::string last = "no answer";
  while (steady_clock::now() < deadline) {
    std::optional<json> cluster = node.cluster();
    if (cluster && wanted(*cluster)) return std::move(*cluster);
    if (cluster) last = cluster->dump();
    std::this_thread::sleep_for(kLookEvery);
  }
  return failure(Code::deadline, what + " did not happen; last: " + last);
}

std::string primary_of(const json& cluster) {
  return cluster["primary"].is_string() ? cluster["primary"].get<std::string>() : "";
}

std::string path_of(const json& cluster, const std::string& copy) {
  for (const json& each : cluster["copies"]) {
    if (each.value("name", "") == copy) return each.value("path", "");
  }
  return "";
}

bool is_protected(const json& cluster) {
  return cluster.value("protected", false);
}

bool all_equal(const json& cluster) {
  if (cluster["copies"].empty()) return false;  // it starts
  std::string first = cluster["copies"][0].value("content_hash", "");
  bool equal = !first.empty();
  for (const json& copy : cluster["copies"]) {
    equal = equal && serves(copy) && copy.value("content_hash", "") == first;
  }
  return equal;
}

void run_command(const std::string& words, const std::string& directory) {
  const std::string line =
      std::string(SPAR_PROGRAM) + " " + words + " --config " + directory + "/spar.toml > /dev/null";
  EXPECT_EQ(std::system(line.c_str()), 0) << line;
}

int runs(int otherwise) {
  const char* text = std::getenv("SPAR_RUNS");
  return text == nullptr ? otherwise : std::atoi(text);
}

}  // namespace spar::test
