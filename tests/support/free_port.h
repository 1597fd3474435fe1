// tests/support/free_port.h: a TCP port of 127.0.0.1 that was free a moment ago, for servers that
// cannot be told to choose one themselves.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace spar::test {

inline std::uint16_t free_port() {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  bool bound = ::bind(fd, generic, size) == 0 && ::getsockname(fd, generic, &size) == 0;
  int error = errno;
  ::close(fd);
  if (!bound) throw std::system_error(error, std::generic_category(), "no free port");
  return ntohs(address.sin_port);
}

}  // namespace spar::test
