// tests/support/cable.h: a TCP connection that can be cut in the middle.
//
// Contract    Everything that connects to port() is connected to `target` on 127.0.0.1. cut() breaks
//             all connections; new ones are made as before. freeze() passes nothing on any more, as
//             a host that stands still: connections stay.
// Threads     One of its own; cut() and freeze() from any.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "agent/descriptor.h"

namespace spar::test {

// A listening socket of 127.0.0.1, and its port.
inline std::pair<agent::Descriptor, std::uint16_t> listening() {
  agent::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  ::bind(socket.get(), generic, size);
  ::listen(socket.get(), 64);
  ::getsockname(socket.get(), generic, &size);
  return {std::move(socket), ntohs(address.sin_port)};
}

inline agent::Descriptor connected_to(std::uint16_t port) {
  agent::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    socket.reset();
  }
  return socket;
}

class Cable {
 public:
  explicit Cable(std::uint16_t target) : target_(target) {
    std::tie(door_, port_) = listening();
    thread_ = std::thread([this] { run(); });
  }
  ~Cable() {
    stop_ = true;
    thread_.join();
  }
  std::uint16_t port() const { return port_; }
  int connections() const { return made_; }
  void cut() {
    cut_ = true;
    while (cut_) std::this_thread::yield();
  }
  void freeze() { frozen_ = true; }

 private:
  using Pair = std::pair<agent::Descriptor, agent::Descriptor>;

  static bool pass(int from, int to) {
    char buffer[16384];
    ssize_t got = ::recv(from, buffer, sizeof buffer, MSG_DONTWAIT);
    return got > 0 && ::send(to, buffer, static_cast<std::size_t>(got), MSG_NOSIGNAL) == got;
  }

  void run() {
    while (!stop_) {
      if (cut_) {
        pairs_.clear();
        cut_ = false;
      }
      std::vector<pollfd> fds = {{door_.get(), POLLIN, 0}};
      for (const Pair& each : pairs_) {
        if (frozen_) break;
        fds.push_back({each.first.get(), POLLIN, 0});
        fds.push_back({each.second.get(), POLLIN, 0});
      }
      ::poll(fds.data(), fds.size(), 2);
      for (std::size_t n = (fds.size() - 1) / 2; n > 0; --n) {
        const auto& [near, far] = pairs_[n - 1];
        const bool good = (fds[2 * n - 1].revents == 0 || pass(near.get(), far.get())) &&
                          (fds[2 * n].revents == 0 || pass(far.get(), near.get()));
        if (!good) pairs_.erase(pairs_.begin() + static_cast<std::ptrdiff_t>(n - 1));
      }
      if (fds[0].revents != 0) {
        pairs_.emplace_back(agent::Descriptor(::accept(door_.get(), nullptr, nullptr)),
                            connected_to(target_));
        ++made_;
      }
    }
  }

  std::uint16_t target_, port_ = 0;
  agent::Descriptor door_;
  std::vector<Pair> pairs_;
  std::atomic<bool> stop_{false}, cut_{false}, frozen_{false};
  std::atomic<int> made_{0};
  std::thread thread_;
};

}  // namespace spar::test
