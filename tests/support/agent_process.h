// tests/support/agent_process.h: `spar agent` as a real process of a test.
//
// Contract    start() returns when the agent is ready; it ends with the object or with this process,
//             its servers do not. kill() and start() again: it listens where it did. Its log is
//             FILE.log.
// Threads     One at a time.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>

#include "agent/remote/tls.h"
#include "tests/support/free_port.h"

namespace spar::test {

// The table [agent].
inline std::string agent_table(const agent::remote::TlsFiles& tls, std::uint16_t port,
                               const std::string& more = "") {
  return "[agent]\nlisten = \"127.0.0.1:" + std::to_string(port) + "\"\ncertificate = \"" +
         tls.certificate + "\"\nkey = \"" + tls.key + "\"\nauthority = \"" + tls.authority +
         "\"\n" + more;
}

inline std::string server_table(const std::string& name, const std::string& path,
                                std::uint16_t port) {
  return "[[server]]\nname = \"" + name + "\"\npath = \"" + path +
         "\"\nport = " + std::to_string(port) + "\n";
}

class AgentProcess {
 public:
  // Writes the configuration `tables` to `file`.
  AgentProcess(std::string program, std::string file, const std::string& tables)
      : program_(std::move(program)), file_(std::move(file)) {
    std::ofstream(file_) << tables;
  }
  ~AgentProcess() { kill(); }
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;

  void start() {
    std::ofstream(log(), std::ios::trunc).flush();
    pid_ = ::fork();
    if (pid_ == 0) become_agent();
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (said().find("ready") == std::string::npos) {
      if (::waitpid(pid_, nullptr, WNOHANG) != 0 || std::chrono::steady_clock::now() > deadline) {
        throw std::runtime_error("the agent did not start: " + said());
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  // Returns when all of its threads stand still: until then one may obey.
  void freeze() {
    ::kill(pid_, SIGSTOP);
    (void)::waitpid(pid_, nullptr, WUNTRACED);
  }
  void thaw() { ::kill(pid_, SIGCONT); }
  void kill() { (void)end(SIGKILL); }
  // Its exit code; -1 when a signal ended it.
  int stop() { return end(SIGTERM); }
  std::string said() const {
    std::ifstream in(log());
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::string log() const { return file_ + ".log"; }

  [[noreturn]] void become_agent() {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int fd = ::open(log().c_str(), O_WRONLY | O_APPEND);
    ::dup2(fd, STDOUT_FILENO);
    ::dup2(fd, STDERR_FILENO);
    ::execl(program_.c_str(), "spar", "agent", file_.c_str(), nullptr);
    ::_exit(127);
  }
  int end(int signal) {
    if (pid_ <= 0) return -1;
    ::kill(pid_, signal);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string program_, file_;
  pid_t pid_ = 0;
};

}  // namespace spar::test
