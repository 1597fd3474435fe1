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

// What sessions share with their copy.
struct CopyState {
  std::atomic<bool> fenced{false};
  std::atomic<std::uint64_t> published_epoch{0};     // nothing newer can be visible to a reader
  std::atomic<std::uint64_t> published_sequence{0};
  std::atomic<std::shared_ptr<const data::Catalogue>> catalogue;
  std::mutex contents_mutex;
  Contents contents;

  Position published() const {
    return {Epoch(published_epoch.load()), Sequence(published_sequence.load())};
  }
  void publish(const Position& position) {
    published_epoch.store(position.epoch.value);
    published_sequence.store(position.sequence.value);
  }
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
