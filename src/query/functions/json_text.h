// query/functions/json_text.h: JSON by its text: what stands inside, without building a tree.
//
// Contract    Texts are JSON as check_json() has it. Pieces are the text itself, so those of a jsonb
//             are in its normal form again.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace spar::query::functions {

struct JsonPiece {
  std::string key;  // of an object's member
  std::string_view value;
};

char json_kind(std::string_view text);  // '{', '[', '"', 't', 'f', 'n', or '0' for a number
std::vector<std::string_view> json_items(std::string_view array);
Result<std::vector<JsonPiece>> json_members(std::string_view object);
// What -> gives; nothing where there is none.
Result<std::optional<std::string_view>> json_member(std::string_view text, std::string_view key);
std::optional<std::string_view> json_item(std::string_view text, std::int64_t index);
// What ->> gives: a string without quotes and escapes; nothing for null.
Result<std::optional<std::string>> json_as_text(std::string_view value);

}  // namespace spar::query::functions
