// query/parse/limits.h: refuses text whose parse tree would cost too much, before the grammar runs.
//
// Contract    One pass over the text, no allocation that grows with its length. Counts the tokens
//             of each statement and an upper bound of its tree's depth: parentheses, brackets and
//             CASE inside each other plus the operators, joins and set operations that pile up in
//             each.
// Errors      54001, with the hint naming the limit in the configuration.
#pragma once

#include <string_view>

#include "base/result.h"
#include "query/statement.h"

namespace spar::query::grammar {

// A query string may hold several statements; together they have this many times tokens_max.
inline constexpr std::size_t kStatementsFactor = 5;

Result<void> check_limits(std::string_view sql, const ParseLimits& limits);

// 22021 for bytes that are not UTF-8, or a zero byte.
Result<void> check_encoding(std::string_view sql);

}  // namespace spar::query::grammar
