// query/parse/nodes.h: reading PostgreSQL's raw parse tree without ceremony.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "query/parse/tree.h"

namespace spar::query::grammar {

using Nodes = std::span<Node* const>;

inline Nodes nodes(std::size_t count, Node* const* first) {
  return {first, count};
}
// GRAMMAR_LIST(statement, target_list): the repeated field of that name.
#define GRAMMAR_LIST(message, field) \
  ::spar::query::grammar::nodes((message).n_##field, (message).field)

// The text of a String node, or empty.
std::string_view text_of(const Node* node);
// The last of a possibly qualified name, and all of it ("a.b").
std::string_view last_name(Nodes names);
std::string dotted(Nodes names);
std::vector<std::string> names_of(Nodes names);

// Byte offset of an expression's own location, or -1.
int location_of(const Node* node);

// Of a DefElem's argument: a word, number or string as text; "true" for a bare option.
std::string option_text(const PgQuery__DefElem& option);
std::optional<bool> option_bool(const PgQuery__DefElem& option);

// What a statement or expression that Spar does not have is called in an error.
std::string feature_name(const Node* node);

}  // namespace spar::query::grammar
