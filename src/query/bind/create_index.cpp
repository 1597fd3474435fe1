// Indexes and databases.

#include <algorithm>

#include "query/bind/table_editor.h"

namespace spar::query::bind {
namespace {

using grammar::Node;

Result<void> refuse_unknown_features(Binding& binding, const PgQuery__IndexStmt& statement) {
  const int location = statement.relation->location;
  const std::string_view method = statement.access_method;
  if (method != "btree" && method != "hash" && !method.empty()) {
    return binding.missing("access method " + std::string(method), location);
  }
  if (statement.where_clause != nullptr) return binding.missing("a partial index", location);
  if (statement.n_index_including_params > 0) return binding.missing("INCLUDE", location);
  if (statement.nulls_not_distinct) return binding.missing("NULLS NOT DISTINCT", location);
  return {};
}

Result<std::vector<data::IndexColumn>> index_columns(const data::Table& table,
                                                     const PgQuery__IndexStmt& statement) {
  std::vector<data::IndexColumn> columns;
  for (const Node* node : GRAMMAR_LIST(statement, index_params)) {
    const PgQuery__IndexElem& element = *node->index_elem;
    if (element.expr != nullptr) return not_supported("an index on an expression");
    const data::Column* column = table.column(element.name);
    if (column == nullptr) {
      return sql_error("42703", "column \"" + std::string(element.name) + "\" does not exist");
    }
    SPAR_TRY(check_index_type(*column));
    const bool descending = element.ordering == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    columns.push_back({column->number, descending});
  }
  return columns;
}

}  // namespace

Result<SchemaChange> create_index(Binding& binding, const PgQuery__IndexStmt& statement) {
  SPAR_ASSIGN(const data::Table* found, binding.named_table(*statement.relation));
  SPAR_TRY(refuse_unknown_features(binding, statement));
  data::Table table = *found;
  SchemaChange change;
  data::Index index;
  index.name = statement.idxname;
  index.unique = statement.unique;
  SPAR_ASSIGN(index.columns, index_columns(table, statement));
  std::vector<data::ColumnNumber> numbers;
  for (const data::IndexColumn& column : index.columns) numbers.push_back(column.number);
  if (index.name.empty()) {
    index.name = choose_relation_name(binding, table, numbers, "idx");
  } else if (relation_exists(binding, table, index.name)) {
    const std::string message = "relation \"" + index.name + "\" already exists";
    if (!statement.if_not_exists) return sql_error("42P07", message);
    change.notices.push_back(message + ", skipping");
    return change;
  }
  index.id = binding.catalogue().next_id();
  if (index.unique) change.verify.push_back(verify_unique(table, index.name, numbers));
  table.indexes.push_back(std::move(index));
  change.changes.push_back(data::put_object(table));
  return change;
}

Result<SchemaChange> create_database(Binding& binding, const PgQuery__CreatedbStmt& statement) {
  const std::string name = statement.dbname;
  for (const Node* node : GRAMMAR_LIST(statement, options)) {
    const std::string option = node->def_elem->defname;
    std::string value = grammar::option_text(*node->def_elem);
    std::ranges::transform(value, value.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    });
    std::erase(value, '-');
    if (option == "encoding" && value != "utf8" && value != "unicode" && value != "6" &&
        value != "default") {
      return binding.missing("encoding " + value, node->def_elem->location);
    }
  }
  if (binding.catalogue().database(name) != nullptr) {
    return sql_error("42P04", "database \"" + name + "\" already exists");
  }
  SchemaChange change;
  change.own_transaction = true;
  change.database = binding.catalogue().next_id();
  change.changes.push_back(data::put_object(data::Database{change.database, name}));
  return change;
}

Result<SchemaChange> drop_database(Binding& binding, const PgQuery__DropdbStmt& statement) {
  const std::string name = statement.dbname;
  SchemaChange change;
  change.own_transaction = true;
  const data::Database* database = binding.catalogue().database(name);
  if (database == nullptr) {
    const std::string message = "database \"" + name + "\" does not exist";
    if (!statement.missing_ok) return sql_error("3D000", message);
    change.notices.push_back(message + ", skipping");
    return change;
  }
  if (database->id == binding.context().database) {
    return sql_error("55006", "cannot drop the currently open database");
  }
  for (const auto& [id, table] : binding.catalogue().tables()) {
    if (table.database == database->id) change.changes.push_back({id, {}});
  }
  change.changes.push_back({database->id, {}});
  change.database = database->id;
  return change;
}

}  // namespace spar::query::bind
