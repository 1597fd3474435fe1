// The FROM clause: tables, subqueries, joins.

#include <algorithm>

#include "query/bind/operators.h"
#include "query/bind/query.h"
#include "query/bind/table_function.h"
#include "query/bind/view.h"

namespace spar::query::bind {

using algebra::JoinKind;

namespace {

struct FromItem {
  RelationRef relation = nullptr;
  std::vector<NamespaceItem> items;
  bool lateral = false;  // may look at what stands before it
};

class FromBinder {
 public:
  FromBinder(Binding& binding, const Scope& scope, const CteScope* ctes)
      : binding_(binding), scope_(scope), ctes_(ctes) {}

  Result<FromItem> bind(const grammar::Node* node) {
    switch (node->node_case) {
      case PG_QUERY__NODE__NODE_RANGE_VAR:
        return table(*node->range_var);
      case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
        return subselect(*node->range_subselect);
      case PG_QUERY__NODE__NODE_JOIN_EXPR:
        return join(*node->join_expr);
      case PG_QUERY__NODE__NODE_RANGE_FUNCTION:
        return function(*node->range_function);
      default:
        return binding_.missing(grammar::feature_name(node), -1);
    }
  }

  // What LATERAL and the arguments of functions may look at from now on.
  void see(const std::vector<NamespaceItem>& items) { before_ = visible_ = items; }

  Result<RelationRef> joined(RelationRef left, FromItem& right, JoinKind kind) {
    if (!right.lateral) {
      std::vector<ColumnId> columns = left->columns;
      columns.insert(columns.end(), right.relation->columns.begin(), right.relation->columns.end());
      return binding_.arena().relation(algebra::Join{kind, left, right.relation, nullptr},
                                       std::move(columns));
    }
    std::vector<ColumnId> columns = right.relation->columns;
    SPAR_ASSIGN(const RelationRef made,
                join_lateral(binding_, left, right.relation, kind, columns));
    NamespaceItem& item = right.items.front();
    for (std::size_t i = 0; i < item.columns.size(); ++i) {
      item.columns[i].value = binding_.arena().column_ref(columns[i]);
    }
    settle(item);
    return made;
  }

  // `items` and `more` under one roof: an alias may occur once.
  Result<void> add(std::vector<NamespaceItem>& items, std::vector<NamespaceItem> more) {
    for (NamespaceItem& item : more) {
      const bool twice = !item.alias.empty() && item.table_visible &&
                         std::ranges::any_of(items, [&](const NamespaceItem& other) {
                           return other.table_visible && other.alias == item.alias;
                         });
      if (twice) {
        return sql_error("42712", "table name \"" + item.alias + "\" specified more than once");
      }
      items.push_back(std::move(item));
    }
    return {};
  }

 private:
  Result<void> rename(NamespaceItem& item, const PgQuery__Alias* alias) {
    if (alias == nullptr) return {};
    item.alias = alias->aliasname;
    const grammar::Nodes names = GRAMMAR_LIST(*alias, colnames);
    if (names.size() > item.columns.size()) {
      return sql_error("42P10", "table \"" + item.alias + "\" has " +
                                    std::to_string(item.columns.size()) +
                                    " columns available but " + std::to_string(names.size()) +
                                    " columns specified");
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
      item.columns[i].name = grammar::text_of(names[i]);
    }
    return {};
  }

  // The columns of a relation without names of its own, seen from this query.
  NamespaceItem adopt(RelationRef relation, const std::vector<std::string>& names,
                      const std::string& alias) {
    NamespaceItem item{alias, {}, nullptr};
    for (std::size_t i = 0; i < names.size(); ++i) {
      item.columns.push_back({names[i], binding_.arena().column_ref(relation->columns[i])});
    }
    return item;
  }
  void settle(const NamespaceItem& item) {
    for (const NamedColumn& column : item.columns) {
      const auto id = algebra::as_column(column.value);
      if (id) binding_.arena().adopt(*id, scope_.block, item.alias, column.name);
    }
  }
  Result<FromItem> finish(RelationRef relation, NamespaceItem item, const PgQuery__Alias* alias) {
    SPAR_TRY(rename(item, alias));
    settle(item);
    FromItem result{relation, {}};
    result.items.push_back(std::move(item));
    return result;
  }

  Result<FromItem> table(const PgQuery__RangeVar& name) {
    if (std::string_view(name.schemaname).empty()) {
      for (const CteScope* level = ctes_; level != nullptr; level = level->outer) {
        const auto known = std::ranges::find(level->ctes, name.relname, &CteBinding::name);
        if (known != level->ctes.end()) return cte(*known, name);
        if (std::ranges::find(level->later, name.relname) != level->later.end()) {
          return binding_.missing("a reference to a later query of WITH RECURSIVE", name.location);
        }
      }
    }
    Result<const data::Table*> known = binding_.table(name);
    if (!known) return hinted(std::move(known.error()), name);
    const data::Table* found = *known;
    if (found->view && !found->view->materialized) {
      SPAR_ASSIGN(const BoundQuery query, bind_view(binding_, *found));
      return finish(query.relation, adopt(query.relation, query.names, found->name), name.alias);
    }
    SPAR_ASSIGN(BoundTable bound, bind_table(binding_, *found, found->name, scope_.block));
    return finish(bound.scan, std::move(bound.item), name.alias);
  }

  // 42P01 of a name that WITH gives to a later query.
  Failure hinted(Error error, const PgQuery__RangeVar& name) {
    Failure failure(std::move(error));
    for (const CteScope* level = ctes_; level != nullptr; level = level->outer) {
      if (failure.error().sqlstate != "42P01") break;
      if (std::ranges::find(level->future, std::string_view(name.relname)) == level->future.end()) {
        continue;
      }
      failure.error().hint =
          "Use WITH RECURSIVE, or re-order the WITH items to remove forward references.";
    }
    return failure;
  }

  Result<FromItem> cte(const CteBinding& known, const PgQuery__RangeVar& name) {
    ++known.references;
    known.referenced = true;
    known.location = name.location;
    if (known.cte == nullptr) return binding_.missing("this recursive reference", name.location);
    const algebra::Cte& cte = *known.cte;
    std::vector<ColumnId> columns;
    std::vector<std::string> names;
    for (const ColumnId id : cte.query->columns) {
      algebra::ColumnInfo info = binding_.arena().info(id);
      if (known.recursive) info = {info.name, info.type};
      names.push_back(info.name);
      columns.push_back(binding_.arena().column(std::move(info)));
    }
    const RelationRef relation =
        binding_.arena().relation(algebra::CteRef{&cte}, std::move(columns));
    return finish(relation, adopt(relation, names, cte.name), name.alias);
  }

  Result<FromItem> subselect(const PgQuery__RangeSubselect& item) {
    if (item.subquery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
      return binding_.missing("this kind of subquery", -1);
    }
    const Scope around{scope_.outer, scope_.block, before_, nullptr};
    const Scope* outer = item.lateral ? &around : scope_.outer;
    SPAR_ASSIGN(const BoundQuery query,
                bind_query(binding_, *item.subquery->select_stmt, {outer, ctes_}));
    SPAR_ASSIGN(FromItem made,
                finish(query.relation, adopt(query.relation, query.names, ""), item.alias));
    made.lateral = item.lateral && !before_.empty();
    return made;
  }

  Result<FromItem> function(const PgQuery__RangeFunction& item) {
    if (item.lateral) return binding_.missing("LATERAL", -1);
    if (item.is_rowsfrom || item.n_functions != 1 || item.n_coldeflist > 0) {
      return binding_.missing("this form of a function in FROM", -1);
    }
    const grammar::Node* node = item.functions[0]->list->items[0];
    const bool call = node->node_case == PG_QUERY__NODE__NODE_FUNC_CALL;
    const std::string name =
        call ? std::string(grammar::last_name(GRAMMAR_LIST(*node->func_call, funcname))) : "";
    if (call && is_table_function(name)) return rows(item, *node->func_call, name);
    return binding_.missing("function " + name + "() in FROM", grammar::location_of(node));
  }

  // A series comes in its order, so its rows are counted; other functions count theirs.
  Result<FromItem> rows(const PgQuery__RangeFunction& item, const PgQuery__FuncCall& call,
                        const std::string& name) {
    const bool counted = name == "generate_series" && item.ordinality;
    Scope left{scope_.outer, scope_.block, visible_, nullptr};
    SPAR_ASSIGN(BoundTableFunction bound,
                bind_table_function(binding_, call, left, ctes_, item.ordinality && !counted));
    if (bound.scalar && item.alias != nullptr) bound.names[0] = item.alias->aliasname;
    if (counted) {
      bound.relation = with_ordinality(bound.relation);
      bound.names.emplace_back("ordinality");
    }
    NamespaceItem made = adopt(bound.relation, bound.names, name);
    made.is_value = bound.relation->columns.size() == 1;
    return finish(bound.relation, std::move(made), item.alias);
  }

  RelationRef with_ordinality(RelationRef series) {
    algebra::WindowCall call;
    call.operation = "row_number";
    call.column = binding_.arena().column({"ordinality", Type{TypeId::int8, -1}});
    std::vector<ColumnId> columns = series->columns;
    columns.push_back(call.column);
    algebra::Window body{series, {}};
    body.calls.push_back(std::move(call));
    return binding_.arena().relation(std::move(body), std::move(columns));
  }

  Result<FromItem> join(const PgQuery__JoinExpr& expr);
  Result<void> use_columns(const PgQuery__JoinExpr& expr, FromItem& left, FromItem& right,
                           NamespaceItem& merged, ScalarRef& condition);
  Result<ScalarRef> join_column(const FromItem& side, const std::string& name,
                                std::string_view which);
  Result<ScalarRef> merge(const PgQuery__JoinExpr& expr, ScalarRef left, ScalarRef right);
  static std::vector<std::string> common_names(const FromItem& left, const FromItem& right);
  static void append_rest(NamespaceItem& merged, const FromItem& side,
                          const std::vector<std::string>& used);

  Binding& binding_;
  const Scope& scope_;
  const CteScope* ctes_;
  std::vector<NamespaceItem> before_;   // FROM items to the left, for LATERAL
  std::vector<NamespaceItem> visible_;  // the same, for functions' arguments
};

JoinKind join_kind(PgQuery__JoinType type) {
  switch (type) {
    case PG_QUERY__JOIN_TYPE__JOIN_LEFT:
      return JoinKind::left;
    case PG_QUERY__JOIN_TYPE__JOIN_RIGHT:
      return JoinKind::right;
    case PG_QUERY__JOIN_TYPE__JOIN_FULL:
      return JoinKind::full;
    default:
      return JoinKind::inner;
  }
}

std::vector<std::string> visible_names(const FromItem& side) {
  std::vector<std::string> names;
  for (const NamespaceItem& item : side.items) {
    if (!item.columns_visible) continue;
    for (const NamedColumn& column : item.columns) names.push_back(column.name);
  }
  return names;
}

std::vector<std::string> FromBinder::common_names(const FromItem& left, const FromItem& right) {
  const std::vector<std::string> others = visible_names(right);
  std::vector<std::string> common;
  for (std::string& name : visible_names(left)) {
    if (std::ranges::find(others, name) != others.end()) common.push_back(std::move(name));
  }
  return common;
}

void FromBinder::append_rest(NamespaceItem& merged, const FromItem& side,
                             const std::vector<std::string>& used) {
  for (const NamespaceItem& item : side.items) {
    if (!item.columns_visible) continue;
    for (const NamedColumn& column : item.columns) {
      if (std::ranges::find(used, column.name) == used.end()) merged.columns.push_back(column);
    }
  }
}

Result<ScalarRef> FromBinder::join_column(const FromItem& side, const std::string& name,
                                          std::string_view which) {
  ScalarRef found = nullptr;
  for (const NamespaceItem& item : side.items) {
    if (!item.columns_visible) continue;
    for (const NamedColumn& column : item.columns) {
      if (column.name != name) continue;
      if (found != nullptr) {
        return sql_error("42702", "common column name \"" + name + "\" appears more than once in " +
                                      std::string(which) + " table");
      }
      found = column.value;
    }
  }
  if (found == nullptr) {
    return sql_error("42703", "column \"" + name +
                                  "\" specified in USING clause does not exist in " +
                                  std::string(which) + " table");
  }
  return found;
}

// What the merged column of USING is worth: the side that is never missing, or the first there is.
Result<ScalarRef> FromBinder::merge(const PgQuery__JoinExpr& expr, ScalarRef left,
                                    ScalarRef right) {
  std::vector<ScalarRef> both{left, right};
  SPAR_ASSIGN(const Type type, coerce_to_common(binding_, both, "JOIN/USING"));
  const JoinKind kind = join_kind(expr.jointype);
  if (kind == JoinKind::full) {
    return binding_.arena().scalar(algebra::Coalesce{std::move(both)}, type);
  }
  return kind == JoinKind::right ? both[1] : both[0];
}

Result<void> FromBinder::use_columns(const PgQuery__JoinExpr& expr, FromItem& left, FromItem& right,
                                     NamespaceItem& merged, ScalarRef& condition) {
  const std::vector<std::string> names = expr.is_natural
                                             ? common_names(left, right)
                                             : grammar::names_of(GRAMMAR_LIST(expr, using_clause));
  for (const std::string& name : names) {
    SPAR_ASSIGN(const ScalarRef a, join_column(left, name, "left"));
    SPAR_ASSIGN(const ScalarRef b, join_column(right, name, "right"));
    SPAR_ASSIGN(const ScalarRef equal, make_operator(binding_, "=", a, b, -1));
    condition = make_and(binding_, condition, equal);
    SPAR_ASSIGN(const ScalarRef value, merge(expr, a, b));
    merged.columns.push_back({name, value});
  }
  append_rest(merged, left, names);
  append_rest(merged, right, names);
  return {};
}

Result<FromItem> FromBinder::join(const PgQuery__JoinExpr& expr) {
  const JoinKind kind = join_kind(expr.jointype);
  SPAR_ASSIGN(FromItem left, bind(expr.larg));
  if (left.lateral) return binding_.missing("this form of LATERAL", -1);
  const std::vector<NamespaceItem> before = before_, visible = visible_;
  before_.insert(before_.end(), left.items.begin(), left.items.end());
  if (kind == JoinKind::inner || kind == JoinKind::left) {
    visible_.insert(visible_.end(), left.items.begin(), left.items.end());
  }
  const std::size_t beyond = before.size();
  SPAR_ASSIGN(FromItem right, bind(expr.rarg));
  before_ = before;
  visible_ = visible;
  RelationRef lateral = nullptr;
  if (right.lateral) {
    // Items before the whole join are not part of it.
    if (beyond > 0 || expr.is_natural || expr.n_using_clause > 0) {
      return binding_.missing("this form of LATERAL", -1);
    }
    SPAR_ASSIGN(lateral, joined(left.relation, right, kind));
  }
  if (kind == JoinKind::left || kind == JoinKind::full) {
    binding_.arena().make_nullable(right.relation->columns);
  }
  if (kind == JoinKind::right || kind == JoinKind::full) {
    binding_.arena().make_nullable(left.relation->columns);
  }
  NamespaceItem merged;
  ScalarRef condition = nullptr;
  SPAR_TRY(use_columns(expr, left, right, merged, condition));
  NamespaceItem shared = merged;
  std::vector<NamespaceItem> items = left.items;
  SPAR_TRY(add(items, right.items));
  if (expr.quals != nullptr) {
    Scope both{scope_.outer, scope_.block, items, nullptr};
    ExpressionBinder on(binding_, both, ctes_, Clause::join_on);
    SPAR_ASSIGN(condition, on.condition(expr.quals));
  }
  SPAR_TRY(rename(merged, expr.alias));
  for (NamespaceItem& item : items) {
    item.columns_visible = false;
    if (expr.alias != nullptr) item.table_visible = false;
  }
  merged.table_visible = expr.alias != nullptr;
  items.push_back(std::move(merged));
  if (expr.join_using_alias != nullptr) {  // JOIN ... USING (a, b) AS alias: a and b by that name
    shared.alias = expr.join_using_alias->aliasname;
    shared.columns.resize(expr.n_using_clause);
    shared.columns_visible = false;
    items.push_back(std::move(shared));
  }
  if (lateral != nullptr) {
    const algebra::Constant* constant = condition ? algebra::as_constant(condition) : nullptr;
    const bool always = condition == nullptr ||
                        (constant != nullptr && constant->value == data::Datum{std::int64_t{1}});
    if (!always && kind != JoinKind::inner) {
      return binding_.missing("LEFT JOIN LATERAL with a condition", -1);
    }
    if (!always) {
      std::vector<ColumnId> kept = lateral->columns;
      lateral = binding_.arena().relation(algebra::Filter{lateral, condition}, std::move(kept));
    }
    return FromItem{lateral, std::move(items)};
  }
  std::vector<ColumnId> columns = left.relation->columns;
  columns.insert(columns.end(), right.relation->columns.begin(), right.relation->columns.end());
  const RelationRef relation = binding_.arena().relation(
      algebra::Join{kind, left.relation, right.relation, condition}, std::move(columns));
  return FromItem{relation, std::move(items)};
}

}  // namespace

Result<BoundTable> bind_table(Binding& binding, const data::Table& table, std::string alias,
                              std::uint32_t block) {
  BoundTable bound{nullptr, {std::move(alias), {}, &table}};
  algebra::Scan scan{table.id, {}};
  std::vector<ColumnId> columns;
  for (const data::Column& column : table.columns) {
    algebra::ColumnInfo info{
        column.name,   column.type, !column.not_null, bound.item.alias, table.id,
        column.number, block};
    columns.push_back(binding.arena().column(std::move(info)));
    scan.numbers.push_back(column.number);
    bound.item.columns.push_back({column.name, binding.arena().column_ref(columns.back())});
  }
  bound.scan = binding.arena().relation(std::move(scan), std::move(columns));
  return bound;
}

Result<RelationRef> bind_from(Binding& binding, grammar::Nodes nodes, Scope& scope,
                              const CteScope* ctes) {
  FromBinder binder(binding, scope, ctes);
  RelationRef relation = nullptr;
  std::vector<NamespaceItem> items;
  for (const grammar::Node* node : nodes) {
    binder.see(items);
    SPAR_ASSIGN(FromItem item, binder.bind(node));
    if (relation == nullptr) {
      relation = item.relation;
    } else {
      SPAR_ASSIGN(relation, binder.joined(relation, item, JoinKind::inner));
    }
    SPAR_TRY(binder.add(items, std::move(item.items)));
  }
  scope.items.insert(scope.items.end(), std::make_move_iterator(items.begin()),
                     std::make_move_iterator(items.end()));
  return relation;
}

}  // namespace spar::query::bind
