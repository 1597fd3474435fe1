// gateway/transactions.h: when a session's transactions begin and end, for the backend, the
// settings, the portals and the held output together.
//
// Contract    before_run() before a statement reaches the backend; finish() at the end of what the
//             client sent as one unit (a query string, a Sync); broken() after any error. Outside
//             BEGIN the unit is an implicit transaction. Every end closes the portals first, as the
//             backend asks.
// States      idle -> implicit -> idle;  idle -> block -> (failed block) -> idle
// Threads     One thread a session.
#pragma once

#include <string>

#include "base/result.h"
#include "gateway/backend.h"
#include "gateway/notices.h"
#include "gateway/output.h"
#include "gateway/portal.h"
#include "gateway/settings.h"
#include "gateway/statements.h"
#include "query/statement.h"

namespace spar::gateway {

class Transactions {
 public:
  struct Parts {
    Backend& backend;
    Settings& settings;
    Statements& statements;
    Portals& portals;
    Output& output;
    Notices& notices;
  };
  explicit Transactions(Parts parts) : parts_(parts) {}

  bool in_block() const { return block_; }
  bool implicit() const { return implicit_; }
  bool failed() const;
  char status() const;  // of ReadyForQuery

  enum class Effect { read, write, schema };
  // Opens the implicit transaction if there is none; answers to a writing one are held back.
  void before_run(Effect effect);

  Result<void> finish();
  void broken();

  Result<void> begin(const query::Begin& begin);
  Result<std::string> commit();  // the command tag
  Result<void> rollback();
  Result<void> savepoint(const std::string& name);
  Result<void> release(const std::string& name);
  Result<void> rollback_to(const std::string& name);

  // At the session's end, whatever is open.
  void end();

 private:
  Result<TransactionOptions> options_of(const query::Begin& begin) const;
  Result<void> end_implicit();
  void forget_schema();
  Result<void> only_in_block(const char* command) const;

  Parts parts_;
  bool block_ = false;
  bool implicit_ = false;
  bool schema_changed_ = false;
};

Result<Isolation> isolation_of(std::string_view name);
std::string_view name_of(Isolation isolation);

}  // namespace spar::gateway
