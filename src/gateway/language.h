// gateway/language.h: the two functions that turn text into statements, as one value, so that a
// session can be tested with a language of its own.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "query/statement.h"

namespace spar::gateway {

struct Language {
  decltype(&query::parse) parse;
  decltype(&query::analyze) analyze;
};

// PostgreSQL's: query/statement.h.
Language sql_language();

}  // namespace spar::gateway
