// server/postgres/server_copy.h: one PostgreSQL server that is a copy: its address, and, where Spar
// itself starts and stops it, its directory.
//
// Contract    Calls end by their deadline. What needs an agent and has none fails with a text that
//             says what a person has to do. Orders to an agent carry the epoch that they are given
//             for (agent/server_agent.h).
// Secrets     A password stands in the address that was given, never in errors or in upstream
//             settings.
// Threads     Any thread; the agent keeps orders apart.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "agent/remote/remote_agent.h"
#include "agent/server_agent.h"
#include "base/ids.h"
#include "engines/postgres/server_control.h"
#include "gateway/relay/server_tls.h"

namespace spar::server::postgres {

// An agent of its own, on another machine.
struct RemoteSpec {
  std::shared_ptr<const agent::remote::TlsContext> tls;
  agent::remote::AgentPlace place;
};

struct ServerSpec {
  std::string name;
  engines::postgres::Conninfo address;    // of a superuser; host numeric
  std::string directory;                  // Spar starts and stops it there; "": somebody else does
  std::optional<RemoteSpec> remote = {};  // or this agent does
  std::string programs = {};              // where PostgreSQL's are; "": the newest installed
};

class ServerCopy {
 public:
  static Result<std::unique_ptr<ServerCopy>> make(storage::Disk& disk, CopyId id, ServerSpec spec);

  CopyId id() const { return id_; }
  const std::string& name() const { return spec_.name; }
  const engines::postgres::Conninfo& address() const { return spec_.address; }
  // Whether it is not what a second try, another epoch or an agent that answers would mend.
  static bool needs_rebuild(const Error& error);
  std::string host() const;
  std::uint16_t port() const;
  // Of clients' connections, as the address says; nothing: unencrypted.
  const std::shared_ptr<const gateway::relay::ServerTls>& tls() const { return tls_; }
  bool managed() const { return agent_ != nullptr; }
  bool ends_with_node() const { return !spec_.directory.empty(); }

  Result<engines::postgres::ServerControl> control(Monotonic deadline) const;
  // How `standby` reaches this server. What serves it there ends when the standby takes nothing
  // any more: else one that is frozen would hold up the primary's checkpoints for ever.
  engines::postgres::Conninfo upstream_for(const ServerCopy& standby) const;

  // Managed servers.
  Result<agent::AgentReport> look(Monotonic deadline) const { return agent_->look(deadline); }
  bool has_data(Monotonic deadline) const;  // false also when its agent does not say
  int pid() const;                          // as known lately; 0: it does not run, or nobody knows
  Result<void> create(Epoch epoch, Monotonic deadline);  // a new cluster, started as primary
  Result<void> start(Epoch epoch, agent::StartAs as, Monotonic deadline);
  Result<void> stop(Epoch epoch, agent::Stop how, Monotonic deadline);
  // Ends of transactions that it holds beyond the fork that ended its timeline, a line each.
  Result<std::string> lost_transactions(const engines::postgres::ServerHistory& history,
                                        Monotonic deadline);
  // Makes it a standby of `primary`, whatever it was; gives what was done, for people.
  Result<std::string> bring_behind(Epoch epoch, const ServerCopy& primary, Monotonic deadline);
  // The same for one of which nothing is of use; `why`, for people. It takes as long as all data
  // take, whatever deadline led to it.
  Result<std::string> fill_anew(Epoch epoch, const ServerCopy& primary, const std::string& why);
  // Whatever its agent is doing for it ends soon; see agent/server_agent.h.
  void give_up() {
    if (agent_) agent_->give_up();
  }

 private:
  ServerCopy(CopyId id, ServerSpec spec) : id_(id), spec_(std::move(spec)) {}
  agent::Upstream upstream(const ServerCopy& primary) const;
  std::string backup_command(const ServerCopy& primary) const;

  CopyId id_;
  ServerSpec spec_;
  std::shared_ptr<const gateway::relay::ServerTls> tls_;
  std::unique_ptr<agent::ServerAgent> agent_;
  mutable std::mutex mutex_;  // for what follows
  mutable Monotonic pid_known_till_{};
  mutable int pid_ = 0;
};

// What to tell a person where no agent is.
Failure needs_a_person(const std::string& what, const std::string& hint);

}  // namespace spar::server::postgres
