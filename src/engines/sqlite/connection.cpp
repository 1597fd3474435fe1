#include "engines/sqlite/connection.h"

#include <sqlite3.h>

#include <mutex>

#include "engines/sqlite/limits.h"

namespace spar::engines::sqlite {
namespace {

// SQLite's own memory statistics take a global mutex at every allocation.
void configure_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    sqlite3_initialize();
  });
}

Error plain_error(Code code, std::string_view sqlstate, std::string message) {
  Error error;
  error.code = code;
  error.sqlstate = std::string(sqlstate);
  error.message = std::move(message);
  return error;
}

// Functions hand their SQLSTATE over in front of their message: "\x01" SQLSTATE message, and what
// there is of a hint behind it.
Error statement_error(std::string_view text) {
  if (text.size() <= 6 || text[0] != '\x01') {
    return plain_error(Code::sql, "XX000", std::string(text));
  }
  const std::size_t hint = text.find(kHintFollows);
  Error error = plain_error(Code::sql, text.substr(1, 5), std::string(text.substr(6, hint - 6)));
  if (hint != text.npos) error.hint = text.substr(hint + 1);
  return error;
}

}  // namespace

bool is_copy_failure(int result_code) {
  switch (result_code & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL:
      return true;
    default:
      return false;
  }
}

Error error_of(sqlite3* db, int result_code) {
  std::string text = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(result_code);
  if (is_copy_failure(result_code)) {
    bool full = (result_code & 0xff) == SQLITE_FULL;
    return plain_error(Code::copy_lost, full ? "53100" : "58030", text);
  }
  switch (result_code & 0xff) {
    case SQLITE_INTERRUPT:
      return plain_error(Code::cancelled, "57014", "canceling statement due to user request");
    case SQLITE_NOMEM:
      return plain_error(Code::sql, "53200", "out of memory");
    case SQLITE_TOOBIG:
      return plain_error(Code::sql, "54000", "value or statement is too large");
    case SQLITE_CONSTRAINT: {
      // Explained against the catalogue by constraint.h, which looks at the text and the code.
      if (text.starts_with('\x01')) return statement_error(text);
      Error error = plain_error(Code::sql, "23000", text);
      error.constraint = std::to_string(result_code);
      return error;
    }
    case SQLITE_BUSY:
      return plain_error(Code::sql, "40001", "could not serialize access due to concurrent update");
    default:
      return statement_error(text);
  }
}

data::Datum datum_of(sqlite3_value* value) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      return static_cast<std::int64_t>(sqlite3_value_int64(value));
    case SQLITE_FLOAT:
      return sqlite3_value_double(value);
    case SQLITE_TEXT: {
      auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
      return std::string(text, static_cast<std::size_t>(sqlite3_value_bytes(value)));
    }
    case SQLITE_BLOB: {
      auto* bytes = static_cast<const char*>(sqlite3_value_blob(value));
      auto size = static_cast<std::size_t>(sqlite3_value_bytes(value));
      return data::Blob{size == 0 ? std::string() : std::string(bytes, size)};
    }
    default:
      return std::monostate{};
  }
}

StatementUse::StatementUse(sqlite3* db, sqlite3_stmt* statement, bool* busy)
    : db_(db), statement_(statement), busy_(busy) {
  if (busy_ != nullptr) *busy_ = true;
}

StatementUse::StatementUse(StatementUse&& other) noexcept
    : db_(other.db_), statement_(other.statement_), busy_(other.busy_) {
  other.statement_ = nullptr;
}

StatementUse::~StatementUse() {
  if (statement_ == nullptr) return;
  if (busy_ == nullptr) {
    sqlite3_finalize(statement_);
    return;
  }
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  *busy_ = false;
}

void StatementUse::bind_integer(int index, std::int64_t value) {
  sqlite3_bind_int64(statement_, index, value);
}

void StatementUse::bind_blob(int index, std::string_view bytes) {
  const char* data = bytes.data() != nullptr ? bytes.data() : "";
  sqlite3_bind_blob64(statement_, index, data, bytes.size(), SQLITE_TRANSIENT);
}

void StatementUse::bind_text(int index, std::string_view text) {
  const char* data = text.data() != nullptr ? text.data() : "";
  sqlite3_bind_text64(statement_, index, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void StatementUse::bind(int index, const data::Datum& value) {
  if (auto* integer = std::get_if<std::int64_t>(&value)) return bind_integer(index, *integer);
  if (auto* text = std::get_if<std::string>(&value)) return bind_text(index, *text);
  if (auto* blob = std::get_if<data::Blob>(&value)) return bind_blob(index, blob->bytes);
  if (auto* real = std::get_if<double>(&value)) {
    sqlite3_bind_double(statement_, index, *real);
    return;
  }
  sqlite3_bind_null(statement_, index);
}

void StatementUse::bind_all(std::span<const data::Datum> values) {
  int index = 0;
  for (const data::Datum& value : values) bind(++index, value);
}

Result<bool> StatementUse::step() {
  int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return Failure(error_of(db_, sqlite3_extended_errcode(db_)));
}

Result<void> StatementUse::run() {
  while (true) {
    SPAR_ASSIGN(bool row, step());
    if (!row) return {};
  }
}

void StatementUse::reset() {
  sqlite3_reset(statement_);
}

int StatementUse::column_count() const {
  return sqlite3_column_count(statement_);
}

std::int64_t StatementUse::integer(int index) const {
  return sqlite3_column_int64(statement_, index);
}

std::string_view StatementUse::bytes(int index) const {
  auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, index));
  return {data,
          data != nullptr ? static_cast<std::size_t>(sqlite3_column_bytes(statement_, index)) : 0};
}

data::Datum StatementUse::column(int index) const {
  switch (sqlite3_column_type(statement_, index)) {
    case SQLITE_INTEGER:
      return integer(index);
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement_, index);
    case SQLITE_TEXT: {
      auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, index));
      return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, index)));
    }
    case SQLITE_BLOB:
      return data::Blob{std::string(bytes(index))};
    default:
      return std::monostate{};
  }
}

Result<std::unique_ptr<Connection>> Connection::open(const Options& options) {
  configure_once();
  std::unique_ptr<Connection> connection(new Connection);
  SPAR_TRY(connection->set_up(options));
  return connection;
}

Connection::~Connection() {
  forget_statements();
  sqlite3_close_v2(db_);
}

Result<void> Connection::set_up(const Options& options) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  int code = sqlite3_open_v2(options.path.c_str(), &db_, flags, options.vfs.c_str());
  if (code != SQLITE_OK) return Failure(error_of(db_, code));
  sqlite3_extended_result_codes(db_, 1);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_limit(db_, SQLITE_LIMIT_EXPR_DEPTH, kExpressionDepthMax);
  sqlite3_busy_timeout(db_, kBusyTimeoutMs);
  SPAR_TRY(
      run("PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
          "PRAGMA wal_autocheckpoint=0; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;"
          "PRAGMA secure_delete=OFF; PRAGMA recursive_triggers=OFF;"
          "PRAGMA cell_size_check=ON"));
  SPAR_TRY(run("PRAGMA cache_size=-" +
               std::to_string(options.writer ? kWriterCacheKiB : kReaderCacheKiB)));
  SPAR_TRY(run(options.foreign_keys ? "PRAGMA foreign_keys=ON" : "PRAGMA foreign_keys=OFF"));
  if (!options.writer) SPAR_TRY(run("PRAGMA query_only=ON"));
  return register_functions(db_, &sequence_calls_);
}

Result<sqlite3_stmt*> Connection::compile(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return Failure(error_of(db_, code));
  if (statement == nullptr) return failure(Code::invalid, "empty statement");
  return statement;
}

Result<StatementUse> Connection::prepare(std::string_view sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    if (statements_.size() >= kStatementsKeptMax) forget_statements();
    SPAR_ASSIGN(sqlite3_stmt * statement, compile(sql));
    found = statements_.emplace(std::string(sql), std::make_unique<Entry>(statement, false)).first;
  }
  if (found->second->busy) {  // the same text is still being read: take one of its own
    SPAR_ASSIGN(sqlite3_stmt * statement, compile(sql));
    return StatementUse(db_, statement, nullptr);
  }
  return StatementUse(db_, found->second->statement, &found->second->busy);
}

Result<void> Connection::run(std::string_view sql) {
  char* text = nullptr;
  int code = sqlite3_exec(db_, std::string(sql).c_str(), nullptr, nullptr, &text);
  sqlite3_free(text);
  if (code != SQLITE_OK) return Failure(error_of(db_, sqlite3_extended_errcode(db_)));
  return {};
}

Result<std::int64_t> Connection::integer(std::string_view sql) {
  SPAR_ASSIGN(StatementUse use, prepare(sql));
  SPAR_ASSIGN(bool row, use.step());
  if (!row) return failure(Code::corrupt, "no row for: " + std::string(sql));
  return use.integer(0);
}

void Connection::forget_schema() {
  forget_statements();
  (void)run("PRAGMA writable_schema=RESET");
}

void Connection::forget_statements() {
  for (auto it = statements_.begin(); it != statements_.end();) {
    if (it->second->busy) {
      ++it;
      continue;
    }
    sqlite3_finalize(it->second->statement);
    it = statements_.erase(it);
  }
}

void Connection::interrupt() {
  sqlite3_interrupt(db_);
}
bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(db_) == 0;
}
std::int64_t Connection::rows_changed() const {
  return sqlite3_changes64(db_);
}

}  // namespace spar::engines::sqlite
