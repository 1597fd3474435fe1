#include "query/bind/select.h"

#include <algorithm>

#include "query/bind/operators.h"
#include "query/bind/table_function.h"

namespace spar::query::bind {
namespace {

using grammar::Node;

std::optional<int> integer_constant(const Node* node) {
  if (node->node_case != PG_QUERY__NODE__NODE_A_CONST) return std::nullopt;
  const PgQuery__AConst& constant = *node->a_const;
  if (constant.isnull || constant.val_case != PG_QUERY__A__CONST__VAL_IVAL) return std::nullopt;
  return constant.ival->ival;
}

// The name of an unqualified column reference.
std::optional<std::string> bare_name(const Node* node) {
  if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return std::nullopt;
  const PgQuery__ColumnRef& reference = *node->column_ref;
  if (reference.n_fields != 1) return std::nullopt;
  const std::string_view name = grammar::text_of(reference.fields[0]);
  return name.empty() ? std::nullopt : std::optional<std::string>(name);
}

}  // namespace

SelectBinder::SelectBinder(Binding& binding, const QueryPlace& place)
    : binding_(binding),
      place_(place),
      scope_{place.outer, binding.next_block(), {}, nullptr},
      grouping_(binding, scope_) {}

Result<void> SelectBinder::bind(const PgQuery__SelectStmt& statement) {
  if (statement.into_clause != nullptr) return not_supported("SELECT INTO");
  if (statement.n_values_lists > 0) {
    SPAR_TRY(values(statement));
  } else {
    SPAR_TRY(from_and_where(statement));
    scope_.aggregates = &sink_;
    scope_.windows = &windows_;
    SPAR_TRY(bind_windows(binding_, scope_, place_.ctes, GRAMMAR_LIST(statement, window_clause)));
    SPAR_TRY(select_list(GRAMMAR_LIST(statement, target_list)));
  }
  if (statement.having_clause != nullptr) {
    ExpressionBinder having(binding_, scope_, place_.ctes, Clause::having);
    SPAR_ASSIGN(having_, having.condition(statement.having_clause));
  }
  SPAR_TRY(order_by(GRAMMAR_LIST(statement, sort_clause)));
  SPAR_TRY(group_by(statement));
  if (statement.n_distinct_clause > 0) {
    distinct_ = true;
    const bool on = statement.distinct_clause[0]->node_case != PG_QUERY__NODE__NODE__NOT_SET;
    if (on) SPAR_TRY(distinct_on(statement));
  }
  SPAR_ASSIGN(const LimitParts limit, bind_limit(binding_, statement, place_));
  limit_ = limit.count;
  offset_ = limit.offset;
  ties_ = limit.ties;
  return locking(statement);
}

Result<void> SelectBinder::from_and_where(const PgQuery__SelectStmt& statement) {
  SPAR_ASSIGN(relation_,
              bind_from(binding_, GRAMMAR_LIST(statement, from_clause), scope_, place_.ctes));
  if (relation_ == nullptr) {
    relation_ = binding_.arena().relation(algebra::Values{{{}}}, {});
  }
  if (statement.where_clause == nullptr) return {};
  ExpressionBinder where(binding_, scope_, place_.ctes, Clause::where);
  SPAR_ASSIGN(const ScalarRef predicate, where.condition(statement.where_clause));
  std::vector<ColumnId> columns = relation_->columns;
  relation_ = binding_.arena().relation(algebra::Filter{relation_, predicate}, std::move(columns));
  return {};
}

Result<void> SelectBinder::select_list(grammar::Nodes list) {
  if (list.empty() && !place_.may_be_empty) return not_supported("a SELECT without columns");
  for (std::size_t i = 0; i < list.size(); ++i) {
    SPAR_ASSIGN(const bool series, series_target(*list[i]->res_target));
    if (series) continue;
    ExpressionBinder expressions(binding_, scope_, place_.ctes, Clause::select);
    SPAR_ASSIGN(std::vector<Target> bound,
                bind_targets(binding_, scope_, expressions, list.subspan(i, 1)));
    targets_.insert(targets_.end(), std::make_move_iterator(bound.begin()),
                    std::make_move_iterator(bound.end()));
    if (targets_.size() > kTargetsMax) {
      return sql_error("54011",
                       "target lists can have at most " + std::to_string(kTargetsMax) + " entries");
    }
  }
  return {};
}

// SELECT generate_series(1, n): the rows of FROM, each with every number.
Result<bool> SelectBinder::series_target(const PgQuery__ResTarget& target) {
  if (target.val == nullptr || target.val->node_case != PG_QUERY__NODE__NODE_FUNC_CALL) {
    return false;
  }
  const PgQuery__FuncCall& call = *target.val->func_call;
  if (!is_table_function(grammar::last_name(GRAMMAR_LIST(call, funcname)))) return false;
  return rows_target(target, call);
}

// SELECT unnest(a) FROM t: each row of FROM with each of the function's rows.
Result<bool> SelectBinder::rows_target(const PgQuery__ResTarget& target,
                                       const PgQuery__FuncCall& call) {
  const std::string_view name = grammar::last_name(GRAMMAR_LIST(call, funcname));
  if (has_series_) return binding_.missing("several functions that give rows", call.location);
  has_series_ = true;
  Scope given = scope_;
  given.aggregates = nullptr;
  Result<BoundTableFunction> made = bind_table_function(binding_, call, given, place_.ctes, false);
  if (!made && made.error().sqlstate == "42703" && name == "generate_series") {
    return binding_.missing("generate_series() over columns", call.location);
  }
  if (!made) return Failure(std::move(made.error()));
  const BoundTableFunction& bound = *made;
  if (bound.relation->columns.size() != 1) {
    return binding_.missing("a function that gives rows of several columns in a select list",
                            call.location);
  }
  const std::string_view label = target.name;
  const ColumnId column = bound.relation->columns.front();
  targets_.push_back({label.empty() ? std::string(name) : std::string(label),
                      binding_.arena().column_ref(column)});
  std::vector<ColumnId> columns = relation_->columns;
  columns.push_back(column);
  const bool alone = std::holds_alternative<algebra::Values>(relation_->body);
  relation_ = alone ? bound.relation
                    : binding_.arena().relation(algebra::Join{algebra::JoinKind::inner, relation_,
                                                              bound.relation, nullptr},
                                                std::move(columns));
  return true;
}

Result<void> SelectBinder::values(const PgQuery__SelectStmt& statement) {
  is_values_ = true;
  ExpressionBinder expressions(binding_, scope_, place_.ctes, Clause::values);
  std::vector<std::vector<ScalarRef>> columns;
  std::size_t rows = 0;
  for (const Node* row : GRAMMAR_LIST(statement, values_lists)) {
    const grammar::Nodes items = GRAMMAR_LIST(*row->list, items);
    if (rows == 0) columns.resize(items.size());
    if (items.size() != columns.size()) {
      return binding_.error("42601", "VALUES lists must all be the same length",
                            grammar::location_of(row));
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
      SPAR_ASSIGN(const ScalarRef value, expressions.bind(items[i]));
      columns[i].push_back(value);
    }
    ++rows;
  }
  if (columns.empty()) return not_supported("VALUES without columns");
  algebra::Values body{std::vector<std::vector<ScalarRef>>(rows)};
  std::vector<ColumnId> ids;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const bool open = std::ranges::all_of(
        columns[i], [](ScalarRef value) { return value->type.id == TypeId::unknown; });
    if (open && i < place_.wanted.size()) {
      for (ScalarRef& value : columns[i]) {
        SPAR_ASSIGN(
            value, coerce(binding_, value, Type{place_.wanted[i].id, -1}, CastContext::assignment));
      }
    }
    SPAR_ASSIGN(const Type type, coerce_to_common(binding_, columns[i], "VALUES"));
    const std::string name = "column" + std::to_string(i + 1);
    algebra::ColumnInfo info{name, type};
    info.block = scope_.block;
    ids.push_back(binding_.arena().column(std::move(info)));
    for (std::size_t r = 0; r < rows; ++r) body.rows[r].push_back(columns[i][r]);
    targets_.push_back({name, binding_.arena().column_ref(ids.back())});
  }
  relation_ = binding_.arena().relation(std::move(body), std::move(ids));
  return {};
}

Result<std::size_t> SelectBinder::ordinal(const Node* node, std::string_view clause) {
  const int position = *integer_constant(node);
  if (position >= 1 && static_cast<std::size_t>(position) <= targets_.size()) {
    return static_cast<std::size_t>(position - 1);
  }
  return binding_.error(
      "42P10",
      std::string(clause) + " position " + std::to_string(position) + " is not in select list",
      node->a_const->location);
}

// A target of that name, if the node is a bare name; two that differ are ambiguous.
Result<std::optional<std::size_t>> SelectBinder::named_target(const Node* node,
                                                              std::string_view clause) {
  const std::optional<std::string> name = bare_name(node);
  std::optional<std::size_t> found;
  for (std::size_t i = 0; name && i < targets_.size(); ++i) {
    if (targets_[i].name != *name) continue;
    if (found && !algebra::same(targets_[*found].value, targets_[i].value)) {
      return binding_.error("42702", std::string(clause) + " \"" + *name + "\" is ambiguous",
                            node->column_ref->location);
    }
    if (!found) found = i;
  }
  return found;
}

Result<ScalarRef> SelectBinder::group_item(const Node* node) {
  if (integer_constant(node)) {
    SPAR_ASSIGN(const std::size_t target, ordinal(node, "GROUP BY"));
    return targets_[target].value;
  }
  if (node->node_case == PG_QUERY__NODE__NODE_A_CONST) {
    return binding_.error("42601", "non-integer constant in GROUP BY", node->a_const->location);
  }
  const std::optional<std::string> name = bare_name(node);
  if (name && !has_column(scope_, *name)) {
    SPAR_ASSIGN(const std::optional<std::size_t> target, named_target(node, "GROUP BY"));
    if (target) return targets_[*target].value;
  }
  ExpressionBinder expressions(binding_, scope_, place_.ctes, Clause::group_by);
  return expressions.bind(node);
}

namespace {

// Whether the scalar uses a result of one of the calls, of aggregates or of window functions.
bool mentions_call(ScalarRef scalar, const auto& sink) {
  if (const auto column = algebra::as_column(scalar)) {
    return std::ranges::any_of(sink.calls, [&](const auto& c) { return c.column == *column; });
  }
  bool found = false;
  algebra::for_each_operand(
      *scalar, [&](ScalarRef operand) { found = found || mentions_call(operand, sink); });
  return found;
}

}  // namespace

Result<void> SelectBinder::group_by(const PgQuery__SelectStmt& statement) {
  const grammar::Nodes items = GRAMMAR_LIST(statement, group_clause);
  const bool sets = std::ranges::any_of(
      items, [](const Node* node) { return node->node_case == PG_QUERY__NODE__NODE_GROUPING_SET; });
  if (sets) return grouping_sets(statement);
  for (const Node* node : items) {
    SPAR_TRY(simple_set(node));
    has_groups_ = true;
  }
  return {};
}

Result<std::size_t> SelectBinder::group_expression(const Node* node) {
  SPAR_ASSIGN(ScalarRef item, group_item(node));
  SPAR_ASSIGN(item, coerce_unknown(binding_, item));
  if (mentions_call(item, windows_)) {
    return binding_.error("42P20", "window functions are not allowed in GROUP BY", item->location);
  }
  if (mentions_call(item, sink_)) {
    return binding_.error("42803", "aggregate functions are not allowed in GROUP BY",
                          item->location);
  }
  if (!is_comparable(item->type.id)) {
    return binding_.error(
        "42883", "could not identify an equality operator for type " + name_of(item->type.id),
        item->location);
  }
  return grouping_.add(item);
}

Result<std::size_t> SelectBinder::order_target(const Node* node, std::string_view clause) {
  if (integer_constant(node)) return ordinal(node, clause);
  if (node->node_case == PG_QUERY__NODE__NODE_A_CONST) {
    return binding_.error("42601", "non-integer constant in " + std::string(clause),
                          node->a_const->location);
  }
  SPAR_ASSIGN(const std::optional<std::size_t> named, named_target(node, clause));
  if (named) return *named;
  ExpressionBinder expressions(binding_, scope_, place_.ctes, Clause::order_by);
  SPAR_ASSIGN(ScalarRef value, expressions.bind(node));
  SPAR_ASSIGN(value, coerce_unknown(binding_, value));
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    if (algebra::same(targets_[i].value, value)) return i;
  }
  for (std::size_t i = 0; i < hidden_.size(); ++i) {
    if (algebra::same(hidden_[i].value, value)) return targets_.size() + i;
  }
  hidden_.push_back({"", value});
  return targets_.size() + hidden_.size() - 1;
}

Result<void> SelectBinder::order_by(grammar::Nodes list) {
  for (const Node* node : list) {
    const PgQuery__SortBy& sort = *node->sort_by;
    SPAR_ASSIGN(const SortDirection direction, sort_direction(binding_, sort));
    SPAR_ASSIGN(const std::size_t target, order_target(sort.node, "ORDER BY"));
    order_.push_back(
        {target, direction.descending, direction.nulls_first, grammar::location_of(sort.node)});
  }
  return {};
}

Result<void> SelectBinder::locking(const PgQuery__SelectStmt& statement) {
  for (const Node* node : GRAMMAR_LIST(statement, locking_clause)) {
    const PgQuery__LockingClause& clause = *node->locking_clause;
    if (clause.wait_policy == PG_QUERY__LOCK_WAIT_POLICY__LockWaitSkip) {
      return not_supported("SKIP LOCKED");
    }
    if (clause.wait_policy == PG_QUERY__LOCK_WAIT_POLICY__LockWaitError) {
      return not_supported("NOWAIT");
    }
    const std::string_view refused = distinct_                 ? "DISTINCT clause"
                                     : has_groups_             ? "GROUP BY clause"
                                     : having_                 ? "HAVING clause"
                                     : !sink_.calls.empty()    ? "aggregate functions"
                                     : !windows_.calls.empty() ? "window functions"
                                     : is_values_              ? "VALUES"
                                                               : "";
    if (!refused.empty()) {
      return sql_error("0A000", "FOR UPDATE is not allowed with " + std::string(refused));
    }
    binding_.lock_rows();
  }
  return {};
}

Result<void> SelectBinder::aggregate() {
  const bool asks = !sink_.calls.empty() || !sink_.groupings.empty();
  if (!has_groups_ && having_ == nullptr && !asks) return {};
  for (std::vector<Target>* list : {&targets_, &hidden_}) {
    for (Target& target : *list) {
      SPAR_ASSIGN(target.value, grouping_.rewrite(target.value));
    }
  }
  if (having_ != nullptr) {
    SPAR_ASSIGN(having_, grouping_.rewrite(having_));
  }
  SPAR_TRY(group_windows());
  if (sets_.empty()) {
    SPAR_TRY(plain_groupings());
    relation_ = grouping_.aggregate(relation_, std::move(sink_.calls), has_groups_);
    relation_ = add_groupings(relation_);
  } else {
    SPAR_ASSIGN(relation_,
                grouping_.aggregate_sets(relation_, sink_.calls, sink_.groupings, sets_));
  }
  if (having_ == nullptr) return {};
  std::vector<ColumnId> columns = relation_->columns;
  relation_ = binding_.arena().relation(algebra::Filter{relation_, having_}, std::move(columns));
  return {};
}

// Without grouping sets every group is grouped by all: GROUPING() is 0.
Result<void> SelectBinder::plain_groupings() {
  for (const GroupingCall& call : sink_.groupings) {
    for (const ScalarRef argument : call.arguments) SPAR_TRY(grouping_.group_of(argument));
  }
  return {};
}

RelationRef SelectBinder::add_groupings(RelationRef input) {
  if (sink_.groupings.empty()) return input;
  algebra::Project body{input, {}};
  std::vector<ColumnId> columns = input->columns;
  for (const ColumnId id : columns) body.expressions.push_back(binding_.arena().column_ref(id));
  for (const GroupingCall& call : sink_.groupings) {
    columns.push_back(call.column);
    body.expressions.push_back(make_constant(binding_, std::int64_t{0}, Type{TypeId::int4, -1}));
  }
  return binding_.arena().relation(std::move(body), std::move(columns));
}

// What window functions see are groups, too.
Result<void> SelectBinder::group_windows() {
  const auto rewrite = [&](ScalarRef& scalar) -> Result<void> {
    if (scalar == nullptr) return {};
    SPAR_ASSIGN(scalar, grouping_.rewrite(scalar));
    return {};
  };
  for (algebra::WindowCall& call : windows_.calls) {
    for (ScalarRef& argument : call.arguments) SPAR_TRY(rewrite(argument));
    SPAR_TRY(rewrite(call.filter));
    for (ScalarRef& item : call.window.partition) SPAR_TRY(rewrite(item));
    for (algebra::SortKey& key : call.window.order) SPAR_TRY(rewrite(key.expression));
  }
  return {};
}

void SelectBinder::add_windows() {
  if (windows_.calls.empty()) return;
  std::vector<ColumnId> columns = relation_->columns;
  for (const algebra::WindowCall& call : windows_.calls) columns.push_back(call.column);
  relation_ = binding_.arena().relation(algebra::Window{relation_, std::move(windows_.calls)},
                                        std::move(columns));
}

Result<void> SelectBinder::check_comparable() const {
  for (const OrderItem& item : order_) {
    const bool shown = item.target < targets_.size();
    const Type type =
        (shown ? targets_[item.target] : hidden_[item.target - targets_.size()]).value->type;
    if (distinct_ && on_.empty() && !shown) {
      return binding_.error("42P10",
                            "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
                            item.location);
    }
    if (is_comparable(type.id)) continue;
    Failure failure = binding_.error(
        "42883", "could not identify an ordering operator for type " + name_of(type.id),
        item.location);
    failure.error().hint = "Use an explicit ordering operator or modify the query.";
    return failure;
  }
  for (const Target& target : targets_) {
    if (!distinct_ || !on_.empty() || is_comparable(target.value->type.id)) continue;
    return binding_.error(
        "42883",
        "could not identify an equality operator for type " + name_of(target.value->type.id),
        target.value->location);
  }
  return {};
}

Result<std::vector<algebra::SortKey>> SelectBinder::sort_keys(RelationRef projected) {
  std::vector<algebra::SortKey> keys;
  for (const OrderItem& item : order_) {
    const ScalarRef key =
        binding_.arena().column_ref(projected->columns[item.target], item.location);
    keys.push_back({key, item.descending, item.nulls_first});
  }
  return keys;
}

Result<BoundQuery> SelectBinder::finish() {
  SPAR_TRY(check_comparable());
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    ScalarRef& value = targets_[i].value;
    if (i < place_.wanted.size() && value->type.id == TypeId::unknown) {
      SPAR_ASSIGN(value,
                  coerce(binding_, value, Type{place_.wanted[i].id, -1}, CastContext::assignment));
    }
    SPAR_ASSIGN(value, coerce_unknown(binding_, value));
  }
  SPAR_TRY(aggregate());
  add_windows();
  BoundQuery query;
  std::vector<Target> all = targets_;
  all.insert(all.end(), hidden_.begin(), hidden_.end());
  algebra::Arena& arena = binding_.arena();
  query.relation = project(binding_, relation_, all);
  const std::vector<ColumnId> columns = query.relation->columns;
  const std::vector<ColumnId> shown(columns.begin(),
                                    columns.begin() + static_cast<std::ptrdiff_t>(targets_.size()));
  SPAR_ASSIGN(std::vector<algebra::SortKey> keys, sort_keys(query.relation));
  if (!on_.empty()) {
    query.relation = first_of_each(query.relation, keys);
  } else if (distinct_) {
    query.relation = arena.relation(algebra::Distinct{query.relation}, columns);
  }
  if (ties_) {
    SPAR_ASSIGN(query.relation, with_ties(binding_, query.relation, keys, {limit_, offset_}));
    limit_ = offset_ = nullptr;
  }
  if (!keys.empty()) {
    query.relation = arena.relation(algebra::Sort{query.relation, std::move(keys)}, columns);
  }
  if (limit_ != nullptr || offset_ != nullptr) {
    query.relation = arena.relation(algebra::Limit{query.relation, limit_, offset_}, columns);
  }
  if (!hidden_.empty()) {
    std::vector<ScalarRef> kept;
    for (const ColumnId id : shown) kept.push_back(arena.column_ref(id));
    query.relation = arena.relation(algebra::Project{query.relation, std::move(kept)}, shown);
  }
  for (const Target& target : targets_) query.names.push_back(target.name);
  query.ordered = !order_.empty();
  return query;
}

}  // namespace spar::query::bind
