#include "gateway/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace spar::gateway {
namespace {

Failure socket_error(const char* what, int number) {
  return failure(Code::io, std::string(what) + ": " + std::strerror(number), "08006");
}

Failure timed_out() {
  return failure(Code::deadline, "the client was silent for too long", "08006");
}

timeval to_timeval(std::chrono::milliseconds time) {
  return {.tv_sec = time.count() / 1000, .tv_usec = time.count() % 1000 * 1000};
}

void set_option(int fd, int level, int name, int value) {
  (void)setsockopt(fd, level, name, &value, sizeof value);  // a socket pair in tests has none
}

}  // namespace

void configure_connection(int fd, const Limits& limits) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(limits.keepalive_idle.count()));
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(limits.keepalive_interval.count()));
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, limits.keepalive_probes);
  timeval time = to_timeval(limits.write_timeout);
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

Socket::Socket(int fd, const Limits& limits) : fd_(fd) {
  configure_connection(fd, limits);
}

Socket::~Socket() {
  tls_.reset();
  ::close(fd_);
}

void Socket::set_silence_max(std::chrono::milliseconds time) {
  if (time == silence_max_) return;
  silence_max_ = time;
  timeval value = to_timeval(time);
  (void)setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value);
}

Result<std::size_t> Socket::receive(std::span<char> into) {
  return tls_ ? tls_->receive(into) : receive_plain(into);
}

Result<void> Socket::send(std::string_view bytes) {
  return tls_ ? tls_->send(bytes) : send_plain(bytes);
}

Result<void> Socket::start_tls(const TlsContext& context) {
  auto session = std::make_unique<TlsSession>(context, *this);
  SPAR_TRY(session->accept());
  tls_ = std::move(session);
  return {};
}

Result<void> Socket::wait_readable() {
  for (;;) {
    auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
    if (left.count() <= 0) return timed_out();
    pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
    int ready = poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left.count(), INT_MAX)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return socket_error("poll", errno);
  }
}

Result<std::size_t> Socket::receive_plain(std::span<char> into) {
  for (;;) {
    if (deadline_ != kNoDeadline) SPAR_TRY(wait_readable());
    ssize_t done = recv(fd_, into.data(), into.size(), 0);
    if (done >= 0) return static_cast<std::size_t>(done);
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return timed_out();
    return socket_error("receive", errno);
  }
}

Result<void> Socket::send_plain(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t done = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (done >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(done));
    } else if (errno != EINTR) {
      return socket_error("send", errno);
    }
  }
  return {};
}

void Socket::stop_reading() {
  ::shutdown(fd_, SHUT_RD);
}

void Socket::break_off() {
  ::shutdown(fd_, SHUT_RDWR);
}

}  // namespace spar::gateway
