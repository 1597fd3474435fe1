// server/postgres/server_copy.h: one PostgreSQL server that is a copy: its address, and, where Spar
// itself starts and stops it, its directory.
//
// Contract    Calls end by their deadline. What needs an agent and has none fails with a text that
//             says what a person has to do.
// Secrets     A password stands in the address that was given, never in errors or in upstream
//             settings.
// Threads     Actions one at a time (server/data_path.h); control() from any.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "agent/postgres_server.h"
#include "base/ids.h"
#include "engines/postgres/server_control.h"

namespace spar::server::postgres {

struct ServerSpec {
  std::string name;
  engines::postgres::Conninfo address;  // of a superuser; host numeric
  std::string directory;                // Spar starts and stops it there; "": somebody else does
};

class ServerCopy {
 public:
  static Result<std::unique_ptr<ServerCopy>> make(storage::Disk& disk, CopyId id, ServerSpec spec);

  CopyId id() const { return id_; }
  const std::string& name() const { return spec_.name; }
  const engines::postgres::Conninfo& address() const { return spec_.address; }
  std::string host() const;
  std::uint16_t port() const;
  bool managed() const { return server_.has_value(); }

  Result<engines::postgres::ServerControl> control(Monotonic deadline) const;
  // How `standby` reaches this server.
  engines::postgres::Conninfo upstream_for(const ServerCopy& standby) const;

  // Managed servers.
  bool has_data() const;
  int pid() const;                          // 0: it does not run, or is not ours
  Result<void> create(Monotonic deadline);  // a new cluster, started as primary
  // As what it was. Code::invalid when it was primary and may not start as one.
  Result<void> start_as_it_was(bool may_be_primary, Monotonic deadline);
  Result<void> stop(agent::Stop how, Monotonic deadline);
  // Ends of transactions that it holds beyond the fork that ended its timeline, a line each.
  Result<std::string> lost_transactions(const engines::postgres::ServerHistory& history,
                                        Monotonic deadline);
  // Makes it a standby of `primary`, whatever it was; gives what was done, for people.
  Result<std::string> bring_behind(const ServerCopy& primary, Monotonic deadline);
  Result<std::string> rewind_behind(const ServerCopy& primary, Monotonic deadline);
  Result<std::string> rebuild_behind(const ServerCopy& primary, Monotonic deadline);

 private:
  ServerCopy(CopyId id, ServerSpec spec, std::optional<agent::PostgresServer> server)
      : id_(id), spec_(std::move(spec)), server_(std::move(server)) {}
  agent::Upstream upstream(const ServerCopy& primary) const;
  bool is_standby() const;

  CopyId id_;
  ServerSpec spec_;
  mutable std::mutex mutex_;  // for server_
  mutable std::optional<agent::PostgresServer> server_;
};

// What to tell a person where no agent is.
Failure needs_a_person(const std::string& what, const std::string& hint);

}  // namespace spar::server::postgres
