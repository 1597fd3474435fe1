#include "server/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace spar::server {
namespace {

// Long: clients wait here while the server is being started again.
constexpr int kBacklog = 1024;

Failure io_failure(const std::string& what) {
  Failure out = failure(Code::io, what + ": " + std::strerror(errno), "58030");
  if (errno == EADDRINUSE) out.error().hint = "stop what listens there, or choose another port";
  return out;
}

socklen_t fill_address(const Listener& listener, sockaddr_storage& storage) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  if (inet_pton(AF_INET, listener.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(listener.port);
    return sizeof(sockaddr_in);
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(listener.port);
  inet_pton(AF_INET6, listener.host.c_str(), &v6->sin6_addr);
  return sizeof(sockaddr_in6);
}

}  // namespace

std::string to_string(const Listener& listener) {
  bool v6 = listener.host.find(':') != std::string::npos;
  return (v6 ? "[" + listener.host + "]" : listener.host) + ":" + std::to_string(listener.port);
}

Result<OwnedFd> listen_on(const Listener& listener) {
  sockaddr_storage storage{};
  socklen_t size = fill_address(listener, storage);
  OwnedFd fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int on = 1;
  if (fd.open()) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  bool bound = fd.open() &&
               ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0 &&
               ::listen(fd.get(), kBacklog) == 0;
  if (!bound) return io_failure("cannot listen on " + to_string(listener));
  return fd;
}

Result<Listener> bound_to(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return io_failure("cannot tell where a socket listens");
  }
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
    return Listener{text, ntohs(v4->sin_port)};
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
  inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
  return Listener{text, ntohs(v6->sin6_port)};
}

}  // namespace spar::server
