// query/algebra/print.h: the algebra as text, for tests and EXPLAIN.
//
// Contract    One operator a line, inputs indented below it; columns as name#id. Stable for equal
//             trees, so that plans can be compared as text.
#pragma once

#include <string>

#include "query/algebra/arena.h"

namespace spar::query::algebra {

std::string print(const Arena& arena, RelationRef relation);
std::string print(const Arena& arena, ScalarRef scalar);

}  // namespace spar::query::algebra
