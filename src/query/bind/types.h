// query/bind/types.h: which type turns into which, and which one several agree on.
//
// Contract    PostgreSQL 15's pg_cast and its rules of section 10 (Type Conversion), for the types
//             that Spar has.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "data/type.h"
#include "query/parse/nodes.h"

namespace spar::query::bind {

using data::Type;
using data::TypeId;

enum class CastContext { implicit, assignment, explicit_ };

enum class Category : char {
  boolean = 'B',
  number = 'N',
  string = 'S',
  array = 'A',
  datetime = 'D',
  timespan = 'T',
  user = 'U',
  internal = 'Z',
  unknown = 'X',
};
Category category(TypeId type);
bool is_preferred(TypeId type);

// unknown goes to everything; a type goes to itself.
bool can_cast(TypeId from, TypeId to, CastContext context);

// The one that CASE, UNION, VALUES, ... give; `what` begins the message ("CASE", "UNION").
// All unknown: text. Names by `locations` the one that does not fit.
struct Candidate {
  Type type;
  int position = 0;  // for the message
};
Result<Type> common_type(std::span<const Candidate> candidates, std::string_view what);

// As PostgreSQL writes it in messages; "unknown" for an untyped literal.
std::string name_of(TypeId type);

Result<Type> resolve_type_name(const PgQuery__TypeName& name);

}  // namespace spar::query::bind
