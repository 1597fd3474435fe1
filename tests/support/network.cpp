#include "tests/support/network.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace spar::test {
namespace {

void command(const std::string& line) {
  if (std::system(line.c_str()) != 0) throw std::runtime_error("failed: " + line);
}

bool succeeds(pid_t child) {
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

bool Network::can_run() {
  pid_t child = ::fork();
  if (child == 0) {
    bool works = ::unshare(CLONE_NEWNET) == 0 && std::system("ip link show >/dev/null 2>&1") == 0;
    ::_exit(works ? 0 : 1);
  }
  return child > 0 && succeeds(child);
}

void Network::enter() {
  static bool entered = false;
  if (entered) return;
  if (::unshare(CLONE_NEWNET) != 0) throw std::runtime_error("no network namespace");
  command("ip link set lo up");
  command("ip link add bridge type bridge && ip link set bridge up");
  command("ip address add 10.77.0.1/24 dev bridge");
  entered = true;
}

Host::Host(int number) : number_(number) {
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  holder_ = ::fork();
  if (holder_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    char made = ::unshare(CLONE_NEWNET) == 0 ? '.' : '!';
    if (::write(ready[1], &made, 1) != 1) ::_exit(1);
    while (true) ::pause();
  }
  char made = '!';
  bool told = ::read(ready[0], &made, 1) == 1;
  ::close(ready[0]);
  ::close(ready[1]);
  if (holder_ < 0 || !told || made != '.') throw std::runtime_error("no namespace for a host");
  const std::string inside = "inside" + std::to_string(number_);
  command("ip link add " + outside() + " type veth peer name " + inside);
  command("ip link set " + inside + " netns " + std::to_string(holder_));
  command("ip link set " + outside() + " master bridge up");
  run([&] {
    command("ip link set lo up && ip link set " + inside + " up");
    command("ip address add " + address() + "/24 dev " + inside);
  });
}

Host::~Host() {
  if (holder_ <= 0) return;
  (void)std::system(("ip link delete " + outside()).c_str());
  ::kill(holder_, SIGKILL);
  ::waitpid(holder_, nullptr, 0);
}

void Host::run(const std::function<void()>& work) {
  std::exception_ptr failed;
  std::thread inside([&] {
    try {
      int space =
          ::open(("/proc/" + std::to_string(holder_) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC);
      bool entered = space >= 0 && ::setns(space, CLONE_NEWNET) == 0;
      if (space >= 0) ::close(space);
      if (!entered) throw std::runtime_error("cannot enter a host");
      work();
    } catch (...) {
      failed = std::current_exception();
    }
  });
  inside.join();
  if (failed) std::rethrow_exception(failed);
}

std::string Host::inside(const std::string& program, const std::string& file) const {
  std::ofstream(file) << "#!/bin/sh\nexec nsenter --net=/proc/" << holder_ << "/ns/net " << program
                      << " \"$@\"\n";
  ::chmod(file.c_str(), 0755);
  return file;
}

void Host::cut() {
  command("ip link set " + outside() + " down");
}

void Host::heal() {
  command("ip link set " + outside() + " up");
}

}  // namespace spar::test
