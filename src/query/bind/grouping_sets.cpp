// GROUPING SETS, ROLLUP, CUBE and GROUPING(): one aggregation a set over one shared input.

#include <algorithm>

#include "query/bind/select.h"

namespace spar::query::bind {

using algebra::ColumnInfo;
using grammar::Node;

namespace {

// PostgreSQL's limits, and what one UNION of SQLite's holds with room to spare.
constexpr std::size_t kCubeMax = 12;
constexpr std::size_t kSetsMax = 4096;
constexpr std::size_t kUnionMax = 200;

void append(GroupingSet& set, const GroupingSet& more) {
  for (const std::size_t group : more) {
    if (std::ranges::find(set, group) == set.end()) set.push_back(group);
  }
}

std::vector<GroupingSet> product(const std::vector<GroupingSet>& a,
                                 const std::vector<GroupingSet>& b) {
  std::vector<GroupingSet> all;
  for (const GroupingSet& left : a) {
    for (const GroupingSet& right : b) {
      all.push_back(left);
      append(all.back(), right);
    }
  }
  return all;
}

std::vector<GroupingSet> rollup(const std::vector<GroupingSet>& items) {
  std::vector<GroupingSet> all{{}};
  for (const GroupingSet& item : items) {
    all.push_back(all.back());
    append(all.back(), item);
  }
  return all;
}

std::vector<GroupingSet> cube(const std::vector<GroupingSet>& items) {
  std::vector<GroupingSet> all{{}};
  for (const GroupingSet& item : items) all = product(all, {{}, item});
  return all;
}

}  // namespace

Result<GroupingSet> SelectBinder::simple_set(const Node* node) {
  GroupingSet set;
  const bool list =
      is_row(node) && node->row_expr->row_format == PG_QUERY__COERCION_FORM__COERCE_IMPLICIT_CAST;
  if (!list) {
    SPAR_ASSIGN(const std::size_t group, group_expression(node));
    return GroupingSet{group};
  }
  for (const Node* item : GRAMMAR_LIST(*node->row_expr, args)) {
    SPAR_ASSIGN(const GroupingSet inner, simple_set(item));
    append(set, inner);
  }
  return set;
}

Result<std::vector<GroupingSet>> SelectBinder::expand(const Node* node) {
  if (node->node_case != PG_QUERY__NODE__NODE_GROUPING_SET) {
    SPAR_ASSIGN(GroupingSet set, simple_set(node));
    return std::vector<GroupingSet>{std::move(set)};
  }
  const PgQuery__GroupingSet& sets = *node->grouping_set;
  const grammar::Nodes content = GRAMMAR_LIST(sets, content);
  if (sets.kind == PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_EMPTY) {
    return std::vector<GroupingSet>{{}};
  }
  if (sets.kind == PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_SETS) {
    std::vector<GroupingSet> all;
    for (const Node* item : content) {
      SPAR_ASSIGN(const std::vector<GroupingSet> inner, expand(item));
      all.insert(all.end(), inner.begin(), inner.end());
    }
    return all;
  }
  const bool cubed = sets.kind == PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_CUBE;
  if (cubed && content.size() > kCubeMax) {
    return binding_.error("54011", "CUBE is limited to 12 elements", sets.location);
  }
  std::vector<GroupingSet> items;
  for (const Node* item : content) {
    SPAR_ASSIGN(GroupingSet set, simple_set(item));
    items.push_back(std::move(set));
  }
  return cubed ? cube(items) : rollup(items);
}

Result<void> SelectBinder::grouping_sets(const PgQuery__SelectStmt& statement) {
  grouping_.use_sets();
  sets_ = {{}};
  for (const Node* node : GRAMMAR_LIST(statement, group_clause)) {
    SPAR_ASSIGN(const std::vector<GroupingSet> factor, expand(node));
    if (sets_.size() * factor.size() > kSetsMax) {
      return sql_error("54001", "too many grouping sets present (maximum 4096)");
    }
    sets_ = product(sets_, factor);
  }
  if (statement.group_distinct) {
    for (GroupingSet& set : sets_) std::ranges::sort(set);
    std::ranges::sort(sets_);
    const auto twice = std::ranges::unique(sets_);
    sets_.erase(twice.begin(), twice.end());
  }
  if (sets_.size() > kUnionMax) return not_supported("so many grouping sets");
  has_groups_ = true;
  return {};
}

// GROUPING(a, b) is a column: what it is worth is known when the groups are.
Result<ScalarRef> ExpressionBinder::grouping(const PgQuery__GroupingFunc& function) {
  const bool refused = scope_.aggregates == nullptr || clause_ == Clause::where ||
                       clause_ == Clause::group_by || clause_ == Clause::filter ||
                       is_frame(clause_);
  if (refused) {
    return binding_.error("42803",
                          "grouping operations are not allowed in " + clause_of_error(clause_),
                          function.location);
  }
  if (in_aggregate_) {
    return binding_.error("42803", "aggregate function calls cannot be nested", function.location);
  }
  GroupingCall call;
  SPAR_ASSIGN(call.arguments, list(GRAMMAR_LIST(function, args)));
  if (call.arguments.size() > 31) {
    return binding_.error("54023", "GROUPING must have fewer than 32 arguments", function.location);
  }
  algebra::ColumnInfo info{"grouping", Type{TypeId::int4, -1}};
  info.nullable = false;
  call.column = binding_.arena().column(std::move(info));
  const ColumnId id = call.column;
  scope_.aggregates->groupings.push_back(std::move(call));
  return binding_.arena().column_ref(id, function.location);
}

Result<std::size_t> Grouping::group_of(ScalarRef scalar) const {
  const auto found = std::ranges::find_if(
      groups_, [&](const auto& group) { return algebra::same(group.second, scalar); });
  if (found != groups_.end()) return static_cast<std::size_t>(found - groups_.begin());
  return binding_.error(
      "42803", "arguments to GROUPING must be grouping expressions of the associated query level",
      scalar->location);
}

namespace {

// A bit for each argument, the last one's lowest: 1 where the set does not group by it.
std::int64_t grouping_bits(const std::vector<std::size_t>& groups, const GroupingSet& set) {
  std::int64_t bits = 0;
  for (const std::size_t group : groups) {
    bits = bits << 1 | (std::ranges::find(set, group) == set.end() ? 1 : 0);
  }
  return bits;
}

}  // namespace

Result<RelationRef> Grouping::aggregate_sets(RelationRef input,
                                             const std::vector<algebra::AggregateCall>& calls,
                                             const std::vector<GroupingCall>& groupings,
                                             const std::vector<GroupingSet>& sets) {
  algebra::Arena& arena = binding_.arena();
  std::vector<std::vector<std::size_t>> asked;
  std::vector<ColumnId> columns;
  for (const auto& group : groups_) columns.push_back(group.first);
  for (const algebra::AggregateCall& call : calls) columns.push_back(call.column);
  for (const GroupingCall& call : groupings) {
    columns.push_back(call.column);
    asked.emplace_back();
    for (const ScalarRef argument : call.arguments) {
      SPAR_ASSIGN(const std::size_t group, group_of(argument));
      asked.back().push_back(group);
    }
  }
  if (sets.size() == 1) return one_set(input, calls, asked, sets.front(), columns);
  const algebra::Cte* shared = arena.cte("input", input);
  RelationRef all = nullptr;
  for (const GroupingSet& set : sets) {
    const RelationRef rows = arena.relation(algebra::CteRef{shared}, input->columns);
    std::vector<ColumnId> own;
    for (const ColumnId id : columns) own.push_back(arena.column(ColumnInfo(arena.info(id))));
    const RelationRef part = one_set(rows, calls, asked, set, own);
    if (all == nullptr) {
      all = part;
      continue;
    }
    all = arena.relation(algebra::SetOp{algebra::SetKind::union_, true, all, part}, columns);
  }
  return arena.relation(algebra::With{{shared}, all}, columns);
}

// The same columns for every set, null for the groups that are not of this one.
RelationRef Grouping::one_set(RelationRef rows, const std::vector<algebra::AggregateCall>& calls,
                              const std::vector<std::vector<std::size_t>>& asked,
                              const GroupingSet& set, const std::vector<ColumnId>& columns) {
  algebra::Arena& arena = binding_.arena();
  algebra::Aggregate body{rows, {}, calls, !set.empty()};
  std::vector<ScalarRef> shown;
  std::vector<ColumnId> given;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const auto& [column, expression] = groups_[i];
    if (std::ranges::find(set, i) == set.end()) {
      shown.push_back(make_constant(binding_, data::Datum{}, expression->type));
      continue;
    }
    body.groups.push_back(groups_[i]);
    given.push_back(column);
    shown.push_back(arena.column_ref(column));
  }
  for (const algebra::AggregateCall& call : calls) {
    given.push_back(call.column);
    shown.push_back(arena.column_ref(call.column));
  }
  for (const auto& groups : asked) {
    shown.push_back(make_constant(binding_, grouping_bits(groups, set), Type{TypeId::int4, -1}));
  }
  const RelationRef grouped = arena.relation(std::move(body), std::move(given));
  return arena.relation(algebra::Project{grouped, std::move(shown)}, columns);
}

}  // namespace spar::query::bind
