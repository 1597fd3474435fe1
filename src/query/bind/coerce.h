// query/bind/coerce.h: puts a scalar into the type that its place wants.
//
// Contract    Constants are converted here and now (22P02 and its like with the literal's
//             position), an untyped parameter takes the type asked for, everything else gets a
//             Cast.
#pragma once

#include "query/bind/binding.h"

namespace spar::query::bind {

using algebra::ScalarRef;

// 42846 where PostgreSQL has no such cast in this context.
Result<ScalarRef> coerce(Binding& binding, ScalarRef scalar, Type target, CastContext context,
                         int location = -1);
// What is still untyped becomes text.
Result<ScalarRef> coerce_unknown(Binding& binding, ScalarRef scalar);
// 42804 "argument of WHERE must be type boolean, not type integer".
Result<ScalarRef> coerce_argument(Binding& binding, ScalarRef scalar, TypeId wanted,
                                  std::string_view what);
// Into a column, as INSERT and UPDATE do: 42804 with PostgreSQL's hint.
Result<ScalarRef> coerce_assignment(Binding& binding, ScalarRef scalar, const data::Column& column);
// All to their common type, which is returned.
Result<Type> coerce_to_common(Binding& binding, std::vector<ScalarRef>& scalars,
                              std::string_view what);

// Both sides as the operator wants them, put together.
Result<ScalarRef> make_operator(Binding& binding, std::string_view name, ScalarRef left,
                                ScalarRef right, int location);
Result<ScalarRef> make_prefix_operator(Binding& binding, std::string_view name, ScalarRef operand,
                                       int location);

ScalarRef make_constant(Binding& binding, data::Datum value, Type type, int location = -1);
ScalarRef make_boolean(Binding& binding, algebra::Scalar::Body body, int location = -1);
ScalarRef make_and(Binding& binding, ScalarRef left, ScalarRef right);  // null counts as true

}  // namespace spar::query::bind
