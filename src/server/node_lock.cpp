#include "server/node_lock.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "server/listen.h"

namespace spar::server {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLockPatience{1'000};  // a predecessor may be dying just now

Failure io_failure(const std::string& what) {
  return failure(Code::io, what + ": " + std::strerror(errno), "58030");
}

std::string lock_path(const std::string& data_directory) {
  return data_directory + "/spar.pid";
}

std::string contents(int fd) {
  char buffer[128] = "";
  ssize_t got = ::pread(fd, buffer, sizeof(buffer), 0);
  return std::string(buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

Result<void> lock_soon(int fd, const std::string& directory) {
  auto deadline = steady_clock::now() + kLockPatience;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return io_failure("cannot lock " + directory);
    if (steady_clock::now() >= deadline) {
      Failure busy = failure(
          Code::unavailable,
          "another server (pid " + first_line(contents(fd)) + ") uses " + directory, "55006");
      busy.error().hint = "stop it first, or give this one another [node] data directory";
      return busy;
    }
    ::poll(nullptr, 0, 20);
  }
  return {};
}

Result<void> rewrite(int fd, const std::string& text) {
  if (::ftruncate(fd, 0) != 0 ||
      ::pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    return io_failure("cannot write spar.pid");
  }
  return {};
}

std::string own_pid() {
  return std::to_string(::getpid()) + "\n";
}

}  // namespace

Result<OwnedFd> lock_node(const std::string& data_directory) {
  std::error_code status;
  std::filesystem::create_directories(data_directory, status);
  if (status) {
    return failure(Code::io, "cannot make " + data_directory + ": " + status.message(), "58030");
  }
  std::filesystem::permissions(data_directory, std::filesystem::perms::owner_all, status);
  std::string path = lock_path(data_directory);
  OwnedFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.open()) return io_failure("cannot open " + path);
  SPAR_TRY(lock_soon(fd.get(), data_directory));
  SPAR_TRY(rewrite(fd.get(), own_pid()));
  return fd;
}

Result<void> publish_address(const OwnedFd& lock, const Listener& bound) {
  return rewrite(lock.get(), own_pid() + to_string(bound) + "\n");
}

Result<RunningNode> find_running_node(const std::string& data_directory) {
  OwnedFd fd(::open(lock_path(data_directory).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.open() || ::flock(fd.get(), LOCK_SH | LOCK_NB) == 0) {
    return failure(Code::unavailable, "no server runs on " + data_directory, "57P03");
  }
  std::string text = contents(fd.get());
  RunningNode node;
  node.pid = std::atoi(first_line(text).c_str());
  std::size_t second = text.find('\n');
  if (second != std::string::npos) node.address = first_line(text.substr(second + 1));
  return node;
}

}  // namespace spar::server
