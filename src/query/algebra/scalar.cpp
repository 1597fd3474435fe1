#include "query/algebra/scalar.h"

#include <algorithm>

namespace spar::query::algebra {

Comparison negate(Comparison comparison) {
  switch (comparison) {
    case Comparison::equal:
      return Comparison::not_equal;
    case Comparison::not_equal:
      return Comparison::equal;
    case Comparison::less:
      return Comparison::greater_equal;
    case Comparison::less_equal:
      return Comparison::greater;
    case Comparison::greater:
      return Comparison::less_equal;
    case Comparison::greater_equal:
      return Comparison::less;
  }
  return comparison;
}

Comparison commute(Comparison comparison) {
  switch (comparison) {
    case Comparison::less:
      return Comparison::greater;
    case Comparison::less_equal:
      return Comparison::greater_equal;
    case Comparison::greater:
      return Comparison::less;
    case Comparison::greater_equal:
      return Comparison::less_equal;
    default:
      return comparison;
  }
}

std::string_view symbol(Comparison comparison) {
  switch (comparison) {
    case Comparison::equal:
      return "=";
    case Comparison::not_equal:
      return "<>";
    case Comparison::less:
      return "<";
    case Comparison::less_equal:
      return "<=";
    case Comparison::greater:
      return ">";
    case Comparison::greater_equal:
      return ">=";
  }
  return "=";
}

namespace {

bool same_list(const std::vector<ScalarRef>& a, const std::vector<ScalarRef>& b) {
  return std::ranges::equal(a, b, same);
}

struct SameBody {
  bool operator()(const ColumnRef& a, const ColumnRef& b) const { return a.id == b.id; }
  bool operator()(const Constant& a, const Constant& b) const { return a.value == b.value; }
  bool operator()(const Parameter& a, const Parameter& b) const { return a.number == b.number; }
  bool operator()(const SessionValue& a, const SessionValue& b) const {
    return a.value == b.value && a.value != BoundValue::random;
  }
  bool operator()(const Call& a, const Call& b) const {
    return a.operation == b.operation && same_list(a.arguments, b.arguments);
  }
  bool operator()(const Cast& a, const Cast& b) const {
    return a.is_explicit == b.is_explicit && same(a.argument, b.argument);
  }
  bool operator()(const Compare& a, const Compare& b) const {
    return a.comparison == b.comparison && same(a.left, b.left) && same(a.right, b.right);
  }
  bool operator()(const Logic& a, const Logic& b) const {
    return a.conjunction == b.conjunction && same_list(a.terms, b.terms);
  }
  bool operator()(const Not& a, const Not& b) const { return same(a.argument, b.argument); }
  bool operator()(const Test& a, const Test& b) const {
    return a.kind == b.kind && a.negated == b.negated && same(a.argument, b.argument);
  }
  bool operator()(const DistinctFrom& a, const DistinctFrom& b) const {
    return a.negated == b.negated && same(a.left, b.left) && same(a.right, b.right);
  }
  bool operator()(const Case& a, const Case& b) const {
    return std::ranges::equal(a.branches, b.branches,
                              [](const auto& x, const auto& y) {
                                return same(x.first, y.first) && same(x.second, y.second);
                              }) &&
           same(a.otherwise, b.otherwise);
  }
  bool operator()(const Coalesce& a, const Coalesce& b) const {
    return same_list(a.arguments, b.arguments);
  }
  bool operator()(const NullIf& a, const NullIf& b) const {
    return same(a.condition, b.condition) && same(a.value, b.value);
  }
  bool operator()(const InList& a, const InList& b) const {
    return a.negated == b.negated && same(a.needle, b.needle) && same_list(a.list, b.list);
  }
  template <class A, class B>
  bool operator()(const A&, const B&) const {
    return false;
  }
};

}  // namespace

bool same(ScalarRef a, ScalarRef b) {
  if (a == b) return true;
  return a->type == b->type && std::visit(SameBody{}, a->body, b->body);
}

const Constant* as_constant(ScalarRef scalar) {
  return std::get_if<Constant>(&scalar->body);
}

bool is_null_constant(ScalarRef scalar) {
  const Constant* constant = as_constant(scalar);
  return constant != nullptr && data::is_null(constant->value);
}

std::optional<ColumnId> as_column(ScalarRef scalar) {
  const auto* column = std::get_if<ColumnRef>(&scalar->body);
  return column == nullptr ? std::nullopt : std::optional(column->id);
}

}  // namespace spar::query::algebra
