// base/quote.h: text between single quotes, with a backslash before each quote and backslash.
//
// Contract    What libpq's connection strings and PostgreSQL's settings files read back as `text`.
//             Not for SQL.
#pragma once

#include <string>
#include <string_view>

namespace spar {

inline std::string quoted(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

}  // namespace spar
