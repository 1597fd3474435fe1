// query/algebra/scalar_visit.h: walking and rebuilding scalars. Included by scalar.h only.
#pragma once

namespace spar::query::algebra {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

namespace detail {

// Applies `f` to each operand slot of a body (const or not).
template <class Body, class F>
void operand_slots(Body& body, F&& f) {
  const auto all = [&](auto& list) {
    for (auto& item : list) f(item);
  };
  const auto pair = [&](auto& node) {
    f(node.left);
    f(node.right);
  };
  std::visit(
      [&](auto& node) {
        using T = std::remove_cvref_t<decltype(node)>;
        if constexpr (std::is_same_v<T, Call> || std::is_same_v<T, Coalesce>) {
          all(node.arguments);
        } else if constexpr (std::is_same_v<T, Cast> || std::is_same_v<T, Not> ||
                             std::is_same_v<T, Test>) {
          f(node.argument);
        } else if constexpr (std::is_same_v<T, Compare> || std::is_same_v<T, DistinctFrom>) {
          pair(node);
        } else if constexpr (std::is_same_v<T, Logic>) {
          all(node.terms);
        } else if constexpr (std::is_same_v<T, Case>) {
          for (auto& [condition, result] : node.branches) {
            f(condition);
            f(result);
          }
          f(node.otherwise);
        } else if constexpr (std::is_same_v<T, NullIf>) {
          f(node.condition);
          f(node.value);
        } else if constexpr (std::is_same_v<T, InList>) {
          f(node.needle);
          all(node.list);
        } else if constexpr (std::is_same_v<T, Subquery>) {
          if (node.needle != nullptr) f(node.needle);
        }
      },
      body);
}

}  // namespace detail

template <class Visit>
void for_each_operand(const Scalar& scalar, Visit&& visit) {
  detail::operand_slots(scalar.body, visit);
}

// A copy of the body with every operand replaced by what `map` gives for it.
template <class Map>
Scalar::Body map_operands(const Scalar& scalar, Map&& map) {
  Scalar::Body body = scalar.body;
  detail::operand_slots(body, [&](ScalarRef& operand) { operand = map(operand); });
  return body;
}

}  // namespace spar::query::algebra
