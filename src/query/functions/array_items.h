// query/functions/array_items.h: arrays as arguments and results of functions.
#pragma once

#include "data/array.h"
#include "query/functions/arguments.h"
#include "query/functions/registry.h"

namespace spar::query::functions {

std::span<const ScalarEntry> array_row_scalars();  // for the registry

Result<data::Array> array_at(Arguments arguments, std::size_t i);  // null: empty
Datum array_datum(const data::Array& array);
bool same_element(const Datum& a, const Datum& b, data::TypeId element);

}  // namespace spar::query::functions
