// query/statement.h: what a statement turns into, the only thing the rooms above see of the query
// room.
//
// Contract    parse() splits a query string into statements; analyze() gives one statement's
//             meaning against one catalogue snapshot. A Statement is immutable, holds no pointer
//             into the catalogue or the text, and is valid for catalogues of the version it names.
// Errors      42601 syntax, 42P01/42703/42883/42804/... names and types, 54001 too complex,
//             0A000 with the feature's name for what Spar does not have yet; each with the 1-based
//             character position where PostgreSQL gives one.
// Threads     Pure functions and immutable values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "data/catalogue.h"
#include "data/datum.h"
#include "data/text_format.h"
#include "data/type.h"

namespace spar::query {

struct ParseLimits {
  std::size_t tokens_max = 200'000;  // of one statement; more is 54001
  std::size_t nesting_max = 500;     // parentheses and operators inside each other; more is 54001
};

// A statement as the grammar saw it. Opaque; keeps its own copy of the text.
class ParsedStatement {
 public:
  struct Tree;
  explicit ParsedStatement(std::shared_ptr<const Tree> tree) : tree_(std::move(tree)) {}
  const Tree& tree() const { return *tree_; }

 private:
  std::shared_ptr<const Tree> tree_;
};

// An empty vector for a string without any statement (EmptyQueryResponse).
Result<std::vector<ParsedStatement>> parse(std::string_view sql, const ParseLimits& limits);

struct OutputColumn {
  std::string name;
  data::Type type;
  ObjectId table;  // where it came from unchanged, or 0
  data::ColumnNumber number = 0;
  std::int32_t shown_typmod = -1;  // what clients are told; type's own says how values are written
};

// A value that the session computes once a statement and hands over as one more parameter, so that
// a replay can hand over the same again.
enum class BoundValue : std::uint8_t {
  transaction_time,  // now(), current_timestamp: the transaction's start, a timestamptz datum
  statement_time,    // statement_timestamp(), clock_timestamp()
  random,            // a real in [0, 1)
};

enum class PlanKind : std::uint8_t { select, insert, update, erase };

// A query that one embedded copy can run: SQL in SQLite's dialect over the tables t<id> with the
// columns c<number>, with parameters ?1 .. ?n for $1 .. $n, then one for each of `bound`.
struct Plan {
  PlanKind kind = PlanKind::select;
  std::string sql;
  std::vector<OutputColumn> output;  // empty for DML without RETURNING
  std::vector<BoundValue> bound;
  std::vector<ObjectId> tables;  // read or written
  ObjectId target;               // of DML
  bool locks_rows = false;       // SELECT ... FOR UPDATE/SHARE: needs the writer
  bool ordered = false;          // the result's order is part of its meaning (ORDER BY)
  bool counts = false;           // nextval() or setval(): writes, even as a SELECT
};

struct Begin {
  std::optional<std::string> isolation;  // "read committed", "repeatable read", "serializable"
  std::optional<bool> read_only;
};
struct Commit {};
struct Rollback {};
struct Savepoint {
  std::string name;
};
struct ReleaseSavepoint {
  std::string name;
};
struct RollbackToSavepoint {
  std::string name;
};

struct SetParameter {                // SET, RESET, SET TRANSACTION ("transaction_isolation", ...)
  std::string name;                  // folded to lower case
  std::optional<std::string> value;  // nothing: to its default
  bool local = false;
  // Not empty: it was SELECT set_config(...), which answers one row of one text column so named.
  std::string column = {};
};
struct ShowParameter {
  std::string name;         // "all" for SHOW ALL
  std::string column = {};  // not empty: SELECT current_setting(...), answered under this name
};
struct DiscardAll {};
struct NoOperation {  // VACUUM, ANALYZE, CHECKPOINT, ...
  std::vector<ObjectId> tables;
  bool forgets_sequences = false;  // DISCARD SEQUENCES
};

struct CopyFormat {
  bool csv = false;
  bool header = false;
  char delimiter = '\t';
  char quote = '"';
  char escape = '"';
  std::string null_text = "\\N";
};
struct CopyIn {  // COPY table (columns) FROM STDIN; insert has one parameter a column
  ObjectId table;
  std::vector<data::Type> types;
  std::vector<std::string> column_names;
  Plan insert;
  CopyFormat format;
};
struct CopyOut {  // COPY table TO STDOUT or COPY (query) TO STDOUT
  Plan select;
  CopyFormat format;
};

// Schema changes are computed against the catalogue given: run analyze() again when it moved.
struct SchemaChange {
  std::vector<data::ObjectChange> changes;
  std::vector<std::string> notices;  // "table \"x\" does not exist, skipping"
  // Existing rows that must satisfy a new NOT NULL or CHECK: a query that finds an offender.
  struct Verify {
    std::string sql;  // SQLite's dialect; any row means failure
    Error error;
  };
  std::vector<Verify> verify;
  // Run after the changes and before verify: a sequence's row, a new column's values.
  std::vector<Plan> writes;
  bool own_transaction = false;  // CREATE/DROP DATABASE: 25001 inside a transaction block
  ObjectId database;             // the one made or dropped, else 0
};
struct Truncate {
  std::vector<ObjectId> tables;
  std::vector<Plan> writes;  // RESTART IDENTITY
};

struct PrepareStatement {
  std::string name;
  std::vector<data::Type> parameters;
  std::shared_ptr<const ParsedStatement> statement;
};
struct ExecuteStatement {
  std::string name;
  std::vector<std::pair<data::Datum, data::Type>> arguments;  // constants, type unknown as text
};
struct Deallocate {
  std::string name;
};  // "" for ALL

using Body =
    std::variant<Plan, Begin, Commit, Rollback, Savepoint, ReleaseSavepoint, RollbackToSavepoint,
                 SetParameter, ShowParameter, DiscardAll, NoOperation, CopyIn, CopyOut,
                 SchemaChange, Truncate, PrepareStatement, ExecuteStatement, Deallocate>;

struct Statement {
  std::string tag;  // command tag without counts: "SELECT", "INSERT", "CREATE TABLE", "SET", ...
  Body body;
  std::vector<data::Type> parameters;  // of $1 .. $n, inferred where the client gave none
  std::uint64_t catalogue_version = 0;
};

struct AnalyzeContext {
  ObjectId database;
  std::string database_name;
  std::string user;
  std::vector<std::string> search_path = {"public"};
  data::TextContext text;
  std::vector<data::Type> parameter_types;  // as given in Parse; TypeId::none: to be inferred
};

Result<std::shared_ptr<const Statement>> analyze(const ParsedStatement& statement,
                                                 const data::Catalogue& catalogue,
                                                 const AnalyzeContext& context);

}  // namespace spar::query
