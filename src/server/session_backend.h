// server/session_backend.h: one client session's transactions over a cluster, with continuity.
//
// Contract    gateway/backend.h. What a session did since it took the right to write (or pinned a
//             snapshot) is remembered, with a digest of what it was answered. When the copy under
//             it dies, the session takes the next one, does the same again and compares: equal
//             answers, and the client never knows; another answer, and the client gets 40001.
// Threads     One thread; cancel() from any.
// Invariants  S1 no row, count or error leaves before the position it depends on is acknowledged.
//             S2 a replay hands over the same bound values (now(), random()) as the first run.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gateway/backend.h"
#include "replicate/cluster.h"
#include "server/result_digest.h"

namespace spar::server {

// How many sessions are in each database: one that is in use is not dropped.
class DatabaseUse {
 public:
  void enter(ObjectId database);
  void leave(ObjectId database);
  int sessions(ObjectId database) const;

 private:
  mutable std::mutex mutex_;
  std::map<ObjectId, int> sessions_;
};

inline constexpr std::uint64_t kFirstClientSession = 100;  // below it: the server's own

struct SessionIdentity {
  std::uint64_t number = 0;  // unique in the process
  ObjectId database;
  std::string user;
};

class SessionBackend : public gateway::Backend {
 public:
  SessionBackend(replicate::Cluster& cluster, DatabaseUse& use, SessionIdentity identity);
  ~SessionBackend() override;

  gateway::BackendSettings& settings() override { return settings_; }
  gateway::TransactionStatus status() const override;
  bool in_transaction() const override { return mode_ != Mode::none; }
  std::shared_ptr<const data::Catalogue> catalogue() override;

  Result<std::unique_ptr<gateway::Rows>> run(gateway::Executable executable) override;
  Result<std::shared_ptr<const query::Statement>> run_schema(
      gateway::Executable executable) override;
  Result<void> insert_rows(const gateway::Executable& copy_in,
                           std::vector<data::Row> rows) override;

  Result<void> begin(const gateway::TransactionOptions& options) override;
  Result<void> set_transaction(const gateway::TransactionOptions& options) override;
  gateway::TransactionOptions transaction_options() const override { return options_; }
  Result<bool> commit() override;
  void rollback() override;
  Result<void> savepoint(const std::string& name) override;
  Result<void> release_savepoint(const std::string& name) override;
  Result<void> rollback_to_savepoint(const std::string& name) override;
  void fail() override;
  Result<void> finish() override;
  void abandon() override;

  Position position() const override { return position_; }
  void forget_sequences() override { sequences_ = {}; }
  void cancel() override { cancelled_.store(true); }

 private:
  friend class ReadRows;

  enum class Mode { none, implicit, explicit_block };

  // One thing done since the right to write was taken; enough to do it again.
  struct Step {
    enum class Kind { plan, rows, schema, savepoint, release, rollback_to } kind = Kind::plan;
    std::shared_ptr<const query::Statement> statement;
    std::vector<data::Datum> values;  // parameters, then bound values
    std::vector<data::Row> rows;      // Kind::rows; schema: the bound values of each of its writes
    std::string name;                 // savepoints
    ResultDigest digest;
  };
  struct StoredResult {
    std::vector<data::Row> rows;
    std::uint64_t affected = 0;
  };

  // The deadline of the statement that runs, and of its wait for other writers.
  void start_statement();
  Monotonic deadline() const { return statement_deadline_; }
  replicate::WriteRequest write_request() const;
  Monotonic patience() const;  // for a primary to be there

  void open_implicit();
  Result<void> check_can_run() const;
  Result<std::shared_ptr<const query::Statement>> current(const gateway::Executable& executable,
                                                          const data::Catalogue& catalogue) const;
  std::vector<data::Datum> bind_values(const query::Plan& plan,
                                       std::vector<data::Datum> parameters);

  // Leases.
  Result<void> ensure_writing();
  Result<void> open_writing();
  Result<void> upgrade_snapshot(const replicate::WriteLease& lease) const;
  Result<void> ensure_pinned();
  replicate::ReadNeed read_need() const;
  bool pins_snapshot() const { return options_.isolation != gateway::Isolation::read_committed; }

  engines::Call call_of(const query::Plan& plan, std::span<const data::Datum> values) {
    return {plan, values, deadline(), &cancelled_, &sequences_};
  }

  // Runs `work` until the copy under it holds still.
  template <class Work>
  auto with_continuity(Work work) -> decltype(work());
  Result<void> recover();
  Result<void> replay_writing();
  Result<void> replay_pinned();
  Result<void> replay(Step& step);

  Result<StoredResult> run_writing(const Step& step);
  Result<StoredResult> drain(engines::Cursor& cursor);
  Result<std::unique_ptr<gateway::Rows>> run_in_lease(gateway::Executable executable);
  Result<std::unique_ptr<gateway::Rows>> run_once(gateway::Executable executable);
  Result<std::unique_ptr<gateway::Rows>> run_read(gateway::Executable executable);
  Result<void> try_schema(const gateway::Executable& executable, Step& step);
  Result<void> apply_schema(Step& step);
  Result<std::uint64_t> run_writes(Step& step, const std::vector<query::Plan>& writes);
  Result<void> check_may_drop(const query::SchemaChange& change) const;
  void remember(Step step);

  Result<void> settle(const Position& position);  // S1
  Result<bool> commit_writing();
  Result<void> on_error(Error error);
  void end_transaction();

  replicate::Cluster& cluster_;
  DatabaseUse& use_;
  SessionIdentity identity_;
  gateway::BackendSettings settings_;
  gateway::TransactionOptions options_;
  Mode mode_ = Mode::none;
  bool failed_ = false;
  bool used_ = false;       // a statement has run in this transaction
  bool replayable_ = true;  // everything since the lease was taken is remembered
  Timestamp transaction_time_{};
  Monotonic statement_deadline_ = kNoDeadline;
  std::atomic<bool> cancelled_{false};

  query::functions::SessionSequences sequences_;

  std::unique_ptr<replicate::WriteLease> writing_;
  std::unique_ptr<replicate::ReadLease> pinned_;
  std::vector<std::string> savepoints_;  // set before the right to write was taken
  std::vector<Step> steps_;
  std::size_t steps_bytes_ = 0;
  Position position_;
};

// Opens sessions on one cluster. The cluster outlives it.
class SessionFactory : public gateway::BackendFactory {
 public:
  explicit SessionFactory(replicate::Cluster& cluster) : cluster_(cluster) {}
  Result<std::unique_ptr<gateway::Backend>> open(const std::string& database,
                                                 const std::string& user) override;

 private:
  replicate::Cluster& cluster_;
  DatabaseUse use_;
  std::atomic<std::uint64_t> next_{kFirstClientSession};
};

}  // namespace spar::server
