#include "engines/sqlite/apply.h"

#include <algorithm>

#include "engines/sqlite/physical.h"
#include "engines/sqlite/store.h"

namespace spar::engines::sqlite {
namespace {

Failure diverged(const std::string& what) {
  return failure(Code::corrupt, "the copy diverged from the change log: " + what);
}

Result<data::Row> decode(std::string_view bytes) {
  ByteReader reader(bytes);
  return data::decode_row(reader);
}

}  // namespace

Result<void> Applier::apply(std::span<const changelog::SharedRecord> records) {
  if (records.empty()) return {};
  catalogue_ = state_.catalogue.load();
  contents_.clear();
  reshaped_.clear();
  dropped_.clear();
  schema_changed_ = false;
  SPAR_TRY(connection_.run("BEGIN IMMEDIATE"));
  Result<void> applied = apply_all(records);
  if (!applied) {
    (void)connection_.run("ROLLBACK");
    if (schema_changed_) connection_.forget_schema();
    sql_.clear();
    return applied;
  }
  if (schema_changed_) connection_.forget_statements();
  std::lock_guard lock(state_.contents_mutex);
  for (const auto& [table, hash] : contents_) state_.contents[table] = hash;
  for (ObjectId table : dropped_) state_.contents.erase(table);
  if (schema_changed_) state_.catalogue.store(catalogue_);
  state_.shown.set(records.back()->position);
  return {};
}

Result<void> Applier::apply_all(std::span<const changelog::SharedRecord> records) {
  for (const changelog::SharedRecord& record : records) SPAR_TRY(apply_one(*record));
  for (ObjectId table : dropped_) {
    contents_.erase(table);
    SPAR_TRY(remove_content(connection_, table));
  }
  for (const auto& [table, hash] : contents_) SPAR_TRY(write_content(connection_, table, hash));
  SPAR_TRY(write_position(connection_, records.back()->position));
  state_.bound.set(records.back()->position);
  SPAR_ASSIGN(StatementUse use, connection_.prepare("COMMIT"));
  return use.run();
}

Result<void> Applier::apply_one(const changelog::Record& record) {
  changelog::ChangeReader reader(record.changes);
  while (true) {
    SPAR_ASSIGN(std::optional<changelog::Change> change, reader.next());
    if (!change) return {};
    Result<void> applied = apply_change(*change);
    if (!applied) {
      Error error = applied.error();
      error.message += " (record " + to_string(record.position) + ")";
      return Failure(error);
    }
  }
}

Result<void> Applier::apply_change(const changelog::Change& change) {
  switch (change.kind) {
    case changelog::ChangeKind::insert:
      return insert(change);
    case changelog::ChangeKind::update:
      return update(change);
    case changelog::ChangeKind::erase:
      return erase(change);
    case changelog::ChangeKind::truncate:
      content(change.table) = {};
      return connection_.run("DELETE FROM " + table_name(change.table));
    case changelog::ChangeKind::catalogue:
      return apply_schema(change);
    case changelog::ChangeKind::content:
      return check_content(change);
  }
  return diverged("unknown kind of change");
}

data::ContentHash& Applier::content(ObjectId table) {
  auto [it, fresh] = contents_.try_emplace(table);
  if (fresh) {
    std::lock_guard lock(state_.contents_mutex);
    auto known = state_.contents.find(table);
    if (known != state_.contents.end()) it->second = known->second;
  }
  return it->second;
}

Result<const Applier::TableSql*> Applier::sql_of(ObjectId id) {
  auto found = sql_.find(id);
  if (found != sql_.end()) return &found->second;
  const data::Table* table = catalogue_->table(id);
  if (table == nullptr) return diverged("no table " + std::to_string(id.value));
  TableSql sql;
  sql.columns = table->columns.size();
  std::string names = "rowid", marks = "?1", sets = "rowid=?1";
  int index = 1;
  for (const data::Column& column : table->columns) {
    std::string mark = "?" + std::to_string(++index), name = "c" + std::to_string(column.number);
    if (table->identity_column == column.number) continue;  // the rowid is this column
    names += "," + name;
    marks += "," + mark;
    sets += "," + name + "=" + mark;
  }
  std::string where = " WHERE rowid=?" + std::to_string(++index);
  sql.insert = "INSERT INTO " + table_name(id) + "(" + names + ") VALUES(" + marks + ")";
  sql.update = "UPDATE " + table_name(id) + " SET " + sets + where;
  sql.erase = "DELETE FROM " + table_name(id) + " WHERE rowid=?1";
  return &sql_.emplace(id, std::move(sql)).first->second;
}

namespace {

void bind_row(StatementUse& use, std::int64_t key, const data::Row& row) {
  use.bind_integer(1, key);
  int index = 1;
  for (const data::Datum& value : row) use.bind(++index, value);
}

}  // namespace

Result<void> Applier::insert(const changelog::Change& change) {
  SPAR_ASSIGN(const TableSql* sql, sql_of(change.table));
  SPAR_ASSIGN(data::Row row, decode(change.after));
  if (row.size() != sql->columns) return diverged("a row of another shape");
  SPAR_ASSIGN(StatementUse use, connection_.prepare(sql->insert));
  bind_row(use, change.new_key, row);
  SPAR_TRY(use.run());
  content(change.table).add(change.table, change.after);
  return {};
}

Result<void> Applier::update(const changelog::Change& change) {
  SPAR_ASSIGN(const TableSql* sql, sql_of(change.table));
  SPAR_ASSIGN(data::Row row, decode(change.after));
  if (row.size() != sql->columns) return diverged("a row of another shape");
  SPAR_ASSIGN(StatementUse use, connection_.prepare(sql->update));
  bind_row(use, change.new_key, row);
  use.bind_integer(static_cast<int>(row.size()) + 2, change.key);
  SPAR_TRY(use.run());
  if (connection_.rows_changed() != 1) return diverged("the row to update is not there");
  data::ContentHash& hash = content(change.table);
  hash.remove(change.table, change.before);
  hash.add(change.table, change.after);
  return {};
}

Result<void> Applier::erase(const changelog::Change& change) {
  SPAR_ASSIGN(const TableSql* sql, sql_of(change.table));
  SPAR_ASSIGN(StatementUse use, connection_.prepare(sql->erase));
  use.bind_integer(1, change.key);
  SPAR_TRY(use.run());
  if (connection_.rows_changed() != 1) return diverged("the row to delete is not there");
  content(change.table).remove(change.table, change.before);
  return {};
}

Result<void> Applier::apply_schema(const changelog::Change& change) {
  SPAR_ASSIGN(std::shared_ptr<const data::Catalogue> after, catalogue_->apply(change.objects));
  SPAR_ASSIGN(SchemaEffect effect, change_schema(connection_, *catalogue_, *after, change.objects));
  SPAR_TRY(write_catalogue(connection_, *after, change.objects));
  sql_.clear();
  schema_changed_ = true;
  for (ObjectId table : effect.reshaped) reshaped_.push_back(table);
  for (ObjectId table : effect.dropped) {
    dropped_.push_back(table);
    contents_.erase(table);
  }
  catalogue_ = std::move(after);
  return {};
}

Result<void> Applier::check_content(const changelog::Change& change) {
  auto reshaped = std::find(reshaped_.begin(), reshaped_.end(), change.table);
  if (reshaped != reshaped_.end()) {
    const data::Table* table = catalogue_->table(change.table);
    if (table == nullptr) return diverged("a content hash of a table that is gone");
    SPAR_ASSIGN(content(change.table), scan_content(connection_, *table));
    reshaped_.erase(reshaped);
  }
  if (content(change.table) == change.content) return {};
  return diverged("content hash of table " + std::to_string(change.table.value) + " is " +
                  data::to_string(content(change.table)) + ", the log says " +
                  data::to_string(change.content));
}

}  // namespace spar::engines::sqlite
