// engines/sqlite/physical.h: how the catalogue lies in a copy's SQLite file.
//
// Contract    Table 12 is `t12`, its columns `c1`, `c2`, ...; a column without declared type stores
//             what it is given. A key is the unique index `k<id>`, an index `i<id>`. When a table
//             was made with a primary key of one integer column, that column is the rowid.
//             change_schema() makes the file follow the catalogue inside the open transaction of a
//             writing connection; the same changes give the same file on every copy.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "data/catalogue.h"
#include "engines/sqlite/connection.h"

namespace spar::engines::sqlite {

std::string table_name(ObjectId table);  // "t12"
// CREATE TABLE with columns, checks and foreign keys, as sqlite_schema keeps it.
Result<std::string> create_table_sql(const data::Table& table);

// "c1,c2": the columns in the order of the canonical row.
std::string column_list(const data::Table& table);

// Tables whose rows changed shape, so that their content hash must be taken anew.
struct SchemaEffect {
  std::vector<ObjectId> reshaped;
  std::vector<ObjectId> dropped;
};
Result<SchemaEffect> change_schema(Connection& connection, const data::Catalogue& before,
                                   const data::Catalogue& after,
                                   const std::vector<data::ObjectChange>& changes);

}  // namespace spar::engines::sqlite
