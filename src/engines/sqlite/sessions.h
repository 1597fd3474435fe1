// engines/sqlite/sessions.h: read and write sessions over connections of one embedded copy.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "engines/contract.h"
#include "engines/sqlite/capture.h"
#include "engines/sqlite/connection.h"
#include "engines/sqlite/store.h"

namespace spar::engines::sqlite {

// A position that rises; its two halves are read apart, so that for a moment one may be old.
class RisingPosition {
 public:
  Position get() const { return {Epoch(epoch_.load()), Sequence(sequence_.load())}; }
  void set(const Position& position) {
    epoch_.store(position.epoch.value);
    sequence_.store(position.sequence.value);
  }

 private:
  std::atomic<std::uint64_t> epoch_{0}, sequence_{0};
};

// What sessions share with their copy.
struct CopyState {
  std::atomic<bool> fenced{false};
  RisingPosition bound;  // raised before a COMMIT: nothing newer can be visible to a reader
  RisingPosition shown;  // raised after it: everything up to here is visible to a new reader
  std::atomic<std::shared_ptr<const data::Catalogue>> catalogue;
  std::mutex contents_mutex;
  Contents contents;
};

// Idle read connections, newest first; connections in use are known for interrupt().
class ReaderPool {
 public:
  explicit ReaderPool(Connection::Options options) : options_(std::move(options)) {}
  Result<std::unique_ptr<Connection>> take();
  void give(std::unique_ptr<Connection> connection);
  void interrupt_all();

 private:
  Connection::Options options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
  std::vector<Connection*> busy_;
};

std::unique_ptr<ReadSession> make_read_session(CopyState& state, ReaderPool& pool,
                                               std::unique_ptr<Connection> connection);

// `connection` is in no transaction; BEGIN IMMEDIATE happens here. `release` runs at the end.
Result<std::unique_ptr<WriteSession>> make_write_session(CopyState& state, Connection& connection,
                                                         std::function<void()> release);

Error copy_lost();  // what a fenced copy answers

}  // namespace spar::engines::sqlite
