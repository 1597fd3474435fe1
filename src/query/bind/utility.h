// query/bind/utility.h: statements about the session and the transaction, and COPY.
#pragma once

#include "query/bind/binding.h"

namespace spar::query::bind {

Result<Body> transaction(Binding& binding, const PgQuery__TransactionStmt& statement);
Result<Body> set_variable(Binding& binding, const PgQuery__VariableSetStmt& statement);
Result<Body> show_variable(const PgQuery__VariableShowStmt& statement);
Result<Body> vacuum(Binding& binding, const PgQuery__VacuumStmt& statement);
Result<Body> discard(const PgQuery__DiscardStmt& statement);
Result<Body> prepare(Binding& binding, const PgQuery__PrepareStmt& statement);
Result<Body> execute(Binding& binding, const PgQuery__ExecuteStmt& statement);
Result<Body> copy(Binding& binding, const PgQuery__CopyStmt& statement);

// SELECT set_config('x', 'y', false) and SELECT current_setting('x'), standing alone.
Result<std::optional<Body>> setting_function(Binding& binding,
                                             const PgQuery__SelectStmt& statement);

// Renders a bound query or DML into a Plan (statement.cpp).
struct Planned {
  algebra::RelationRef relation;
  PlanKind kind;
  std::vector<std::string> names;
  ObjectId target = {};
  bool ordered = false;
};
Result<Plan> make_plan(Binding& binding, const Planned& planned);

}  // namespace spar::query::bind
