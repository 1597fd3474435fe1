// query/dialect/check.h: CHECK constraints, which the catalogue keeps as PostgreSQL's text.
#pragma once

#include <string>

#include "base/result.h"
#include "data/catalogue.h"

namespace spar::query {

// An expression in SQLite's dialect over the table's columns c<number>, for use in CREATE TABLE
// ... CHECK(...). All functions in it are deterministic.
Result<std::string> render_check(const data::Table& table, const data::Check& check);

}  // namespace spar::query
