#include "server/read_rows.h"

#include "server/limits.h"
#include "server/session_backend.h"

namespace spar::server {
namespace {

const query::Plan& plan_of(const query::Statement& statement) {
  if (auto* copy = std::get_if<query::CopyOut>(&statement.body)) return copy->select;
  return std::get<query::Plan>(statement.body);
}

}  // namespace

ReadRows::ReadRows(SessionBackend& session, std::shared_ptr<const query::Statement> statement,
                   std::vector<data::Datum> values, Analyze analyze)
    : session_(session),
      statement_(std::move(statement)),
      values_(std::move(values)),
      analyze_(std::move(analyze)) {}

Result<void> ReadRows::open() {
  cursor_.reset();
  lease_.reset();
  settled_ = false;
  replicate::ReadNeed need = session_.read_need();
  need.primary_only = primary_only_;
  SPAR_ASSIGN(lease_, session_.cluster_.begin_read(need, session_.patience()));
  const engines::Call call = session_.call_of(plan_of(*statement_), values_);
  SPAR_ASSIGN(cursor_, lease_->session().open(call));
  return skip_given();
}

// The rows that the client has must come first again.
Result<void> ReadRows::skip_given() {
  std::uint64_t count = given_.rows();
  if (count == 0) return {};
  ResultDigest again(true);
  data::Row row;
  while (again.rows() < count) {
    Result<bool> more = settle_first(cursor_->next(row));
    if (!more) return Failure(more.error());
    if (!*more) break;
    again.add(row);
  }
  if (again == given_) return {};
  Error error;
  error.code = Code::sql;
  error.sqlstate = "40001";
  error.message = "the copy that answered died, and another one answers differently by now";
  error.hint = "Run the query again.";
  return Failure(std::move(error));
}

Result<bool> ReadRows::settle_first(Result<bool> more) {
  if (!more || settled_) return more;
  // On a follower too: it may have become the primary since the lease was given.
  SPAR_TRY(session_.settle(lease_->session().seen()));
  settled_ = true;
  return more;
}

// A table that the statement was made for has changed between its analysis and its first row.
Result<void> ReadRows::analyze_again() {
  auto catalogue = session_.cluster_.catalogue();
  SPAR_ASSIGN(auto fresh, analyze_(*catalogue));
  statement_ = std::move(fresh);
  return {};
}

Result<bool> ReadRows::advance(data::Row& row) {
  if (!cursor_) SPAR_TRY(open());
  return settle_first(cursor_->next(row));
}

Result<bool> ReadRows::read(data::Row& row) {
  while (true) {
    Result<bool> more = advance(row);
    if (more) {
      if (!*more) {
        ended_ = true;
        cursor_.reset();
        lease_.reset();
      }
      return more;
    }
    Error error = more.error();
    cursor_.reset();
    if (!filled_) ahead_.clear();  // nobody has seen them: begin anew
    if (error.code == Code::copy_lost) {
      if (lease_) session_.cluster_.report(lease_->member(), error);
      lease_.reset();
      continue;
    }
    lease_.reset();
    // Its schema and that of the copy may be one change apart; the primary has the newest.
    if (error.sqlstate == "XX000" && !filled_ && ++schema_retries_ <= kSchemaRetriesMax) {
      primary_only_ = true;
      SPAR_TRY(analyze_again());
      continue;
    }
    ended_ = true;
    (void)session_.on_error(error);
    return Failure(std::move(error));
  }
}

Result<void> ReadRows::fill() {
  data::Row row;
  std::size_t bytes = 0;
  while (bytes < kReadAheadBytes) {
    SPAR_ASSIGN(bool more, read(row));
    if (!more) break;
    if (ahead_.empty()) bytes = 0;  // the first row, perhaps of another try
    bytes += weight_of(row);
    ahead_.push_back(std::move(row));
    row.clear();
  }
  filled_ = true;
  return {};
}

Result<bool> ReadRows::next(data::Row& row) {
  if (!filled_) SPAR_TRY(fill());
  if (at_ < ahead_.size()) {
    row = std::move(ahead_[at_++]);
  } else {
    if (ended_) return false;
    SPAR_ASSIGN(bool more, read(row));
    if (!more) return false;
  }
  ++count_;
  if (!ended_) given_.add(row);  // only a result that goes on may have to be found again
  return true;
}

}  // namespace spar::server
