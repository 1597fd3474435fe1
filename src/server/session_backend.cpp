#include "server/session_backend.h"

#include <random>

#include "base/mutant.h"
#include "server/limits.h"
#include "server/read_rows.h"
#include "server/wall_clock.h"

namespace spar::server {
namespace {

Monotonic now() {
  return std::chrono::steady_clock::now();
}

Failure lost_replay(std::string detail) {
  Error error;
  error.code = Code::sql;
  error.sqlstate = "40001";
  error.message = "could not continue the transaction on another copy";
  error.detail = std::move(detail);
  error.hint = "Nothing of the transaction was committed. Run it again.";
  return Failure(std::move(error));
}

Failure read_only_transaction() {
  return sql_error("25006", "cannot execute this statement in a read-only transaction");
}

bool moves_on(const Error& error) {
  return error.code == Code::copy_lost;
}

double random_unit() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0.0, 1.0)(generator);
}

TransactionId fresh_transaction() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return TransactionId(generator());
}

bool same_shape(const query::Plan& a, const query::Plan& b) {
  if (a.output.size() != b.output.size()) return false;
  for (std::size_t i = 0; i < a.output.size(); ++i) {
    if (a.output[i].type != b.output[i].type) return false;
  }
  return true;
}

const query::Plan* plan_of(const query::Statement& statement) {
  if (auto* plan = std::get_if<query::Plan>(&statement.body)) return plan;
  if (auto* copy = std::get_if<query::CopyOut>(&statement.body)) return &copy->select;
  if (auto* copy = std::get_if<query::CopyIn>(&statement.body)) return &copy->insert;
  return nullptr;
}

}  // namespace

void DatabaseUse::enter(ObjectId database) {
  std::lock_guard lock(mutex_);
  ++sessions_[database];
}

void DatabaseUse::leave(ObjectId database) {
  std::lock_guard lock(mutex_);
  if (--sessions_[database] == 0) sessions_.erase(database);
}

int DatabaseUse::sessions(ObjectId database) const {
  std::lock_guard lock(mutex_);
  auto found = sessions_.find(database);
  return found == sessions_.end() ? 0 : found->second;
}

SessionBackend::SessionBackend(replicate::Cluster& cluster, DatabaseUse& use,
                               SessionIdentity identity)
    : cluster_(cluster), use_(use), identity_(std::move(identity)) {
  use_.enter(identity_.database);
}

SessionBackend::~SessionBackend() {
  end_transaction();
  use_.leave(identity_.database);
}

gateway::TransactionStatus SessionBackend::status() const {
  if (mode_ != Mode::explicit_block) return gateway::TransactionStatus::idle;
  return failed_ ? gateway::TransactionStatus::failed : gateway::TransactionStatus::open;
}

std::shared_ptr<const data::Catalogue> SessionBackend::catalogue() {
  return writing_ ? writing_->session().catalogue() : cluster_.catalogue();
}

void SessionBackend::start_statement() {
  cancelled_.store(false);
  statement_deadline_ =
      settings_.statement_timeout.count() > 0 ? now() + settings_.statement_timeout : kNoDeadline;
}

replicate::WriteRequest SessionBackend::write_request() const {
  Monotonic limit = statement_deadline_;
  if (settings_.lock_timeout.count() > 0) limit = std::min(limit, now() + settings_.lock_timeout);
  return {identity_.number, limit, &cancelled_};
}

Monotonic SessionBackend::patience() const {
  return std::min(statement_deadline_, now() + cluster_.patience());
}

void SessionBackend::open_implicit() {
  if (mode_ != Mode::none) return;
  mode_ = Mode::implicit;
  options_ = {settings_.default_isolation, settings_.default_read_only};
  transaction_time_ = wall_clock_now();
}

Result<void> SessionBackend::check_can_run() const {
  if (!failed_) return {};
  return sql_error(
      "25P02", "current transaction is aborted, commands ignored until end of transaction block");
}

// The statement against `catalogue`, analysed again when it has moved.
Result<std::shared_ptr<const query::Statement>> SessionBackend::current(
    const gateway::Executable& executable, const data::Catalogue& catalogue) const {
  const auto& statement = executable.statement;
  if (statement->catalogue_version == catalogue.version()) return statement;
  SPAR_ASSIGN(std::shared_ptr<const query::Statement> fresh, executable.analyze(catalogue));
  const query::Plan* before = plan_of(*statement);
  const query::Plan* after = plan_of(*fresh);
  bool same = (before == nullptr) == (after == nullptr) &&
              (before == nullptr || same_shape(*before, *after));
  if (!same) return sql_error("0A000", "cached plan must not change result type");
  return fresh;
}

std::vector<data::Datum> SessionBackend::bind_values(const query::Plan& plan,
                                                     std::vector<data::Datum> parameters) {
  for (query::BoundValue bound : plan.bound) {
    switch (bound) {
      case query::BoundValue::transaction_time:
        parameters.emplace_back(static_cast<std::int64_t>(transaction_time_.count()));
        break;
      case query::BoundValue::statement_time:
        parameters.emplace_back(static_cast<std::int64_t>(wall_clock_now().count()));
        break;
      case query::BoundValue::random:
        parameters.emplace_back(random_unit());
        break;
    }
  }
  return parameters;
}

Result<void> SessionBackend::settle(const Position& position) {
  if (position == Position{} || mutant(Mutant::read_before_durable)) return {};
  replicate::Outcome outcome = cluster_.pipeline().wait(position, now() + kCommitWait);
  if (outcome == replicate::Outcome::committed) {
    if (position.sequence > position_.sequence) position_ = position;
    return {};
  }
  if (outcome == replicate::Outcome::not_committed) {
    return failure(Code::copy_lost, "what was read did not survive its primary", "57P01");
  }
  return failure(Code::unavailable, "the copies that must confirm what was read do not answer",
                 "57P03");
}

Result<void> SessionBackend::on_error(Error error) {
  if (mode_ == Mode::explicit_block) {
    failed_ = true;
    pinned_.reset();
    // Without a savepoint to go back to, nothing but ROLLBACK can follow: let others write.
    bool keeps = std::any_of(steps_.begin(), steps_.end(),
                             [](const Step& step) { return step.kind == Step::Kind::savepoint; });
    if (!keeps && savepoints_.empty()) writing_.reset();
  }
  return Failure(std::move(error));
}

void SessionBackend::end_transaction() {
  writing_.reset();
  pinned_.reset();
  savepoints_.clear();
  steps_.clear();
  steps_bytes_ = 0;
  mode_ = Mode::none;
  failed_ = false;
  used_ = false;
  replayable_ = true;
}

// --- leases ---

Result<void> SessionBackend::open_writing() {
  SPAR_ASSIGN(writing_, cluster_.begin_write(write_request(), patience()));
  for (const std::string& name : savepoints_) SPAR_TRY(writing_->session().savepoint(name));
  return {};
}

// A pinned snapshot may go on to write only while nobody else has written since.
Result<void> SessionBackend::upgrade_snapshot(const replicate::WriteLease& lease) const {
  auto& session = const_cast<replicate::WriteLease&>(lease).session();
  if (pinned_->session().seen() == session.seen()) return {};
  return sql_error("40001", "could not serialize access due to concurrent update");
}

Result<void> SessionBackend::ensure_writing() {
  if (writing_) return {};
  if (options_.read_only) return read_only_transaction();
  SPAR_TRY(open_writing());
  if (!pinned_) {
    steps_.clear();
    steps_bytes_ = 0;
    return {};
  }
  SPAR_TRY(upgrade_snapshot(*writing_));
  pinned_.reset();
  return {};
}

Result<void> SessionBackend::ensure_pinned() {
  if (pinned_) return {};
  replicate::ReadNeed need;
  need.primary_only = true;
  SPAR_ASSIGN(std::unique_ptr<replicate::ReadLease> lease, cluster_.begin_read(need, patience()));
  SPAR_TRY(lease->session().pin());
  SPAR_TRY(settle(lease->session().seen()));
  pinned_ = std::move(lease);
  return {};
}

replicate::ReadNeed SessionBackend::read_need() const {
  replicate::ReadNeed need;
  switch (settings_.freshness) {
    case gateway::Freshness::strict:
      break;
    case gateway::Freshness::session:
      need.kind = replicate::ReadNeed::Kind::after;
      need.after = position_.sequence > settings_.after.sequence ? position_ : settings_.after;
      break;
    case gateway::Freshness::bounded:
      need.kind = replicate::ReadNeed::Kind::bounded;
      need.max_staleness = settings_.max_staleness;
      break;
  }
  return need;
}

// --- continuity ---

template <class Work>
auto SessionBackend::with_continuity(Work work) -> decltype(work()) {
  Monotonic limit = patience();
  while (true) {
    auto result = work();
    if (result || !moves_on(result.error())) return result;
    if (writing_) cluster_.report(writing_->member(), result.error());
    if (pinned_) cluster_.report(pinned_->member(), result.error());
    if (now() > limit) return result;
    Result<void> recovered = recover();
    if (!recovered && !moves_on(recovered.error())) return Failure(recovered.error());
  }
}

Result<void> SessionBackend::recover() {
  if (writing_) return replay_writing();
  if (pinned_) return replay_pinned();
  return {};
}

Result<void> SessionBackend::replay_writing() {
  if (!replayable_) {
    writing_.reset();
    return lost_replay("The transaction was too large to be remembered.");
  }
  // Keeping the old lease until the new one is there is what makes this session go first.
  std::unique_ptr<replicate::WriteLease> old = std::move(writing_);
  Result<void> opened = open_writing();
  if (!opened) {
    if (moves_on(opened.error())) writing_ = std::move(old);
    return opened;
  }
  old.reset();
  for (Step& step : steps_) SPAR_TRY(replay(step));
  return {};
}

Result<void> SessionBackend::replay_pinned() {
  pinned_.reset();
  SPAR_TRY(ensure_pinned());
  for (Step& step : steps_) {
    const query::Plan* plan = plan_of(*step.statement);
    SPAR_ASSIGN(auto cursor, pinned_->session().open(call_of(*plan, step.values)));
    SPAR_ASSIGN(StoredResult result, drain(*cursor));
    ResultDigest digest(plan->ordered);
    for (const data::Row& row : result.rows) digest.add(row);
    if (!(digest == step.digest)) return lost_replay("A query would be answered differently now.");
  }
  return {};
}

Result<void> SessionBackend::replay(Step& step) {
  auto& session = writing_->session();
  switch (step.kind) {
    case Step::Kind::savepoint:
      return session.savepoint(step.name);
    case Step::Kind::release:
      return session.release_savepoint(step.name);
    case Step::Kind::rollback_to:
      return session.rollback_to_savepoint(step.name);
    case Step::Kind::schema:
      return apply_schema(step);
    case Step::Kind::plan:
    case Step::Kind::rows:
      break;
  }
  Result<StoredResult> result = run_writing(step);
  if (!result) {
    if (moves_on(result.error())) return Failure(result.error());
    return lost_replay("A statement failed on repetition: " + result.error().message);
  }
  ResultDigest digest(plan_of(*step.statement)->ordered);
  for (const data::Row& row : result->rows) digest.add(row);
  digest.set_affected(result->affected);
  if (digest == step.digest) return {};
  return lost_replay("A statement would be answered differently now.");
}

void SessionBackend::remember(Step step) {
  if (!replayable_) return;
  for (const data::Row& row : step.rows) steps_bytes_ += weight_of(row);
  steps_bytes_ += sizeof(Step) + weight_of(step.values);
  if (steps_bytes_ > kReplayBytesMax) {
    replayable_ = false;
    steps_.clear();
    return;
  }
  steps_.push_back(std::move(step));
}

// --- statements ---

Result<SessionBackend::StoredResult> SessionBackend::drain(engines::Cursor& cursor) {
  StoredResult result;
  std::size_t bytes = 0;
  data::Row row;
  while (true) {
    SPAR_ASSIGN(bool more, cursor.next(row));
    if (!more) break;
    bytes += weight_of(row);
    if (bytes > kHeldResultBytesMax) {
      return sql_error("54000", "a result inside a writing transaction is too large");
    }
    result.rows.push_back(std::move(row));
    row.clear();
  }
  result.affected = cursor.rows_changed();
  return result;
}

Result<SessionBackend::StoredResult> SessionBackend::run_writing(const Step& step) {
  const query::Plan& plan = *plan_of(*step.statement);
  auto& session = writing_->session();
  if (step.kind == Step::Kind::rows) {
    SPAR_ASSIGN(std::uint64_t inserted,
                session.insert_many(plan, step.rows, step.values, &sequences_));
    return StoredResult{{}, inserted};
  }
  SPAR_ASSIGN(auto cursor, session.open(call_of(plan, step.values)));
  return drain(*cursor);
}

Result<std::unique_ptr<gateway::Rows>> SessionBackend::run_in_lease(
    gateway::Executable executable) {
  Step step;
  auto result = with_continuity([&]() -> Result<StoredResult> {
    SPAR_TRY(ensure_writing());
    SPAR_ASSIGN(step.statement, current(executable, *writing_->session().catalogue()));
    step.values = bind_values(*plan_of(*step.statement), executable.parameters);
    Result<StoredResult> stored = run_writing(step);
    // S1: errors go out now, and inside a block each answer; an implicit transaction waits for its
    // end.
    const bool refused = !stored && stored.error().code == Code::sql;
    if (refused || (stored && mode_ == Mode::explicit_block)) {
      SPAR_TRY(settle(writing_->session().seen()));
    }
    return stored;
  });
  if (!result) return Failure(result.error());
  step.digest = ResultDigest(plan_of(*step.statement)->ordered);
  for (const data::Row& row : result->rows) step.digest.add(row);
  step.digest.set_affected(result->affected);
  remember(std::move(step));
  return std::make_unique<StoredRows>(std::move(result->rows), result->affected);
}

namespace {

Failure unconfirmed() {
  Error error;
  error.code = Code::unknown_outcome;
  error.sqlstate = "08007";
  error.message = "the commit was written but no copy has confirmed it in time";
  error.hint = "Look whether its changes are there before you repeat it.";
  return Failure(std::move(error));
}

}  // namespace

// The whole implicit transaction: nothing of it was answered, so that repeating it is starting it
// anew.
Result<std::unique_ptr<gateway::Rows>> SessionBackend::run_once(gateway::Executable executable) {
  if (options_.read_only) return read_only_transaction();
  std::uint64_t affected = 0;
  Position seen;
  auto work = [&](replicate::WriteLease& lease) -> Result<std::optional<Position>> {
    auto& session = lease.session();
    SPAR_ASSIGN(auto statement, current(executable, *session.catalogue()));
    const query::Plan& plan = *plan_of(*statement);
    std::vector<data::Datum> values = bind_values(plan, executable.parameters);
    seen = session.seen();
    {
      SPAR_ASSIGN(auto cursor, session.open(call_of(plan, values)));
      SPAR_ASSIGN(StoredResult result, drain(*cursor));
      affected = result.affected;
    }
    return lease.commit(fresh_transaction(), wall_clock_now());
  };
  while (true) {
    auto written = with_continuity(
        [&] { return cluster_.write_once(write_request(), patience(), kCommitWait, work); });
    if (written && written->outcome == replicate::Outcome::deadline) return unconfirmed();
    const bool lost = written && written->outcome == replicate::Outcome::not_committed;
    if (lost) continue;  // that is certain
    const bool answered = written || written.error().code == Code::sql;
    if (answered && !(written && written->position)) {  // S1: what no commit waits for
      Result<void> settled = settle(seen);
      if (!settled && moves_on(settled.error())) continue;
      if (!settled) return Failure(settled.error());
    }
    if (!written) return Failure(written.error());
    if (written->position) position_ = *written->position;
    return std::make_unique<StoredRows>(std::vector<data::Row>(), affected);
  }
}

Result<std::unique_ptr<gateway::Rows>> SessionBackend::run_read(gateway::Executable executable) {
  if (!pins_snapshot() || mode_ == Mode::implicit) {
    SPAR_ASSIGN(auto statement, current(executable, *cluster_.catalogue()));
    const query::Plan* plan = plan_of(*statement);
    std::vector<data::Datum> values = bind_values(*plan, std::move(executable.parameters));
    return std::make_unique<ReadRows>(*this, std::move(statement), std::move(values),
                                      std::move(executable.analyze));
  }
  Step step;
  auto result = with_continuity([&]() -> Result<StoredResult> {
    SPAR_TRY(ensure_pinned());
    SPAR_ASSIGN(step.statement, current(executable, *cluster_.catalogue()));
    const query::Plan& plan = *plan_of(*step.statement);
    step.values = bind_values(plan, executable.parameters);
    SPAR_ASSIGN(auto cursor, pinned_->session().open(call_of(plan, step.values)));
    return drain(*cursor);
  });
  if (!result) return Failure(result.error());
  step.digest = ResultDigest(plan_of(*step.statement)->ordered);
  for (const data::Row& row : result->rows) step.digest.add(row);
  remember(std::move(step));
  std::uint64_t count = result->rows.size();
  return std::make_unique<StoredRows>(std::move(result->rows), count);
}

Result<std::unique_ptr<gateway::Rows>> SessionBackend::run(gateway::Executable executable) {
  start_statement();
  SPAR_TRY(check_can_run());
  open_implicit();
  const query::Plan* plan = plan_of(*executable.statement);
  bool reads = plan->kind == query::PlanKind::select && !plan->locks_rows && !plan->counts;
  // Alone in its transaction and without rows, which the client might refuse after the commit.
  bool once = executable.last && !used_ && mode_ == Mode::implicit && !pins_snapshot() && !reads &&
              plan->output.empty();
  used_ = true;
  auto rows = once                 ? run_once(std::move(executable))
              : reads && !writing_ ? run_read(std::move(executable))
                                   : run_in_lease(std::move(executable));
  if (!rows) return Failure(on_error(rows.error()).error());
  return rows;
}

Result<void> SessionBackend::insert_rows(const gateway::Executable& copy_in,
                                         std::vector<data::Row> rows) {
  start_statement();
  SPAR_TRY(check_can_run());
  open_implicit();
  used_ = true;
  Step step;
  step.kind = Step::Kind::rows;
  step.rows = std::move(rows);
  auto result = with_continuity([&]() -> Result<StoredResult> {
    SPAR_TRY(ensure_writing());
    SPAR_ASSIGN(step.statement, current(copy_in, *writing_->session().catalogue()));
    step.values = bind_values(*plan_of(*step.statement), {});
    return run_writing(step);
  });
  if (!result) return on_error(result.error());
  step.digest.set_affected(result->affected);
  remember(std::move(step));
  return {};
}

// A repetition hands over the values that the first run bound.
Result<std::uint64_t> SessionBackend::run_writes(Step& step,
                                                 const std::vector<query::Plan>& writes) {
  std::uint64_t affected = 0;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (step.rows.size() <= i) step.rows.push_back(bind_values(writes[i], {}));
    SPAR_ASSIGN(auto cursor, writing_->session().open(call_of(writes[i], step.rows[i])));
    SPAR_ASSIGN(const StoredResult result, drain(*cursor));
    affected += result.affected;
  }
  return affected;
}

namespace {

// What a row violates that nobody writes now: a schema change filled its new column.
Error of_rows_there(Error error) {
  if (error.sqlstate == "23514") {
    error.message = "check constraint \"" + error.constraint + "\" of relation \"" + error.table +
                    "\" is violated by some row";
  } else if (error.sqlstate == "23505") {
    error.message = "could not create unique index \"" + error.constraint + "\"";
  } else if (error.sqlstate == "23502") {
    error.message =
        "column \"" + error.column + "\" of relation \"" + error.table + "\" contains null values";
  }
  return error;
}

// CREATE TABLE AS answers as the SELECT in it.
std::shared_ptr<const query::Statement> counted(std::shared_ptr<const query::Statement> statement,
                                                std::uint64_t rows) {
  if (statement->tag != "SELECT") return statement;
  auto made = std::make_shared<query::Statement>(*statement);
  made->tag += " " + std::to_string(rows);
  return made;
}

}  // namespace

Result<void> SessionBackend::apply_schema(Step& step) {
  auto& session = writing_->session();
  if (auto* truncate = std::get_if<query::Truncate>(&step.statement->body)) {
    for (ObjectId table : truncate->tables) SPAR_TRY(session.truncate(table));
    SPAR_TRY(run_writes(step, truncate->writes));
    return {};
  }
  const std::shared_ptr<const query::Statement> statement = step.statement;
  const auto& change = std::get<query::SchemaChange>(statement->body);
  if (change.changes.empty()) return {};
  // Rows that offend get PostgreSQL's error where they can be looked for before the change; what is
  // asked of columns that it makes or fills has to wait.
  std::vector<const query::SchemaChange::Verify*> later;
  for (const auto& verify : change.verify) {
    if (!change.writes.empty()) {
      later.push_back(&verify);
      continue;
    }
    const Result<bool> offends = session.any_row(verify.sql);
    if (!offends && offends.error().code == Code::copy_lost) return Failure(offends.error());
    if (!offends) later.push_back(&verify);
    if (offends && *offends) return Failure(verify.error);
  }
  SPAR_TRY(session.change_schema(change.changes));
  const Result<std::uint64_t> rows = run_writes(step, change.writes);
  if (!rows) return Failure(of_rows_there(rows.error()));
  for (const auto* verify : later) {
    SPAR_ASSIGN(bool offends, session.any_row(verify->sql));
    if (offends) return Failure(verify->error);
  }
  step.statement = counted(std::move(step.statement), *rows);
  return {};
}

Result<void> SessionBackend::check_may_drop(const query::SchemaChange& change) const {
  const data::Database* database = writing_->session().catalogue()->database(change.database);
  if (database == nullptr) return {};  // it is being made
  if (database->id == identity_.database) {
    return sql_error("55006", "cannot drop the currently open database");
  }
  int others = use_.sessions(database->id);
  if (others == 0) return {};
  auto in_use =
      sql_error("55006", "database \"" + database->name + "\" is being accessed by other users");
  in_use.error().detail =
      others == 1 ? "There is 1 other session using the database."
                  : "There are " + std::to_string(others) + " other sessions using the database.";
  return in_use;
}

Result<void> SessionBackend::try_schema(const gateway::Executable& executable, Step& step) {
  SPAR_TRY(ensure_writing());
  SPAR_ASSIGN(step.statement, executable.analyze(*writing_->session().catalogue()));
  if (auto* change = std::get_if<query::SchemaChange>(&step.statement->body)) {
    SPAR_TRY(check_may_drop(*change));
  }
  step.rows.clear();
  SPAR_TRY(apply_schema(step));
  if (mode_ == Mode::explicit_block) SPAR_TRY(settle(writing_->session().seen()));
  return {};
}

Result<std::shared_ptr<const query::Statement>> SessionBackend::run_schema(
    gateway::Executable executable) {
  start_statement();
  SPAR_TRY(check_can_run());
  open_implicit();
  used_ = true;
  auto* change = std::get_if<query::SchemaChange>(&executable.statement->body);
  if (change != nullptr && change->own_transaction && mode_ == Mode::explicit_block) {
    return Failure(on_error(sql_error("25001", executable.statement->tag +
                                                   " cannot run inside a transaction block")
                                .error())
                       .error());
  }
  Step step;
  step.kind = Step::Kind::schema;
  Result<void> done = with_continuity([&] { return try_schema(executable, step); });
  if (!done) return Failure(on_error(done.error()).error());
  std::shared_ptr<const query::Statement> statement = step.statement;
  remember(std::move(step));
  return statement;
}

// --- transactions ---

Result<void> SessionBackend::begin(const gateway::TransactionOptions& options) {
  if (mode_ == Mode::none) transaction_time_ = wall_clock_now();
  mode_ = Mode::explicit_block;
  options_ = options;
  return {};
}

Result<void> SessionBackend::set_transaction(const gateway::TransactionOptions& options) {
  if (used_ && options.isolation != options_.isolation) {
    return sql_error("25001", "SET TRANSACTION ISOLATION LEVEL must be called before any query");
  }
  if (used_ && options_.read_only && !options.read_only) {
    return sql_error("25001", "cannot set transaction read-write mode after any query");
  }
  options_ = options;
  return {};
}

Result<bool> SessionBackend::commit_writing() {
  Monotonic limit = now() + kCommitWait;
  while (true) {
    Position seen = writing_->session().seen();
    auto position =
        with_continuity([&] { return writing_->commit(fresh_transaction(), wall_clock_now()); });
    if (!position) return Failure(position.error());
    if (!*position) {
      SPAR_TRY(settle(seen));
      return true;
    }
    replicate::Outcome outcome = cluster_.pipeline().wait(**position, limit);
    if (outcome == replicate::Outcome::committed) {
      position_ = **position;
      return true;
    }
    if (outcome == replicate::Outcome::deadline) return unconfirmed();
    SPAR_TRY(recover());  // it is certain that it did not happen
  }
}

Result<bool> SessionBackend::commit() {
  start_statement();
  if (failed_) {
    end_transaction();
    return false;
  }
  Result<bool> done = true;
  if (writing_) done = commit_writing();
  end_transaction();
  return done;
}

void SessionBackend::rollback() {
  end_transaction();
}

Result<void> SessionBackend::finish() {
  if (mode_ != Mode::implicit) return {};
  Result<bool> done = true;
  if (writing_) done = commit_writing();
  end_transaction();
  if (!done) return Failure(done.error());
  return {};
}

void SessionBackend::abandon() {
  if (mode_ == Mode::implicit) end_transaction();
}

void SessionBackend::fail() {
  if (mode_ == Mode::explicit_block) failed_ = true;
}

// --- savepoints ---

Result<void> SessionBackend::savepoint(const std::string& name) {
  SPAR_TRY(check_can_run());
  if (!writing_) {
    savepoints_.push_back(name);
    return {};
  }
  SPAR_TRY(with_continuity([&] { return writing_->session().savepoint(name); }));
  remember({Step::Kind::savepoint, nullptr, {}, {}, name, ResultDigest()});
  return {};
}

namespace {

std::vector<std::string>::iterator find_last(std::vector<std::string>& names,
                                             const std::string& name) {
  auto found = std::find(names.rbegin(), names.rend(), name);
  return found == names.rend() ? names.end() : found.base() - 1;
}

Failure no_savepoint(const std::string& name) {
  return sql_error("3B001", "savepoint \"" + name + "\" does not exist");
}

}  // namespace

Result<void> SessionBackend::release_savepoint(const std::string& name) {
  SPAR_TRY(check_can_run());
  if (!writing_) {
    auto found = find_last(savepoints_, name);
    if (found == savepoints_.end()) return no_savepoint(name);
    savepoints_.erase(found, savepoints_.end());
    return {};
  }
  SPAR_TRY(with_continuity([&] { return writing_->session().release_savepoint(name); }));
  remember({Step::Kind::release, nullptr, {}, {}, name, ResultDigest()});
  return {};
}

Result<void> SessionBackend::rollback_to_savepoint(const std::string& name) {
  if (!writing_) {
    auto found = find_last(savepoints_, name);
    if (found == savepoints_.end()) return no_savepoint(name);
    savepoints_.erase(found + 1, savepoints_.end());
    failed_ = false;
    return {};
  }
  SPAR_TRY(with_continuity([&] { return writing_->session().rollback_to_savepoint(name); }));
  remember({Step::Kind::rollback_to, nullptr, {}, {}, name, ResultDigest()});
  failed_ = false;
  return {};
}

Result<std::unique_ptr<gateway::Backend>> SessionFactory::open(const std::string& database,
                                                               const std::string& user) {
  const auto catalogue = cluster_.catalogue();
  const data::Database* found = catalogue->database(database);
  if (found == nullptr) return sql_error("3D000", "database \"" + database + "\" does not exist");
  SessionIdentity identity{next_.fetch_add(1), found->id, user};
  return std::make_unique<SessionBackend>(cluster_, use_, std::move(identity));
}

}  // namespace spar::server
