// query/bind/routines.h: the functions and aggregates that SQL can call, and what the algebra calls
// them.
//
// Contract    One row an overload, as in pg_proc. The operation names are the vocabulary of
//             algebra::Call; query/dialect/ says how each is written, and refuses what it does not
//             know.
#pragma once

#include <string_view>
#include <vector>

#include "query/bind/types.h"

namespace spar::query::bind {

struct Routine {
  std::string_view name;
  std::string_view operation;
  TypeId result;
  std::vector<TypeId> arguments;
};

enum class RoutineKind { scalar, aggregate };

bool is_aggregate(std::string_view name);
bool is_ordered_set(std::string_view name);
bool is_window_function(std::string_view name);  // those that are no aggregates
// 42883 and 42725 as PostgreSQL words them; 0A000 for a function that PostgreSQL has and Spar not.
Result<const Routine*> resolve_routine(std::string_view name, std::span<const TypeId> arguments,
                                       RoutineKind kind);

}  // namespace spar::query::bind
