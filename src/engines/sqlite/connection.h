// engines/sqlite/connection.h: one SQLite connection of an embedded copy, its prepared statements,
// and how SQLite's results become errors that a PostgreSQL client understands.
//
// Contract    A connection belongs to one thread at a time (opened NOMUTEX). prepare() keeps
//             statements by their text, so a hot statement is compiled once. Errors:
//             Code::copy_lost for what the disk did (I/O, corruption, full), Code::cancelled after
//             interrupt(), Code::sql otherwise.
// Lifetime    Statements live as long as the connection; a StatementUse resets its statement.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "data/datum.h"
#include "query/functions/sequences.h"

struct sqlite3;
struct sqlite3_stmt;
struct sqlite3_value;

namespace spar::engines::sqlite {

inline constexpr char kHintFollows = '\x1f';  // in what functions give as their error

// A prepared statement on loan: reset and unbound when it goes out of scope.
class StatementUse {
 public:
  StatementUse(sqlite3* db, sqlite3_stmt* statement, bool* busy);
  StatementUse(StatementUse&& other) noexcept;
  StatementUse& operator=(StatementUse&&) = delete;
  ~StatementUse();

  void bind(int index, const data::Datum& value);
  void bind_integer(int index, std::int64_t value);
  void bind_blob(int index, std::string_view bytes);
  void bind_text(int index, std::string_view text);
  void bind_all(std::span<const data::Datum> values);

  Result<bool> step();  // true: a row
  Result<void> run();   // steps to the end
  void reset();

  int column_count() const;
  data::Datum column(int index) const;
  std::int64_t integer(int index) const;
  std::string_view bytes(int index) const;  // of a text or blob column, until the next step
  sqlite3_stmt* raw() const { return statement_; }

 private:
  sqlite3* db_;
  sqlite3_stmt* statement_;
  bool* busy_;  // nullptr: the statement is ours alone and finalised at the end
};

class Connection {
 public:
  struct Options {
    std::string path;
    std::string vfs;
    bool writer = false;  // may write; enforces foreign keys
    bool foreign_keys = false;
  };
  static Result<std::unique_ptr<Connection>> open(const Options& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Result<StatementUse> prepare(std::string_view sql);
  Result<void> run(std::string_view sql);              // no rows expected; not kept
  Result<std::int64_t> integer(std::string_view sql);  // the single value of a query

  void forget_statements();  // after a schema change
  // After a schema change that was rolled back: what is known of tables is read again. (What
  // writable_schema changed, SQLite does not know to have changed.)
  void forget_schema();
  void interrupt();  // from any thread
  bool in_transaction() const;
  std::int64_t rows_changed() const;  // of the last statement
  sqlite3* raw() const { return db_; }

  // What nextval() and its like work on while a statement steps; none in between.
  void count_with(query::functions::SequenceCalls* calls) { sequence_calls_ = calls; }

 private:
  struct Entry {
    sqlite3_stmt* statement;
    bool busy;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  Connection() = default;
  Result<void> set_up(const Options& options);
  Result<sqlite3_stmt*> compile(std::string_view sql);

  sqlite3* db_ = nullptr;
  query::functions::SequenceCalls* sequence_calls_ = nullptr;
  std::unordered_map<std::string, std::unique_ptr<Entry>, TextHash, std::equal_to<>> statements_;
};

// The error that `db` reports for `result_code`.
Error error_of(sqlite3* db, int result_code);
// Whether a result code means that the copy's disk or file has failed.
bool is_copy_failure(int result_code);

data::Datum datum_of(sqlite3_value* value);

// Makes query/functions callable in SQL; `*calls` is looked at when a sequence's function runs.
Result<void> register_functions(sqlite3* db, query::functions::SequenceCalls** calls);

}  // namespace spar::engines::sqlite
