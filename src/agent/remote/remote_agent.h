// agent/remote/remote_agent.h: an agent on another machine, asked over mutual TLS.
//
// Contract    See agent/server_agent.h. A call takes a connection that is idle or makes one, so that
//             questions do not wait for orders. When the connection breaks in the middle, the same
//             request is sent again with the same id for kReturnTime: the agent goes on with an
//             order meanwhile, and gives its outcome (orders.h). An agent that was started again in
//             between performs it anew: orders are idempotent.
//             A call that ends without an answer breaks its connection: an agent that stood still
//             drops an order that it has not begun.
//             Code::copy_lost: no agent answers there, or it is not who it should be; an order may
//             have had an effect. Code::deadline: the same, later.
// Threads     Any thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/remote/message.h"
#include "agent/remote/tls.h"

namespace spar::agent::remote {

struct AgentPlace {
  Endpoint endpoint;
  std::string expected_name;  // in the agent's certificate
  std::string server;         // as the agent's configuration names it
};

class RemoteAgent : public ServerAgent {
 public:
  RemoteAgent(std::shared_ptr<const TlsContext> tls, AgentPlace place);
  ~RemoteAgent() override;

  Result<AgentReport> look(Monotonic deadline) override;
  Result<std::string> transactions_beyond(const std::vector<TimelineEnd>& ends,
                                          Monotonic deadline) override;
  Result<void> create(Epoch epoch, const FirstUser& user, Monotonic deadline) override;
  Result<void> start(Epoch epoch, StartAs as, Monotonic deadline) override;
  Result<void> stop(Epoch epoch, Stop how, Monotonic deadline) override;
  Result<void> rewind(Epoch epoch, const Upstream& source, Monotonic deadline) override;
  Result<std::string> rebuild(Epoch epoch, const Upstream& source, Monotonic deadline) override;
  void give_up() override;

 private:
  class InUse;  // a stream that a call waits on
  using Stream = std::unique_ptr<TlsStream>;

  bool given_up() const;
  Result<Answer> ask(Ask what, Monotonic deadline);
  Result<void> order(Ask what, Monotonic deadline);
  Result<Answer> ask_once(const Request& request, Monotonic deadline, bool& sent);
  Result<Answer> talk(TlsStream& stream, const std::string& bytes, Monotonic deadline, bool& sent);
  Result<Stream> take(Monotonic deadline);
  void give_back(Stream stream);

  const std::shared_ptr<const TlsContext> tls_;
  const AgentPlace place_;
  mutable std::mutex mutex_;
  std::vector<Stream> idle_;
  std::vector<TlsStream*> in_use_;
  bool given_up_ = false;
};

}  // namespace spar::agent::remote
