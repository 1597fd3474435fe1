#include <algorithm>

#include "query/bind/sequence.h"
#include "query/bind/table_editor.h"

namespace spar::query::bind {
namespace {

using grammar::Node;

Result<void> refuse_unknown_features(Binding& binding, const PgQuery__CreateStmt& statement) {
  const int location = statement.relation->location;
  if (std::string_view(statement.relation->relpersistence) == "t") {
    return binding.missing("a temporary table", location);
  }
  if (statement.n_inh_relations > 0) return binding.missing("INHERITS", location);
  if (statement.partspec != nullptr || statement.partbound != nullptr) {
    return binding.missing("a partitioned table", location);
  }
  if (statement.of_typename != nullptr) return binding.missing("a typed table", location);
  return {};
}

// Columns first, so that constraints may name any of them; foreign keys last, so that they may name
// the table's own keys.
Result<void> fill(TableEditor& editor, const PgQuery__CreateStmt& statement) {
  for (const Node* node : GRAMMAR_LIST(statement, table_elts)) {
    if (node->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
      SPAR_TRY(editor.add_column(*node->column_def));
    } else if (node->node_case == PG_QUERY__NODE__NODE_TABLE_LIKE_CLAUSE) {
      SPAR_TRY(editor.add_like(*node->table_like_clause));
    } else if (node->node_case != PG_QUERY__NODE__NODE_CONSTRAINT) {
      return not_supported("this element of CREATE TABLE");
    }
  }
  const auto table_constraints = [&](bool foreign) -> Result<void> {
    for (const Node* node : GRAMMAR_LIST(statement, table_elts)) {
      if (node->node_case != PG_QUERY__NODE__NODE_CONSTRAINT) continue;
      const bool is_foreign = node->constraint->contype == PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN;
      if (is_foreign == foreign) SPAR_TRY(editor.add_constraint(*node->constraint, ""));
    }
    return {};
  };
  SPAR_TRY(table_constraints(false));
  for (const Node* node : GRAMMAR_LIST(statement, table_elts)) {
    if (node->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
      SPAR_TRY(editor.add_column_constraints(*node->column_def));
    }
  }
  return table_constraints(true);
}

// A primary key of one integer column is the row's identity.
std::optional<data::ColumnNumber> identity_of(const data::Table& table) {
  const data::Key* key = table.primary_key();
  if (key == nullptr || key->columns.size() != 1) return std::nullopt;
  const TypeId type = table.column(key->columns[0])->type.id;
  if (type != TypeId::int2 && type != TypeId::int4 && type != TypeId::int8) return std::nullopt;
  return key->columns[0];
}

}  // namespace

Result<SchemaChange> create_table(Binding& binding, const PgQuery__CreateStmt& statement) {
  SPAR_TRY(refuse_unknown_features(binding, statement));
  SchemaChange change;
  data::Table table;
  SPAR_ASSIGN(table.schema, binding.schema_for(*statement.relation));
  table.name = statement.relation->relname;
  table.database = binding.context().database;
  const data::Table nothing{ObjectId{}, table.database, table.schema};
  if (relation_exists(binding, nothing, table.name)) {
    if (!statement.if_not_exists) {
      return sql_error("42P07", "relation \"" + table.name + "\" already exists");
    }
    change.notices.push_back("relation \"" + table.name + "\" already exists, skipping");
    return change;
  }
  IdSource ids(binding.catalogue().next_id());
  table.id = ids.take();
  TableEditor editor(binding, std::move(table), false, ids);
  SPAR_TRY(fill(editor, statement));
  editor.table().identity_column = identity_of(editor.table());
  change.changes.push_back(data::put_object(editor.table()));
  editor.put_sequences(change);
  return change;
}

namespace {

// A table goes before those it references: its rows would hold theirs.
void order_children_first(std::vector<const data::Table*>& tables) {
  std::vector<const data::Table*> ordered;
  while (!tables.empty()) {
    const auto referenced = [&](const data::Table* table) {
      return std::ranges::any_of(tables, [&](const data::Table* other) {
        return other != table &&
               std::ranges::find(other->foreign_keys, table->id, &data::ForeignKey::parent) !=
                   other->foreign_keys.end();
      });
    };
    auto next = std::ranges::find_if_not(tables, referenced);
    if (next == tables.end()) next = tables.begin();  // a ring
    ordered.push_back(*next);
    tables.erase(next);
  }
  tables = std::move(ordered);
}

}  // namespace

Result<Truncate> truncate(Binding& binding, const PgQuery__TruncateStmt& statement) {
  std::vector<const data::Table*> tables;
  for (const Node* node : GRAMMAR_LIST(statement, relations)) {
    SPAR_ASSIGN(const data::Table* table, binding.named_table(*node->range_var));
    SPAR_TRY(must_be_table(*table));
    if (std::ranges::find(tables, table) == tables.end()) tables.push_back(table);
  }
  const bool cascade = statement.behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
  for (std::size_t i = 0; i < tables.size(); ++i) {  // grows with CASCADE
    for (const data::Table* other : binding.catalogue().referencing(tables[i]->id)) {
      if (std::ranges::find(tables, other) != tables.end()) continue;
      if (cascade) {
        tables.push_back(other);
        continue;
      }
      Failure failure =
          sql_error("0A000", "cannot truncate a table referenced in a foreign key constraint");
      failure.error().detail =
          "Table \"" + other->name + "\" references \"" + tables[i]->name + "\".";
      failure.error().hint =
          "Truncate table \"" + other->name + "\" at the same time, or use TRUNCATE ... CASCADE.";
      return failure;
    }
  }
  order_children_first(tables);
  Truncate body;
  for (const data::Table* table : tables) {
    binding.uses(table->id);
    body.tables.push_back(table->id);
    if (!statement.restart_seqs) continue;
    for (const data::Table* owned : owned_sequences(binding.catalogue(), table->id)) {
      body.writes.push_back(restarted(*owned, owned->sequence->start));
    }
  }
  return body;
}

}  // namespace spar::query::bind
