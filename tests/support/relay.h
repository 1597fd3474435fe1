// tests/support/relay.h: a RelayLoop on a thread and a free loopback port, in front of a server.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "gateway/relay/loop.h"
#include "server/owned_fd.h"

namespace spar::test {

struct RelayOptions {
  gateway::relay::RelayLimits limits;
  std::optional<gateway::relay::Placing> server;  // nothing: clients are held
  std::map<std::string, std::string> secrets;     // SCRAM secrets by user; empty: trust
  const gateway::TlsContext* tls = nullptr;
  gateway::relay::Resolve resolve = {};
  gateway::relay::ObjectsOf objects = {};
  gateway::relay::ExplicitValues explicit_values = {};
  gateway::relay::ServerSecret secret = gateway::relay::NoSecret{};  // of every user
};

class Relay {
 public:
  explicit Relay(RelayOptions options);
  ~Relay();

  // For libpq; later words win.
  std::string conninfo(std::string_view more = "") const;
  std::string port() const { return std::to_string(port_); }
  void route_to(std::optional<gateway::relay::Placing> server);
  gateway::relay::RelayLoop& loop() { return *loop_; }

 private:
  std::mutex lock_;
  std::optional<gateway::relay::Placing> server_;
  gateway::Credentials credentials_;
  std::uint16_t port_ = 0;  // before the socket, which sets it
  server::OwnedFd socket_;
  std::unique_ptr<gateway::relay::RelayLoop> loop_;
  std::thread thread_;
};

}  // namespace spar::test
