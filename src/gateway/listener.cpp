#include "gateway/listener.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/assert.h"
#include "base/log.h"

namespace spar::gateway {
namespace {

constexpr std::string_view kRoom = "gateway";
constexpr std::chrono::milliseconds kCutAfter{1000};  // from cancelling to cutting the socket
constexpr int kOutOfDescriptorsPauseMs = 50;

std::uint32_t random_number() {
  Bytes bytes = random_bytes(sizeof(std::uint32_t));
  return ByteReader(bytes).le<std::uint32_t>();
}

}  // namespace

Listener::Listener(std::vector<int> sockets, Service service)
    : sockets_(std::move(sockets)),
      service_(service),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  SPAR_ASSERT(wake_fd_ >= 0);
}

Listener::~Listener() {
  stop();
  ::close(wake_fd_);
}

void Listener::start() {
  // accept() must not wait: the client may have gone between poll() and here.
  for (int fd : sockets_) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  accepting_ = std::thread([this] { accept_all(); });
}

void Listener::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wake_fd_, &one, sizeof one);
}

void Listener::accept_all() {
  std::vector<pollfd> waiting;
  for (int fd : sockets_) waiting.push_back({.fd = fd, .events = POLLIN, .revents = 0});
  waiting.push_back({.fd = wake_fd_, .events = POLLIN, .revents = 0});
  while (!stopping_) {
    if (poll(waiting.data(), waiting.size(), -1) < 0) continue;
    std::uint64_t count = 0;
    if (waiting.back().revents != 0) (void)!::read(wake_fd_, &count, sizeof count);
    reap();
    for (std::size_t i = 0; i + 1 < waiting.size() && !stopping_; ++i) {
      if (waiting[i].revents != 0) accept_one(waiting[i].fd);
    }
  }
}

void Listener::accept_one(int listening) {
  int fd = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      log_warning(kRoom, std::string("cannot take a client: ") + std::strerror(errno));
      poll(nullptr, 0, kOutOfDescriptorsPauseMs);
    }
    return;
  }
  const std::lock_guard guard(lock_);
  if (clients_.size() >= service_.limits.sessions_max + service_.limits.logins_max) {
    refuse(fd);
    return;
  }
  const std::uint32_t process = next_process_++;
  Client& client = clients_[process];
  client.connection = std::make_unique<Connection>(
      fd, Connection::Numbers{.process = process, .secret = random_number()}, service_, *this);
  try {
    client.thread = std::thread([this, process] { serve(process); });
  } catch (const std::system_error& error) {  // no more threads to be had: this client goes
    log_warning(kRoom, std::string("cannot serve a client: ") + error.what());
    clients_.erase(process);
  }
}

void Listener::refuse(int fd) const {
  Socket socket(fd, service_.limits);
  Bytes out;
  Login::write_fatal(sql_error("53300", "sorry, too many clients already").error(), out);
  (void)::send(fd, out.data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Listener::serve(std::uint32_t process) {
  Connection* connection = nullptr;
  {
    const std::lock_guard guard(lock_);
    connection = clients_.at(process).connection.get();
  }
  connection->run();
  {
    const std::lock_guard guard(lock_);
    finished_.push_back(process);
    changed_.notify_all();
  }
  wake();
}

// Joins the threads of those who have gone.
void Listener::reap() {
  std::list<Client> gone;
  {
    const std::lock_guard guard(lock_);
    for (std::uint32_t process : finished_) {
      auto client = clients_.find(process);
      gone.push_back(std::move(client->second));
      clients_.erase(client);
    }
    finished_.clear();
  }
  for (Client& client : gone) client.thread.join();
}

std::size_t Listener::connections() {
  const std::lock_guard guard(lock_);
  return clients_.size() - finished_.size();
}

bool Listener::take_session() {
  if (sessions_.fetch_add(1) < service_.limits.sessions_max) return true;
  sessions_.fetch_sub(1);
  return false;
}

void Listener::give_back_session() {
  sessions_.fetch_sub(1);
}

void Listener::cancel(const wire::CancelRequest& request) {
  const std::lock_guard guard(lock_);
  auto client = clients_.find(request.process);
  if (client != clients_.end()) client->second.connection->cancel(request.secret);
}

bool Listener::wait_until_empty(Monotonic deadline) {
  std::unique_lock guard(lock_);
  return changed_.wait_until(guard, deadline, [&] { return finished_.size() == clients_.size(); });
}

void Listener::stop() {
  if (!accepting_.joinable()) return;
  stopping_ = true;
  wake();
  accepting_.join();
  auto tell_all = [&](auto&& what) {
    const std::lock_guard guard(lock_);
    for (auto& [process, client] : clients_) what(*client.connection);
  };
  tell_all([](Connection& connection) { connection.stop(); });
  const Monotonic deadline = std::chrono::steady_clock::now() + service_.limits.shutdown_timeout;
  if (!wait_until_empty(deadline)) {
    tell_all([](Connection& connection) { connection.break_off(false); });
    if (!wait_until_empty(std::chrono::steady_clock::now() + kCutAfter)) {
      tell_all([](Connection& connection) { connection.break_off(true); });
      wait_until_empty(kNoDeadline);
    }
  }
  reap();
}

}  // namespace spar::gateway
