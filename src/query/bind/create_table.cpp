#include <algorithm>

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
    } else if (node->node_case != PG_QUERY__NODE__NODE_CONSTRAINT) {
      return not_supported("LIKE in CREATE TABLE");
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
  return change;
}

namespace {

// Tables that the statement names, each once, with their references.
struct Doomed {
  std::vector<const data::Table*> tables;
  bool has(ObjectId id) const {
    return std::ranges::find(tables, id, &data::Table::id) != tables.end();
  }
};

PgQuery__RangeVar range_var(const std::vector<std::string>& names, std::string& schema,
                            std::string& name) {
  PgQuery__RangeVar made = PG_QUERY__RANGE_VAR__INIT;
  name = names.empty() ? "" : names.back();
  schema = names.size() > 1 ? names[names.size() - 2] : "";
  made.relname = name.data();
  made.schemaname = schema.data();
  made.location = -1;
  return made;
}

// Takes the foreign keys that point at doomed tables out of the others, or says who objects.
Result<void> release_references(Binding& binding, const Doomed& doomed, bool cascade,
                                SchemaChange& change) {
  std::vector<data::Table> changed;
  for (const data::Table* table : doomed.tables) {
    for (const data::Table* other : binding.catalogue().referencing(table->id)) {
      if (doomed.has(other->id)) continue;
      const auto points = [&](const data::ForeignKey& key) { return doomed.has(key.parent); };
      const auto key = std::ranges::find_if(other->foreign_keys, points);
      if (!cascade) {
        Failure failure = sql_error(
            "2BP01", "cannot drop table " + table->name + " because other objects depend on it");
        failure.error().detail = "constraint " + key->name + " on table " + other->name +
                                 " depends on table " + table->name;
        failure.error().hint = "Use DROP ... CASCADE to drop the dependent objects too.";
        return failure;
      }
      if (std::ranges::find(changed, other->id, &data::Table::id) != changed.end()) continue;
      change.notices.push_back("drop cascades to constraint " + key->name + " on table " +
                               other->name);
      data::Table& kept = changed.emplace_back(*other);
      std::erase_if(kept.foreign_keys, points);
    }
  }
  for (const data::Table& table : changed) change.changes.push_back(data::put_object(table));
  return {};
}

Result<SchemaChange> drop_tables(Binding& binding, const PgQuery__DropStmt& statement) {
  SchemaChange change;
  Doomed doomed;
  for (const Node* node : GRAMMAR_LIST(statement, objects)) {
    const std::vector<std::string> names = grammar::names_of(GRAMMAR_LIST(*node->list, items));
    std::string schema, name;
    const PgQuery__RangeVar variable = range_var(names, schema, name);
    SPAR_ASSIGN(const data::Table* table, binding.find_table(variable));
    if (table == nullptr) {
      if (!statement.missing_ok) {
        return sql_error("42P01", "table \"" + name + "\" does not exist");
      }
      change.notices.push_back("table \"" + name + "\" does not exist, skipping");
    } else if (!doomed.has(table->id)) {
      doomed.tables.push_back(table);
    }
  }
  const bool cascade = statement.behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
  SPAR_TRY(release_references(binding, doomed, cascade, change));
  for (const data::Table* table : doomed.tables) change.changes.push_back({table->id, {}});
  return change;
}

struct FoundIndex {
  const data::Table* table = nullptr;
  bool constraint = false;
};

FoundIndex find_index(Binding& binding, const std::string& name) {
  for (const auto& [id, table] : binding.catalogue().tables()) {
    if (table.database != binding.context().database) continue;
    if (std::ranges::find(table.indexes, name, &data::Index::name) != table.indexes.end()) {
      return {&table, false};
    }
    if (std::ranges::find(table.keys, name, &data::Key::name) != table.keys.end()) {
      return {&table, true};
    }
  }
  return {};
}

Result<SchemaChange> drop_indexes(Binding& binding, const PgQuery__DropStmt& statement) {
  SchemaChange change;
  std::vector<data::Table> changed;
  for (const Node* node : GRAMMAR_LIST(statement, objects)) {
    const std::string name(grammar::last_name(GRAMMAR_LIST(*node->list, items)));
    const FoundIndex found = find_index(binding, name);
    if (found.table == nullptr) {
      if (!statement.missing_ok) {
        return sql_error("42704", "index \"" + name + "\" does not exist");
      }
      change.notices.push_back("index \"" + name + "\" does not exist, skipping");
      continue;
    }
    if (found.constraint) {
      Failure failure =
          sql_error("2BP01", "cannot drop index " + name + " because constraint " + name +
                                 " on table " + found.table->name + " requires it");
      failure.error().hint =
          "You can drop constraint " + name + " on table " + found.table->name + " instead.";
      return failure;
    }
    auto kept = std::ranges::find(changed, found.table->id, &data::Table::id);
    if (kept == changed.end()) kept = changed.insert(changed.end(), *found.table);
    std::erase_if(kept->indexes, [&](const data::Index& index) { return index.name == name; });
  }
  for (const data::Table& table : changed) change.changes.push_back(data::put_object(table));
  return change;
}

}  // namespace

Result<SchemaChange> drop_objects(Binding& binding, const PgQuery__DropStmt& statement) {
  switch (statement.remove_type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
      return drop_tables(binding, statement);
    case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
      return drop_indexes(binding, statement);
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
      return not_supported("DROP VIEW");
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
      return not_supported("DROP SEQUENCE");
    case PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA:
      return not_supported("DROP SCHEMA");
    case PG_QUERY__OBJECT_TYPE__OBJECT_TYPE:
      return not_supported("DROP TYPE");
    case PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION:
      return not_supported("DROP FUNCTION");
    default:
      return not_supported("DROP of this kind of object");
  }
}

Result<Truncate> truncate(Binding& binding, const PgQuery__TruncateStmt& statement) {
  std::vector<const data::Table*> tables;
  for (const Node* node : GRAMMAR_LIST(statement, relations)) {
    SPAR_ASSIGN(const data::Table* table, binding.named_table(*node->range_var));
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
  Truncate body;
  for (const data::Table* table : tables) {
    binding.uses(table->id);
    body.tables.push_back(table->id);
  }
  return body;
}

}  // namespace spar::query::bind
