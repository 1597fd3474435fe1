// engines/sqlite/capture.h: turns what a connection writes into change records, by SQLite's
// pre-update hook (every insert, update and delete, cascades among them, with old and new values).
//
// Contract    While active, changes of t<id> tables go into the writer given, in order, and the
//             content deltas of the touched tables are carried along. mark() and rewind() undo what
//             a failed statement or a rolled-back savepoint had added.
// Threads     The connection's.
#pragma once

#include <map>

#include "changelog/record.h"
#include "data/row_codec.h"

struct sqlite3;

namespace spar::engines::sqlite {

class Capture {
 public:
  explicit Capture(sqlite3* db) : db_(db) {}
  ~Capture() { stop(); }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  void start();
  void stop();  // what happens while stopped is not recorded
  void clear();

  struct Mark {
    std::size_t bytes;
  };
  Mark mark() const { return {changes_.mark()}; }
  void rewind(Mark mark) { changes_.rewind(mark.bytes); }

  changelog::ChangeWriter& changes() { return changes_; }

  // Called by the hook.
  void on_change(int operation, const char* table, std::int64_t old_key, std::int64_t new_key);

 private:
  void encode_row(bool new_values, Bytes& out);

  sqlite3* db_;
  bool active_ = false;
  changelog::ChangeWriter changes_;
  Bytes before_, after_;
};

// The content deltas of these changes: applied to `contents` in order. Tables that a schema change
// reshaped are the caller's to scan.
Result<std::map<ObjectId, data::ContentHash>> contents_after(
    std::string_view changes, const std::map<ObjectId, data::ContentHash>& contents);

}  // namespace spar::engines::sqlite
