// gateway/runner.h: runs one bound statement, whatever its body, and writes what it answers.
//
// Contract    run() writes rows (and their description, when asked) and gives the command tag; the
//             caller writes CommandComplete, when the commit allows it. COPY FROM STDIN is only
//             begun: the caller feeds a CopyIn with the client's data.
// Errors      For the client as they stand; the caller has the transaction broken.
// Threads     One thread a session.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/text_format.h"
#include "gateway/backend.h"
#include "gateway/limits.h"
#include "gateway/notices.h"
#include "gateway/output.h"
#include "gateway/portal.h"
#include "gateway/settings.h"
#include "gateway/statements.h"
#include "gateway/transactions.h"

namespace spar::gateway {

struct Outcome {
  enum class Kind { complete, suspended, copy_in };
  Kind kind = Kind::complete;
  std::string tag;
  Executable copy;  // for copy_in
};

struct RunOptions {
  std::int64_t rows_max = 0;  // 0: all
  bool tell_columns = false;  // the simple protocol's RowDescription
  bool alone = true;          // nothing else shares its implicit transaction
  bool last = false;          // an implicit transaction ends with it
};

class Runner {
 public:
  struct Parts {
    Backend& backend;
    Settings& settings;
    Statements& statements;
    Portals& portals;
    Transactions& transactions;
    Output& output;
    Notices& notices;
    const Limits& limits;
  };
  explicit Runner(Parts parts) : parts_(parts) {}

  Result<Outcome> run(Portal& portal, const RunOptions& options);

  // RowDescription or NoData.
  Result<void> describe(const query::Statement& statement, std::span<const wire::Format> formats);

  // Of a Bind, for whatever columns the portal's statement gives.
  Result<void> read_result_formats(Portal& portal, std::span<const std::int16_t> codes);

  // 25P02 unless `statement` leads out of a failed transaction.
  Result<void> check_allowed(const query::Statement& statement) const;
  static Failure in_failed_transaction();

  // Brings what depends on the settings up to date, the backend's included.
  void apply_settings();
  const data::TextContext& text() const { return text_; }

 private:
  using Options = const RunOptions&;
  Result<Outcome> run_body(Portal&, const query::Plan&, Options);
  Result<Outcome> run_body(Portal&, const query::Begin&, Options);
  Result<Outcome> run_body(Portal&, const query::Commit&, Options);
  Result<Outcome> run_body(Portal&, const query::Rollback&, Options);
  Result<Outcome> run_body(Portal&, const query::Savepoint&, Options);
  Result<Outcome> run_body(Portal&, const query::ReleaseSavepoint&, Options);
  Result<Outcome> run_body(Portal&, const query::RollbackToSavepoint&, Options);
  Result<Outcome> run_body(Portal&, const query::SetParameter&, Options);
  Result<Outcome> run_body(Portal&, const query::ShowParameter&, Options);
  Result<Outcome> run_body(Portal&, const query::DiscardAll&, Options);
  Result<Outcome> run_body(Portal&, const query::NoOperation&, Options);
  Result<Outcome> run_body(Portal&, const query::CopyIn&, Options);
  Result<Outcome> run_body(Portal&, const query::CopyOut&, Options);
  Result<Outcome> run_body(Portal&, const query::SchemaChange&, Options);
  Result<Outcome> run_body(Portal&, const query::Truncate&, Options);
  Result<Outcome> run_body(Portal&, const query::PrepareStatement&, Options);
  Result<Outcome> run_body(Portal&, const query::ExecuteStatement&, Options);
  Result<Outcome> run_body(Portal&, const query::Deallocate&, Options);

  Executable executable(Portal& portal, bool last = false) const;
  Result<void> start(Portal& portal, const query::Plan& plan, bool last);
  Result<void> keep_rows(Portal& portal);
  Result<bool> next_row(Portal& portal);
  void write_row(const Portal& portal, const query::Plan& plan);
  Result<Outcome> finished(Portal& portal, const query::Plan& plan, std::uint64_t rows);
  Result<std::string> run_schema(Portal& portal, Transactions::Effect effect);  // the tag
  Result<void> only_alone(const query::Statement& statement, Options) const;
  Result<Portal> bind_arguments(const query::ExecuteStatement& execute);

  Result<bool> set_transaction(const query::SetParameter& set);
  Result<std::string> shown(const std::string& name) const;
  void write_texts(std::initializer_list<std::string_view> texts);

  Parts parts_;
  data::Row row_;
  std::vector<wire::ColumnDescription> columns_;
  data::TextContext text_;
  std::uint64_t applied_changes_ = 0;
};

}  // namespace spar::gateway
