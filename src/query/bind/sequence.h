// query/bind/sequence.h: sequences as objects: made, changed, owned by columns.
//
// Contract    A sequence is a table with one row (last_value, log_cnt, is_called); what it is made
//             with and set to are plans over that row.
#pragma once

#include <optional>

#include "query/bind/binding.h"

namespace spar::query::bind {

Result<SchemaChange> create_sequence(Binding& binding, const PgQuery__CreateSeqStmt& statement);
Result<SchemaChange> alter_sequence(Binding& binding, const PgQuery__AlterSeqStmt& statement);

// What the options of CREATE and ALTER SEQUENCE and of an identity column say.
struct SequenceOptions {
  std::optional<std::int64_t> restart;            // the value to give next
  std::optional<std::vector<std::string>> owner;  // OWNED BY; empty: NONE
};
Result<SequenceOptions> read_sequence_options(Binding& binding, grammar::Nodes options,
                                              data::Sequence& sequence, bool is_new);

// A sequence's table but for its id, name and place.
data::Table sequence_table(const data::Sequence& sequence);
Plan first_row(const data::Table& sequence);
Plan restarted(const data::Table& sequence, std::int64_t value);
// That the value of an altered sequence is still within its bounds.
std::vector<SchemaChange::Verify> verify_bounds(const data::Table& sequence);

// Those that belong to columns of the table (of one column).
std::vector<const data::Table*> owned_sequences(const data::Catalogue& catalogue, ObjectId table,
                                                data::ColumnNumber column = 0);

}  // namespace spar::query::bind
