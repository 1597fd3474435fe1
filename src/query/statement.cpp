#include "query/statement.h"

#include "query/algebra/typmod.h"
#include "query/bind/dml.h"
#include "query/bind/schema.h"
#include "query/bind/sequence.h"
#include "query/bind/sequence_call.h"
#include "query/bind/utility.h"
#include "query/bind/view.h"
#include "query/dialect/sqlite.h"
#include "query/parse/nodes.h"

namespace spar::query {
namespace bind {

Result<Plan> make_plan(Binding& binding, const Planned& planned) {
  Plan plan;
  plan.kind = planned.kind;
  plan.target = planned.target;
  plan.locks_rows = binding.locks_rows();
  plan.ordered = planned.ordered;
  plan.tables = binding.tables();
  if (binding.counts_on()) {
    SPAR_ASSIGN(plan.counts, counts(planned.relation));
  }
  SPAR_ASSIGN(const std::vector<data::Type> parameters, binding.parameters());
  const dialect::RenderOptions options{parameters.size(), binding.context().text};
  SPAR_ASSIGN(dialect::RenderedSql rendered,
              dialect::render(binding.arena(), binding.catalogue(), planned.relation, options));
  plan.sql = std::move(rendered.sql);
  plan.bound = std::move(rendered.bound);
  for (std::size_t i = 0; i < planned.names.size(); ++i) {
    const algebra::ColumnInfo& info = binding.arena().info(planned.relation->columns[i]);
    plan.output.push_back(
        {planned.names[i], info.type, info.table, info.number,
         algebra::shown_typmod(binding.arena(), planned.relation, planned.relation->columns[i])});
  }
  return plan;
}

namespace {

struct Analyzed {
  std::string tag;
  Body body;
};

template <class T>
Result<Analyzed> tagged(std::string tag, Result<T> body) {
  if (!body) return Failure(std::move(body.error()));
  return Analyzed{std::move(tag), Body(std::move(*body))};
}

Result<Analyzed> dml(Binding& binding, std::string tag, PlanKind kind, Result<BoundDml> bound) {
  if (!bound) return Failure(std::move(bound.error()));
  return tagged(std::move(tag),
                make_plan(binding, {bound->relation, kind, bound->names, bound->target}));
}

Result<Analyzed> select(Binding& binding, const PgQuery__SelectStmt& statement) {
  if (statement.into_clause != nullptr) return tagged("SELECT", select_into(binding, statement));
  SPAR_ASSIGN(std::optional<Body> setting, setting_function(binding, statement));
  if (setting) return Analyzed{"SELECT", std::move(*setting)};
  SPAR_ASSIGN(const BoundQuery query, bind_query(binding, statement, {}));
  return tagged(
      "SELECT",
      make_plan(binding, {query.relation, PlanKind::select, query.names, {}, query.ordered}));
}

Result<Analyzed> transaction_statement(Binding& binding,
                                       const PgQuery__TransactionStmt& statement) {
  std::string tag = "ROLLBACK";
  switch (statement.kind) {
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN:
      tag = "BEGIN";
      break;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START:
      tag = "START TRANSACTION";
      break;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT:
      tag = "COMMIT";
      break;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_SAVEPOINT:
      tag = "SAVEPOINT";
      break;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_RELEASE:
      tag = "RELEASE";
      break;
    default:
      break;
  }
  return tagged(std::move(tag), transaction(binding, statement));
}

std::string drop_tag(PgQuery__ObjectType type) {
  switch (type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
      return "DROP INDEX";
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
      return "DROP SEQUENCE";
    case PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA:
      return "DROP SCHEMA";
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
      return "DROP VIEW";
    default:
      return "DROP TABLE";
  }
}

std::string discard_tag(PgQuery__DiscardMode mode) {
  switch (mode) {
    case PG_QUERY__DISCARD_MODE__DISCARD_PLANS:
      return "DISCARD PLANS";
    case PG_QUERY__DISCARD_MODE__DISCARD_SEQUENCES:
      return "DISCARD SEQUENCES";
    case PG_QUERY__DISCARD_MODE__DISCARD_TEMP:
      return "DISCARD TEMP";
    default:
      return "DISCARD ALL";
  }
}

bool is_reset(const PgQuery__VariableSetStmt& statement) {
  return statement.kind == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET ||
         statement.kind == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL;
}

Result<Analyzed> rename(Binding& binding, const PgQuery__RenameStmt& statement) {
  const bool sequence = statement.rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE;
  const bool view = statement.rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_VIEW;
  return tagged(sequence ? "ALTER SEQUENCE"
                : view   ? "ALTER VIEW"
                         : "ALTER TABLE",
                rename_object(binding, statement));
}

// Without rows it answers its own name.
Result<Analyzed> create_as(Binding& binding, const PgQuery__CreateTableAsStmt& statement) {
  SPAR_ASSIGN(SchemaChange change, create_table_as(binding, statement));
  const bool empty = statement.into->skip_data || change.changes.empty();
  return Analyzed{empty ? "CREATE TABLE AS" : "SELECT", std::move(change)};
}

Result<Analyzed> set_schema_statement(Binding& binding,
                                      const PgQuery__AlterObjectSchemaStmt& statement) {
  const bool sequence = statement.object_type == PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE;
  const bool view = statement.object_type == PG_QUERY__OBJECT_TYPE__OBJECT_VIEW;
  return tagged(sequence ? "ALTER SEQUENCE"
                : view   ? "ALTER VIEW"
                         : "ALTER TABLE",
                set_schema(binding, statement));
}

Result<Analyzed> utility_statement(Binding& binding, const grammar::Node& node) {
  switch (node.node_case) {
    case PG_QUERY__NODE__NODE_TRANSACTION_STMT:
      return transaction_statement(binding, *node.transaction_stmt);
    case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT:
      return tagged(is_reset(*node.variable_set_stmt) ? "RESET" : "SET",
                    set_variable(binding, *node.variable_set_stmt));
    case PG_QUERY__NODE__NODE_VARIABLE_SHOW_STMT:
      return tagged("SHOW", show_variable(*node.variable_show_stmt));
    case PG_QUERY__NODE__NODE_DISCARD_STMT:
      return tagged(discard_tag(node.discard_stmt->target), discard(*node.discard_stmt));
    case PG_QUERY__NODE__NODE_VACUUM_STMT:
      return tagged(node.vacuum_stmt->is_vacuumcmd ? "VACUUM" : "ANALYZE",
                    vacuum(binding, *node.vacuum_stmt));
    case PG_QUERY__NODE__NODE_CHECK_POINT_STMT:
      return Analyzed{"CHECKPOINT", NoOperation{}};
    case PG_QUERY__NODE__NODE_PREPARE_STMT:
      return tagged("PREPARE", prepare(binding, *node.prepare_stmt));
    case PG_QUERY__NODE__NODE_EXECUTE_STMT:
      return tagged("EXECUTE", execute(binding, *node.execute_stmt));
    case PG_QUERY__NODE__NODE_DEALLOCATE_STMT: {
      const std::string name = node.deallocate_stmt->name;
      return Analyzed{name.empty() ? "DEALLOCATE ALL" : "DEALLOCATE", Deallocate{name}};
    }
    case PG_QUERY__NODE__NODE_COPY_STMT:
      return tagged("COPY", copy(binding, *node.copy_stmt));
    default:
      return not_supported(grammar::feature_name(&node));
  }
}

Result<Analyzed> dispatch(Binding& binding, const grammar::Node& node) {
  switch (node.node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
      return select(binding, *node.select_stmt);
    case PG_QUERY__NODE__NODE_INSERT_STMT:
      return dml(binding, "INSERT", PlanKind::insert, bind_insert(binding, *node.insert_stmt));
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
      return dml(binding, "UPDATE", PlanKind::update, bind_update(binding, *node.update_stmt));
    case PG_QUERY__NODE__NODE_DELETE_STMT:
      return dml(binding, "DELETE", PlanKind::erase, bind_delete(binding, *node.delete_stmt));
    case PG_QUERY__NODE__NODE_CREATE_STMT:
      return tagged("CREATE TABLE", create_table(binding, *node.create_stmt));
    case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT:
      return tagged("ALTER TABLE", alter_table(binding, *node.alter_table_stmt));
    case PG_QUERY__NODE__NODE_RENAME_STMT:
      return rename(binding, *node.rename_stmt);
    case PG_QUERY__NODE__NODE_INDEX_STMT:
      return tagged("CREATE INDEX", create_index(binding, *node.index_stmt));
    case PG_QUERY__NODE__NODE_DROP_STMT:
      return tagged(drop_tag(node.drop_stmt->remove_type), drop_objects(binding, *node.drop_stmt));
    case PG_QUERY__NODE__NODE_VIEW_STMT:
      return tagged("CREATE VIEW", create_view(binding, *node.view_stmt));
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
      return create_as(binding, *node.create_table_as_stmt);
    case PG_QUERY__NODE__NODE_COMMENT_STMT:
      return tagged("COMMENT", comment_on(binding, *node.comment_stmt));
    case PG_QUERY__NODE__NODE_CREATE_SCHEMA_STMT:
      return tagged("CREATE SCHEMA", create_schema(binding, *node.create_schema_stmt));
    case PG_QUERY__NODE__NODE_ALTER_OBJECT_SCHEMA_STMT:
      return set_schema_statement(binding, *node.alter_object_schema_stmt);
    case PG_QUERY__NODE__NODE_CREATE_SEQ_STMT:
      return tagged("CREATE SEQUENCE", create_sequence(binding, *node.create_seq_stmt));
    case PG_QUERY__NODE__NODE_ALTER_SEQ_STMT:
      return tagged("ALTER SEQUENCE", alter_sequence(binding, *node.alter_seq_stmt));
    case PG_QUERY__NODE__NODE_CREATEDB_STMT:
      return tagged("CREATE DATABASE", create_database(binding, *node.createdb_stmt));
    case PG_QUERY__NODE__NODE_DROPDB_STMT:
      return tagged("DROP DATABASE", drop_database(binding, *node.dropdb_stmt));
    case PG_QUERY__NODE__NODE_TRUNCATE_STMT:
      return tagged("TRUNCATE TABLE", truncate(binding, *node.truncate_stmt));
    default:
      return utility_statement(binding, node);
  }
}

}  // namespace
}  // namespace bind

Result<std::shared_ptr<const Statement>> analyze(const ParsedStatement& statement,
                                                 const data::Catalogue& catalogue,
                                                 const AnalyzeContext& context) {
  const ParsedStatement::Tree& tree = statement.tree();
  bind::Binding binding(catalogue, context, tree.source);
  SPAR_ASSIGN(bind::Analyzed analyzed, bind::dispatch(binding, *tree.node));
  auto result = std::make_shared<Statement>();
  result->tag = std::move(analyzed.tag);
  result->body = std::move(analyzed.body);
  result->catalogue_version = catalogue.version();
  // The parameters of a COPY are its columns (CopyIn::types), not the client's.
  if (!std::holds_alternative<CopyIn>(result->body)) {
    SPAR_ASSIGN(result->parameters, binding.parameters());
  }
  return std::shared_ptr<const Statement>(std::move(result));
}

}  // namespace spar::query
