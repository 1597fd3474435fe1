// A backend that runs the statements of fake_language.h, counts what is asked of it, and checks
// that the session keeps to the contract of gateway/backend.h.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gateway/backend.h"

namespace spar::gateway::test {

// What a test may look at after the session has gone.
struct BackendRecord {
  std::mutex lock;                 // over the first two
  std::vector<std::string> calls;  // "run rows 1", "finish", "commit", ...
  std::vector<data::Row> copied;
  std::atomic<int> open_rows{0};
  std::atomic<int> violations{0};  // of the contract
  std::atomic<int> running{0};
  std::atomic<int> cancels{0};
};

class FakeBackend : public Backend {
 public:
  explicit FakeBackend(std::shared_ptr<BackendRecord> record);

  BackendSettings& settings() override { return settings_; }
  TransactionStatus status() const override { return status_; }
  bool in_transaction() const override { return implicit_ || status_ != TransactionStatus::idle; }
  std::shared_ptr<const data::Catalogue> catalogue() override { return catalogue_; }

  Result<std::unique_ptr<Rows>> run(Executable executable) override;
  Result<std::shared_ptr<const query::Statement>> run_schema(Executable executable) override;
  Result<void> insert_rows(const Executable& copy_in, std::vector<data::Row> rows) override;

  Result<void> begin(const TransactionOptions& options) override;
  Result<void> set_transaction(const TransactionOptions& options) override;
  TransactionOptions transaction_options() const override { return options_; }
  Result<bool> commit() override;
  void rollback() override;
  Result<void> savepoint(const std::string& name) override;
  Result<void> release_savepoint(const std::string& name) override;
  Result<void> rollback_to_savepoint(const std::string& name) override;
  void fail() override;

  Result<void> finish() override;
  void abandon() override;

  Position position() const override { return {.epoch = Epoch(3), .sequence = Sequence(1042)}; }
  void cancel() override;

 private:
  void note(std::string call);
  void enter(const std::string& call);
  void leave(const std::string& call);
  Result<void> savepoint_exists(const std::string& name) const;

  std::shared_ptr<BackendRecord> record_;
  BackendSettings settings_;
  TransactionOptions options_;
  TransactionStatus status_ = TransactionStatus::idle;
  bool implicit_ = false;
  int open_rows_ = 0;
  bool bad_finish_ = false;
  std::vector<std::string> savepoints_;
  std::shared_ptr<const data::Catalogue> catalogue_;
  std::atomic<bool> cancelled_{false};
};

// Every database but "nowhere" exists.
class FakeBackends : public BackendFactory {
 public:
  Result<std::unique_ptr<Backend>> open(const std::string& database,
                                        const std::string& user) override;
  std::shared_ptr<BackendRecord> record = std::make_shared<BackendRecord>();
};

}  // namespace spar::gateway::test
