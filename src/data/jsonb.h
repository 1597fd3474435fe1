// data/jsonb.h: JSON as a tree, and jsonb's normal form.
//
// Contract    parse_json() takes what check_json() takes and refuses what jsonb cannot hold (22P05
//             \u0000, numbers past numeric's range). Objects of a tree are as jsonb keeps them:
//             keys once, the last value, shorter keys first; parse_json(text, Keys::as_written)
//             keeps all of them. Nested deeper than kJsonDepthMax is 0A000.
// Threads     Value types and pure functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace spar::data {

inline constexpr int kJsonDepthMax = 1000;

struct Json {
  enum Kind { null, string, number, boolean, array, object };
  Kind kind = null;
  bool truth = false;
  std::string text;  // of a string, unescaped; of a number, as numeric writes it
  std::vector<Json> items;
  std::vector<std::pair<std::string, Json>> members;

  bool is_scalar() const { return kind < array; }
  const Json* member(std::string_view key) const;  // null when there is none
};

enum class Keys { normal, as_written };
Result<Json> parse_json(std::string_view text, Keys keys = Keys::normal);
void normalize_members(Json& object);  // sorted, each key once

void append_json_string(std::string_view text, std::string& out);
void append_jsonb(const Json& value, std::string& out);  // {"a": 1, "b": [1, 2]}
std::string jsonb_text(const Json& value);
Result<std::string> normal_jsonb(std::string_view text);

// Bytes that order and compare as PostgreSQL's jsonb do.
Result<std::string> jsonb_key(std::string_view text);
std::string jsonb_key(const Json& value);

}  // namespace spar::data
