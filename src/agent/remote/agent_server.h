// agent/remote/agent_server.h: lets Spar reach the agents of this machine over mutual TLS.
//
// Contract    Serves the agents given, by name, on a listening socket, until stop(). A client whose
//             certificate does not verify, or is for none of `allow`, can ask nothing. An order goes on when its connection breaks; asked for again with the same
//             id, it gives its outcome (orders.h).
//             An order whose client has left before it was begun is dropped: one who stood still
//             must not obey what is long over.
//             Bounds: kConnectionsMax connections, kHandshakeTime for a handshake, kMessageTime for
//             a message, kRequestMax bytes, kSilenceMax between two.
//             stop() ends all connections and waits for the orders that run; false: some still do
//             at the deadline, and the process must end without destroying this object.
// Threads     One for accepting, one a connection. start() and stop() from one thread.
// Secrets     What is logged names the client, the server, the order and its epoch.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/remote/message.h"
#include "agent/remote/orders.h"
#include "agent/remote/tls.h"

namespace spar::agent::remote {

class AgentServer {
 public:
  using Agents = std::map<std::string, std::unique_ptr<ServerAgent>, std::less<>>;

  // Takes `socket`, which listens already.
  AgentServer(Descriptor socket, std::shared_ptr<const TlsContext> tls, Agents agents,
              std::vector<std::string> allow);
  ~AgentServer();  // REQUIRES: no order runs, or it is waited for
  AgentServer(const AgentServer&) = delete;
  AgentServer& operator=(const AgentServer&) = delete;

  Result<void> start();
  bool stop(Monotonic deadline);

 private:
  struct Connection {
    std::unique_ptr<TlsStream> stream;
    std::thread thread;
    bool ended = false;
  };

  void accept_all();
  void take(Descriptor socket);
  void remove_ended();
  void serve(TlsStream& stream);
  Result<void> serve_one(TlsStream& stream, FrameReader& frames, const std::string& client);
  Result<std::string> next_body(TlsStream& stream, FrameReader& frames);
  Answer answer(const Request& request, const std::string& client);
  Result<std::string> obey(ServerAgent& agent, const Ask& ask, Monotonic deadline);

  Descriptor socket_;
  Descriptor wake_read_, wake_write_;
  std::shared_ptr<const TlsContext> tls_;
  const Agents agents_;
  const std::vector<std::string> allow_;
  Orders orders_;
  std::thread accepting_;

  std::mutex mutex_;
  bool stopping_ = false;
  std::list<Connection> connections_;
};

}  // namespace spar::agent::remote
