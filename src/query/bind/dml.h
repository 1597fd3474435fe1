// query/bind/dml.h: INSERT, UPDATE, DELETE and the insert behind COPY.
#pragma once

#include "query/bind/query.h"

namespace spar::query::bind {

struct BoundDml {
  RelationRef relation = nullptr;  // a Dml, or a With around one
  ObjectId target;
  std::vector<std::string> names;  // of RETURNING
};

Result<BoundDml> bind_insert(Binding& binding, const PgQuery__InsertStmt& statement);
Result<BoundDml> bind_update(Binding& binding, const PgQuery__UpdateStmt& statement);
Result<BoundDml> bind_delete(Binding& binding, const PgQuery__DeleteStmt& statement);

// One row, with a parameter for each of the columns named.
Result<BoundDml> bind_copy_insert(Binding& binding, const data::Table& table,
                                  const std::vector<const data::Column*>& columns);

// The columns that a list names, or all; 42703 and 42701.
Result<std::vector<const data::Column*>> target_columns(Binding& binding, const data::Table& table,
                                                        grammar::Nodes names);

// A column's DEFAULT, or null.
Result<ScalarRef> default_value(Binding& binding, const data::Column& column);

}  // namespace spar::query::bind
