#include "engines/sqlite/sessions.h"

#include <sqlite3.h>

#include <algorithm>

#include "base/mutant.h"
#include "engines/sqlite/constraint.h"
#include "engines/sqlite/limits.h"
#include "engines/sqlite/physical.h"

namespace spar::engines::sqlite {
namespace {

constexpr int kProgressOperations = 2000;  // SQLite's instructions between looks at the deadline

struct Watch {
  Monotonic deadline = kNoDeadline;
  const std::atomic<bool>* cancelled = nullptr;
  const std::atomic<bool>* fenced = nullptr;
};

int watch(void* context) {
  auto* watched = static_cast<const Watch*>(context);
  if (watched->fenced->load(std::memory_order_relaxed)) return 1;
  if (watched->cancelled != nullptr && watched->cancelled->load(std::memory_order_relaxed))
    return 1;
  return watched->deadline != kNoDeadline && std::chrono::steady_clock::now() > watched->deadline;
}

// What a call really died of that fence() interrupted: the session goes on with another copy.
template <class T>
Result<T> or_lost(const CopyState& state, Result<T> result) {
  if (!result && state.fenced.load()) return Failure(copy_lost());
  return result;
}

// While it lives, SQLite looks at the deadline and at cancellation as it works.
class Watched {
 public:
  Watched(Connection& connection, const Call& call, const CopyState& state)
      : connection_(connection), watch_{call.deadline, call.cancelled, &state.fenced} {
    sqlite3_progress_handler(connection_.raw(), kProgressOperations, watch, &watch_);
  }
  ~Watched() { sqlite3_progress_handler(connection_.raw(), 0, nullptr, nullptr); }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  // What an interrupted statement really died of.
  Error refine(Error error) const {
    if (watch_.fenced->load()) return copy_lost();
    bool timed_out = watch_.cancelled == nullptr || !watch_.cancelled->load();
    if (error.code == Code::cancelled && timed_out && watch_.deadline != kNoDeadline) {
      error.message = "canceling statement due to statement timeout";
    }
    return error;
  }

 private:
  Connection& connection_;
  Watch watch_;
};

using query::functions::SequenceCalls;
using query::functions::SequenceState;
using query::functions::SessionSequences;

// While it lives, the sequence functions of the connection work on `calls`.
class Counting {
 public:
  Counting(Connection& connection, SequenceCalls& calls) : connection_(connection) {
    connection_.count_with(&calls);
  }
  ~Counting() { connection_.count_with(nullptr); }
  Counting(const Counting&) = delete;
  Counting& operator=(const Counting&) = delete;

 private:
  Connection& connection_;
};

class StreamCursor : public Cursor {
 public:
  StreamCursor(Connection& connection, const Call& call, CopyState& state, StatementUse use,
               std::function<void()> on_first)
      : state_(state),
        connection_(connection),
        calls_(call.sequences != nullptr ? *call.sequences : no_sequences_, nullptr),
        watched_(connection, call, state),
        use_(std::move(use)),
        on_first_(std::move(on_first)) {}

  Result<bool> next(data::Row& row) override {
    if (state_.fenced.load()) return Failure(copy_lost());
    Counting counting(connection_, calls_);
    Result<bool> more = use_.step();
    if (!more) return Failure(watched_.refine(more.error()));
    if (on_first_) std::exchange(on_first_, nullptr)();
    if (!*more) return false;
    int columns = use_.column_count();
    row.resize(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) row[static_cast<std::size_t>(i)] = use_.column(i);
    ++rows_;
    return true;
  }
  std::uint64_t rows_changed() const override { return rows_; }

 private:
  CopyState& state_;
  Connection& connection_;
  SessionSequences no_sequences_;
  SequenceCalls calls_;
  Watched watched_;
  StatementUse use_;
  std::function<void()> on_first_;
  std::uint64_t rows_ = 0;
};

class StoredCursor : public Cursor {
 public:
  StoredCursor(std::vector<data::Row> rows, std::uint64_t changed)
      : rows_(std::move(rows)), changed_(changed) {}
  Result<bool> next(data::Row& row) override {
    if (at_ == rows_.size()) return false;
    row = std::move(rows_[at_++]);
    return true;
  }
  std::uint64_t rows_changed() const override { return changed_; }

 private:
  std::vector<data::Row> rows_;
  std::uint64_t changed_;
  std::size_t at_ = 0;
};

class PooledReadSession : public ReadSession {
 public:
  PooledReadSession(CopyState& state, ReaderPool& pool, std::unique_ptr<Connection> connection)
      : state_(state), pool_(pool), connection_(std::move(connection)) {}

  ~PooledReadSession() override {
    if (pinned_) (void)connection_->run("ROLLBACK");
    pool_.give(std::move(connection_));
  }

  Result<std::unique_ptr<Cursor>> open(const Call& call) override {
    if (state_.fenced.load()) return Failure(copy_lost());
    SPAR_ASSIGN(StatementUse use, connection_->prepare(call.plan.sql));
    use.bind_all(call.parameters);
    return std::make_unique<StreamCursor>(*connection_, call, state_, std::move(use),
                                          [this] { note_snapshot(); });
  }

  Result<void> pin() override {
    if (pinned_) return {};
    SPAR_TRY(or_lost(state_, connection_->run("BEGIN")));
    pinned_ = true;
    // BEGIN alone takes no snapshot: the first read does.
    SPAR_TRY(or_lost(state_, connection_->integer("SELECT a FROM spar_state WHERE id=0")));
    note_snapshot();
    return {};
  }

  Position seen() const override { return seen_; }

 private:
  // The bound rises before a commit becomes visible, so that it is now one of the snapshot just
  // taken.
  void note_snapshot() {
    if (!pinned_ || seen_ == Position{}) seen_ = state_.bound.get();
  }

  CopyState& state_;
  ReaderPool& pool_;
  std::unique_ptr<Connection> connection_;
  bool pinned_ = false;
  Position seen_;
};

std::string quoted(const std::string& name) {
  std::string text = "\"";
  for (char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

class WritingSession : public WriteSession {
 public:
  WritingSession(CopyState& state, Connection& connection, std::function<void()> release)
      : state_(state),
        connection_(connection),
        release_(std::move(release)),
        capture_(connection.raw()),
        catalogue_(state.catalogue.load()),
        seen_(state.bound.get()) {}

  ~WritingSession() override {
    capture_.stop();
    const bool undone = connection_.in_transaction();
    if (undone) (void)connection_.run("ROLLBACK");
    if (schema_changed_) undone ? connection_.forget_schema() : connection_.forget_statements();
    release_();
  }

  Result<void> begin() {
    if (state_.fenced.load()) return Failure(copy_lost());
    SPAR_ASSIGN(StatementUse use, or_lost(state_, connection_.prepare("BEGIN IMMEDIATE")));
    SPAR_TRY(or_lost(state_, use.run()));
    capture_.start();
    return {};
  }

  Result<std::unique_ptr<Cursor>> open(const Call& call) override {
    SPAR_TRY(alive());
    if (call.plan.kind == query::PlanKind::select && !call.plan.counts) {
      SPAR_ASSIGN(StatementUse use, connection_.prepare(call.plan.sql));
      use.bind_all(call.parameters);
      return std::make_unique<StreamCursor>(connection_, call, state_, std::move(use), nullptr);
    }
    Capture::Mark mark = capture_.mark();
    Result<std::unique_ptr<Cursor>> cursor = write(call);
    if (!cursor) {
      return Failure(undo_statement(cursor.error(), mark, [&] { (void)write(call); }));
    }
    return cursor;
  }

  Result<void> pin() override { return {}; }
  Position seen() const override { return seen_; }
  std::shared_ptr<const data::Catalogue> catalogue() const override { return catalogue_; }
  bool wrote() const override { return capture_.mark().bytes > 0; }

  Result<std::uint64_t> insert_many(const query::Plan& plan, std::span<const data::Row> rows,
                                    std::span<const data::Datum> bound,
                                    SessionSequences* sequences) override {
    SPAR_TRY(alive());
    Capture::Mark mark = capture_.mark();
    const Counted counted(*this, sequences);
    auto insert = [&] { return insert_each(plan, rows, bound); };
    Result<std::uint64_t> inserted = insert();
    if (inserted) SPAR_TRY(or_lost(state_, counted.store()));
    if (!inserted) {
      return Failure(undo_statement(inserted.error(), mark, [&] { (void)insert(); }));
    }
    return inserted;
  }

  Result<void> change_schema(const std::vector<data::ObjectChange>& changes) override {
    SPAR_TRY(alive());
    SPAR_ASSIGN(std::shared_ptr<const data::Catalogue> after, catalogue_->apply(changes));
    capture_.stop();
    schema_changed_ = true;
    Result<SchemaEffect> effect = change_schema_in(*after, changes);
    capture_.start();
    if (!effect) return Failure(explained(effect.error(), *after));
    capture_.changes().catalogue(changes);
    for (ObjectId table : effect->reshaped) {
      SPAR_TRY(or_lost(state_, take_content_anew(*after->table(table))));
    }
    for (ObjectId table : effect->dropped) dropped_.push_back(table);
    catalogue_ = std::move(after);
    return {};
  }

  Result<void> truncate(ObjectId table) override {
    SPAR_TRY(alive());
    capture_.stop();
    Result<void> done = connection_.run("DELETE FROM " + table_name(table));
    capture_.start();
    if (!done) return Failure(explained(done.error(), *catalogue_));
    capture_.changes().truncate(table);
    return {};
  }

  Result<bool> any_row(const std::string& sql) override {
    SPAR_TRY(alive());
    SPAR_ASSIGN(StatementUse use, or_lost(state_, connection_.prepare(sql)));
    return or_lost(state_, use.step());
  }

  Result<void> savepoint(const std::string& name) override {
    SPAR_TRY(alive());
    SPAR_TRY(or_lost(state_, connection_.run("SAVEPOINT " + quoted(name))));
    savepoints_.push_back({name, capture_.mark(), dropped_.size(), catalogue_});
    return {};
  }

  Result<void> release_savepoint(const std::string& name) override {
    SPAR_TRY(alive());
    auto found = find_savepoint(name);
    if (found == savepoints_.end()) return no_savepoint(name);
    SPAR_TRY(or_lost(state_, connection_.run("RELEASE " + quoted(name))));
    savepoints_.erase(found, savepoints_.end());
    return {};
  }

  Result<void> rollback_to_savepoint(const std::string& name) override {
    SPAR_TRY(alive());
    auto found = find_savepoint(name);
    if (found == savepoints_.end()) return no_savepoint(name);
    SPAR_TRY(or_lost(state_, connection_.run("ROLLBACK TO " + quoted(name))));
    if (schema_changed_) connection_.forget_schema();
    capture_.rewind(found->mark);
    catalogue_ = found->catalogue;
    dropped_.resize(found->dropped);
    savepoints_.erase(found + 1, savepoints_.end());
    return {};
  }

  Result<changelog::SharedRecord> prepare_commit(const CommitRequest& request) override {
    SPAR_TRY(alive());
    SPAR_TRY(or_lost(state_, check_deferred_keys()));
    capture_.stop();
    SPAR_TRY(or_lost(state_, store_contents()));
    if (!mutant(Mutant::forget_position)) {
      SPAR_TRY(or_lost(state_, write_position(connection_, request.position)));
    }
    position_ = request.position;
    auto record = std::make_shared<changelog::Record>();
    record->position = request.position;
    record->transaction = request.transaction;
    record->commit_time = request.time;
    record->changes = capture_.changes().take();
    return record;
  }

  Result<void> commit() override {
    SPAR_TRY(alive());
    state_.bound.set(position_);
    SPAR_ASSIGN(StatementUse use, connection_.prepare("COMMIT"));
    Result<void> done = use.run();
    if (!done) return Failure(explained(done.error(), *catalogue_));
    publish_contents();
    if (schema_changed_) state_.catalogue.store(catalogue_);
    state_.shown.set(position_);
    return {};
  }

 private:
  struct SavepointMark {
    std::string name;
    Capture::Mark mark;
    std::size_t dropped;
    std::shared_ptr<const data::Catalogue> catalogue;
  };

  Error explained(Error error, const data::Catalogue& catalogue) {
    if (state_.fenced.load()) return copy_lost();
    return explain(std::move(error), catalogue, {}, connection_);
  }

  Result<void> alive() const {
    if (state_.fenced.load()) return Failure(copy_lost());
    return {};
  }

  std::vector<SavepointMark>::iterator find_savepoint(const std::string& name) {
    auto found = std::find_if(savepoints_.rbegin(), savepoints_.rend(),
                              [&](const SavepointMark& mark) { return mark.name == name; });
    return found == savepoints_.rend() ? savepoints_.end() : found.base() - 1;
  }

  // COMMIT must not fail any more once the record is on its way to the logs.
  Result<void> check_deferred_keys() {
    int unresolved = 0, highest = 0;
    sqlite3_db_status(connection_.raw(), SQLITE_DBSTATUS_DEFERRED_FKS, &unresolved, &highest, 0);
    if (unresolved == 0) return {};
    Error error;
    error.code = Code::sql;
    error.sqlstate = "23000";
    error.message = "FOREIGN KEY constraint failed";
    return Failure(explain(error, *catalogue_, capture_.changes().bytes(), connection_));
  }

  static Result<void> no_savepoint(const std::string& name) {
    return sql_error("3B001", "savepoint \"" + name + "\" does not exist");
  }

  // What a statement counts on, and the rows of its sequences when it has gone well.
  class Counted {
   public:
    Counted(WritingSession& session, SessionSequences* sequences)
        : connection_(session.connection_),
          calls_(sequences != nullptr ? *sequences : no_sequences_,
                 [&session](ObjectId id) { return session.sequence_state(id); }),
          counting_(connection_, calls_) {}

    Result<void> store() const {
      for (const auto& [id, state] : calls_.changed()) {
        SPAR_ASSIGN(StatementUse use,
                    connection_.prepare("UPDATE " + table_name(id) + " SET c1=?1,c3=?2"));
        use.bind_integer(1, state.last);
        use.bind_integer(2, state.called ? 1 : 0);
        SPAR_TRY(use.run());
      }
      return {};
    }

   private:
    Connection& connection_;
    SessionSequences no_sequences_;
    SequenceCalls calls_;
    Counting counting_;
  };

  Result<SequenceState> sequence_state(ObjectId sequence) {
    SPAR_ASSIGN(StatementUse use, connection_.prepare("SELECT c1,c3 FROM " + table_name(sequence)));
    SPAR_ASSIGN(const bool there, use.step());
    if (!there) return failure(Code::corrupt, "a sequence has no row");
    return SequenceState{use.integer(0), use.integer(1) != 0};
  }

  Result<std::unique_ptr<Cursor>> write(const Call& call) {
    Watched watched(connection_, call, state_);
    const Counted counted(*this, call.sequences);
    SPAR_ASSIGN(StatementUse use, connection_.prepare(call.plan.sql));
    use.bind_all(call.parameters);
    std::vector<data::Row> rows;
    while (true) {
      Result<bool> more = use.step();
      if (!more) return Failure(watched.refine(more.error()));
      if (!*more) break;
      data::Row row;
      for (int i = 0; i < use.column_count(); ++i) row.push_back(use.column(i));
      rows.push_back(std::move(row));
    }
    auto changed = static_cast<std::uint64_t>(connection_.rows_changed());
    use.reset();
    SPAR_TRY(or_lost(state_, counted.store()));
    return std::make_unique<StoredCursor>(std::move(rows), changed);
  }

  Result<std::uint64_t> insert_each(const query::Plan& plan, std::span<const data::Row> rows,
                                    std::span<const data::Datum> bound) {
    SPAR_ASSIGN(StatementUse use, connection_.prepare(plan.sql));
    for (const data::Row& row : rows) {
      use.bind_all(row);
      int index = static_cast<int>(row.size());
      for (const data::Datum& value : bound) use.bind(++index, value);
      SPAR_TRY(use.run());
      use.reset();
    }
    return rows.size();
  }

  Error undo_statement(Error error, Capture::Mark mark, const std::function<void()>& again) {
    capture_.rewind(mark);
    if (state_.fenced.load()) return copy_lost();
    if (error.code != Code::sql || error.sqlstate != "23000") return error;
    // SQLite names no key and may stop before the row is written: with the keys deferred the
    // statement shows its rows, and is taken back again.
    bool keys = error.message.starts_with("FOREIGN KEY");
    if (keys && !connection_.run("SAVEPOINT spar_explain; PRAGMA defer_foreign_keys=ON"))
      return error;
    if (keys) again();
    std::string changes(capture_.changes().bytes().substr(mark.bytes));
    capture_.rewind(mark);
    capture_.stop();
    error = explain(std::move(error), *catalogue_, changes, connection_);
    if (keys) {
      (void)connection_.run(
          "ROLLBACK TO spar_explain; RELEASE spar_explain;"
          "PRAGMA defer_foreign_keys=OFF");
    }
    capture_.start();
    return error;
  }

  Result<SchemaEffect> change_schema_in(const data::Catalogue& after,
                                        const std::vector<data::ObjectChange>& changes) {
    SPAR_ASSIGN(SchemaEffect effect,
                sqlite::change_schema(connection_, *catalogue_, after, changes));
    SPAR_TRY(write_catalogue(connection_, after, changes));
    return effect;
  }

  Result<void> take_content_anew(const data::Table& table) {
    SPAR_ASSIGN(data::ContentHash hash, scan_content(connection_, table));
    capture_.changes().content(table.id, hash);
    return {};
  }

  // Carries the content hashes over this transaction's changes, into the file and into the record.
  Result<void> store_contents() {
    {
      std::lock_guard lock(state_.contents_mutex);
      Result<Contents> after = contents_after(capture_.changes().bytes(), state_.contents);
      if (!after) return Failure(after.error());
      contents_ = std::move(*after);
    }
    for (ObjectId table : dropped_) {
      contents_.erase(table);
      SPAR_TRY(remove_content(connection_, table));
    }
    for (const auto& [table, hash] : contents_) {
      SPAR_TRY(write_content(connection_, table, hash));
      capture_.changes().content(table, hash);
    }
    return {};
  }

  void publish_contents() {
    std::lock_guard lock(state_.contents_mutex);
    for (const auto& [table, hash] : contents_) state_.contents[table] = hash;
    for (ObjectId table : dropped_) state_.contents.erase(table);
  }

  CopyState& state_;
  Connection& connection_;
  std::function<void()> release_;
  Capture capture_;
  std::shared_ptr<const data::Catalogue> catalogue_;
  Position seen_;
  Position position_;  // that this transaction commits at
  Contents contents_;
  std::vector<ObjectId> dropped_;
  std::vector<SavepointMark> savepoints_;
  bool schema_changed_ = false;
};

}  // namespace

Error copy_lost() {
  Error error;
  error.code = Code::copy_lost;
  error.sqlstate = "57P01";
  error.message = "the copy was taken out of service";
  return error;
}

Result<std::unique_ptr<Connection>> ReaderPool::take() {
  std::unique_ptr<Connection> connection;
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      connection = std::move(idle_.back());
      idle_.pop_back();
      busy_.push_back(connection.get());
      return connection;
    }
  }
  SPAR_ASSIGN(connection, Connection::open(options_));
  std::lock_guard lock(mutex_);
  busy_.push_back(connection.get());
  return connection;
}

void ReaderPool::give(std::unique_ptr<Connection> connection) {
  std::lock_guard lock(mutex_);
  std::erase(busy_, connection.get());
  if (idle_.size() < kReadersIdleMax) idle_.push_back(std::move(connection));
}

void ReaderPool::interrupt_all() {
  std::lock_guard lock(mutex_);
  for (Connection* connection : busy_) connection->interrupt();
}

std::unique_ptr<ReadSession> make_read_session(CopyState& state, ReaderPool& pool,
                                               std::unique_ptr<Connection> connection) {
  return std::make_unique<PooledReadSession>(state, pool, std::move(connection));
}

Result<std::unique_ptr<WriteSession>> make_write_session(CopyState& state, Connection& connection,
                                                         std::function<void()> release) {
  auto session = std::make_unique<WritingSession>(state, connection, std::move(release));
  SPAR_TRY(session->begin());
  return session;
}

}  // namespace spar::engines::sqlite
