// query/functions/regex.h: whether a text matches one of PostgreSQL's advanced regular expressions.
//
// Contract    Time is at most proportional to text times pattern, without recursion over the text.
//             2201B for a pattern that is none; 0A000 for back references and look-ahead. Classes
//             are ASCII's (C collation).
// Threads     Pure; each thread keeps the last pattern it compiled.
#pragma once

#include <string_view>

#include "base/result.h"

namespace spar::query::functions {

enum class Case { respected, ignored };

// See regex_match.h for what matches where.
Result<bool> regex_matches(std::string_view text, std::string_view pattern, Case letters);

}  // namespace spar::query::functions
