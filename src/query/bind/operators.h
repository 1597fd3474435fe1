// query/bind/operators.h: PostgreSQL's operators over the types that Spar has.
#pragma once

#include <string_view>

#include "query/bind/types.h"

namespace spar::query::bind {

struct Operator {
  std::string_view name;  // "+"
  TypeId operands[2];     // none on the left: a prefix operator
  TypeId result;
  std::string_view operation;         // the algebra's name, "=" and its like for comparisons
  TypeId compared_as = TypeId::none;  // both sides are cast to it where they differ
};

// `left` is TypeId::none for a prefix operator, TypeId::unknown for an untyped literal.
Result<const Operator*> resolve_operator(std::string_view name, TypeId left, TypeId right);

// Whether values of the type can be compared for order; json cannot even be compared for equality.
bool is_comparable(TypeId type);

}  // namespace spar::query::bind
