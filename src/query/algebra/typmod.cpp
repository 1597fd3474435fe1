#include "query/algebra/typmod.h"

#include <algorithm>

namespace spar::query::algebra {
namespace {

constexpr std::int32_t kNone = -1;
constexpr int kDepthMax = 500;  // deeper, and nobody is told

std::size_t place_of(const std::vector<ColumnId>& columns, ColumnId column) {
  return static_cast<std::size_t>(std::ranges::find(columns, column) - columns.begin());
}

class Typmods {
 public:
  explicit Typmods(const Arena& arena) : arena_(arena) {}

  // Where the column is made.
  std::int32_t of(RelationRef relation, ColumnId column) {
    const Depth depth(depth_);
    const std::size_t place = place_of(relation->columns, column);
    if (depth_ > kDepthMax || place == relation->columns.size()) return kNone;
    return std::visit(
        Overloaded{
            [&](const Scan&) { return arena_.info(column).type.typmod; },
            [&](const Dml& dml) { return of_scalar(dml.returning[place], nullptr); },
            [&](const TableFunc&) { return kNone; },
            [&](const Values& values) {
              std::vector<ScalarRef> all;
              for (const auto& row : values.rows) all.push_back(row[place]);
              return common(all, relation);
            },
            [&](const Project& project) {
              return of_scalar(project.expressions[place], project.input);
            },
            [&](const Join& join) {
              const bool left = place_of(join.left->columns, column) < join.left->columns.size();
              return of(left ? join.left : join.right, column);
            },
            [&](const Aggregate& aggregate) { return of_aggregate(aggregate, column); },
            [&](const Window& window) { return of(window.input, column); },
            [&](const SetOp& set) {
              const std::int32_t left = of(set.left, set.left->columns[place]);
              return left == of(set.right, set.right->columns[place]) ? left : kNone;
            },
            [&](const CteRef& reference) {
              return of(reference.cte->query, reference.cte->query->columns[place]);
            },
            [&](const auto& through) { return of(through.input, column); },
        },
        relation->body);
  }

 private:
  struct Depth {
    explicit Depth(int& count_) : count(++count_) {}
    ~Depth() { --count; }
    int& count;
  };

  std::int32_t of_aggregate(const Aggregate& aggregate, ColumnId column) {
    for (const auto& [id, group] : aggregate.groups) {
      if (id == column) return of_scalar(group, aggregate.input);
    }
    for (const AggregateCall& call : aggregate.calls) {
      if (call.column != column || call.operation != "any") continue;
      return of_scalar(call.arguments.front(), aggregate.input);
    }
    return kNone;
  }

  std::int32_t of_scalar(ScalarRef scalar, RelationRef input) {
    const Depth depth(depth_);
    if (depth_ > kDepthMax) return kNone;
    return std::visit(
        Overloaded{
            [&](const ColumnRef& column) {
              return input == nullptr ? arena_.info(column.id).type.typmod : of(input, column.id);
            },
            [&](const Constant&) { return scalar->type.typmod; },
            [&](const Cast& cast) {
              if (cast.is_explicit) return scalar->type.typmod;
              return cast.argument->type == scalar->type ? of_scalar(cast.argument, input) : kNone;
            },
            [&](const Case& cases) {
              std::vector<ScalarRef> all = {cases.otherwise};
              for (const auto& branch : cases.branches) all.push_back(branch.second);
              return common(all, input);
            },
            [&](const Coalesce& coalesce) { return common(coalesce.arguments, input); },
            [&](const NullIf& null_if) { return of_scalar(null_if.value, input); },
            [&](const Subquery& subquery) {
              if (subquery.kind != SubqueryKind::scalar) return kNone;
              return of(subquery.query, subquery.column);
            },
            [&](const auto&) { return kNone; },
        },
        scalar->body);
  }

  // Constants were converted to where they stand, which is nobody's cast.
  std::int32_t common(const std::vector<ScalarRef>& all, RelationRef input) {
    std::optional<std::int32_t> found;
    for (ScalarRef one : all) {
      if (is_null_constant(one)) continue;
      const std::int32_t typmod = as_constant(one) != nullptr ? kNone : of_scalar(one, input);
      if (found && *found != typmod) return kNone;
      found = typmod;
    }
    return found.value_or(kNone);
  }

  const Arena& arena_;
  int depth_ = 0;
};

}  // namespace

std::int32_t shown_typmod(const Arena& arena, RelationRef relation, ColumnId column) {
  const ColumnInfo& info = arena.info(column);
  return info.table == ObjectId() ? Typmods(arena).of(relation, column) : info.type.typmod;
}

}  // namespace spar::query::algebra
