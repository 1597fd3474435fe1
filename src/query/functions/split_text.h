// query/functions/split_text.h: what string_to_array and string_to_table have in common.
#pragma once

#include <algorithm>
#include <string>

#include "data/characters.h"
#include "query/functions/arguments.h"

namespace spar::query::functions {

// (text, delimiter[, what stands for null]): calls `add` for each piece; a null delimiter cuts into
// characters, an empty one not at all. No piece of an empty text.
template <class Add>
void split_text(Arguments arguments, Add&& add) {
  std::string_view text = text_at(arguments, 0);
  const bool has_null = arguments.size() > 2 && !null_at(arguments, 2);
  const auto give = [&](std::string_view piece) {
    const bool null = has_null && piece == text_at(arguments, 2);
    add(null ? Datum{} : Datum(std::string(piece)));
  };
  if (text.empty()) return;
  if (null_at(arguments, 1)) {
    while (!text.empty()) {
      const std::size_t size = std::min(text.size(), data::character_bytes(text[0]));
      give(text.substr(0, size));
      text.remove_prefix(size);
    }
    return;
  }
  const std::string_view delimiter = text_at(arguments, 1);
  while (!delimiter.empty()) {
    const std::size_t at = text.find(delimiter);
    if (at == std::string_view::npos) break;
    give(text.substr(0, at));
    text.remove_prefix(at + delimiter.size());
  }
  give(text);
}

}  // namespace spar::query::functions
