#include "engines/sqlite/constraint.h"

#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "changelog/record.h"
#include "data/text_format.h"
#include "engines/sqlite/physical.h"

namespace spar::engines::sqlite {
namespace {

struct Named {
  const data::Table* table = nullptr;
  std::vector<data::ColumnNumber> columns;
  std::string name;  // of the index, where SQLite says which
};

// "t12.c1, t12.c2" -> table 12, columns 1 and 2.
Named parse_columns(std::string_view list, const data::Catalogue& catalogue) {
  Named named;
  while (!list.empty()) {
    std::size_t comma = list.find(", ");
    std::string_view item = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 2);
    std::size_t dot = item.find(".c");
    if (dot == std::string_view::npos || item.empty() || item[0] != 't') return named;
    std::uint32_t table = 0;
    data::ColumnNumber column = 0;
    std::from_chars(item.data() + 1, item.data() + dot, table);
    std::from_chars(item.data() + dot + 2, item.data() + item.size(), column);
    named.table = catalogue.table(ObjectId(table));
    named.columns.push_back(column);
  }
  return named;
}

std::string_view after(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : std::string_view();
}

bool same_columns(const std::vector<data::ColumnNumber>& a,
                  const std::vector<data::ColumnNumber>& b) {
  return std::set(a.begin(), a.end()) == std::set(b.begin(), b.end());
}

// "index 'k12'", where an index is over keys of values: its table and columns.
Named parse_index(std::string_view text, const data::Catalogue& catalogue) {
  Named named;
  std::uint32_t id = 0;
  std::from_chars(text.data() + 1, text.data() + text.size(), id);
  const auto has_id = [&](const auto& item) { return item.id == ObjectId(id); };
  for (const auto& [table_id, table] : catalogue.tables()) {
    const auto key = std::ranges::find_if(table.keys, has_id);
    const auto index = std::ranges::find_if(table.indexes, has_id);
    if (key == table.keys.end() && index == table.indexes.end()) continue;
    named.table = &table;
    named.name = key != table.keys.end() ? key->name : index->name;
    if (key != table.keys.end()) {
      named.columns = key->columns;
    } else {
      for (const data::IndexColumn& column : index->columns) named.columns.push_back(column.number);
    }
  }
  return named;
}

std::string unique_name(const Named& named) {
  for (const data::Key& key : named.table->keys) {
    if (same_columns(key.columns, named.columns)) return key.name;
  }
  for (const data::Index& index : named.table->indexes) {
    std::vector<data::ColumnNumber> columns;
    for (const data::IndexColumn& column : index.columns) columns.push_back(column.number);
    if (index.unique && same_columns(columns, named.columns)) return index.name;
  }
  return {};
}

void name_table(Error& error, const data::Table& table) {
  error.schema = table.schema;
  error.table = table.name;
}

void explain_unique(Error& error, const Named& named) {
  error.sqlstate = "23505";
  if (named.table == nullptr) return;
  name_table(error, *named.table);
  error.constraint = named.name.empty() ? unique_name(named) : named.name;
  error.message = "duplicate key value violates unique constraint \"" + error.constraint + "\"";
}

void explain_not_null(Error& error, const Named& named) {
  error.sqlstate = "23502";
  if (named.table == nullptr || named.columns.empty()) return;
  name_table(error, *named.table);
  if (const data::Column* column = named.table->column(named.columns[0])) {
    error.column = column->name;
  }
  error.message = "null value in column \"" + error.column + "\" of relation \"" + error.table +
                  "\" violates not-null constraint";
}

void explain_check(Error& error, std::string_view name, const data::Catalogue& catalogue) {
  error.sqlstate = "23514";
  std::uint32_t id = 0;
  if (!name.empty() && name[0] == 'x') {
    std::from_chars(name.data() + 1, name.data() + name.size(), id);
  }
  for (const auto& [table_id, table] : catalogue.tables()) {
    for (const data::Check& check : table.checks) {
      if (check.id != ObjectId(id)) continue;
      name_table(error, table);
      error.constraint = check.name;
      error.message = "new row for relation \"" + table.name + "\" violates check constraint \"" +
                      check.name + "\"";
      return;
    }
  }
}

std::size_t index_of(const data::Table& table, data::ColumnNumber number) {
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].number == number) return i;
  }
  return 0;
}

data::Row pick(const data::Table& table, const data::Row& row,
               const std::vector<data::ColumnNumber>& numbers) {
  data::Row values;
  for (data::ColumnNumber number : numbers) {
    std::size_t index = index_of(table, number);
    values.push_back(index < row.size() ? row[index] : data::Datum());
  }
  return values;
}

bool any_null(const data::Row& row) {
  return std::any_of(row.begin(), row.end(), data::is_null);
}

Result<bool> exists(Connection& connection, const data::Table& table,
                    const std::vector<data::ColumnNumber>& columns, const data::Row& values) {
  std::string sql = "SELECT 1 FROM " + table_name(table.id) + " WHERE ";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) sql += " AND ";
    sql += "c" + std::to_string(columns[i]) + "=?" + std::to_string(i + 1);
  }
  SPAR_ASSIGN(StatementUse use, connection.prepare(sql + " LIMIT 1"));
  use.bind_all(values);
  return use.step();
}

// Key (album_id)=(999)
std::string key_text(const data::Table& table, const std::vector<data::ColumnNumber>& columns,
                     const data::Row& values) {
  std::string names, shown;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const data::Column* column = table.column(columns[i]);
    if (i > 0) names += ", ", shown += ", ";
    if (column == nullptr) continue;
    names += column->name;
    data::format_text(values[i], column->type, {}, shown);
  }
  return "Key (" + names + ")=(" + shown + ")";
}

struct Offence {
  const data::Table* child;
  const data::ForeignKey* key;
  data::Row values;
};

void report_child(Error& error, const Offence& offence, const data::Table& parent) {
  name_table(error, *offence.child);
  error.constraint = offence.key->name;
  error.message = "insert or update on table \"" + offence.child->name +
                  "\" violates foreign key constraint \"" + offence.key->name + "\"";
  error.detail = key_text(*offence.child, offence.key->columns, offence.values) +
                 " is not present in table \"" + parent.name + "\".";
}

void report_parent(Error& error, const Offence& offence, const data::Table& parent) {
  name_table(error, *offence.child);
  error.constraint = offence.key->name;
  error.message = "update or delete on table \"" + parent.name +
                  "\" violates foreign key constraint \"" + offence.key->name + "\" on table \"" +
                  offence.child->name + "\"";
  error.detail = key_text(parent, offence.key->parent_columns, offence.values) +
                 " is still referenced from table \"" + offence.child->name + "\".";
}

Result<data::Row> decode(std::string_view bytes) {
  ByteReader reader(bytes);
  return data::decode_row(reader);
}

// A new row of `table` whose parent is missing, looked for in one change.
Result<bool> child_offends(Error& error, const data::Table& table, const data::Row& row,
                           const data::Catalogue& catalogue, Connection& connection) {
  for (const data::ForeignKey& key : table.foreign_keys) {
    const data::Table* parent = catalogue.table(key.parent);
    data::Row values = pick(table, row, key.columns);
    if (parent == nullptr || any_null(values)) continue;
    SPAR_ASSIGN(bool found, exists(connection, *parent, key.parent_columns, values));
    if (found) continue;
    report_child(error, {&table, &key, values}, *parent);
    return true;
  }
  return false;
}

// A vanished row of `table` that a child still refers to.
Result<bool> parent_offends(Error& error, const data::Table& table, const data::Row& row,
                            const data::Catalogue& catalogue, Connection& connection) {
  for (const data::Table* child : catalogue.referencing(table.id)) {
    for (const data::ForeignKey& key : child->foreign_keys) {
      if (key.parent != table.id) continue;
      data::Row values = pick(table, row, key.parent_columns);
      if (any_null(values)) continue;
      SPAR_ASSIGN(bool found, exists(connection, *child, key.columns, values));
      if (!found) continue;
      report_parent(error, {child, &key, values}, table);
      return true;
    }
  }
  return false;
}

Result<bool> find_offence(Error& error, const data::Catalogue& catalogue, std::string_view changes,
                          Connection& connection) {
  changelog::ChangeReader reader(changes);
  while (true) {
    SPAR_ASSIGN(std::optional<changelog::Change> change, reader.next());
    if (!change) return false;
    const data::Table* table = catalogue.table(change->table);
    if (table == nullptr) continue;
    if (!change->after.empty()) {
      SPAR_ASSIGN(data::Row row, decode(change->after));
      SPAR_ASSIGN(bool found, child_offends(error, *table, row, catalogue, connection));
      if (found) return true;
    }
    if (!change->before.empty()) {
      SPAR_ASSIGN(data::Row row, decode(change->before));
      SPAR_ASSIGN(bool found, parent_offends(error, *table, row, catalogue, connection));
      if (found) return true;
    }
  }
}

void explain_foreign_key(Error& error, const data::Catalogue& catalogue, std::string_view changes,
                         Connection& connection) {
  error.sqlstate = "23503";
  error.message = "violates foreign key constraint";
  (void)find_offence(error, catalogue, changes, connection);
}

}  // namespace

Error explain(Error error, const data::Catalogue& catalogue, std::string_view changes,
              Connection& connection) {
  if (error.code != Code::sql || error.sqlstate != "23000") return error;
  std::string text = std::move(error.message);
  error.message = text;
  error.constraint.clear();
  if (auto name = after(text, "UNIQUE constraint failed: index '"); name.size() > 1) {
    explain_unique(error, parse_index(name, catalogue));
  } else if (auto list = after(text, "UNIQUE constraint failed: "); !list.empty()) {
    explain_unique(error, parse_columns(list, catalogue));
  } else if (list = after(text, "NOT NULL constraint failed: "); !list.empty()) {
    explain_not_null(error, parse_columns(list, catalogue));
  } else if (list = after(text, "CHECK constraint failed: "); !list.empty()) {
    explain_check(error, list, catalogue);
  } else if (text.starts_with("FOREIGN KEY")) {
    explain_foreign_key(error, catalogue, changes, connection);
  }
  return error;
}

}  // namespace spar::engines::sqlite
