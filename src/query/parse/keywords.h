// query/parse/keywords.h: which words the grammar keeps for itself.
#pragma once

#include <string_view>

namespace spar::query::grammar {

// Whether a name must be quoted because it is a keyword of any kind but the unreserved.
// REQUIRES: lower-case letters, digits and underscores.
bool is_reserved_word(std::string_view word);

}  // namespace spar::query::grammar
