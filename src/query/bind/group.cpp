#include "query/bind/group.h"

#include <algorithm>

namespace spar::query::bind {

using algebra::AggregateCall;

std::size_t Grouping::add(ScalarRef expression) {
  const auto known = std::ranges::find_if(
      groups_, [&](const auto& group) { return algebra::same(group.second, expression); });
  if (known != groups_.end()) return static_cast<std::size_t>(known - groups_.begin());
  std::optional<ColumnId> column = sets_ ? std::nullopt : algebra::as_column(expression);
  if (!column) column = binding_.arena().column({"?column?", expression->type});
  groups_.emplace_back(*column, expression);
  return groups_.size() - 1;
}

bool Grouping::is_group(ColumnId column) const {
  return std::ranges::any_of(groups_, [&](const auto& group) { return group.first == column; }) ||
         std::ranges::any_of(determined_,
                             [&](const AggregateCall& call) { return call.column == column; });
}

// Whether all columns of the primary key of the column's own table are groups.
bool Grouping::is_determined(ColumnId column) const {
  for (const NamespaceItem& item : scope_.items) {
    if (item.table == nullptr || item.table->primary_key() == nullptr) continue;
    const auto is = [&](const NamedColumn& named) {
      return algebra::as_column(named.value) == column;
    };
    if (!std::ranges::any_of(item.columns, is)) continue;
    const data::Key& key = *item.table->primary_key();
    return std::ranges::all_of(key.columns, [&](data::ColumnNumber number) {
      return std::ranges::any_of(item.columns, [&](const NamedColumn& named) {
        const auto id = algebra::as_column(named.value);
        return id && binding_.arena().info(*id).number == number && is_group(*id);
      });
    });
  }
  return false;
}

Result<void> Grouping::admit(ColumnId column, int location, bool in_subquery) {
  const algebra::ColumnInfo& info = binding_.arena().info(column);
  if (info.block != scope_.block || is_group(column)) return {};
  if (sets_ && in_subquery) return not_supported("a subquery over grouping sets");
  if (is_determined(column)) {
    determined_.push_back({column, "any", {binding_.arena().column_ref(column)}});
    return {};
  }
  const std::string name = info.qualifier.empty() ? info.name : info.qualifier + "." + info.name;
  return binding_.error(
      "42803",
      in_subquery ? "subquery uses ungrouped column \"" + name + "\" from outer query"
                  : "column \"" + name +
                        "\" must appear in the GROUP BY clause or be used in an aggregate function",
      location);
}

Result<ScalarRef> Grouping::rewrite(ScalarRef scalar) {
  for (const auto& [column, expression] : groups_) {
    if ((sets_ || !algebra::as_constant(expression)) && algebra::same(expression, scalar)) {
      return binding_.arena().column_ref(column, scalar->location);
    }
  }
  if (const auto column = algebra::as_column(scalar)) {
    SPAR_TRY(admit(*column, scalar->location, false));
    return scalar;
  }
  if (const auto* subquery = std::get_if<algebra::Subquery>(&scalar->body)) {
    SPAR_TRY(check(subquery->query));
  }
  Result<void> outcome;
  bool changed = false;
  auto body = algebra::map_operands(*scalar, [&](ScalarRef operand) -> ScalarRef {
    if (!outcome) return operand;
    Result<ScalarRef> rewritten = rewrite(operand);
    if (!rewritten) {
      outcome = std::unexpected(std::move(rewritten.error()));
      return operand;
    }
    changed = changed || *rewritten != operand;
    return *rewritten;
  });
  if (!outcome) return Failure(std::move(outcome.error()));
  if (!changed) return scalar;
  return binding_.arena().scalar(std::move(body), scalar->type, scalar->location);
}

Result<void> Grouping::check(RelationRef relation) {
  Result<void> outcome;
  const auto keep = [&](Result<void> result) {
    if (outcome && !result) outcome = std::move(result);
  };
  algebra::for_each_part(
      *relation, [&](RelationRef input) { keep(check(input)); },
      [&](ScalarRef scalar) { keep(check(scalar)); });
  return outcome;
}

Result<void> Grouping::check(ScalarRef scalar) {
  if (const auto column = algebra::as_column(scalar)) {
    return admit(*column, scalar->location, true);
  }
  Result<void> outcome;
  if (const auto* subquery = std::get_if<algebra::Subquery>(&scalar->body)) {
    outcome = check(subquery->query);
  }
  algebra::for_each_operand(*scalar, [&](ScalarRef operand) {
    if (!outcome) return;
    outcome = check(operand);
  });
  return outcome;
}

RelationRef Grouping::aggregate(RelationRef input, std::vector<AggregateCall> calls, bool grouped) {
  calls.insert(calls.end(), determined_.begin(), determined_.end());
  std::vector<ColumnId> columns;
  for (const auto& group : groups_) columns.push_back(group.first);
  for (const AggregateCall& call : calls) columns.push_back(call.column);
  return binding_.arena().relation(algebra::Aggregate{input, groups_, std::move(calls), grouped},
                                   std::move(columns));
}

}  // namespace spar::query::bind
