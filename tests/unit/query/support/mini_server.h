// A database in one in-memory SQLite: enough of a server to run what query/ gives, for its tests.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "query/functions/sequences.h"
#include "query/statement.h"

namespace spar::query::test {

struct Answer {
  std::string tag;
  std::vector<std::string> names;
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::vector<std::string> notices;
};

// "1|a\n2|b\n" as psql -At shows it, "" for null.
std::string shown(const Answer& answer);
// "OK ..." as shown(), or "42P01@15 message".
std::string outcome(const Result<Answer>& answer);

class MiniServer {
 public:
  MiniServer();
  ~MiniServer();
  MiniServer(const MiniServer&) = delete;
  MiniServer& operator=(const MiniServer&) = delete;

  // Every statement of the string, the last one's answer.
  Result<Answer> run(std::string_view sql);
  Result<Answer> run(std::string_view sql,
                     const std::vector<std::optional<std::string>>& parameters);
  Result<std::shared_ptr<const Statement>> analyze_one(std::string_view sql,
                                                       std::vector<data::Type> parameters = {});
  // Those statements of the string that can be analyzed; none of a string that cannot be parsed.
  std::vector<std::shared_ptr<const Statement>> analyze_all(std::string_view sql);
  // COPY data for the last CopyIn, lines in text format.
  Result<void> copy(const CopyIn& body, std::string_view lines);
  const data::Catalogue& catalogue() const { return *catalogue_; }
  sqlite3* handle() { return db_; }
  std::vector<std::string> query_plan(const std::string& sql);

 private:
  Result<Answer> execute(const Statement& statement,
                         const std::vector<std::optional<std::string>>& parameters);
  Result<Answer> run_plan(const Plan& plan, const std::vector<data::Datum>& parameters);
  Result<Answer> step_plan(const Plan& plan, const std::vector<data::Datum>& parameters);
  Result<functions::SequenceState> sequence_state(ObjectId sequence);
  Result<void> store_sequences();
  Result<void> change_schema(const SchemaChange& change);
  Result<void> change_tables(const SchemaChange& change, const data::Catalogue& next);
  Result<void> plain(const std::string& sql);
  // First without NOT NULL and indexes, as rows may still have to get their values.
  Result<void> remake(const data::Table* before, const data::Table* after, bool strict);
  Error sqlite_error();

  sqlite3* db_ = nullptr;
  std::shared_ptr<const data::Catalogue> catalogue_;
  AnalyzeContext context_;
  Error raised_;  // the last error that a function gave
  functions::SessionSequences session_sequences_;
  std::optional<functions::SequenceCalls> sequence_calls_;  // of the statement that runs

  friend struct Trampoline;
};

}  // namespace spar::query::test
