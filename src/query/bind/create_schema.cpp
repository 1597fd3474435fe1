// CREATE SCHEMA and ALTER ... SET SCHEMA.

#include <algorithm>

#include "query/bind/schema.h"
#include "query/bind/sequence.h"
#include "query/bind/table_editor.h"

namespace spar::query::bind {

Result<SchemaChange> create_schema(Binding& binding, const PgQuery__CreateSchemaStmt& statement) {
  if (statement.n_schema_elts > 0) return not_supported("CREATE SCHEMA with elements");
  std::string name = statement.schemaname;
  if (statement.authrole != nullptr) {
    const std::string role = statement.authrole->rolename;
    const bool self = role.empty() || role == binding.context().user;
    if (!self) return sql_error("42704", "role \"" + role + "\" does not exist");
    if (name.empty()) name = binding.context().user;
  }
  SchemaChange change;
  if (name.starts_with("pg_")) {
    Failure failure = sql_error("42939", "unacceptable schema name \"" + name + "\"");
    failure.error().detail = "The prefix \"pg_\" is reserved for system schemas.";
    return failure;
  }
  const ObjectId database = binding.context().database;
  if (name == "information_schema" || binding.catalogue().has_schema(database, name)) {
    const std::string message = "schema \"" + name + "\" already exists";
    if (!statement.if_not_exists) return sql_error("42P06", message);
    change.notices.push_back(message + ", skipping");
    return change;
  }
  change.changes.push_back(
      data::put_object(data::Schema{binding.catalogue().next_id(), database, std::move(name)}));
  return change;
}

namespace {

Result<void> move(Binding& binding, data::Table table, const std::string& schema,
                  SchemaChange& change) {
  const data::Table beside{ObjectId{}, table.database, schema};
  const auto taken = [&](const std::string& name) -> Result<void> {
    if (!relation_exists(binding, beside, name)) return {};
    return sql_error("42P07",
                     "relation \"" + name + "\" already exists in schema \"" + schema + "\"");
  };
  SPAR_TRY(taken(table.name));
  for (const data::Key& key : table.keys) SPAR_TRY(taken(key.name));
  for (const data::Index& index : table.indexes) SPAR_TRY(taken(index.name));
  for (const data::Table* owned : owned_sequences(binding.catalogue(), table.id)) {
    SPAR_TRY(move(binding, *owned, schema, change));
  }
  table.schema = schema;
  change.changes.push_back(data::put_object(table));
  return {};
}

}  // namespace

Result<SchemaChange> set_schema(Binding& binding, const PgQuery__AlterObjectSchemaStmt& statement) {
  if (statement.relation == nullptr) return not_supported("SET SCHEMA of this kind of object");
  SchemaChange change;
  SPAR_ASSIGN(const data::Table* found, binding.find_table(*statement.relation));
  if (found == nullptr && statement.missing_ok) {
    change.notices.push_back("relation \"" + std::string(statement.relation->relname) +
                             "\" does not exist, skipping");
    return change;
  }
  SPAR_ASSIGN(found, binding.named_table(*statement.relation));
  const bool wants_sequence = statement.object_type == PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE;
  if (wants_sequence && !found->sequence) {
    return sql_error("42809", "\"" + found->name + "\" is not a sequence");
  }
  if (found->sequence && found->sequence->owner != ObjectId()) {
    Failure failure = sql_error("0A000", "cannot move an owned sequence into another schema");
    failure.error().detail = "Sequence \"" + found->name + "\" is linked to table \"" +
                             binding.catalogue().table(found->sequence->owner)->name + "\".";
    return failure;
  }
  SPAR_TRY(must_not_be_viewed(binding, *found));
  const std::string schema = statement.newschema;
  if (schema.starts_with("pg_temp")) {
    return sql_error("0A000", "cannot move objects into or out of temporary schemas");
  }
  if (!binding.catalogue().has_schema(binding.context().database, schema)) {
    return sql_error("3F000", "schema \"" + schema + "\" does not exist");
  }
  if (schema == found->schema) return change;
  SPAR_TRY(move(binding, *found, schema, change));
  return change;
}

}  // namespace spar::query::bind
