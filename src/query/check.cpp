#include "query/dialect/check.h"

#include "query/bind/query.h"
#include "query/dialect/sqlite.h"

namespace spar::query {

Result<std::string> render_check(const data::Table& table, const data::Check& check) {
  SPAR_ASSIGN(const std::vector<ParsedStatement> parsed,
              parse("SELECT " + check.expression_sql, ParseLimits{}));
  const bool expected = parsed.size() == 1 &&
                        parsed[0].tree().node->node_case == PG_QUERY__NODE__NODE_SELECT_STMT &&
                        parsed[0].tree().node->select_stmt->n_target_list == 1;
  if (!expected) return failure(Code::corrupt, "check " + check.name + " is no expression");
  const data::Catalogue catalogue;
  const AnalyzeContext context;
  bind::Binding binding(catalogue, context, parsed[0].tree().source);
  binding.without_positions(true);
  SPAR_ASSIGN(bind::BoundTable bound,
              bind::bind_table(binding, table, table.name, binding.next_block()));
  const std::vector<algebra::ColumnId> columns = bound.scan->columns;
  const bind::Scope scope{nullptr, 0, {std::move(bound.item)}, nullptr};
  bind::ExpressionBinder expressions(binding, scope, nullptr, bind::Clause::check);
  SPAR_ASSIGN(
      const bind::ScalarRef condition,
      expressions.condition(parsed[0].tree().node->select_stmt->target_list[0]->res_target->val));
  return dialect::render_expression(binding.arena(), condition, columns);
}

}  // namespace spar::query
