// engines/contract.h: what every engine's copy can do for the rooms above; capabilities are asked
// for, engine names are not.
//
// Contract    Calls block until they are done, fail, or their deadline has passed; a caller on a
//             thread of its own makes them asynchronous. A call that finds the copy unusable
//             returns Code::copy_lost, and the copy stays unusable until it is opened anew.
//             commit() may answer Code::unknown_outcome: the caller resolves it from the change
//             log.
// Threads     Copy: any thread, except that one WriteSession exists at a time. A session and its
//             cursors: one thread at a time.
// Lifetime    Cursors die before their session, sessions before their copy.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "base/time.h"
#include "changelog/record.h"
#include "data/catalogue.h"
#include "data/row_codec.h"
#include "query/functions/sequences.h"
#include "query/statement.h"

namespace spar::engines {

struct Capabilities {
  bool pins_snapshots = true;  // a read session can hold one snapshot over many statements
};

struct Call {
  const query::Plan& plan;
  std::span<const data::Datum> parameters;  // $1 .. $n, then the plan's bound values
  Monotonic deadline = kNoDeadline;         // 57014 when it passes
  const std::atomic<bool>* cancelled = nullptr;
  query::functions::SessionSequences* sequences = nullptr;  // for currval(); null: none yet
};

class Cursor {
 public:
  virtual ~Cursor() = default;
  virtual Result<bool> next(data::Row& row) = 0;
  virtual std::uint64_t rows_changed() const = 0;  // of DML, after the end
};

class ReadSession {
 public:
  virtual ~ReadSession() = default;
  virtual Result<std::unique_ptr<Cursor>> open(const Call& call) = 0;
  // Holds one snapshot for every later statement of this session.
  virtual Result<void> pin() = 0;
  // No transaction after this one can be in a snapshot that has been read from so far.
  virtual Position seen() const = 0;
};

struct CommitRequest {
  Position position;  // the next of the history
  TransactionId transaction;
  Timestamp time{};
};

// The copy's one write transaction. Destroyed without commit(): rolled back.
class WriteSession : public ReadSession {
 public:
  virtual Result<void> change_schema(const std::vector<data::ObjectChange>& changes) = 0;
  virtual Result<void> truncate(ObjectId table) = 0;
  // One statement for many rows, each of as many values as the plan has parameters.
  virtual Result<std::uint64_t> insert_many(const query::Plan& plan,
                                            std::span<const data::Row> rows,
                                            std::span<const data::Datum> bound,
                                            query::functions::SessionSequences* sequences) = 0;
  // Any row of `sql` (the engine's dialect) answers true.
  virtual Result<bool> any_row(const std::string& sql) = 0;

  virtual Result<void> savepoint(const std::string& name) = 0;
  virtual Result<void> release_savepoint(const std::string& name) = 0;
  virtual Result<void> rollback_to_savepoint(const std::string& name) = 0;

  // The catalogue as this transaction sees it.
  virtual std::shared_ptr<const data::Catalogue> catalogue() const = 0;
  virtual bool wrote() const = 0;
  // Stores position, content hashes and catalogue beside the data and gives the record to be
  // logged.
  virtual Result<changelog::SharedRecord> prepare_commit(const CommitRequest& request) = 0;
  virtual Result<void> commit() = 0;
};

using Contents = std::map<ObjectId, data::ContentHash>;

class Copy {
 public:
  virtual ~Copy() = default;

  virtual const Capabilities& capabilities() const = 0;
  virtual Position applied() const = 0;
  virtual std::shared_ptr<const data::Catalogue> catalogue() const = 0;
  virtual Contents contents() const = 0;                     // as carried forward
  virtual Result<std::pair<Position, Contents>> scan() = 0;  // as read row by row, in one snapshot

  virtual Result<std::unique_ptr<ReadSession>> open_read() = 0;
  virtual Result<std::unique_ptr<WriteSession>> open_write(Epoch epoch) = 0;

  // CopyControl. promote: writes of `epoch` are accepted from now on. follow: only apply() writes.
  virtual Result<void> promote(Epoch epoch) = 0;
  virtual Result<void> follow(Epoch epoch) = 0;
  virtual void
  fence() = 0;  // every call from now on, and every call running, gives Code::copy_lost

  // ChangeSink: the records that follow applied(), in order, each exactly once.
  virtual Result<void> apply(std::span<const changelog::SharedRecord> records) = 0;

  // ChangeSource: a copy of the data in `directory`, and the position it holds.
  virtual Result<Position> snapshot_into(const std::string& directory) = 0;

  // Moves what is durable in the log into the main file; `wait_durable` returns false to give up.
  // The position up to which the main file now holds everything durably; nothing when readers or
  // `wait_durable` kept it from getting there.
  virtual Result<std::optional<Position>> checkpoint(
      const std::function<bool(Position)>& wait_durable) = 0;
  virtual Result<void>
  inspect() = 0;  // is the copy still what was written? cheap; see the watchdog
};

}  // namespace spar::engines
