// query/route/legacy_strings.h: text of a session with standard_conforming_strings off, for a
// grammar that only knows it on.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace spar::query::route {

// The same tokens with every '...' written E'...'. Nothing where the lexer cannot cut the text.
std::optional<std::string> with_escape_strings(std::string_view text);

}  // namespace spar::query::route
