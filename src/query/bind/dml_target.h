// query/bind/dml_target.h: what INSERT, UPDATE and DELETE have in common. Internal to dml.cpp and
// insert.cpp.
#pragma once

#include <algorithm>

#include "query/bind/dml.h"
#include "query/bind/generated.h"
#include "query/parse/tree.h"

namespace spar::query::bind {

using algebra::Dml;
using algebra::DmlKind;
using grammar::Node;

// 428C9 for an identity or generated column that is given a value.
Failure generated_always(std::string message, const data::Column& column);
bool is_default(const Node* node);

// A target table that expressions can see.
class DmlBinder {
 public:
  explicit DmlBinder(Binding& binding) : binding_(binding) {}

  Result<void> target(const PgQuery__RangeVar& name, DmlKind kind) {
    SPAR_ASSIGN(table_, binding_.table(name));
    if (table_->sequence) {
      return sql_error("42809", "cannot change sequence \"" + table_->name + "\"");
    }
    if (table_->view) return binding_.missing("a change of a view's rows", name.location);
    take(kind, name.alias == nullptr ? table_->name : std::string(name.alias->aliasname));
    return {};
  }
  void target(const data::Table& table, DmlKind kind) {
    binding_.uses(table.id);
    table_ = &table;
    take(kind, table.name);
  }

  const data::Table& table() const { return *table_; }
  Dml& dml() { return dml_; }
  Scope& scope() { return scope_; }
  const NamespaceItem& target_item() const { return item_; }
  const CteScope* ctes() const { return &with_.scope; }

  Result<void> with(const PgQuery__WithClause* clause) {
    SPAR_ASSIGN(with_, bind_with(binding_, clause, {}));
    return {};
  }

  // SET a = x, (b, c) = (y, z)
  Result<std::vector<algebra::Assignment>> assignments(grammar::Nodes list, const Scope& scope,
                                                       Clause clause) {
    std::vector<algebra::Assignment> result;
    for (Node* const& node : list) {
      const PgQuery__ResTarget& target = *node->res_target;
      SPAR_ASSIGN(const auto columns, target_columns(binding_, *table_, grammar::Nodes(&node, 1)));
      const data::Column& column = *columns.front();
      const auto same = [&](const algebra::Assignment& a) { return a.number == column.number; };
      if (std::ranges::any_of(result, same)) {
        return sql_error("42601", "multiple assignments to same column \"" + column.name + "\"");
      }
      const bool fixed = column.identity == data::Identity::always || column.generated_sql;
      if (fixed && !is_default(target.val)) {
        return generated_always("column \"" + column.name + "\" can only be updated to DEFAULT",
                                column);
      }
      if (column.generated_sql) continue;
      SPAR_ASSIGN(const ScalarRef value, assigned(target.val, column, scope, clause));
      result.push_back({column.number, value});
    }
    SPAR_TRY(regenerate(result));
    return result;
  }

  // The generated columns of a row with these assignments.
  Result<void> regenerate(std::vector<algebra::Assignment>& result) {
    NamespaceItem row = item_;
    for (const algebra::Assignment& assignment : result) {
      const std::string& name = table_->column(assignment.number)->name;
      std::ranges::find(row.columns, name, &NamedColumn::name)->value = assignment.value;
    }
    for (const data::Column& column : table_->columns) {
      if (!column.generated_sql) continue;
      SPAR_ASSIGN(const ScalarRef value, generated_value(binding_, *table_, column, row));
      result.push_back({column.number, value});
    }
    return {};
  }

  // An expression or DEFAULT, in the column's type.
  Result<ScalarRef> assigned(const Node* node, const data::Column& column, const Scope& scope,
                             Clause clause) {
    if (node->node_case == PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF) {
      const PgQuery__MultiAssignRef& part = *node->multi_assign_ref;
      if (part.source->node_case == PG_QUERY__NODE__NODE_SUB_LINK) {
        return assigned_from_query(part, column, scope);
      }
      if (part.source->node_case != PG_QUERY__NODE__NODE_ROW_EXPR) {
        return binding_.missing("a subquery as the source of several columns", -1);
      }
      const PgQuery__RowExpr& row = *part.source->row_expr;
      if (row.n_args != static_cast<std::size_t>(part.ncolumns)) {
        return binding_.error("42601", "number of columns does not match number of values",
                              row.location);
      }
      node = row.args[part.colno - 1];
    }
    if (node->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT) {
      return default_value(binding_, column);
    }
    ExpressionBinder expressions(binding_, scope, ctes(), clause);
    SPAR_ASSIGN(const ScalarRef value, expressions.bind(node));
    return coerce_assignment(binding_, value, column);
  }

  // One column of SET (a, b) = (SELECT ...): the query again for each, with this column of it.
  Result<ScalarRef> assigned_from_query(const PgQuery__MultiAssignRef& part,
                                        const data::Column& column, const Scope& scope) {
    const PgQuery__SubLink& link = *part.source->sub_link;
    if (link.subselect->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
      return binding_.missing("this source of several columns", link.location);
    }
    SPAR_ASSIGN(const BoundQuery query,
                bind_query(binding_, *link.subselect->select_stmt, {&scope, ctes()}));
    if (query.names.size() != static_cast<std::size_t>(part.ncolumns)) {
      return binding_.error("42601", "number of columns does not match number of values",
                            link.location);
    }
    const auto index = static_cast<std::size_t>(part.colno - 1);
    const PgQuery__SelectStmt& select = *link.subselect->select_stmt;
    const bool plain = select.n_target_list == query.names.size();
    const int location =
        plain ? grammar::location_of(select.target_list[index]->res_target->val) : link.location;
    const Target target{query.names[index],
                        binding_.arena().column_ref(query.relation->columns[index])};
    const RelationRef one = project(binding_, query.relation, std::span(&target, 1));
    const ColumnId id = one->columns.front();
    const ScalarRef value =
        binding_.arena().scalar(algebra::Subquery{algebra::SubqueryKind::scalar, one, id},
                                binding_.arena().info(id).type, location);
    return coerce_assignment(binding_, value, column);
  }

  Result<BoundDml> finish(grammar::Nodes returning) {
    BoundDml bound;
    bound.target = table_->id;
    std::vector<ColumnId> columns;
    if (!returning.empty()) {
      ExpressionBinder expressions(binding_, scope_, ctes(), Clause::returning);
      SPAR_ASSIGN(std::vector<Target> targets,
                  bind_targets(binding_, scope_, expressions, returning));
      for (Target& target : targets) {
        SPAR_ASSIGN(target.value, coerce_unknown(binding_, target.value));
        bound.names.push_back(target.name);
        dml_.returning.push_back(target.value);
      }
      // The Project is only asked for the columns' names and origins.
      columns =
          project(binding_, binding_.arena().relation(algebra::Values{}, {}), targets)->columns;
    }
    bound.relation = binding_.arena().relation(std::move(dml_), columns);
    if (!with_.ctes.empty()) {
      bound.relation =
          binding_.arena().relation(algebra::With{with_.ctes, bound.relation}, std::move(columns));
    }
    return bound;
  }

 private:
  void take(DmlKind kind, std::string alias) {
    dml_.kind = kind;
    dml_.table = table_->id;
    scope_.block = binding_.next_block();
    for (const data::Column& column : table_->columns) {
      algebra::ColumnInfo info{column.name, column.type,   !column.not_null, alias,
                               table_->id,  column.number, scope_.block};
      const ColumnId id = binding_.arena().column(std::move(info));
      dml_.target_columns.push_back(id);
      dml_.target_numbers.push_back(column.number);
      item_.columns.push_back({column.name, binding_.arena().column_ref(id)});
    }
    item_.alias = std::move(alias);
    item_.table = table_;
    scope_.items.push_back(item_);
  }

  Binding& binding_;
  const data::Table* table_ = nullptr;
  Dml dml_{};
  Scope scope_;
  NamespaceItem item_;
  BoundWith with_;
};

}  // namespace spar::query::bind
