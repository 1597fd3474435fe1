// Indexes and databases.

#include <algorithm>

#include "data/characters.h"
#include "query/bind/generated.h"
#include "query/bind/table_editor.h"
#include "query/dialect/check.h"
#include "query/parse/deparse.h"

namespace spar::query::bind {
namespace {

using grammar::Node;

Result<void> refuse_unknown_features(Binding& binding, const PgQuery__IndexStmt& statement) {
  const int location = statement.relation->location;
  const std::string_view method = statement.access_method;
  if (method != "btree" && method != "hash" && !method.empty()) {
    return binding.missing("access method " + std::string(method), location);
  }
  if (statement.n_index_including_params > 0) return binding.missing("INCLUDE", location);
  return {};
}

// Binds an expression of an index over the table's row.
Result<ScalarRef> bind_over_row(Binding& binding, const data::Table& table, const Node* node,
                                Clause clause) {
  SPAR_ASSIGN(BoundTable bound, bind_table(binding, table, table.name, binding.next_block()));
  const Scope scope{nullptr, 0, {std::move(bound.item)}, nullptr};
  ExpressionBinder expressions(binding, scope, nullptr, clause);
  const bool predicate = clause == Clause::index_predicate;
  SPAR_ASSIGN(ScalarRef value, predicate ? expressions.condition(node) : expressions.bind(node));
  SPAR_ASSIGN(value, coerce_unknown(binding, value));
  if (!is_mutable(value)) return value;
  return sql_error("42P17", std::string("functions in index ") +
                                (predicate ? "predicate" : "expression") +
                                " must be marked IMMUTABLE");
}

struct IndexParts {
  std::vector<data::IndexColumn> columns;
  std::string name_part;  // "a_lower"
};

Result<IndexParts> index_parts(Binding& binding, const data::Table& table,
                               const PgQuery__IndexStmt& statement) {
  IndexParts parts;
  for (const Node* node : GRAMMAR_LIST(statement, index_params)) {
    const PgQuery__IndexElem& element = *node->index_elem;
    if (element.n_opclass > 0) return not_supported("an operator class of an index");
    data::IndexColumn made;
    made.descending = element.ordering == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    std::string name = element.name;
    if (element.expr != nullptr) {
      SPAR_ASSIGN(const ScalarRef value,
                  bind_over_row(binding, table, element.expr, Clause::index_expression));
      data::Column column;
      column.type = value->type;
      SPAR_TRY(check_index_type(column));
      SPAR_ASSIGN(made.expression_sql, grammar::expression_text(element.expr));
      name = target_name(element.expr);
      if (name == "?column?") name = "expr";
    } else {
      const data::Column* column = table.column(name);
      if (column == nullptr) {
        return sql_error("42703", "column \"" + name + "\" does not exist");
      }
      SPAR_TRY(check_index_type(*column));
      made.number = column->number;
    }
    parts.name_part += (parts.name_part.empty() ? "" : "_") + name;
    parts.columns.push_back(std::move(made));
  }
  return parts;
}

bool is_plain(const data::Index& index) {
  return !index.predicate_sql && !index.nulls_not_distinct &&
         std::ranges::none_of(index.columns, [](const data::IndexColumn& column) {
           return column.expression_sql.has_value();
         });
}

}  // namespace

Result<SchemaChange> create_index(Binding& binding, const PgQuery__IndexStmt& statement) {
  SPAR_ASSIGN(const data::Table* found, binding.named_table(*statement.relation));
  if (!found->is_plain()) {
    return sql_error("42809", "cannot create index on relation \"" + found->name + "\"");
  }
  SPAR_TRY(refuse_unknown_features(binding, statement));
  data::Table table = *found;
  SchemaChange change;
  data::Index index;
  index.name = statement.idxname;
  index.unique = statement.unique;
  index.nulls_not_distinct = statement.nulls_not_distinct;
  SPAR_ASSIGN(IndexParts parts, index_parts(binding, table, statement));
  index.columns = std::move(parts.columns);
  if (statement.where_clause != nullptr) {
    SPAR_TRY(bind_over_row(binding, table, statement.where_clause, Clause::index_predicate));
    SPAR_ASSIGN(index.predicate_sql, grammar::expression_text(statement.where_clause));
  }
  if (index.name.empty()) {
    index.name = choose_index_name(binding, table, parts.name_part);
  } else if (relation_exists(binding, table, index.name)) {
    const std::string message = "relation \"" + index.name + "\" already exists";
    if (!statement.if_not_exists) return sql_error("42P07", message);
    change.notices.push_back(message + ", skipping");
    return change;
  }
  index.id = binding.catalogue().next_id();
  SPAR_TRY(render_index(table, index));
  if (index.unique && is_plain(index)) {
    std::vector<data::ColumnNumber> numbers;
    for (const data::IndexColumn& column : index.columns) numbers.push_back(column.number);
    change.verify.push_back(verify_unique(table, index.name, numbers));
  }
  table.indexes.push_back(std::move(index));
  change.changes.push_back(data::put_object(table));
  return change;
}

Result<SchemaChange> create_database(Binding& binding, const PgQuery__CreatedbStmt& statement) {
  const std::string name = statement.dbname;
  for (const Node* node : GRAMMAR_LIST(statement, options)) {
    const std::string option = node->def_elem->defname;
    std::string value = data::lower_case(grammar::option_text(*node->def_elem));
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
  for (const auto& [id, schema] : binding.catalogue().schemas()) {
    if (schema.database == database->id) change.changes.push_back({id, {}});
  }
  change.changes.push_back({database->id, {}});
  change.database = database->id;
  return change;
}

}  // namespace spar::query::bind
