// agent/server_agent.h: what Spar asks of whoever looks after a server on its host: in this process
// (local_agent.h), or a process of its own on another machine (remote/remote_agent.h).
//
// Contract    Orders change something and are given for an epoch. The agent keeps the highest epoch
//             that an order had, durably, before it does anything; an older one is refused with
//             Code::invalid, which names both. Orders of one server run one after the other, but a
//             kill breaks into what is running, and no older order follows it. All are idempotent.
//             Questions (look, transactions_beyond) have no epoch and wait for no order.
//             Every call ends by its deadline: Code::deadline, of an order with an unknown outcome.
//             Code::copy_lost: the agent cannot be reached.
//             rewind() and rebuild() stop the server whatever it does, and end with a standby that
//             runs. rebuild() keeps what was there aside and says where, "" for nothing.
// Invariants  I1 After an order of epoch N was begun, no order of an epoch before N begins, not even
//                after the agent has died and started again.
// Threads     Any thread.
// Secrets     Passwords stand in FirstUser and Upstream; they are in no error and no log.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/postgres_server.h"
#include "base/ids.h"

namespace spar::agent {

struct AgentReport {
  ServerStatus server;
  bool has_data = false;
  bool standby = false;          // it has been told to follow
  bool must_be_rewound = false;  // and will not start before it was
  Epoch epoch;                   // the highest that an order had; 0: there was none

  int running_pid() const { return server.state == ServerState::running ? server.pid : 0; }
};

// Of a new server. Without a password, whoever can connect is let in.
struct FirstUser {
  std::string name = "postgres";
  std::string password;
};

// The cluster's history left `timeline` at `lsn`.
struct TimelineEnd {
  std::uint32_t timeline = 0;
  std::string lsn;
  friend bool operator==(const TimelineEnd&, const TimelineEnd&) = default;
};

class ServerAgent {
 public:
  ServerAgent() = default;
  virtual ~ServerAgent() = default;
  ServerAgent(const ServerAgent&) = delete;
  ServerAgent& operator=(const ServerAgent&) = delete;

  virtual Result<AgentReport> look(Monotonic deadline) = 0;
  // Ends of transactions that the server holds beyond the end of its own timeline, a line each; ""
  // when the history has not left that timeline.
  virtual Result<std::string> transactions_beyond(const std::vector<TimelineEnd>& ends,
                                                  Monotonic deadline) = 0;

  virtual Result<void> create(Epoch epoch, const FirstUser& user, Monotonic deadline) = 0;
  virtual Result<void> start(Epoch epoch, StartAs as, Monotonic deadline) = 0;
  virtual Result<void> stop(Epoch epoch, Stop how, Monotonic deadline) = 0;
  virtual Result<void> rewind(Epoch epoch, const Upstream& source, Monotonic deadline) = 0;
  virtual Result<std::string> rebuild(Epoch epoch, const Upstream& source, Monotonic deadline) = 0;

  // For good: whoever waits for an order has Code::cancelled soon, and so has every later one, but
  // stop() of a server of this machine. What an order left half done is no obstacle to its next
  // try: an agent on another machine goes on with it.
  virtual void give_up() = 0;
};

}  // namespace spar::agent
