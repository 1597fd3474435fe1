// query/bind/sequence_call.h: nextval() and its like over sequences that are known while binding.
//
// Contract    A sequence is named by a constant (a literal, with or without ::regclass, or
//             pg_get_serial_sequence of constants): the plan carries its bounds. nextval() and
//             setval() may stand only where every row is evaluated once, by the executor too.
#pragma once

#include <optional>
#include <string>

#include "query/bind/coerce.h"

namespace spar::query::bind {

bool is_sequence_function(std::string_view name);

// What names a sequence as regclass: text, with or without a cast.
Result<const data::Table*> named_sequence(Binding& binding, const grammar::Node* node);
ScalarRef next_value(Binding& binding, const data::Table& sequence, int location = -1);

// The text of an expression for the catalogue, with its sequences by their ids.
Result<std::string> catalogue_text(Binding& binding, const grammar::Node* expression);
std::string next_value_text(ObjectId sequence);
bool calls_sequence(const data::Column& column, ObjectId sequence);

// Whether the statement counts a sequence on; 0A000 where it would in a place that an executor may
// evaluate more or less often than PostgreSQL.
Result<bool> counts(algebra::RelationRef statement);

}  // namespace spar::query::bind
