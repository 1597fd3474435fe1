#include "tests/support/cutting_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "base/assert.h"
#include "base/bytes.h"

namespace spar::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void no_delay(int fd) {
  int on = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

CuttingProxy::CuttingProxy(std::uint16_t server_port, std::function<Fate()> fate)
    : server_port_(server_port),
      fate_(std::move(fate)),
      listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* where = reinterpret_cast<sockaddr*>(&address);
  SPAR_ASSERT(::bind(listening_.get(), where, size) == 0 && ::listen(listening_.get(), 512) == 0);
  SPAR_ASSERT(::getsockname(listening_.get(), where, &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

CuttingProxy::~CuttingProxy() {
  stopping_ = true;
  (void)eventfd_write(wake_.get(), 1);
  thread_.join();
}

std::size_t CuttingProxy::standing() {
  const std::lock_guard guard(lock_);
  return static_cast<std::size_t>(
      std::ranges::count_if(pairs_, [](const auto& pair) { return pair->stands; }));
}

void CuttingProxy::cut() {
  const std::lock_guard guard(lock_);
  for (const auto& pair : pairs_) pair->closed |= pair->stands;
  (void)eventfd_write(wake_.get(), 1);
}

void CuttingProxy::cut_one(std::size_t which) {
  const std::lock_guard guard(lock_);
  if (pairs_.empty()) return;
  pairs_[which % pairs_.size()]->closed = true;
  (void)eventfd_write(wake_.get(), 1);
}

void CuttingProxy::run() {
  while (!stopping_) {
    std::vector<pollfd> ready = {{wake_.get(), POLLIN, 0}, {listening_.get(), POLLIN, 0}};
    std::size_t count = 0;
    {
      const std::lock_guard guard(lock_);
      std::erase_if(pairs_, [](const auto& pair) { return pair->closed; });
      count = pairs_.size();
      for (const auto& pair : pairs_) {
        ready.push_back({pair->relay.get(), POLLIN, 0});
        ready.push_back({pair->server_gone ? -1 : pair->server.get(), POLLIN, 0});
      }
    }
    (void)::poll(ready.data(), ready.size(), -1);
    const std::lock_guard guard(lock_);
    eventfd_t ignored = 0;
    (void)eventfd_read(wake_.get(), &ignored);
    for (std::size_t i = 0; i < count; ++i) {
      if (pairs_[i]->closed) continue;
      if (ready[2 + 2 * i].revents != 0) from_relay(*pairs_[i]);
      if (ready[3 + 2 * i].revents != 0) from_server(*pairs_[i]);
    }
    if (ready[1].revents != 0) accept_one();
  }
}

void CuttingProxy::accept_one() {
  auto pair = std::make_unique<Pair>();
  pair->relay = server::OwnedFd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  pair->server = server::OwnedFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(server_port_);
  if (::connect(pair->server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
      0) {
    return;
  }
  no_delay(pair->relay.get());
  no_delay(pair->server.get());
  pairs_.push_back(std::move(pair));
}

void CuttingProxy::from_relay(Pair& pair) {
  char buffer[16'384];
  const ssize_t count = ::recv(pair.relay.get(), buffer, sizeof buffer, 0);
  if (count <= 0) {
    pair.closed = true;
    return;
  }
  pair.in.append(buffer, static_cast<std::size_t>(count));
  if (!pair.stands) pass_messages(pair);
}

void CuttingProxy::from_server(Pair& pair) {
  char buffer[16'384];
  const ssize_t count = ::recv(pair.server.get(), buffer, sizeof buffer, 0);
  if (count <= 0 && !pair.stands) pair.closed = true;
  pair.server_gone = count <= 0;  // one that stands does so until cut()
  if (count > 0 && !(pair.stands && pair.fate == Fate::swallow_answer)) {
    send_all(pair.relay.get(), std::string_view(buffer, static_cast<std::size_t>(count)));
  }
}

std::size_t CuttingProxy::message_size(const Pair& pair) {
  const std::size_t type = pair.started ? 1 : 0;
  if (pair.in.size() < type + 4) return 0;
  const std::size_t size =
      type + ByteReader(std::string_view(pair.in).substr(type)).be<std::uint32_t>();
  return pair.in.size() < size ? 0 : size;
}

void CuttingProxy::pass_messages(Pair& pair) {
  for (;;) {
    const std::size_t size = message_size(pair);
    if (size == 0) return;
    const std::string message = pair.in.substr(0, size);
    if (pair.started && !pair.stands && commits(pair, message)) {
      pair.fate = fate_();
      pair.stands = pair.fate != Fate::pass;
      if (pair.stands && pair.fate != Fate::swallow_answer) return;
    }
    pair.started = true;
    pair.in.erase(0, size);
    send_all(pair.server.get(), message);
  }
}

bool CuttingProxy::commits(Pair& pair, const std::string& message) {
  const std::string body = message.substr(5);
  const std::string first = body.substr(0, body.find('\0'));
  if (message[0] == 'Q') return first == "COMMIT";
  if (message[0] != 'P' && message[0] != 'B') return false;
  const std::string second =
      body.substr(first.size() + 1, body.find('\0', first.size() + 1) - first.size() - 1);
  if (message[0] == 'P') pair.statements[first] = second;
  return message[0] == 'B' && pair.statements[second] == "COMMIT";
}

void CuttingProxy::send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (done <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
}

}  // namespace spar::test
