// server/postgres/relay_service.h: the gateway in front of this node's clusters of servers.
//
// Contract    Serves the sockets from start() to stop(). A session goes to the primary of
//             the cluster that has its database (Node::servers_of), and waits while there is none.
//             A role that has a password on the server must prove that it knows it, and is logged in
//             there with the same proof.
//             REQUIRES: at its construction the node is prepared, and not yet started, so that
//             nothing is missed.
// Threads     One of its own; stop() from any.
#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "gateway/relay/loop.h"
#include "server/config.h"
#include "server/node.h"
#include "server/postgres/catalogues.h"

namespace spar::server::postgres {

struct RelayOptions {
  std::vector<int> sockets;
  const gateway::Credentials& credentials;
  const gateway::TlsContext* tls = nullptr;
  bool tls_required = false;
  const Config& config;
};

class RelayService {
 public:
  RelayService(Node& node, const RelayOptions& options);
  ~RelayService();
  RelayService(const RelayService&) = delete;
  RelayService& operator=(const RelayService&) = delete;

  void start();
  void stop();

 private:
  void on_change(RouteChange change);
  Catalogues* catalogues_of(std::string_view database);

  Node& node_;
  gateway::Credentials credentials_;
  std::map<ServerPath*, std::unique_ptr<Catalogues>> catalogues_;
  gateway::relay::RelayLoop loop_;
  std::thread thread_;
};

}  // namespace spar::server::postgres
