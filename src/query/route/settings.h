// query/route/settings.h: SET, RESET, SHOW and the transaction modes, read from the parse tree.
#pragma once

#include "query/parse/nodes.h"
#include "query/route/route.h"

namespace spar::query::route {

Part classify_set(const PgQuery__VariableSetStmt& statement);
Part classify_show(const PgQuery__VariableShowStmt& statement);
Part classify_transaction(const PgQuery__TransactionStmt& statement);

// Adds set_config(name, value, is_local) to what a SELECT does. `once` says that it is sure to run
// once and alone: only then is its effect known, and tracked.
void add_set_config(Part& part, const PgQuery__FuncCall& call, bool once);
// current_setting(name): the primary unless every copy says the same.
void add_current_setting(Part& part, const PgQuery__FuncCall& call);

}  // namespace spar::query::route
