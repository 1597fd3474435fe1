// query/bind/view.h: views, and tables made from queries.
//
// Contract    A view is its text and the search path it was written for; it is bound anew wherever
//             it is used. What it reads keeps its names and types while it is there.
#pragma once

#include "query/bind/query.h"

namespace spar::query::bind {

Result<SchemaChange> create_view(Binding& binding, const PgQuery__ViewStmt& statement);
// CREATE TABLE AS and SELECT INTO, whose tag is that of the SELECT.
Result<SchemaChange> create_table_as(Binding& binding, const PgQuery__CreateTableAsStmt& statement);
Result<SchemaChange> select_into(Binding& binding, const PgQuery__SelectStmt& statement);

// The query of a view, its columns called as the view calls them.
Result<BoundQuery> bind_view(Binding& binding, const data::Table& view);

Result<SchemaChange> comment_on(Binding& binding, const PgQuery__CommentStmt& statement);

}  // namespace spar::query::bind
