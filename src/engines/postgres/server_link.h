// engines/postgres/server_link.h: one control connection to a PostgreSQL server.
//
// Contract    Every call ends by its deadline, also when the server is frozen or the network eats
//             packets; only a host *name* is looked up by the system's resolver, which has limits
//             of its own: use numeric addresses.
//             Errors: Code::deadline, the server may still do what it was asked, and the link is
//             closed; Code::copy_lost, there is no server, or it refuses connections, or the
//             connection broke, SQLSTATE where it said one; Code::sql, the statement is at fault.
//             A closed link answers Code::copy_lost at once. No error holds a password.
//             Results are text. Notices are dropped.
// Threads     One at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "engines/postgres/conninfo.h"

struct pg_conn;

namespace spar::engines::postgres {

// Says in pg_stat_activity which sessions are Spar's own.
inline constexpr const char* kControlApplication = "spar control";

using Field = std::optional<std::string>;  // nothing: NULL
using Rows = std::vector<std::vector<Field>>;

class ServerLink {
 public:
  // Database "postgres" unless the address names one.
  static Result<ServerLink> connect(const Conninfo& address, Monotonic deadline);

  // One statement; parameters $1, $2, ... as text.
  Result<Rows> run(const std::string& sql, const std::vector<std::string>& parameters,
                   Monotonic deadline);
  Result<Rows> run(const std::string& sql, Monotonic deadline) { return run(sql, {}, deadline); }

  bool usable() const { return connection_ != nullptr; }
  // Waits; true as soon as the server closes the connection.
  bool lost_before(Monotonic deadline);
  // As a literal of this server's SQL, with its quotes.
  Result<std::string> literal(const std::string& text) const;

 private:
  struct Closer {
    void operator()(pg_conn* connection) const;
  };
  ServerLink() = default;

  Result<void> finish_connecting(Monotonic deadline);
  Result<void> flush(Monotonic deadline);
  Result<Rows> take_results(Monotonic deadline);
  Result<void> wait_for_result(Monotonic deadline);
  Failure lost();
  Failure late(const char* what);

  std::unique_ptr<pg_conn, Closer> connection_;
};

// `name` as an identifier of SQL and of the lists in settings: always between double quotes.
std::string quoted_identifier(const std::string& name);

}  // namespace spar::engines::postgres
