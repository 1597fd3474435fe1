// ORDER BY in aggregates, and WITHIN GROUP.

#include <algorithm>

#include "query/bind/expression.h"
#include "query/bind/operators.h"
#include "query/bind/routines.h"
#include "query/bind/select.h"

namespace spar::query::bind {

using algebra::AggregateCall;
using algebra::SortKey;

Result<std::vector<SortKey>> ExpressionBinder::aggregate_order(grammar::Nodes items) {
  std::vector<SortKey> keys;
  for (const Node* node : items) {
    const PgQuery__SortBy& sort = *node->sort_by;
    SPAR_ASSIGN(const SortDirection direction, sort_direction(binding_, sort));
    const Node* const nodes[] = {sort.node};
    SPAR_ASSIGN(const std::vector<ScalarRef> bound,
                inner_list({const_cast<Node* const*>(nodes), 1}, in_aggregate_));
    SPAR_ASSIGN(const ScalarRef key, coerce_unknown(binding_, bound.front()));
    if (!is_comparable(key->type.id)) {
      Failure failure = binding_.error(
          "42883", "could not identify an ordering operator for type " + name_of(key->type.id),
          key->location);
      failure.error().hint = "Use an explicit ordering operator or modify the query.";
      return failure;
    }
    keys.push_back({key, direction.descending, direction.nulls_first});
  }
  return keys;
}

// With DISTINCT the order may only name arguments, and all of them decide what is equal.
Result<void> ExpressionBinder::order_distinct(AggregateCall& call) {
  if (!call.distinct) return {};
  const auto is = [&](ScalarRef wanted) {
    return [=](ScalarRef scalar) { return algebra::same(scalar, wanted); };
  };
  for (const SortKey& key : call.order) {
    if (std::ranges::any_of(call.arguments, is(key.expression))) continue;
    return binding_.error(
        "42P10", "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list",
        key.expression->location);
  }
  for (const ScalarRef argument : call.arguments) {
    const bool known = std::ranges::any_of(
        call.order, [&](const SortKey& key) { return algebra::same(key.expression, argument); });
    if (!known) call.order.push_back({argument});
  }
  return {};
}

Result<ScalarRef> ExpressionBinder::within_group(const PgQuery__FuncCall& call,
                                                 const std::string& name) {
  if (!is_ordered_set(name)) {
    if (is_aggregate(name)) {
      return binding_.error(
          "42809", name + " is not an ordered-set aggregate, so it cannot have WITHIN GROUP",
          call.location);
    }
    return binding_.missing("WITHIN GROUP of " + name + "()", call.location);
  }
  SPAR_TRY(check_aggregate(call, name));
  SPAR_ASSIGN(std::vector<ScalarRef> direct, inner_list(GRAMMAR_LIST(call, args), in_aggregate_));
  SPAR_ASSIGN(std::vector<SortKey> order, aggregate_order(GRAMMAR_LIST(call, agg_order)));
  const bool mode = name == "mode";
  if (order.size() != 1 || direct.size() != (mode ? 0u : 1u)) {
    return binding_.missing("this form of " + name + "()", call.location);
  }
  AggregateCall made{ColumnId{}, mode                        ? "mode"
                                 : name == "percentile_cont" ? "percentile_cont"
                                                             : "percentile_disc"};
  ScalarRef& value = order.front().expression;
  Type type = value->type;
  if (name == "percentile_cont") {
    if (!can_cast(type.id, TypeId::float8, CastContext::implicit)) {
      return binding_.missing("percentile_cont() over " + name_of(type.id), call.location);
    }
    type = Type{TypeId::float8, -1};
    SPAR_ASSIGN(value, coerce(binding_, value, type, CastContext::implicit));
  }
  made.arguments = {value};
  if (!mode) {
    SPAR_ASSIGN(const ScalarRef fraction, percentile(direct.front()));
    made.arguments.push_back(fraction);
  }
  made.order = std::move(order);
  if (call.agg_filter != nullptr) {
    ExpressionBinder filter(binding_, scope_, ctes_, Clause::filter);
    SPAR_ASSIGN(made.filter, filter.condition(call.agg_filter));
  }
  SPAR_TRY(check_level(made, call.location));
  return collect(std::move(made), name, type, call.location);
}

// A constant between 0 and 1: anything else would have to be looked at once a group.
Result<ScalarRef> ExpressionBinder::percentile(ScalarRef given) {
  if (!can_cast(given->type.id, TypeId::float8, CastContext::implicit)) {
    return binding_.missing("percentiles of " + name_of(given->type.id), given->location);
  }
  SPAR_ASSIGN(const ScalarRef fraction,
              coerce(binding_, given, Type{TypeId::float8, -1}, CastContext::implicit));
  const algebra::Constant* constant = algebra::as_constant(fraction);
  if (constant == nullptr || data::is_null(constant->value)) {
    return binding_.missing("a percentile that is no constant", given->location);
  }
  const double value = std::get<double>(constant->value);
  if (value >= 0 && value <= 1) return fraction;
  return binding_.missing("a percentile outside of 0 and 1", given->location);
}

}  // namespace spar::query::bind
