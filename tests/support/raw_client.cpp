#include "tests/support/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>

namespace spar::test {
namespace {

std::string big_endian(std::size_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 0xff);
  return text;
}

}  // namespace

RawClient::RawClient(const app::SqlAddress& address)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(static_cast<std::uint16_t>(std::atoi(address.port.c_str())));
  ::inet_pton(AF_INET, address.host.c_str(), &where.sin_addr);
  int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket_.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) != 0) {
    socket_ = {};
  }
}

void RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the server may have closed: that is its right
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void RawClient::finish_sending() {
  ::shutdown(socket_.get(), SHUT_WR);
}

bool RawClient::wait_for_end() {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  char buffer[4096];
  while (socket_.open() && std::chrono::steady_clock::now() < deadline) {
    pollfd ready{socket_.get(), POLLIN, 0};
    if (::poll(&ready, 1, 100) <= 0) continue;
    ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (count <= 0) return true;
    received_.append(buffer, static_cast<std::size_t>(count));
  }
  return false;
}

std::string RawClient::start_up(const std::string& user, const std::string& database) {
  std::string body = big_endian(3 << 16);
  for (const std::string& text : {std::string("user"), user, std::string("database"), database}) {
    body += text + '\0';
  }
  body += '\0';
  return big_endian(body.size() + 4) + body;
}

std::string RawClient::message(char type, std::string_view body) {
  return type + big_endian(body.size() + 4) + std::string(body);
}

}  // namespace spar::test
