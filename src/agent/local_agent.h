// agent/local_agent.h: a server's agent over its directory on this machine.
//
// Contract    See server_agent.h. The epoch stands in the file `epoch` of the server's place. A kill
//             is done even when that file cannot be written: a server that must end goes first.
// Invariants  A kill ends what an order before it is starting, and nothing that an order after it
//             started: what comes later waits until the kill is done.
// Threads     Any thread; orders wait for each other until their deadline.
// Not here    Two agents of one place: nothing keeps them apart but their configuration.
#pragma once

#include <condition_variable>
#include <mutex>

#include "agent/epoch_keeper.h"
#include "agent/server_agent.h"

namespace spar::agent {

class LocalAgent : public ServerAgent {
 public:
  LocalAgent(storage::Disk& disk, PostgresServer server);

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
  class Turn;  // the right to change the server, one at a time
  // For an order that is not too old. Once given up, only for an end.
  Result<Turn> begin(Epoch epoch, Monotonic deadline, bool to_end = false);
  Failure busy() const;
  Result<void> admit(Epoch epoch);
  Result<void> kill(Epoch epoch, Monotonic deadline);

  PostgresServer server_;
  EpochKeeper epochs_;
  std::mutex mutex_;  // for what follows
  std::condition_variable changed_;
  bool busy_ = false;  // somebody has the turn
  int kills_ = 0;      // that came; they go before all others
};

}  // namespace spar::agent
