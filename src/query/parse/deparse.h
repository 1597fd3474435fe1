// query/parse/deparse.h: an expression as text again, for the catalogue.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "query/parse/tree.h"

namespace spar::query::grammar {

// PostgreSQL text that parses back to the same tree.
Result<std::string> expression_text(const Node* expression);
Result<std::string> statement_text(const Node* statement);

}  // namespace spar::query::grammar
