// query/route/limits.h: what routing may cost.
#pragma once

#include <cstddef>

namespace spar::query::route {

// A text of this many bytes or more has no template: it is looked up, and parsed, as it stands.
inline constexpr std::size_t kTemplateBytesMax = std::size_t{1} << 20;
// Comments inside each other beyond this: no template.
inline constexpr std::size_t kCommentDepthMax = 100;

// Routes that a cache holds: kRouteCacheSets sets of kRouteCacheWays each.
inline constexpr std::size_t kRouteCacheSets = 512;  // a power of two
inline constexpr std::size_t kRouteCacheWays = 8;
// What is bigger is routed anew each time, so that a cache's memory has a bound. The names in a
// route have at most 63 bytes each, as the grammar cuts them; a setting's value is in the exact
// text.
inline constexpr std::size_t kCachedPartsMax = 16;         // statements of one query string
inline constexpr std::size_t kCachedExactBytesMax = 4096;  // of a text that has no template

// WITH queries that one name may have to be compared with; beyond it a name counts as unknown.
inline constexpr std::size_t kNamedQueriesMax = 200;

}  // namespace spar::query::route
