#include "query/dialect/check.h"

#include "query/bind/query.h"
#include "query/dialect/key.h"
#include "query/dialect/sqlite.h"

namespace spar::query {

namespace {

struct RowExpression {
  std::string sql;
  data::Type type;
};

Result<RowExpression> render_row_expression(const data::Table& table, const std::string& sql,
                                            bool condition) {
  SPAR_ASSIGN(const std::vector<ParsedStatement> parsed, parse("SELECT " + sql, ParseLimits{}));
  const bool expected = parsed.size() == 1 &&
                        parsed[0].tree().node->node_case == PG_QUERY__NODE__NODE_SELECT_STMT &&
                        parsed[0].tree().node->select_stmt->n_target_list == 1;
  if (!expected) return failure(Code::corrupt, "the catalogue holds no expression: " + sql);
  const data::Catalogue catalogue;
  const AnalyzeContext context;
  bind::Binding binding(catalogue, context, parsed[0].tree().source);
  binding.without_positions(true);
  SPAR_ASSIGN(bind::BoundTable bound,
              bind::bind_table(binding, table, table.name, binding.next_block()));
  const std::vector<algebra::ColumnId> columns = bound.scan->columns;
  const bind::Scope scope{nullptr, 0, {std::move(bound.item)}, nullptr};
  bind::ExpressionBinder expressions(binding, scope, nullptr, bind::Clause::check);
  const auto* node = parsed[0].tree().node->select_stmt->target_list[0]->res_target->val;
  SPAR_ASSIGN(const bind::ScalarRef value,
              condition ? expressions.condition(node) : expressions.bind(node));
  SPAR_ASSIGN(std::string text, dialect::render_expression(binding.arena(), value, columns));
  return RowExpression{std::move(text), value->type};
}

}  // namespace

Result<std::string> render_check(const data::Table& table, const data::Check& check) {
  SPAR_ASSIGN(RowExpression rendered, render_row_expression(table, check.expression_sql, true));
  return std::move(rendered.sql);
}

Result<std::string> render_predicate(const data::Table& table, const std::string& predicate_sql) {
  SPAR_ASSIGN(RowExpression rendered, render_row_expression(table, predicate_sql, true));
  return std::move(rendered.sql);
}

Result<std::string> render_index(const data::Table& table, const data::Index& index) {
  std::string list;
  for (const data::IndexColumn& part : index.columns) {
    RowExpression value;
    if (part.expression_sql) {
      SPAR_ASSIGN(value, render_row_expression(table, *part.expression_sql, false));
    } else {
      value = {"c" + std::to_string(part.number), table.column(part.number)->type};
    }
    const std::string key = dialect::key_of(value.sql, value.type);
    list += list.empty() ? "(" : ",";
    // For SQLite every null is another one.
    if (index.unique && index.nulls_not_distinct) list += key + " IS NULL,coalesce(" + key + ",0)";
    if (!index.unique || !index.nulls_not_distinct) list += key;
    if (part.descending) list += " DESC";
  }
  list += ")";
  if (!index.predicate_sql) return list;
  SPAR_ASSIGN(const std::string predicate, render_predicate(table, *index.predicate_sql));
  return list + " WHERE " + predicate;
}

Result<std::string> render_key(const data::Table& table, const data::Key& key) {
  data::Index index;
  index.unique = true;
  index.nulls_not_distinct = key.nulls_not_distinct;
  for (const data::ColumnNumber number : key.columns) index.columns.push_back({number, false, {}});
  return render_index(table, index);
}

}  // namespace spar::query
