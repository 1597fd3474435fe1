#include "server/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/log.h"
#include "server/owned_fd.h"

namespace spar::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kFirstWait{100};
constexpr milliseconds kLongestWait{10'000};
constexpr milliseconds kGoodLife{60'000};

// The signals that the parent waits for instead of being interrupted by them.
sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&set, signal);
  return set;
}

[[noreturn]] void become(const SupervisedCommand& command, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it died before the line above
  ::setpgid(0, 0);                        // Ctrl-C reaches it once, through the parent
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int fd : command.inherited) ::fcntl(fd, F_SETFD, 0);
  std::vector<char*> arguments;
  for (const std::string& argument : command.arguments) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  ::execv(command.program.c_str(), arguments.data());
  ::_exit(1);
}

class Supervisor {
 public:
  Supervisor(const SupervisedCommand& command, int signals)
      : command_(command), signals_(signals) {}

  int run() {
    while (true) {
      start();
      int status = wait_for_end();
      Ending ending = judge_end(status, was_ready_, asked_to_stop_);
      if (!ending.restart) return ending.exit_code;
      milliseconds wait = back_off_.after_life_of(
          std::chrono::duration_cast<milliseconds>(steady_clock::now() - started_));
      log_error("supervisor", "the server (pid " + std::to_string(child_) + ") " +
                                  describe(status) + "; starting it again in " +
                                  std::to_string(wait.count()) + " ms");
      if (!sleep_unless_stopped(wait)) return 0;
    }
  }

 private:
  void start() {
    started_ = steady_clock::now();
    ready_now_ = false;
    pid_t parent = ::getpid();
    child_ = ::fork();
    if (child_ == 0) become(command_, parent);
    if (child_ < 0) log_error("supervisor", "cannot start a process");
  }

  // Passes signals on until the child has ended; gives its wait status.
  int wait_for_end() {
    if (child_ < 0) return 1 << 8;
    while (true) {
      int status = 0;
      pid_t ended = ::waitpid(child_, &status, WNOHANG);
      note_ready();
      if (ended == child_) return status;
      if (int signal = next_signal(milliseconds(-1)); signal != 0 && signal != SIGCHLD) {
        forward(signal);
      }
    }
  }

  void forward(int signal) {
    asked_to_stop_ = asked_to_stop_ || signal != SIGHUP;
    ::kill(child_, signal);
  }

  void note_ready() {
    char buffer[16];
    if (command_.ready_fd >= 0 && ::read(command_.ready_fd, buffer, sizeof(buffer)) > 0) {
      was_ready_ = true;
      if (!ready_now_)
        log_info("supervisor", "the server (pid " + std::to_string(child_) + ") is ready");
      ready_now_ = true;
    }
  }

  // 0 when the time is over or the child has just become ready; a negative time is no limit.
  int next_signal(milliseconds time) {
    pollfd entries[] = {{signals_, POLLIN, 0}, {ready_now_ ? -1 : command_.ready_fd, POLLIN, 0}};
    if (::poll(entries, 2, static_cast<int>(time.count())) <= 0) return 0;
    if (entries[0].revents == 0) return 0;
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof(info)) != sizeof(info)) return 0;
    return static_cast<int>(info.ssi_signo);
  }

  bool sleep_unless_stopped(milliseconds time) {
    auto end = steady_clock::now() + time;
    ready_now_ = true;  // nobody is there to become ready
    while (steady_clock::now() < end) {
      auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
      int signal = next_signal(left);
      if (signal == SIGTERM || signal == SIGINT) return false;
    }
    return true;
  }

  static std::string describe(int status) {
    if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
    return "ended with code " + std::to_string(WEXITSTATUS(status));
  }

  const SupervisedCommand& command_;
  int signals_;
  pid_t child_ = -1;
  steady_clock::time_point started_;
  bool ready_now_ = false;  // this child
  bool was_ready_ = false;  // any child
  bool asked_to_stop_ = false;
  BackOff back_off_;
};

}  // namespace

milliseconds BackOff::after_life_of(milliseconds life) {
  if (life >= kGoodLife) next_ = kFirstWait;
  milliseconds wait = next_;
  next_ = std::min(next_ * 2, kLongestWait);
  return wait;
}

Ending judge_end(int wait_status, bool was_ready, bool asked_to_stop) {
  bool signalled = WIFSIGNALED(wait_status);
  int code = signalled ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
  bool final_code = code == 0 || !was_ready;
  return {.restart = !asked_to_stop && (signalled || !final_code), .exit_code = code};
}

int supervise(const SupervisedCommand& command) {
  sigset_t set = awaited_signals(), before;
  ::sigprocmask(SIG_BLOCK, &set, &before);
  OwnedFd signals(::signalfd(-1, &set, SFD_CLOEXEC));
  if (!signals.open()) {
    log_error("supervisor", "cannot wait for signals");
    return 1;
  }
  if (command.ready_fd >= 0) ::fcntl(command.ready_fd, F_SETFL, O_NONBLOCK);
  int code = Supervisor(command, signals.get()).run();
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return code;
}

}  // namespace spar::server
