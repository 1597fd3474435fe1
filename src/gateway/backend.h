// gateway/backend.h: what one client session runs its statements on.
//
// Contract    A Backend belongs to one session. It hides which copy answers, waits for the right to
//             write, holds every answer back until the position it saw is durable, and survives the
//             loss of a copy: it waits, repeats, replays an open transaction and compares results.
//             What it cannot repeat truthfully it reports as 40001 with a hint.
//   Implicit  run() outside begin() opens an implicit transaction; finish() ends it: commits it and
//             waits until the commit is durable. An error leaves the implicit transaction broken:
//             the session then calls abandon(). Nothing of it may be sent to the client before
//             finish() has returned, except rows of a statement that wrote nothing.
//   Explicit  after begin(), which takes over an implicit transaction that is open; an error makes
//             status() failed, and only rollback() (or rollback_to_savepoint()) leads out. Every
//             Rows of a transaction must be destroyed before commit(), rollback(), finish() or
//             abandon().
// Errors      Code::sql for the client as it stands. Code::cancelled after cancel() (57014).
//             Code::unavailable (57P03), Code::unknown_outcome (08007), Code::deadline (57014,
//             55P03).
// Threads     One thread a session; cancel() from any thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "data/catalogue.h"
#include "data/datum.h"
#include "query/statement.h"

namespace spar::gateway {

enum class Freshness { strict, session, bounded };
enum class Isolation { read_committed, repeatable_read, serializable };

// What SET can change about how a backend works; the session keeps it, the backend reads it.
struct BackendSettings {
  Freshness freshness = Freshness::strict;
  std::chrono::milliseconds max_staleness{5000};  // for bounded
  Position after;                                 // for session: SET spar.after
  Isolation default_isolation = Isolation::read_committed;
  bool default_read_only = false;
  std::chrono::milliseconds statement_timeout{0};  // 0: none
  std::chrono::milliseconds lock_timeout{0};       // 0: none
};

struct TransactionOptions {
  Isolation isolation = Isolation::read_committed;
  bool read_only = false;
};

enum class TransactionStatus { idle, open, failed };  // ReadyForQuery's I, T, E

// A statement ready to run. When the catalogue has moved since `statement` was analysed, the
// backend asks `analyze` again, under the lock that keeps the catalogue from moving.
struct Executable {
  std::shared_ptr<const query::Statement> statement;
  std::function<Result<std::shared_ptr<const query::Statement>>(const data::Catalogue&)> analyze;
  // $1 .. $n in the form of statement->parameters; values for Plan::bound the backend adds.
  std::vector<data::Datum> parameters;
  // finish() follows at once, whatever the answer: a write without rows may commit right away.
  bool last = false;
};

class Rows {
 public:
  virtual ~Rows() = default;
  // Fills `row` (in the form of the plan's output types); false at the end.
  virtual Result<bool> next(data::Row& row) = 0;
  // Rows inserted, updated or deleted; rows returned for a SELECT. Valid after the end.
  virtual std::uint64_t affected() const = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual BackendSettings& settings() = 0;
  virtual TransactionStatus status() const = 0;
  // True inside begin() .. commit(), or after run() opened an implicit transaction.
  virtual bool in_transaction() const = 0;
  virtual std::shared_ptr<const data::Catalogue> catalogue() = 0;

  // Bodies Plan, and CopyOut (its select). DML without RETURNING has run when this returns.
  virtual Result<std::unique_ptr<Rows>> run(Executable executable) = 0;
  // Bodies SchemaChange and Truncate. Gives the statement that ran in the end (for its notices).
  virtual Result<std::shared_ptr<const query::Statement>> run_schema(Executable executable) = 0;
  // Body CopyIn: rows in the order of CopyIn::types. May be called many times for one COPY.
  virtual Result<void> insert_rows(const Executable& copy_in, std::vector<data::Row> rows) = 0;

  virtual Result<void> begin(const TransactionOptions& options) = 0;
  // SET TRANSACTION before the first statement: 25001 after it.
  virtual Result<void> set_transaction(const TransactionOptions& options) = 0;
  virtual TransactionOptions transaction_options() const = 0;
  virtual Result<bool> commit() = 0;  // false: the transaction had failed and was rolled back
  virtual void rollback() = 0;
  virtual Result<void> savepoint(const std::string& name) = 0;
  virtual Result<void> release_savepoint(const std::string& name) = 0;
  virtual Result<void> rollback_to_savepoint(const std::string& name) = 0;
  virtual void fail() = 0;  // the session met an error of its own inside an explicit transaction

  virtual Result<void> finish() = 0;
  virtual void abandon() = 0;

  virtual Position position() const = 0;  // the newest position this session has seen or made
  virtual void forget_sequences() {}      // DISCARD: currval() and lastval() know nothing
  virtual void cancel() = 0;              // ends the statement that runs now, if one does
};

// Makes a backend for a session on one database; fails with 3D000 when there is no such database.
class BackendFactory {
 public:
  virtual ~BackendFactory() = default;
  virtual Result<std::unique_ptr<Backend>> open(const std::string& database,
                                                const std::string& user) = 0;
};

}  // namespace spar::gateway
