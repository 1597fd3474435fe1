#include "query/bind/dml.h"

#include <algorithm>

#include "query/bind/dml_target.h"
#include "query/bind/sequence_call.h"

namespace spar::query::bind {

Result<ScalarRef> default_value(Binding& binding, const data::Column& column) {
  if (column.identity != data::Identity::none) {
    const data::Table* sequence = binding.catalogue().table(column.sequence);
    if (sequence == nullptr || !sequence->sequence) {
      return failure(Code::corrupt, "identity column " + column.name + " has no sequence");
    }
    binding.uses(sequence->id);
    return coerce_assignment(binding, next_value(binding, *sequence), column);
  }
  if (!column.default_sql) {
    return make_constant(binding, data::Datum{}, column.type);
  }
  SPAR_ASSIGN(const std::vector<ParsedStatement> parsed,
              parse("SELECT " + *column.default_sql, ParseLimits{}));
  if (parsed.size() != 1 || parsed[0].tree().node->node_case != PG_QUERY__NODE__NODE_SELECT_STMT ||
      parsed[0].tree().node->select_stmt->n_target_list != 1) {
    return failure(Code::corrupt, "the default of column " + column.name + " is no expression");
  }
  const PgQuery__SelectStmt& select = *parsed[0].tree().node->select_stmt;
  const Scope none;
  ExpressionBinder expressions(binding, none, nullptr, Clause::column_default);
  binding.without_positions(true);
  Result<ScalarRef> value = expressions.bind(select.target_list[0]->res_target->val);
  if (value) value = coerce_assignment(binding, *value, column);
  binding.without_positions(false);
  return value;
}

Result<std::vector<const data::Column*>> target_columns(Binding& binding, const data::Table& table,
                                                        grammar::Nodes names) {
  std::vector<const data::Column*> columns;
  if (names.empty()) {
    for (const data::Column& column : table.columns) columns.push_back(&column);
    return columns;
  }
  for (const Node* node : names) {
    const bool target = node->node_case == PG_QUERY__NODE__NODE_RES_TARGET;
    const std::string name = target ? node->res_target->name : std::string(grammar::text_of(node));
    const int location = target ? node->res_target->location : -1;
    const data::Column* column = table.column(name);
    if (column == nullptr) {
      return binding.error(
          "42703", "column \"" + name + "\" of relation \"" + table.name + "\" does not exist",
          location);
    }
    if (target && node->res_target->n_indirection > 0) {
      return binding.missing("assignment to part of a column", location);
    }
    if (std::ranges::find(columns, column) != columns.end()) {
      return binding.error("42701", "column \"" + name + "\" specified more than once", location);
    }
    columns.push_back(column);
  }
  return columns;
}

Failure generated_always(std::string message, const data::Column& column) {
  Failure failure = sql_error("428C9", std::move(message));
  const bool identity = column.identity != data::Identity::none;
  failure.error().detail =
      "Column \"" + column.name + "\" is " +
      (identity ? "an identity column defined as GENERATED ALWAYS." : "a generated column.");
  return failure;
}

bool is_default(const Node* node) {
  return node->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT;
}

namespace {

// FROM of an UPDATE, USING of a DELETE; then WHERE.
Result<void> bind_sources(Binding& binding, DmlBinder& dml, grammar::Nodes from,
                          const Node* where) {
  SPAR_ASSIGN(dml.dml().source, bind_from(binding, from, dml.scope(), dml.ctes()));
  const std::vector<NamespaceItem>& items = dml.scope().items;
  for (std::size_t i = 1; i < items.size(); ++i) {
    if (!items[i].table_visible || items[i].alias != items[0].alias) continue;
    return sql_error("42712", "table name \"" + items[i].alias + "\" specified more than once");
  }
  if (where == nullptr) return {};
  ExpressionBinder condition(binding, dml.scope(), dml.ctes(), Clause::where);
  SPAR_ASSIGN(dml.dml().predicate, condition.condition(where));
  return {};
}

}  // namespace

Result<BoundDml> bind_update(Binding& binding, const PgQuery__UpdateStmt& statement) {
  DmlBinder dml(binding);
  SPAR_TRY(dml.with(statement.with_clause));
  SPAR_TRY(dml.target(*statement.relation, DmlKind::update));
  SPAR_TRY(
      bind_sources(binding, dml, GRAMMAR_LIST(statement, from_clause), statement.where_clause));
  SPAR_ASSIGN(dml.dml().assignments,
              dml.assignments(GRAMMAR_LIST(statement, target_list), dml.scope(), Clause::update));
  return dml.finish(GRAMMAR_LIST(statement, returning_list));
}

Result<BoundDml> bind_delete(Binding& binding, const PgQuery__DeleteStmt& statement) {
  DmlBinder dml(binding);
  SPAR_TRY(dml.with(statement.with_clause));
  SPAR_TRY(dml.target(*statement.relation, DmlKind::erase));
  SPAR_TRY(
      bind_sources(binding, dml, GRAMMAR_LIST(statement, using_clause), statement.where_clause));
  return dml.finish(GRAMMAR_LIST(statement, returning_list));
}

}  // namespace spar::query::bind
