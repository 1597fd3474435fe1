// query/bind/resolve.h: picks one of several overloads, for operators and functions alike.
//
// Contract    PostgreSQL's rules of sections 10.2 and 10.3 (func_select_candidate): exact matches,
//             then preferred types, then what the untyped literals' category allows.
#pragma once

#include <span>
#include <vector>

#include "query/bind/types.h"

namespace spar::query::bind {

// The index of the best of `candidates`, each a list as long as `arguments`; `none_fits` or
// `ambiguous` otherwise.
enum class Failing { none_fits, ambiguous };
std::expected<std::size_t, Failing> best_overload(
    std::span<const TypeId> arguments, const std::vector<std::span<const TypeId>>& candidates);

// 42883 and 42725 as PostgreSQL words them for functions.
Failure no_overload(std::string_view kind, std::string_view name, std::span<const TypeId> arguments,
                    Failing why);

}  // namespace spar::query::bind
