// query/dialect/check.h: CHECK constraints, which the catalogue keeps as PostgreSQL's text.
#pragma once

#include <string>

#include "base/result.h"
#include "data/catalogue.h"

namespace spar::query {

// An expression in SQLite's dialect over the table's columns c<number>, for use in CREATE TABLE
// ... CHECK(...). All functions in it are deterministic.
Result<std::string> render_check(const data::Table& table, const data::Check& check);

// "(c1,spar_lower(c2) DESC) WHERE c3": what an index or a key is over, by the keys that values are
// compared by.
Result<std::string> render_index(const data::Table& table, const data::Index& index);
Result<std::string> render_key(const data::Table& table, const data::Key& key);
// The predicate of a partial index.
Result<std::string> render_predicate(const data::Table& table, const std::string& predicate_sql);

}  // namespace spar::query
