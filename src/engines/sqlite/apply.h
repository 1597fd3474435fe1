// engines/sqlite/apply.h: writes change records into a copy that follows.
//
// Contract    apply() takes the records that follow the file's position and stores them and the new
//             position in one transaction. It checks the log as it goes: a row that is not there, a
//             record out of order, or a content hash that differs is Code::corrupt - the copy
//             diverged.
// Threads     The writing connection's.
#pragma once

#include <map>
#include <span>

#include "changelog/record.h"
#include "engines/sqlite/connection.h"
#include "engines/sqlite/sessions.h"

namespace spar::engines::sqlite {

class Applier {
 public:
  Applier(Connection& connection, CopyState& state) : connection_(connection), state_(state) {}
  Result<void> apply(std::span<const changelog::SharedRecord> records);

 private:
  struct TableSql {
    std::string insert, update, erase;
    std::size_t columns = 0;
    bool key_is_column = false;
  };

  Result<void> apply_all(std::span<const changelog::SharedRecord> records);
  Result<void> apply_one(const changelog::Record& record);
  Result<void> apply_change(const changelog::Change& change);
  Result<void> apply_schema(const changelog::Change& change);
  Result<void> check_content(const changelog::Change& change);
  Result<void> insert(const changelog::Change& change);
  Result<void> update(const changelog::Change& change);
  Result<void> erase(const changelog::Change& change);
  Result<const TableSql*> sql_of(ObjectId table);
  data::ContentHash& content(ObjectId table);

  Connection& connection_;
  CopyState& state_;
  std::map<ObjectId, TableSql> sql_;
  // Of the transaction under way.
  std::shared_ptr<const data::Catalogue> catalogue_;
  Contents contents_;
  std::vector<ObjectId> reshaped_, dropped_;
  bool schema_changed_ = false;
};

}  // namespace spar::engines::sqlite
