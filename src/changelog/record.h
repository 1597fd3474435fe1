// changelog/record.h: one committed transaction as the change log holds it.
//
// Contract    A Record is its position, the name of its attempt, its time, and the list of its
//             changes as bytes, in the order they happened. ChangeWriter makes those bytes while
//             the transaction runs (and forgets the tail when a statement fails); ChangeReader
//             walks them and refuses anything that ChangeWriter never wrote (Code::corrupt). The
//             format is written down in docs/formats/changelog.md.
// Threads     Value types.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/position.h"
#include "base/result.h"
#include "base/time.h"
#include "data/catalogue.h"
#include "data/datum.h"
#include "data/row_codec.h"

namespace spar::changelog {

enum class ChangeKind : std::uint8_t {
  insert = 1,
  update = 2,
  erase = 3,
  truncate = 4,   // every row of the table
  catalogue = 5,  // a schema change; rows that follow are of the new shape
  content = 6,    // the table's content hash after this transaction
};

struct Change {
  ChangeKind kind = ChangeKind::insert;
  ObjectId table;                           // all but catalogue
  std::int64_t key = 0;                     // the row's identity before
  std::int64_t new_key = 0;                 // and after; equal unless the update changed it
  std::string_view before;                  // canonical row bytes (data/row_codec.h): update, erase
  std::string_view after;                   // insert, update
  data::ContentHash content;                // content
  std::vector<data::ObjectChange> objects;  // catalogue
};

class ChangeWriter {
 public:
  void insert(ObjectId table, std::int64_t key, std::string_view after);
  void update(ObjectId table, std::int64_t key, std::int64_t new_key, std::string_view before,
              std::string_view after);
  void erase(ObjectId table, std::int64_t key, std::string_view before);
  void truncate(ObjectId table);
  void catalogue(const std::vector<data::ObjectChange>& objects);
  void content(ObjectId table, const data::ContentHash& hash);

  bool empty() const { return bytes_.empty(); }
  std::size_t mark() const { return bytes_.size(); }  // for rewind()
  void rewind(std::size_t mark) { bytes_.resize(mark); }
  std::string_view bytes() const { return bytes_; }
  Bytes take() { return std::move(bytes_); }
  void clear() { bytes_.clear(); }

 private:
  Bytes bytes_;
};

class ChangeReader {
 public:
  explicit ChangeReader(std::string_view bytes) : reader_(bytes) {}
  // The next change, nothing at the end. Its views point into the bytes given.
  Result<std::optional<Change>> next();

 private:
  ByteReader reader_;
};

struct Record {
  Position position;
  TransactionId transaction;
  Timestamp commit_time{};
  Bytes changes;
  friend bool operator==(const Record&, const Record&) = default;
};
using SharedRecord = std::shared_ptr<const Record>;

}  // namespace spar::changelog
