// server/read_rows.h: the rows of a query, streamed from a copy and from another one if that dies.
//
// Contract    The first row is given only when what the snapshot saw is acknowledged, and when the
//             result has been read to its end or to kReadAheadBytes: until then a copy that dies
//             costs nothing, the query begins anew elsewhere. When it dies later, the rows already
//             given must come again in front (as given, in order), or the client gets 40001.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "gateway/backend.h"
#include "replicate/cluster.h"
#include "server/result_digest.h"

namespace spar::server {

class SessionBackend;

class StoredRows : public gateway::Rows {
 public:
  StoredRows(std::vector<data::Row> rows, std::uint64_t affected)
      : rows_(std::move(rows)), affected_(affected) {}
  Result<bool> next(data::Row& row) override {
    if (at_ == rows_.size()) return false;
    row = std::move(rows_[at_++]);
    return true;
  }
  std::uint64_t affected() const override { return affected_; }

 private:
  std::vector<data::Row> rows_;
  std::uint64_t affected_;
  std::size_t at_ = 0;
};

class ReadRows : public gateway::Rows {
 public:
  using Analyze =
      std::function<Result<std::shared_ptr<const query::Statement>>(const data::Catalogue&)>;

  ReadRows(SessionBackend& session, std::shared_ptr<const query::Statement> statement,
           std::vector<data::Datum> values, Analyze analyze);
  Result<bool> next(data::Row& row) override;
  std::uint64_t affected() const override { return count_; }

 private:
  Result<void> fill();
  Result<bool> read(data::Row& row);
  Result<bool> advance(data::Row& row);
  Result<void> open();
  Result<void> skip_given();
  Result<bool> settle_first(Result<bool> more);
  Result<void> analyze_again();

  SessionBackend& session_;
  std::shared_ptr<const query::Statement> statement_;
  std::vector<data::Datum> values_;
  Analyze analyze_;
  std::unique_ptr<replicate::ReadLease> lease_;
  std::unique_ptr<engines::Cursor> cursor_;  // dies before the lease
  bool settled_ = false;
  bool filled_ = false;  // ahead_ holds what is read before the first row is given
  bool ended_ = false;
  std::vector<data::Row> ahead_;
  std::size_t at_ = 0;
  std::uint64_t count_ = 0;
  bool primary_only_ = false;
  int schema_retries_ = 0;
  ResultDigest given_{true};
};

}  // namespace spar::server
