// query/dialect/sqlite.h: algebra -> SQL that an embedded copy runs.
//
// Contract    Tables are t<id>, columns c<number>, aliases generated; $n becomes ?n, and what the
//             session binds follows after the last parameter. Every value is in its storage form
//             (data/type.h) at every point of the text, so that SQLite compares like with like and
//             never converts. Default deny: an operation that is not known here is 0A000.
//             Query blocks stay blocks: one SELECT for each SELECT that was written.
// Source      The facts about SQLite relied on stand beside the code that relies on them.
#pragma once

#include <string>
#include <vector>

#include "data/text_format.h"
#include "query/algebra/arena.h"

namespace spar::query::dialect {

struct RenderedSql {
  std::string sql;
  std::vector<BoundValue> bound;
};

struct RenderOptions {
  std::size_t parameters = 0;  // how many $n there are
  data::TextContext text;
};

Result<RenderedSql> render(const algebra::Arena& arena, const data::Catalogue& catalogue,
                           algebra::RelationRef relation, const RenderOptions& options);

// UPDATE of every row of a table whose columns c<number> the values see as `columns`.
Result<RenderedSql> render_rewrite(const algebra::Arena& arena, const data::Catalogue& catalogue,
                                   ObjectId table, const std::vector<algebra::Assignment>& values,
                                   const std::vector<algebra::ColumnId>& columns,
                                   const RenderOptions& options);

// One expression over the bare columns c<number> of a table.
Result<std::string> render_expression(const algebra::Arena& arena, algebra::ScalarRef scalar,
                                      const std::vector<algebra::ColumnId>& columns);

}  // namespace spar::query::dialect
