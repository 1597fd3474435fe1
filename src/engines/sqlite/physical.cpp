#include "engines/sqlite/physical.h"

#include <algorithm>
#include <set>

#include "query/dialect/check.h"

namespace spar::engines::sqlite {
namespace {

std::string column_name(data::ColumnNumber number) {
  return "c" + std::to_string(number);
}

std::string column_names(const std::vector<data::ColumnNumber>& numbers) {
  std::string list;
  for (data::ColumnNumber number : numbers) {
    if (!list.empty()) list += ',';
    list += column_name(number);
  }
  return list;
}

const char* action_sql(data::ReferentialAction action) {
  switch (action) {
    case data::ReferentialAction::cascade:
      return "CASCADE";
    case data::ReferentialAction::set_null:
      return "SET NULL";
    case data::ReferentialAction::set_default:
      return "SET DEFAULT";
    case data::ReferentialAction::restrict:
      return "RESTRICT";
    case data::ReferentialAction::no_action:
      break;
  }
  return "NO ACTION";
}

std::string foreign_key_sql(const data::ForeignKey& key) {
  std::string sql = ",FOREIGN KEY(" + column_names(key.columns) + ") REFERENCES " +
                    table_name(key.parent) + "(" + column_names(key.parent_columns) +
                    ") ON DELETE " + action_sql(key.on_delete) + " ON UPDATE " +
                    action_sql(key.on_update);
  if (key.deferrable && key.initially_deferred) sql += " DEFERRABLE INITIALLY DEFERRED";
  return sql;
}

std::string column_sql(const data::Table& table, const data::Column& column) {
  std::string sql = column_name(column.number);
  if (table.identity_column == column.number) return sql + " INTEGER PRIMARY KEY";
  if (column.not_null) sql += " NOT NULL";
  return sql;
}

// Unique indexes for keys, indexes for indexes: name -> statement.
Result<std::map<std::string, std::string>> index_statements(const data::Table& table) {
  std::map<std::string, std::string> statements;
  const std::string on = " ON " + table_name(table.id);
  for (const data::Key& key : table.keys) {
    bool is_rowid = key.columns.size() == 1 && table.identity_column == key.columns[0];
    if (is_rowid) continue;
    std::string name = "k" + std::to_string(key.id.value);
    SPAR_ASSIGN(const std::string over, query::render_key(table, key));
    statements[name] = "CREATE UNIQUE INDEX " + name + on + over;
  }
  for (const data::Index& index : table.indexes) {
    std::string name = "i" + std::to_string(index.id.value);
    SPAR_ASSIGN(const std::string over, query::render_index(table, index));
    statements[name] =
        std::string(index.unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ") + name + on + over;
  }
  return statements;
}

std::set<data::ColumnNumber> numbers_of(const data::Table& table) {
  std::set<data::ColumnNumber> numbers;
  for (const data::Column& column : table.columns) numbers.insert(column.number);
  return numbers;
}

// Constraints live in the text of CREATE TABLE only, so that changing them is changing that text
// (the procedure that SQLite's documentation of ALTER TABLE gives for this).
Result<void> replace_definition(Connection& connection, const data::Table& table) {
  SPAR_ASSIGN(std::string sql, create_table_sql(table));
  SPAR_ASSIGN(std::int64_t version, connection.integer("PRAGMA schema_version"));
  SPAR_TRY(connection.run("PRAGMA writable_schema=ON"));
  Result<void> updated = [&]() -> Result<void> {
    SPAR_ASSIGN(
        StatementUse update,
        connection.prepare("UPDATE sqlite_schema SET sql=?1 WHERE type='table' AND name=?2"));
    update.bind_text(1, sql);
    update.bind_text(2, table_name(table.id));
    return update.run();
  }();
  SPAR_TRY(connection.run("PRAGMA schema_version=" + std::to_string(version + 1)));
  SPAR_TRY(connection.run("PRAGMA writable_schema=RESET"));
  return updated;
}

Result<void> create_table(Connection& connection, const data::Table& table) {
  SPAR_ASSIGN(std::string sql, create_table_sql(table));
  SPAR_TRY(connection.run(sql));
  SPAR_ASSIGN(const auto statements, index_statements(table));
  for (const auto& [name, statement] : statements) SPAR_TRY(connection.run(statement));
  return {};
}

Result<void> change_columns(Connection& connection, const data::Table& before,
                            const data::Table& after) {
  std::set<data::ColumnNumber> old_numbers = numbers_of(before), new_numbers = numbers_of(after);
  for (data::ColumnNumber number : old_numbers) {
    if (new_numbers.contains(number)) continue;
    SPAR_TRY(connection.run("ALTER TABLE " + table_name(after.id) + " DROP COLUMN " +
                            column_name(number)));
  }
  for (data::ColumnNumber number : new_numbers) {
    if (old_numbers.contains(number)) continue;
    SPAR_TRY(connection.run("ALTER TABLE " + table_name(after.id) + " ADD COLUMN " +
                            column_name(number)));
  }
  return {};
}

// SQLite refuses to drop a column that a constraint of the definition still names.
Result<void> forget_lost_constraints(Connection& connection, data::Table before,
                                     const data::Table& after) {
  const auto lost = [](const auto& kept) {
    return [&kept](const auto& item) {
      return std::ranges::find(kept, item.id, [](const auto& k) { return k.id; }) == kept.end();
    };
  };
  const auto gone = std::erase_if(before.checks, lost(after.checks)) +
                    std::erase_if(before.foreign_keys, lost(after.foreign_keys));
  return gone == 0 ? Result<void>() : replace_definition(connection, before);
}

Result<void> change_table(Connection& connection, const data::Table& before,
                          const data::Table& after, SchemaEffect& effect) {
  SPAR_ASSIGN(const auto old_indexes, index_statements(before));
  SPAR_ASSIGN(const auto new_indexes, index_statements(after));
  for (const auto& [name, statement] : old_indexes) {
    const auto kept = new_indexes.find(name);
    if (kept == new_indexes.end() || kept->second != statement) {
      SPAR_TRY(connection.run("DROP INDEX " + name));
    }
  }
  if (numbers_of(before) != numbers_of(after)) {
    SPAR_TRY(forget_lost_constraints(connection, before, after));
    SPAR_TRY(change_columns(connection, before, after));
    effect.reshaped.push_back(after.id);
  }
  SPAR_ASSIGN(std::string old_sql, create_table_sql(before));
  SPAR_ASSIGN(std::string new_sql, create_table_sql(after));
  if (old_sql != new_sql) SPAR_TRY(replace_definition(connection, after));
  for (const auto& [name, statement] : new_indexes) {
    const auto known = old_indexes.find(name);
    if (known == old_indexes.end() || known->second != statement) {
      SPAR_TRY(connection.run(statement));
    }
  }
  return {};
}

// A view is in the catalogue only.
const data::Table* stored(const data::Table* table) {
  return table != nullptr && table->view && !table->view->materialized ? nullptr : table;
}

// DROP TABLE deletes the rows first and would check the keys between tables that all go.
Result<void> forget_foreign_keys_of_dropped(Connection& connection, const data::Catalogue& before,
                                            const data::Catalogue& after,
                                            const std::vector<data::ObjectChange>& changes) {
  for (const data::ObjectChange& change : changes) {
    const data::Table* table = stored(before.table(change.id));
    if (table == nullptr || after.table(change.id) != nullptr) continue;
    if (table->foreign_keys.empty()) continue;
    data::Table without = *table;
    without.foreign_keys.clear();
    SPAR_TRY(replace_definition(connection, without));
  }
  return {};
}

}  // namespace

std::string table_name(ObjectId table) {
  return "t" + std::to_string(table.value);
}

std::string column_list(const data::Table& table) {
  std::string list;
  for (const data::Column& column : table.columns) {
    if (!list.empty()) list += ',';
    list += column_name(column.number);
  }
  return list;
}

Result<std::string> create_table_sql(const data::Table& table) {
  std::string sql = "CREATE TABLE " + table_name(table.id) + "(";
  bool first = true;
  for (const data::Column& column : table.columns) {
    if (!first) sql += ',';
    first = false;
    sql += column_sql(table, column);
  }
  if (table.columns.empty()) sql += "c0";  // SQLite has no table without columns
  for (const data::Check& check : table.checks) {
    SPAR_ASSIGN(std::string expression, query::render_check(table, check));
    sql += ",CONSTRAINT x" + std::to_string(check.id.value) + " CHECK(" + expression + ")";
  }
  for (const data::ForeignKey& key : table.foreign_keys) sql += foreign_key_sql(key);
  return sql + ")";
}

Result<SchemaEffect> change_schema(Connection& connection, const data::Catalogue& before,
                                   const data::Catalogue& after,
                                   const std::vector<data::ObjectChange>& changes) {
  SchemaEffect effect;
  SPAR_TRY(forget_foreign_keys_of_dropped(connection, before, after, changes));
  std::set<ObjectId> done;
  for (const data::ObjectChange& change : changes) {
    if (!done.insert(change.id).second) continue;
    const data::Table* old_table = stored(before.table(change.id));
    const data::Table* new_table = stored(after.table(change.id));
    if (old_table == nullptr && new_table != nullptr) {
      SPAR_TRY(create_table(connection, *new_table));
    } else if (old_table != nullptr && new_table == nullptr) {
      SPAR_TRY(connection.run("DROP TABLE " + table_name(change.id)));
      effect.dropped.push_back(change.id);
    } else if (old_table != nullptr) {
      SPAR_TRY(change_table(connection, *old_table, *new_table, effect));
    }
  }
  return effect;
}

}  // namespace spar::engines::sqlite
