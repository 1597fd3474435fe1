#include "tests/unit/gateway/fake_backend.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

namespace spar::gateway::test {
namespace {

class FakeRows : public Rows {
 public:
  FakeRows(std::vector<data::Row> rows, std::uint64_t affected,
           std::shared_ptr<BackendRecord> record, int& open_rows)
      : rows_(std::move(rows)),
        affected_(affected),
        record_(std::move(record)),
        open_rows_(open_rows) {
    ++record_->open_rows;
    ++open_rows_;
  }
  ~FakeRows() override {
    --record_->open_rows;
    --open_rows_;
  }
  Result<bool> next(data::Row& row) override {
    if (at_ == rows_.size()) return false;
    row = rows_[at_++];
    return true;
  }
  std::uint64_t affected() const override { return affected_; }

 private:
  std::vector<data::Row> rows_;
  std::uint64_t affected_;
  std::shared_ptr<BackendRecord> record_;
  int& open_rows_;
  std::size_t at_ = 0;
};

std::shared_ptr<const data::Catalogue> make_catalogue() {
  data::Table table{.id = ObjectId(16385), .database = ObjectId(16384), .name = "t"};
  table.columns = {{.number = 1, .name = "a", .type = {.id = data::TypeId::int4}},
                   {.number = 2, .name = "b", .type = {.id = data::TypeId::text}}};
  return data::Catalogue()
      .apply({data::put_object(data::Database{.id = ObjectId(16384), .name = "shop"}),
              data::put_object(table)})
      .value();
}

std::vector<data::Row> numbered_rows(std::int64_t count) {
  std::vector<data::Row> rows;
  for (std::int64_t i = 1; i <= count; ++i) {
    data::Row row{data::Datum(i), data::Datum("row " + std::to_string(i))};
    if (i == 3) row[1] = data::Datum();
    rows.push_back(std::move(row));
  }
  return rows;
}

std::int64_t number_in(const std::string& sql) {
  constexpr std::int64_t kMost = 100'000;
  std::int64_t number = 0;
  const std::size_t digit = std::min(sql.find_first_of("0123456789"), sql.size());
  std::from_chars(sql.data() + digit, sql.data() + sql.size(), number);
  return std::min(number, kMost);
}

const std::string& sql_of(const query::Statement& statement) {
  if (const auto* copy = std::get_if<query::CopyOut>(&statement.body)) return copy->select.sql;
  return std::get<query::Plan>(statement.body).sql;
}

}  // namespace

FakeBackend::FakeBackend(std::shared_ptr<BackendRecord> record)
    : record_(std::move(record)), catalogue_(make_catalogue()) {}

void FakeBackend::note(std::string call) {
  const std::lock_guard guard(record_->lock);
  record_->calls.push_back(std::move(call));
}

void FakeBackend::enter(const std::string& call) {
  note(call);
  if (status_ == TransactionStatus::idle) implicit_ = true;
  if (status_ == TransactionStatus::failed) ++record_->violations;
}

void FakeBackend::leave(const std::string& call) {
  note(call);
  if (open_rows_ != 0) ++record_->violations;
  implicit_ = false;
  savepoints_.clear();
}

Result<std::unique_ptr<Rows>> FakeBackend::run(Executable executable) {
  std::shared_ptr<const query::Statement> statement = executable.statement;
  if (statement->catalogue_version != catalogue_->version()) {
    SPAR_ASSIGN(statement, executable.analyze(*catalogue_));
  }
  const std::string sql = sql_of(*statement);
  enter("run " + sql);
  if (sql == "broken") return sql_error("22012", "division by zero");
  if (sql == "badfinish") bad_finish_ = true;
  if (sql == "slow") {
    for (++record_->running; !cancelled_.exchange(false);) std::this_thread::yield();
    --record_->running;
    return failure(Code::cancelled, "canceling statement due to user request", "57014");
  }
  std::vector<data::Row> rows;
  if (sql.starts_with("value")) {
    rows.push_back(executable.parameters);
  } else if (!std::holds_alternative<query::Plan>(statement->body) ||
             !std::get<query::Plan>(statement->body).output.empty()) {
    rows = numbered_rows(number_in(sql));
  }
  return std::make_unique<FakeRows>(std::move(rows), number_in(sql), record_, open_rows_);
}

Result<std::shared_ptr<const query::Statement>> FakeBackend::run_schema(Executable executable) {
  enter("schema " + executable.statement->tag);
  SPAR_ASSIGN(catalogue_, catalogue_->apply({}));
  return executable.statement;
}

Result<void> FakeBackend::insert_rows(const Executable&, std::vector<data::Row> rows) {
  enter("rows " + std::to_string(rows.size()));
  const std::lock_guard guard(record_->lock);
  std::ranges::move(rows, std::back_inserter(record_->copied));
  return {};
}

Result<void> FakeBackend::begin(const TransactionOptions& options) {
  if (status_ != TransactionStatus::idle) ++record_->violations;
  note("begin");
  implicit_ = false;
  options_ = options;
  status_ = TransactionStatus::open;
  return {};
}

Result<void> FakeBackend::set_transaction(const TransactionOptions& options) {
  options_ = options;
  return {};
}

Result<bool> FakeBackend::commit() {
  leave("commit");
  const bool failed = std::exchange(status_, TransactionStatus::idle) == TransactionStatus::failed;
  if (std::exchange(bad_finish_, false)) return sql_error("40001", "could not serialize access");
  return !failed;
}

void FakeBackend::rollback() {
  leave("rollback");
  status_ = TransactionStatus::idle;
}

Result<void> FakeBackend::savepoint_exists(const std::string& name) const {
  if (std::ranges::find(savepoints_, name) != savepoints_.end()) return {};
  return sql_error("3B001", "savepoint \"" + name + "\" does not exist");
}

Result<void> FakeBackend::savepoint(const std::string& name) {
  savepoints_.push_back(name);
  return {};
}

Result<void> FakeBackend::release_savepoint(const std::string& name) {
  return savepoint_exists(name);
}

Result<void> FakeBackend::rollback_to_savepoint(const std::string& name) {
  SPAR_TRY(savepoint_exists(name));
  note("rollback to " + name);
  if (open_rows_ != 0) ++record_->violations;
  status_ = TransactionStatus::open;
  return {};
}

void FakeBackend::fail() {
  status_ = TransactionStatus::failed;
}

Result<void> FakeBackend::finish() {
  leave("finish");
  if (std::exchange(bad_finish_, false)) return sql_error("40001", "could not serialize access");
  return {};
}

void FakeBackend::abandon() {
  leave("abandon");
}

void FakeBackend::cancel() {
  ++record_->cancels;
  cancelled_ = true;
}

Result<std::unique_ptr<Backend>> FakeBackends::open(const std::string& database,
                                                    const std::string&) {
  if (database == "nowhere") return sql_error("3D000", "database \"nowhere\" does not exist");
  return std::make_unique<FakeBackend>(record);
}

}  // namespace spar::gateway::test
