// query/bind/table_function.h: functions that give rows, in FROM and in a select list.
#pragma once

#include "query/bind/scope.h"

namespace spar::query::bind {

struct BoundTableFunction {
  algebra::RelationRef relation = nullptr;
  std::vector<std::string> names;  // of the columns; one that is named as the function
  bool scalar = true;              // one column, which a table alias renames
};

bool is_table_function(std::string_view name);
// `scope`: the columns that the arguments may mention. `ordinality`: one more column, counted.
Result<BoundTableFunction> bind_table_function(Binding& binding, const PgQuery__FuncCall& call,
                                               const Scope& scope, const CteScope* ctes,
                                               bool ordinality);

}  // namespace spar::query::bind
