// query/bind/schema.h: statements that change the catalogue.
//
// Contract    Each gives the changes against the catalogue it was given, with PostgreSQL's default
//             names and errors. Nothing is applied here.
#pragma once

#include "query/bind/binding.h"

namespace spar::query::bind {

Result<SchemaChange> create_table(Binding& binding, const PgQuery__CreateStmt& statement);
Result<SchemaChange> alter_table(Binding& binding, const PgQuery__AlterTableStmt& statement);
Result<SchemaChange> rename_object(Binding& binding, const PgQuery__RenameStmt& statement);
Result<SchemaChange> create_index(Binding& binding, const PgQuery__IndexStmt& statement);
Result<SchemaChange> drop_objects(Binding& binding, const PgQuery__DropStmt& statement);
Result<SchemaChange> create_database(Binding& binding, const PgQuery__CreatedbStmt& statement);
Result<SchemaChange> drop_database(Binding& binding, const PgQuery__DropdbStmt& statement);
Result<SchemaChange> create_schema(Binding& binding, const PgQuery__CreateSchemaStmt& statement);
Result<SchemaChange> set_schema(Binding& binding, const PgQuery__AlterObjectSchemaStmt& statement);
Result<Truncate> truncate(Binding& binding, const PgQuery__TruncateStmt& statement);

}  // namespace spar::query::bind
