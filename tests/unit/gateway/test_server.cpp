#include "tests/unit/gateway/test_server.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "tests/unit/gateway/fake_language.h"
#include "tests/unit/gateway/server_bytes.h"

namespace spar::gateway::test {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address address_of(const std::string& host, std::uint16_t port) {
  Address out;
  if (host.find(':') == std::string::npos) {
    auto* four = reinterpret_cast<sockaddr_in*>(&out.storage);
    *four = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host.c_str(), &four->sin_addr);
    out.size = sizeof *four;
  } else {
    auto* six = reinterpret_cast<sockaddr_in6*>(&out.storage);
    *six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    inet_pton(AF_INET6, host.c_str(), &six->sin6_addr);
    out.size = sizeof *six;
  }
  return out;
}

int listen_on(const std::string& host, std::uint16_t& port) {
  Address address = address_of(host, 0);
  int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  SPAR_ASSERT(bind(fd, address.get(), address.size) == 0 && listen(fd, 128) == 0);
  SPAR_ASSERT(getsockname(fd, address.get(), &address.size) == 0);
  port = ntohs(reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port);  // the same place in v6
  return fd;
}

}  // namespace

TestServer::TestServer(ServerOptions options) : address_(options.address) {
  credentials_.trust_everyone = options.trust;
  credentials_.mock_key = random_bytes(32);
  credentials_.secrets["app"] = to_secret("right", random_bytes(16));
  fd_ = listen_on(address_, port_);
  listener_ = std::make_unique<Listener>(
      std::vector<int>{fd_}, Service{backends_, credentials_, options.tls, options.tls_required,
                                     options.limits, fake_language()});
  listener_->start();
}

TestServer::~TestServer() {
  listener_.reset();
  ::close(fd_);
}

std::string TestServer::conninfo(std::string_view more) const {
  return "host=" + address_ + " port=" + std::to_string(port_) +
         " user=app dbname=shop sslmode=disable gssencmode=disable connect_timeout=20 " +
         std::string(more);
}

RawClient::RawClient(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  Address address = address_of("127.0.0.1", port);
  SPAR_ASSERT(connect(fd_, address.get(), address.size) == 0);
  timeval patience{.tv_sec = 20, .tv_usec = 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

RawClient::~RawClient() {
  ::close(fd_);
}

void RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t size = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) return;  // the server has closed
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
}

std::string RawClient::receive_all() {
  std::string out;
  char buffer[4096];
  for (ssize_t size = 0; (size = recv(fd_, buffer, sizeof buffer, 0)) > 0;) {
    out.append(buffer, static_cast<std::size_t>(size));
  }
  return out;
}

std::string RawClient::receive_answer() {
  std::string out;
  char buffer[4096];
  constexpr std::size_t kReadyBytes = 6;
  for (ssize_t size = 0; (size = recv(fd_, buffer, sizeof buffer, 0)) > 0;) {
    out.append(buffer, static_cast<std::size_t>(size));
    if (is_whole(out) && out.size() >= kReadyBytes && out[out.size() - kReadyBytes] == 'Z') break;
  }
  return out;
}

}  // namespace spar::gateway::test
