// tests/unit/query/route/token_check.h: the lexer against PostgreSQL's own scanner (libpg_query's).
#pragma once

#include <optional>
#include <string>

namespace spar::query::route::test {

struct TokenCheck {
  bool accepted = false;   // by the lexer
  std::string difference;  // not empty: where PostgreSQL cuts otherwise, or that it refuses
};
// REQUIRES: no zero byte in the text.
TokenCheck check_tokens(const std::string& text);

}  // namespace spar::query::route::test
