#include "query/bind/query.h"

#include <algorithm>

#include "query/bind/operators.h"
#include "query/bind/select.h"

namespace spar::query::bind {

using algebra::SetKind;
using grammar::Node;

Result<SortDirection> sort_direction(Binding& binding, const PgQuery__SortBy& sort) {
  if (sort.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING) {
    return binding.missing("ORDER BY USING", sort.location);
  }
  const bool descending = sort.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
  bool nulls_first = descending;
  if (sort.sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST) nulls_first = true;
  if (sort.sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST) nulls_first = false;
  return SortDirection{descending, nulls_first};
}

namespace {

Result<ScalarRef> limit_part(Binding& binding, const Node* node, const QueryPlace& place,
                             Clause clause) {
  if (node == nullptr) return ScalarRef{nullptr};
  const Scope none{place.outer, 0, {}, nullptr};
  ExpressionBinder expressions(binding, none, place.ctes, clause);
  SPAR_ASSIGN(const ScalarRef bound, expressions.bind(node));
  SPAR_ASSIGN(const ScalarRef number,
              coerce_argument(binding, bound, TypeId::int8, clause_name(clause)));
  const algebra::Constant* constant = algebra::as_constant(number);
  if (constant == nullptr) return number;
  if (data::is_null(constant->value)) return ScalarRef{nullptr};
  if (std::get<std::int64_t>(constant->value) >= 0) return number;
  return sql_error(clause == Clause::limit ? "2201W" : "2201X",
                   std::string(clause_name(clause)) + " must not be negative");
}

}  // namespace

Result<LimitParts> bind_limit(Binding& binding, const PgQuery__SelectStmt& statement,
                              const QueryPlace& place) {
  LimitParts parts;
  parts.ties = statement.limit_option == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES;
  SPAR_ASSIGN(parts.count, limit_part(binding, statement.limit_count, place, Clause::limit));
  SPAR_ASSIGN(parts.offset, limit_part(binding, statement.limit_offset, place, Clause::offset));
  return parts;
}

namespace {

algebra::Materialization materialization(const PgQuery__CommonTableExpr& cte) {
  switch (cte.ctematerialized) {
    case PG_QUERY__CTEMATERIALIZE__CTEMaterializeAlways:
      return algebra::Materialization::always;
    case PG_QUERY__CTEMATERIALIZE__CTEMaterializeNever:
      return algebra::Materialization::never;
    default:
      return algebra::Materialization::automatic;
  }
}

Result<const algebra::Cte*> bind_cte(Binding& binding, const PgQuery__CommonTableExpr& cte,
                                     const Scope* outer, const CteScope& scope) {
  const std::string name = cte.ctename;
  SPAR_ASSIGN(BoundQuery query, bind_query(binding, *cte.ctequery->select_stmt, {outer, &scope}));
  const grammar::Nodes aliases = GRAMMAR_LIST(cte, aliascolnames);
  if (aliases.size() > query.names.size()) {
    return binding.error("42P10",
                         "WITH query \"" + name + "\" has " + std::to_string(query.names.size()) +
                             " columns available but " + std::to_string(aliases.size()) +
                             " columns specified",
                         cte.location);
  }
  for (std::size_t i = 0; i < query.names.size(); ++i) {
    std::string column =
        i < aliases.size() ? std::string(grammar::text_of(aliases[i])) : query.names[i];
    binding.arena().adopt(query.relation->columns[i], 0, name, std::move(column));
  }
  return binding.arena().cte(name, query.relation, materialization(cte));
}

}  // namespace

Result<BoundWith> bind_with(Binding& binding, const PgQuery__WithClause* clause,
                            const QueryPlace& place) {
  BoundWith bound;
  bound.scope.outer = place.ctes;
  if (clause == nullptr) return bound;
  auto& open = clause->recursive ? bound.scope.later : bound.scope.future;
  for (const Node* node : GRAMMAR_LIST(*clause, ctes)) {
    const PgQuery__CommonTableExpr& cte = *node->common_table_expr;
    if (std::ranges::find(open, std::string_view(cte.ctename)) != open.end()) {
      return binding.error(
          "42712", "WITH query name \"" + std::string(cte.ctename) + "\" specified more than once",
          cte.location);
    }
    open.emplace_back(cte.ctename);
  }
  for (const Node* node : GRAMMAR_LIST(*clause, ctes)) {
    const PgQuery__CommonTableExpr& cte = *node->common_table_expr;
    const std::string name = cte.ctename;
    if (cte.ctequery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
      return binding.missing("a data-modifying statement in WITH", cte.location);
    }
    if (cte.search_clause != nullptr || cte.cycle_clause != nullptr) {
      return binding.missing("SEARCH and CYCLE", cte.location);
    }
    if (clause->recursive) {
      open.erase(open.begin());
      // Its own name: met or not, that decides what kind of query this is.
      bound.scope.ctes.push_back({name, nullptr});
    }
    Result<const algebra::Cte*> made = bind_cte(binding, cte, place.outer, bound.scope);
    if (clause->recursive && bound.scope.ctes.back().referenced) {
      bound.scope.ctes.back() = {name, nullptr};
      made = bind_recursive(binding, cte, bound.scope, place.outer);
    }
    if (!made) return Failure(std::move(made.error()));
    if (clause->recursive) bound.scope.ctes.pop_back();
    if (!clause->recursive) open.erase(open.begin());
    bound.scope.ctes.push_back({name, *made});
    bound.ctes.push_back(*made);
  }
  return bound;
}

namespace {

// One side of UNION and its like: either still open to changes of type, or finished.
struct Side {
  std::unique_ptr<SelectBinder> open;
  BoundQuery done;

  std::size_t width() const {
    return open ? open->targets().size() : done.relation->columns.size();
  }
};

class SetOperation {
 public:
  SetOperation(Binding& binding, const QueryPlace& place) : binding_(binding), place_(place) {}

  Result<BoundQuery> bind(const PgQuery__SelectStmt& statement) {
    if (statement.n_locking_clause > 0) {
      return sql_error("0A000", "FOR UPDATE is not allowed with UNION/INTERSECT/EXCEPT");
    }
    SPAR_ASSIGN(Side left, side(*statement.larg));
    SPAR_ASSIGN(Side right, side(*statement.rarg));
    name_ = operation_name(statement.op);
    if (left.width() != right.width()) {
      return binding_.error("42601",
                            "each " + name_ + " query must have the same number of columns",
                            first_location(*statement.rarg));
    }
    SPAR_TRY(unify(left, right));
    SPAR_ASSIGN(const BoundQuery a, finish(left, 0));
    SPAR_ASSIGN(const BoundQuery b, finish(right, 1));
    BoundQuery query;
    query.names = a.names;
    query.relation = combine(statement, a, b);
    SPAR_TRY(check_comparable(statement, query.relation));
    SPAR_TRY(order(statement, query));
    return query;
  }

 private:
  static int first_location(const PgQuery__SelectStmt& statement) {
    const PgQuery__SelectStmt* leaf = &statement;
    while (leaf->larg != nullptr) leaf = leaf->larg;
    if (leaf->n_target_list == 0) return -1;
    return leaf->target_list[0]->res_target->location;
  }
  static std::string operation_name(PgQuery__SetOperation op) {
    if (op == PG_QUERY__SET_OPERATION__SETOP_INTERSECT) return "INTERSECT";
    return op == PG_QUERY__SET_OPERATION__SETOP_EXCEPT ? "EXCEPT" : "UNION";
  }
  static SetKind kind(PgQuery__SetOperation op) {
    if (op == PG_QUERY__SET_OPERATION__SETOP_INTERSECT) return SetKind::intersect;
    return op == PG_QUERY__SET_OPERATION__SETOP_EXCEPT ? SetKind::except : SetKind::union_;
  }

  Result<Side> side(const PgQuery__SelectStmt& statement) {
    Side result;
    const bool leaf =
        statement.op == PG_QUERY__SET_OPERATION__SETOP_NONE && statement.with_clause == nullptr;
    if (!leaf) {
      SPAR_ASSIGN(result.done, bind_query(binding_, statement, {place_.outer, place_.ctes}));
      return result;
    }
    result.open = std::make_unique<SelectBinder>(binding_, QueryPlace{place_.outer, place_.ctes});
    SPAR_TRY(result.open->bind(statement));
    return result;
  }

  ScalarRef value(const Side& side, std::size_t i) {
    if (side.open) return side.open->targets()[i].value;
    return binding_.arena().column_ref(side.done.relation->columns[i]);
  }

  Result<void> unify(Side& left, Side& right) {
    for (std::size_t i = 0; i < left.width(); ++i) {
      std::vector<ScalarRef> pair{value(left, i), value(right, i)};
      if (i < place_.wanted.size() && pair[0]->type.id == TypeId::unknown &&
          pair[1]->type.id == TypeId::unknown) {
        for (ScalarRef& item : pair) {
          SPAR_ASSIGN(
              item, coerce(binding_, item, Type{place_.wanted[i].id, -1}, CastContext::assignment));
        }
      }
      SPAR_TRY(coerce_to_common(binding_, pair, name_));
      columns_[0].push_back(pair[0]);
      columns_[1].push_back(pair[1]);
    }
    return {};
  }

  Result<BoundQuery> finish(Side& side, std::size_t which) {
    const std::vector<ScalarRef>& values = columns_[which];
    if (side.open) {
      for (std::size_t i = 0; i < values.size(); ++i) side.open->targets()[i].value = values[i];
      return side.open->finish();
    }
    const bool unchanged = std::ranges::all_of(
        values, [](ScalarRef item) { return algebra::as_column(item).has_value(); });
    if (unchanged) return std::move(side.done);
    std::vector<Target> targets;
    for (std::size_t i = 0; i < values.size(); ++i) {
      targets.push_back({side.done.names[i], values[i]});
    }
    side.done.relation = project(binding_, side.done.relation, targets);
    return std::move(side.done);
  }

  RelationRef combine(const PgQuery__SelectStmt& statement, const BoundQuery& a,
                      const BoundQuery& b) {
    std::vector<ColumnId> columns;
    for (std::size_t i = 0; i < a.names.size(); ++i) {
      algebra::ColumnInfo info{a.names[i], binding_.arena().info(a.relation->columns[i]).type};
      info.nullable = binding_.arena().info(a.relation->columns[i]).nullable ||
                      binding_.arena().info(b.relation->columns[i]).nullable;
      columns.push_back(binding_.arena().column(std::move(info)));
    }
    return binding_.arena().relation(
        algebra::SetOp{kind(statement.op), statement.all != 0, a.relation, b.relation},
        std::move(columns));
  }

  Result<void> check_comparable(const PgQuery__SelectStmt& statement, RelationRef relation) {
    for (const ColumnId id : relation->columns) {
      const TypeId type = binding_.arena().info(id).type.id;
      if (is_comparable(type)) continue;
      if (statement.all && statement.op == PG_QUERY__SET_OPERATION__SETOP_UNION) continue;
      return sql_error("42883",
                       "could not identify an equality operator for type " + name_of(type));
    }
    return {};
  }

  Result<std::size_t> order_column(const BoundQuery& query, const Node* node) {
    if (node->node_case == PG_QUERY__NODE__NODE_A_CONST &&
        node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL) {
      const int position = node->a_const->ival->ival;
      if (position >= 1 && static_cast<std::size_t>(position) <= query.names.size()) {
        return static_cast<std::size_t>(position - 1);
      }
      return binding_.error(
          "42P10", "ORDER BY position " + std::to_string(position) + " is not in select list",
          node->a_const->location);
    }
    if (node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && node->column_ref->n_fields == 1) {
      const std::string_view name = grammar::text_of(node->column_ref->fields[0]);
      const auto found = std::ranges::find(query.names, name);
      if (found != query.names.end()) {
        return static_cast<std::size_t>(found - query.names.begin());
      }
      return binding_.error("42703", "column \"" + std::string(name) + "\" does not exist",
                            node->column_ref->location);
    }
    Failure failure = binding_.error("0A000", "invalid UNION/INTERSECT/EXCEPT ORDER BY clause",
                                     grammar::location_of(node));
    failure.error().detail = "Only result column names can be used, not expressions or functions.";
    failure.error().hint =
        "Add the expression/function to every SELECT, or move the UNION into a "
        "FROM clause.";
    return failure;
  }

  Result<void> order(const PgQuery__SelectStmt& statement, BoundQuery& query) {
    algebra::Arena& arena = binding_.arena();
    std::vector<algebra::SortKey> keys;
    for (const Node* node : GRAMMAR_LIST(statement, sort_clause)) {
      const PgQuery__SortBy& sort = *node->sort_by;
      SPAR_ASSIGN(const SortDirection direction, sort_direction(binding_, sort));
      SPAR_ASSIGN(const std::size_t column, order_column(query, sort.node));
      keys.push_back({arena.column_ref(query.relation->columns[column]), direction.descending,
                      direction.nulls_first});
    }
    const std::vector<ColumnId> columns = query.relation->columns;
    query.ordered = !keys.empty();
    SPAR_ASSIGN(LimitParts limit, bind_limit(binding_, statement, place_));
    if (limit.ties) {
      SPAR_ASSIGN(query.relation, with_ties(binding_, query.relation, keys, limit));
      limit = {};
    }
    if (query.ordered) {
      query.relation = arena.relation(algebra::Sort{query.relation, std::move(keys)}, columns);
    }
    if (limit.count != nullptr || limit.offset != nullptr) {
      query.relation =
          arena.relation(algebra::Limit{query.relation, limit.count, limit.offset}, columns);
    }
    return {};
  }

  Binding& binding_;
  QueryPlace place_;
  std::string name_;
  std::vector<ScalarRef> columns_[2];
};

}  // namespace

Result<BoundQuery> bind_query(Binding& binding, const PgQuery__SelectStmt& statement,
                              const QueryPlace& place) {
  SPAR_ASSIGN(const BoundWith with, bind_with(binding, statement.with_clause, place));
  QueryPlace inner = place;
  inner.ctes = &with.scope;
  BoundQuery query;
  if (statement.op == PG_QUERY__SET_OPERATION__SETOP_NONE) {
    SelectBinder select(binding, inner);
    SPAR_TRY(select.bind(statement));
    SPAR_ASSIGN(query, select.finish());
  } else {
    SPAR_ASSIGN(query, SetOperation(binding, inner).bind(statement));
  }
  if (!with.ctes.empty()) {
    const std::vector<ColumnId> columns = query.relation->columns;
    query.relation = binding.arena().relation(algebra::With{with.ctes, query.relation}, columns);
  }
  return query;
}

}  // namespace spar::query::bind
