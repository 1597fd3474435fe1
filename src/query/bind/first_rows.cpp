// DISTINCT ON and FETCH FIRST ... WITH TIES: rows chosen by their place in an order.

#include <algorithm>

#include "query/bind/select.h"

namespace spar::query::bind {
namespace {

using algebra::Comparison;
using algebra::SortKey;

ScalarRef integer(Binding& binding, std::int64_t value) {
  return make_constant(binding, value, Type{TypeId::int8, -1});
}

ScalarRef compared(Binding& binding, ColumnId column, Comparison comparison, std::int64_t value) {
  return make_boolean(binding, algebra::Compare{comparison, binding.arena().column_ref(column),
                                                integer(binding, value)});
}

algebra::WindowCall numbered(Binding& binding, std::string_view operation,
                             algebra::WindowSpec window) {
  algebra::WindowCall call;
  call.operation = operation;
  call.window = std::move(window);
  algebra::ColumnInfo info{std::string(operation), Type{TypeId::int8, -1}};
  info.nullable = false;
  call.column = binding.arena().column(std::move(info));
  return call;
}

// The rows for which `condition` holds, without the columns of the window calls.
RelationRef chosen(Binding& binding, RelationRef input, std::vector<algebra::WindowCall> calls,
                   ScalarRef condition) {
  algebra::Arena& arena = binding.arena();
  std::vector<ColumnId> columns = input->columns;
  for (const algebra::WindowCall& call : calls) columns.push_back(call.column);
  RelationRef made = arena.relation(algebra::Window{input, std::move(calls)}, columns);
  made = arena.relation(algebra::Filter{made, condition}, columns);
  std::vector<ScalarRef> kept;
  for (const ColumnId id : input->columns) kept.push_back(arena.column_ref(id));
  return arena.relation(algebra::Project{made, std::move(kept)}, input->columns);
}

}  // namespace

Result<void> SelectBinder::distinct_on(const PgQuery__SelectStmt& statement) {
  std::vector<int> locations;
  for (const grammar::Node* node : GRAMMAR_LIST(statement, distinct_clause)) {
    SPAR_ASSIGN(const std::size_t target, order_target(node, "DISTINCT ON"));
    on_.push_back(target);
    locations.push_back(grammar::location_of(node));
  }
  const auto refuse = [&](std::size_t i) {
    return binding_.error("42P10",
                          "SELECT DISTINCT ON expressions must match initial ORDER BY expressions",
                          locations[i]);
  };
  bool skipped = false;
  for (const OrderItem& item : order_) {
    const auto found = std::ranges::find(on_, item.target);
    if (found == on_.end()) {
      skipped = true;
    } else if (skipped) {
      return refuse(static_cast<std::size_t>(found - on_.begin()));
    }
  }
  for (std::size_t i = 0; skipped && i < on_.size(); ++i) {
    if (std::ranges::find(order_, on_[i], &OrderItem::target) == order_.end()) return refuse(i);
  }
  return {};
}

RelationRef SelectBinder::first_of_each(RelationRef rows, const std::vector<SortKey>& keys) {
  algebra::WindowSpec window;
  for (const std::size_t target : on_) {
    window.partition.push_back(binding_.arena().column_ref(rows->columns[target]));
  }
  window.order = keys;
  std::vector<algebra::WindowCall> calls{numbered(binding_, "row_number", std::move(window))};
  const ScalarRef first = compared(binding_, calls.front().column, Comparison::equal, 1);
  return chosen(binding_, rows, std::move(calls), first);
}

Result<RelationRef> with_ties(Binding& binding, RelationRef input, std::vector<SortKey> keys,
                              const LimitParts& limit) {
  if (limit.count == nullptr) {
    return sql_error("2201W", "row count cannot be null in FETCH FIRST ... WITH TIES clause");
  }
  const algebra::Constant* count = algebra::as_constant(limit.count);
  const algebra::Constant* skip = limit.offset ? algebra::as_constant(limit.offset) : nullptr;
  if (count == nullptr || (limit.offset != nullptr && skip == nullptr)) {
    return not_supported("FETCH FIRST WITH TIES of a computed number");
  }
  const std::int64_t rows = std::get<std::int64_t>(count->value);
  const std::int64_t before = skip ? std::get<std::int64_t>(skip->value) : 0;
  std::int64_t last = 0;
  if (__builtin_add_overflow(rows, before, &last)) last = INT64_MAX;
  algebra::WindowSpec window;
  window.order = std::move(keys);
  std::vector<algebra::WindowCall> calls{numbered(binding, "row_number", window),
                                         numbered(binding, "rank", window)};
  ScalarRef condition = compared(binding, calls[0].column, Comparison::greater, before);
  // None of no rows, not even those equal to the last one skipped.
  condition =
      make_and(binding, condition,
               compared(binding, calls[1].column, Comparison::less_equal, rows == 0 ? 0 : last));
  return chosen(binding, input, std::move(calls), condition);
}

}  // namespace spar::query::bind
