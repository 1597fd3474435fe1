// DROP of tables, sequences, views, indexes and schemas.

#include <algorithm>

#include "query/bind/dependents.h"
#include "query/bind/schema.h"

namespace spar::query::bind {
namespace {

using grammar::Node;

bool is_of(const data::Table& table, PgQuery__ObjectType type) {
  switch (type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
      return table.sequence.has_value();
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
      return table.view && !table.view->materialized;
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
      return table.view && table.view->materialized;
    default:
      return table.is_plain();
  }
}

std::string_view word_of(PgQuery__ObjectType type) {
  switch (type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
      return "sequence";
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
      return "view";
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
      return "materialized view";
    default:
      return "table";
  }
}

Failure wrong_kind(const data::Table& table, PgQuery__ObjectType type) {
  const std::string article = type == PG_QUERY__OBJECT_TYPE__OBJECT_INDEX ? "an " : "a ";
  const std::string wanted =
      type == PG_QUERY__OBJECT_TYPE__OBJECT_INDEX ? "index" : std::string(word_of(type));
  Failure failure = sql_error("42809", "\"" + table.name + "\" is not " + article + wanted);
  failure.error().hint = table.sequence ? "Use DROP SEQUENCE to remove a sequence."
                         : !table.view  ? "Use DROP TABLE to remove a table."
                         : table.view->materialized
                             ? "Use DROP MATERIALIZED VIEW to remove a materialized view."
                             : "Use DROP VIEW to remove a view.";
  return failure;
}

// A relation named by a list, or nothing: said in a notice, or an error.
Result<const data::Table*> named(Binding& binding, const PgQuery__DropStmt& statement,
                                 const std::vector<std::string>& names, std::string_view word,
                                 SchemaChange& change) {
  Result<const data::Table*> found = binding.find_table(names);
  const bool no_schema = !found && found.error().sqlstate == "3F000";
  if (no_schema && statement.missing_ok) {
    change.notices.push_back(found.error().message + ", skipping");
    return nullptr;
  }
  if (!found || *found != nullptr) return found;
  const std::string message = std::string(word) + " \"" + names.back() + "\" does not exist";
  if (!statement.missing_ok) return sql_error("42P01", message);
  change.notices.push_back(message + ", skipping");
  return nullptr;
}

Result<SchemaChange> drop_relations(Binding& binding, const PgQuery__DropStmt& statement) {
  SchemaChange change;
  Removal removal(binding);
  for (const Node* node : GRAMMAR_LIST(statement, objects)) {
    const std::vector<std::string> names = grammar::names_of(GRAMMAR_LIST(*node->list, items));
    SPAR_ASSIGN(const data::Table* table,
                named(binding, statement, names, word_of(statement.remove_type), change));
    if (table == nullptr) continue;
    if (!is_of(*table, statement.remove_type)) return wrong_kind(*table, statement.remove_type);
    removal.doom(*table);
  }
  const bool cascade = statement.behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
  SPAR_TRY(removal.finish(cascade, change));
  return change;
}

struct FoundIndex {
  const data::Table* table = nullptr;
  bool constraint = false;
};

FoundIndex find_index(Binding& binding, const std::vector<std::string>& names) {
  const std::string& name = names.back();
  const std::vector<std::string> path = names.size() > 1
                                            ? std::vector<std::string>{names[names.size() - 2]}
                                            : binding.context().search_path;
  for (const std::string& schema : path) {
    for (const auto& [id, table] : binding.catalogue().tables()) {
      if (table.database != binding.context().database || table.schema != schema) continue;
      if (std::ranges::find(table.indexes, name, &data::Index::name) != table.indexes.end()) {
        return {&table, false};
      }
      if (std::ranges::find(table.keys, name, &data::Key::name) != table.keys.end()) {
        return {&table, true};
      }
    }
  }
  return {};
}

Result<SchemaChange> drop_indexes(Binding& binding, const PgQuery__DropStmt& statement) {
  SchemaChange change;
  std::vector<data::Table> changed;
  for (const Node* node : GRAMMAR_LIST(statement, objects)) {
    const std::vector<std::string> names = grammar::names_of(GRAMMAR_LIST(*node->list, items));
    const std::string& name = names.back();
    const FoundIndex found = find_index(binding, names);
    if (found.table == nullptr) {
      SPAR_ASSIGN(const data::Table* relation, binding.find_table(names));
      if (relation != nullptr) return wrong_kind(*relation, statement.remove_type);
      if (!statement.missing_ok) {
        return sql_error("42704", "index \"" + name + "\" does not exist");
      }
      change.notices.push_back("index \"" + name + "\" does not exist, skipping");
      continue;
    }
    if (found.constraint) {
      const std::string needed = "constraint " + name + " on table " + found.table->name;
      Failure failure =
          sql_error("2BP01", "cannot drop index " + name + " because " + needed + " requires it");
      failure.error().hint = "You can drop " + needed + " instead.";
      return failure;
    }
    auto kept = std::ranges::find(changed, found.table->id, &data::Table::id);
    if (kept == changed.end()) kept = changed.insert(changed.end(), *found.table);
    std::erase_if(kept->indexes, [&](const data::Index& index) { return index.name == name; });
  }
  for (const data::Table& table : changed) change.changes.push_back(data::put_object(table));
  return change;
}

Result<SchemaChange> drop_schemas(Binding& binding, const PgQuery__DropStmt& statement) {
  SchemaChange change;
  Removal removal(binding);
  for (const Node* node : GRAMMAR_LIST(statement, objects)) {
    const std::string name(grammar::text_of(node));
    const auto& schemas = binding.catalogue().schemas();
    const auto found = std::ranges::find_if(schemas, [&](const auto& entry) {
      return entry.second.database == binding.context().database && entry.second.name == name;
    });
    if (found != schemas.end()) {
      removal.doom(found->second);
      continue;
    }
    if (name == "public") return not_supported("DROP of schema public");
    if (name == "pg_catalog" || name == "information_schema") {
      return sql_error(
          "2BP01", "cannot drop schema " + name + " because it is required by the database system");
    }
    const std::string message = "schema \"" + name + "\" does not exist";
    if (!statement.missing_ok) return sql_error("3F000", message);
    change.notices.push_back(message + ", skipping");
  }
  const bool cascade = statement.behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
  SPAR_TRY(removal.finish(cascade, change));
  return change;
}

}  // namespace

Result<SchemaChange> drop_objects(Binding& binding, const PgQuery__DropStmt& statement) {
  switch (statement.remove_type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
      return drop_relations(binding, statement);
    case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
      return drop_indexes(binding, statement);
    case PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA:
      return drop_schemas(binding, statement);
    case PG_QUERY__OBJECT_TYPE__OBJECT_TYPE:
      return not_supported("DROP TYPE");
    case PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION:
      return not_supported("DROP FUNCTION");
    default:
      return not_supported("DROP of this kind of object");
  }
}

}  // namespace spar::query::bind
