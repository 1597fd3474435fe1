// query/dialect/key.h: what values are compared, grouped, sorted and indexed by in an embedded
// copy.
#pragma once

#include <string>

#include "data/type.h"

namespace spar::query::dialect {

// Whether values can be equal without being the same in storage: decimals of different scale,
// intervals, and char without a length, which carries its blanks along.
bool needs_key(const data::Type& type);

// `sql`, or the call that gives its key. Deterministic, so that an index may hold it.
std::string key_of(const std::string& sql, const data::Type& type);

}  // namespace spar::query::dialect
