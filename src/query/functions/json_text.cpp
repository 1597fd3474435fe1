#include "query/functions/json_text.h"

#include "data/characters.h"
#include "data/jsonb.h"

namespace spar::query::functions {
namespace {

std::size_t string_end(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

// The end of the value that begins at `at`.
std::size_t value_end(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = string_end(text, at);
      if (depth == 0) return at;
      continue;
    }
    if (depth == 0 && (c == ',' || c == ']' || c == '}' || data::is_blank(c))) return at;
    ++at;
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && --depth == 0) return at;
  }
  return at;
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && data::is_blank(text[at])) ++at;
  return at;
}

struct Span {
  std::string_view key, value;
};

std::vector<Span> spans(std::string_view text) {
  std::vector<Span> found;
  const bool object = json_kind(text) == '{';
  std::size_t at = skip_blanks(text, 0) + 1;
  for (;;) {
    at = skip_blanks(text, at);
    if (at >= text.size() || text[at] == ']' || text[at] == '}') return found;
    if (text[at] == ',') {
      ++at;
      continue;
    }
    Span span;
    if (object) {
      const std::size_t end = string_end(text, at);
      span.key = text.substr(at, end - at);
      at = skip_blanks(text, skip_blanks(text, end) + 1);  // the colon between them
    }
    const std::size_t end = value_end(text, at);
    span.value = text.substr(at, end - at);
    at = end;
    found.push_back(span);
  }
}

Result<std::string> unescaped(std::string_view quoted) {
  if (!quoted.contains('\\')) return std::string(quoted.substr(1, quoted.size() - 2));
  SPAR_ASSIGN(data::Json value, data::parse_json(quoted));
  return std::move(value.text);
}

}  // namespace

char json_kind(std::string_view text) {
  const std::size_t at = skip_blanks(text, 0);
  const char c = at < text.size() ? text[at] : 'n';
  return c == '-' || data::is_digit(c) ? '0' : c;
}

std::vector<std::string_view> json_items(std::string_view array) {
  std::vector<std::string_view> items;
  for (const Span& span : spans(array)) items.push_back(span.value);
  return items;
}

Result<std::vector<JsonPiece>> json_members(std::string_view object) {
  std::vector<JsonPiece> members;
  for (const Span& span : spans(object)) {
    SPAR_ASSIGN(std::string key, unescaped(span.key));
    members.push_back({std::move(key), span.value});
  }
  return members;
}

Result<std::optional<std::string_view>> json_member(std::string_view text, std::string_view key) {
  std::optional<std::string_view> found;
  if (json_kind(text) != '{') return found;
  for (const Span& span : spans(text)) {  // of equal keys the last one counts
    SPAR_ASSIGN(const std::string name, unescaped(span.key));
    if (name == key) found = span.value;
  }
  return found;
}

std::optional<std::string_view> json_item(std::string_view text, std::int64_t index) {
  if (json_kind(text) != '[') return std::nullopt;
  const std::vector<std::string_view> items = json_items(text);
  const auto count = static_cast<std::int64_t>(items.size());
  if (index < 0) index += count;
  if (index < 0 || index >= count) return std::nullopt;
  return items[static_cast<std::size_t>(index)];
}

Result<std::optional<std::string>> json_as_text(std::string_view value) {
  value = data::trim_blanks(value);
  if (value == "null") return std::optional<std::string>();
  if (json_kind(value) != '"') return std::optional(std::string(value));
  SPAR_ASSIGN(std::string text, unescaped(value));
  return std::optional(std::move(text));
}

}  // namespace spar::query::functions
