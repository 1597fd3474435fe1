#include "gateway/transactions.h"

#include <utility>

namespace spar::gateway {

Result<Isolation> isolation_of(std::string_view name) {
  if (name == "read committed" || name == "read uncommitted") return Isolation::read_committed;
  if (name == "repeatable read") return Isolation::repeatable_read;
  if (name == "serializable") return Isolation::serializable;
  return invalid_setting("transaction_isolation", name);
}

std::string_view name_of(Isolation isolation) {
  switch (isolation) {
    case Isolation::read_committed:
      return "read committed";
    case Isolation::repeatable_read:
      return "repeatable read";
    case Isolation::serializable:
      return "serializable";
  }
  return "read committed";
}

bool Transactions::failed() const {
  return block_ && parts_.backend.status() == TransactionStatus::failed;
}

char Transactions::status() const {
  if (!block_) return 'I';
  return failed() ? 'E' : 'T';
}

void Transactions::before_run(Effect effect) {
  if (!block_) implicit_ = true;
  if (effect == Effect::schema) schema_changed_ = true;
  if (implicit_ && effect != Effect::read) parts_.output.hold();
}

Result<void> Transactions::finish() {
  if (block_) return {};
  Result<void> done = end_implicit();
  if (done) {
    parts_.settings.commit();
    parts_.output.release();
  } else {
    parts_.settings.rollback();
    parts_.output.discard_held();
  }
  return done;
}

Result<void> Transactions::end_implicit() {
  parts_.portals.close_all();
  if (!std::exchange(implicit_, false)) return {};
  Result<void> done = parts_.backend.finish();
  if (!done) parts_.backend.abandon();
  forget_schema();
  return done;
}

void Transactions::broken() {
  if (block_) {
    parts_.portals.break_all();
    if (!failed()) parts_.backend.fail();
    return;
  }
  parts_.portals.close_all();
  if (std::exchange(implicit_, false)) parts_.backend.abandon();
  forget_schema();
  parts_.settings.rollback();
  parts_.output.release();  // what was done so far is told, then the error
}

// A catalogue that a lost transaction made may share its version with another one later.
void Transactions::forget_schema() {
  if (std::exchange(schema_changed_, false)) parts_.statements.forget_meanings();
}

Result<TransactionOptions> Transactions::options_of(const query::Begin& begin) const {
  const BackendSettings& defaults = parts_.backend.settings();
  TransactionOptions options{.isolation = defaults.default_isolation,
                             .read_only = defaults.default_read_only};
  if (begin.isolation) {
    SPAR_ASSIGN(options.isolation, isolation_of(*begin.isolation));
  }
  if (begin.read_only) options.read_only = *begin.read_only;
  return options;
}

Result<void> Transactions::begin(const query::Begin& begin) {
  if (block_) {
    parts_.notices.warning("25001", "there is already a transaction in progress");
    return {};
  }
  SPAR_ASSIGN(TransactionOptions options, options_of(begin));
  SPAR_TRY(parts_.backend.begin(options));
  block_ = true;
  // What the same string did before belongs to the block, as in PostgreSQL.
  implicit_ = false;
  parts_.output.release();
  return {};
}

Result<std::string> Transactions::commit() {
  if (!block_) {
    SPAR_TRY(finish());
    parts_.notices.warning("25P01", "there is no transaction in progress");
    return "COMMIT";
  }
  parts_.portals.close_all();
  Result<bool> committed = parts_.backend.commit();
  block_ = false;
  forget_schema();
  if (committed && *committed) {
    parts_.settings.commit();
    return "COMMIT";
  }
  if (!committed && parts_.backend.status() != TransactionStatus::idle) parts_.backend.rollback();
  parts_.settings.rollback();
  if (!committed) return Failure(std::move(committed.error()));
  return "ROLLBACK";
}

Result<void> Transactions::rollback() {
  if (!block_) {
    if (implicit_) broken();
    parts_.notices.warning("25P01", "there is no transaction in progress");
    return {};
  }
  parts_.portals.close_all();
  parts_.backend.rollback();
  block_ = false;
  forget_schema();
  parts_.settings.rollback();
  return {};
}

Result<void> Transactions::only_in_block(const char* command) const {
  if (block_) return {};
  return sql_error("25P01", std::string(command) + " can only be used in transaction blocks");
}

Result<void> Transactions::savepoint(const std::string& name) {
  SPAR_TRY(only_in_block("SAVEPOINT"));
  SPAR_TRY(parts_.backend.savepoint(name));
  parts_.settings.savepoint(name);
  return {};
}

Result<void> Transactions::release(const std::string& name) {
  SPAR_TRY(only_in_block("RELEASE SAVEPOINT"));
  SPAR_TRY(parts_.backend.release_savepoint(name));
  parts_.settings.release(name);
  return {};
}

Result<void> Transactions::rollback_to(const std::string& name) {
  SPAR_TRY(only_in_block("ROLLBACK TO SAVEPOINT"));
  parts_.portals.break_all();
  SPAR_TRY(parts_.backend.rollback_to_savepoint(name));
  if (schema_changed_) parts_.statements.forget_meanings();
  parts_.settings.rollback_to(name);
  return {};
}

void Transactions::end() {
  parts_.portals.close_all();
  if (std::exchange(block_, false)) parts_.backend.rollback();
  if (std::exchange(implicit_, false)) parts_.backend.abandon();
}

}  // namespace spar::gateway
