// query/algebra/typmod.h: the type modifier that a client is told of an output column.
//
// A column's type says how its values are stored and written, so it keeps a modifier where
// PostgreSQL tells none: of what a function, an operator or an aggregate gives. Source: exprTypmod()
// as its manual and answers show it.
#pragma once

#include "query/algebra/arena.h"

namespace spar::query::algebra {

// -1: none. REQUIRES: the relation gives the column.
std::int32_t shown_typmod(const Arena& arena, RelationRef relation, ColumnId column);

}  // namespace spar::query::algebra
