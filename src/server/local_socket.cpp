#include "server/local_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace spar::server {
namespace {

constexpr int kBacklog = 16;

Failure io_failure(const std::string& what, const std::string& path) {
  return failure(Code::io, what + " " + path + ": " + std::strerror(errno), "58030");
}

// A socket address for `path`; `directory` keeps the way to it open while it is in use.
struct LocalAddress {
  sockaddr_un address{};
  OwnedFd directory;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

Result<LocalAddress> address_of(const std::string& path) {
  LocalAddress out;
  out.address.sun_family = AF_UNIX;
  std::string shortest = path;
  if (path.size() >= sizeof(out.address.sun_path)) {
    std::filesystem::path parts(path);
    out.directory = OwnedFd(::open(parts.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!out.directory.open()) return io_failure("cannot open", parts.parent_path());
    shortest =
        "/proc/self/fd/" + std::to_string(out.directory.get()) + "/" + parts.filename().string();
  }
  if (shortest.size() >= sizeof(out.address.sun_path)) {
    return failure(Code::invalid, "the file name of socket " + path + " is too long");
  }
  std::memcpy(out.address.sun_path, shortest.c_str(), shortest.size() + 1);
  return out;
}

OwnedFd make_socket() {
  return OwnedFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

int milliseconds_until(Monotonic deadline) {
  if (deadline == kNoDeadline) return -1;
  auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

Result<void> wait_for(int fd, short events, Monotonic deadline) {
  while (true) {
    pollfd entry{fd, events, 0};
    int ready = ::poll(&entry, 1, milliseconds_until(deadline));
    if (ready > 0) return {};
    if (ready == 0) return failure(Code::deadline, "no answer in the time given", "57014");
    if (errno != EINTR) return io_failure("cannot wait for", "a socket");
  }
}

// Takes a dead process's socket file away, so that bind() finds the name free.
Result<void> remove_stale(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) {
    return failure(Code::invalid, path + " is in the way: it is no socket");
  }
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  if (connect_locally(path, deadline)) {
    return failure(Code::unavailable, "another server answers at " + path, "55006");
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return io_failure("cannot remove", path);
  return {};
}

}  // namespace

Result<OwnedFd> listen_locally(const std::string& path) {
  SPAR_TRY(remove_stale(path));
  SPAR_ASSIGN(LocalAddress address, address_of(path));
  OwnedFd fd = make_socket();
  if (!fd.open()) return io_failure("cannot make socket", path);
  ::fchmod(fd.get(), 0600);  // bind() takes the mode from here: never open to others, not briefly
  if (::bind(fd.get(), address.get(), sizeof(address.address)) != 0) {
    return io_failure("cannot make socket", path);
  }
  if (::chmod(path.c_str(), 0600) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return io_failure("cannot listen on", path);
  }
  return fd;
}

Result<OwnedFd> connect_locally(const std::string& path, Monotonic deadline) {
  SPAR_ASSIGN(LocalAddress address, address_of(path));
  OwnedFd fd = make_socket();
  if (!fd.open()) return io_failure("cannot make a socket for", path);
  while (::connect(fd.get(), address.get(), sizeof(address.address)) != 0) {
    if (errno == EAGAIN || errno == EINTR) {  // the queue is full: look again soon
      if (std::chrono::steady_clock::now() >= deadline) {
        return failure(Code::deadline, path + " takes no connection", "57014");
      }
      ::poll(nullptr, 0, 10);
      continue;
    }
    return failure(Code::unavailable, "no server answers at " + path + ": " + std::strerror(errno),
                   "57P03");
  }
  return fd;
}

Result<std::string> receive_line(int fd, std::size_t size_max, Monotonic deadline) {
  std::string line;
  char buffer[4096];
  while (true) {
    ssize_t got = ::recv(fd, buffer, sizeof(buffer), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      SPAR_TRY(wait_for(fd, POLLIN, deadline));
      continue;
    }
    if (got < 0) return io_failure("cannot read from", "the admin socket");
    if (got == 0) return failure(Code::io, "the other side closed the connection", "08006");
    line.append(buffer, static_cast<std::size_t>(got));
    std::size_t end = line.find('\n');
    if (std::min(end, line.size()) > size_max) {
      return failure(Code::invalid, "a line of more than " + std::to_string(size_max) + " bytes");
    }
    if (end != std::string::npos) return line.substr(0, end);
  }
}

Result<void> send_line(int fd, std::string_view line, Monotonic deadline) {
  std::string bytes = std::string(line) + "\n";
  std::string_view left = bytes;
  while (!left.empty()) {
    ssize_t sent = ::send(fd, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      left.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EINTR) {
      SPAR_TRY(wait_for(fd, POLLOUT, deadline));
    } else {
      return io_failure("cannot write to", "the admin socket");
    }
  }
  return {};
}

}  // namespace spar::server
