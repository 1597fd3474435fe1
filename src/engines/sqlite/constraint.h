// engines/sqlite/constraint.h: says which constraint a statement violated, as PostgreSQL would.
//
// Contract    explain() turns SQLite's "UNIQUE constraint failed: t12.c1" into 23505 with the
//             constraint's name and table; 23502, 23503 and 23514 likewise. For a foreign key it
//             looks at the rows that the statement writes (`changes`, captured and still in place)
//             and asks which key they miss. Errors of other kinds come back as they are.
#pragma once

#include <string_view>

#include "base/result.h"
#include "data/catalogue.h"
#include "engines/sqlite/connection.h"

namespace spar::engines::sqlite {

Error explain(Error error, const data::Catalogue& catalogue, std::string_view changes,
              Connection& connection);

}  // namespace spar::engines::sqlite
