// query/bind/generated.h: columns that are computed from their row.
#pragma once

#include "query/bind/query.h"

namespace spar::query::bind {

// The value of a generated column in a row whose columns are worth what `row` says; converted to the
// column's type. 0A000 where it would have to evaluate what must be evaluated once.
Result<ScalarRef> generated_value(Binding& binding, const data::Table& table,
                                  const data::Column& column, NamespaceItem row);

// Whether an expression could be worth something else another time.
bool is_mutable(ScalarRef scalar);

// The columns that an expression of the catalogue over a table's row mentions.
Result<std::vector<data::ColumnNumber>> columns_mentioned(Binding& binding,
                                                          const data::Table& table,
                                                          const std::string& expression_sql);
// The same expression when a column is called otherwise.
Result<std::string> with_renamed_column(const std::string& expression_sql, const std::string& from,
                                        const std::string& to);

}  // namespace spar::query::bind
