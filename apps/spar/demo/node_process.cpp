#include "spar/demo/node_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "server/address.h"
#include "server/node_lock.h"
#include "spar/commands/command.h"

namespace spar::app {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kStartPatience{20};
constexpr std::chrono::milliseconds kLookEvery{5};

[[noreturn]] void become_server(const std::string& program, const std::string& config,
                                const std::string& log) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::setpgid(0, 0);
  int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(fd, STDOUT_FILENO);
  ::dup2(fd, STDERR_FILENO);
  ::execl(program.c_str(), "spar", "serve", config.c_str(), nullptr);
  ::_exit(127);
}

}  // namespace

Result<std::unique_ptr<NodeProcess>> NodeProcess::start(const std::string& program,
                                                        const std::string& directory) {
  std::string file = directory + "/spar.toml", log = directory + "/serve.log";
  SPAR_ASSIGN(server::Config config, server::read_config(file));
  pid_t pid = ::fork();
  if (pid == 0) become_server(program, file, log);
  if (pid < 0) return failure(Code::io, "cannot start a process");
  std::unique_ptr<NodeProcess> node(new NodeProcess(pid, std::move(config)));
  auto deadline = steady_clock::now() + kStartPatience;
  while (!node->cluster()) {
    if (!node->alive() || steady_clock::now() >= deadline) {
      return failure(Code::unavailable, "the server did not start; its log is " + log);
    }
    std::this_thread::sleep_for(kLookEvery);
  }
  return node;
}

NodeProcess::~NodeProcess() {
  if (pid_ > 0 && !stop(std::chrono::seconds(10))) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

bool NodeProcess::stop(std::chrono::seconds patience) {
  if (pid_ <= 0) return true;
  ::kill(pid_, SIGTERM);
  auto deadline = steady_clock::now() + patience;
  int status = 0;
  while (::waitpid(pid_, &status, WNOHANG) == 0) {
    if (steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kLookEvery);
  }
  pid_ = -1;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool NodeProcess::alive() {
  if (pid_ <= 0) return false;
  if (::waitpid(pid_, nullptr, WNOHANG) == 0) return true;
  pid_ = -1;
  return false;
}

SqlAddress NodeProcess::address(const std::string& database) const {
  server::Listener listener;
  auto node = server::find_running_node(config_.data_directory);
  if (node) server::parse_address(node->address, listener);
  return {listener.host, std::to_string(listener.port), database};
}

std::optional<json> NodeProcess::status() const {
  auto answer = ask_node(config_, {{"command", "status"}}, std::chrono::seconds(2));
  if (!answer || !answer->contains("clusters") || (*answer)["clusters"].empty()) return {};
  return std::move(*answer);
}

std::optional<json> NodeProcess::cluster() const {
  auto answer = status();
  if (!answer) return {};
  return (*answer)["clusters"][0];
}

int NodeProcess::server_pid() const {
  auto answer = status();
  return answer ? (*answer)["node"].value("pid", 0) : 0;
}

}  // namespace spar::app
