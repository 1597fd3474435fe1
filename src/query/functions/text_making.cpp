// Functions that make a longer or another text. What they make is bounded by kResultBytesMax.
#include <algorithm>
#include <vector>

#include "data/characters.h"
#include "query/functions/arguments.h"
#include "query/functions/families.h"
#include "query/functions/limits.h"

namespace spar::query::functions {
namespace {

using data::character_count;
using data::prefix_bytes;

Failure too_large() {
  return sql_error("54000", "requested length too large");
}

// What must be added to `text` to have `length` characters, by repeating `fill`; nothing when the
// text has as many.
Result<std::string> padding(std::string_view text, std::int64_t length, std::string_view fill) {
  const auto have = static_cast<std::int64_t>(character_count(text));
  const auto fill_length = static_cast<std::int64_t>(character_count(fill));
  std::string result;
  if (have >= length || fill_length == 0) return result;
  std::int64_t missing = length - have;
  const std::int64_t times = missing / fill_length;
  if (static_cast<std::size_t>(times) > kResultBytesMax / fill.size()) return too_large();
  for (std::int64_t i = 0; i < times; ++i) result += fill;
  missing -= times * fill_length;
  result += fill.substr(0, prefix_bytes(fill, static_cast<std::size_t>(missing)));
  return result;
}

struct Padded {
  std::string text;     // cut to the length
  std::string padding;  // what goes before or behind it
};

Result<Padded> padded(Arguments arguments) {
  const std::int64_t length = std::max<std::int64_t>(integer_at(arguments, 1), 0);
  std::string_view text = text_at(arguments, 0);
  text = text.substr(0, prefix_bytes(text, static_cast<std::size_t>(length)));
  SPAR_ASSIGN(std::string added, padding(text, length, text_at(arguments, 2)));
  return Padded{std::string(text), std::move(added)};
}

Result<Datum> lpad(Arguments arguments) {
  SPAR_ASSIGN(const Padded result, padded(arguments));
  return Datum(result.padding + result.text);
}

Result<Datum> rpad(Arguments arguments) {
  SPAR_ASSIGN(const Padded result, padded(arguments));
  return Datum(result.text + result.padding);
}

Result<Datum> repeat(Arguments arguments) {
  const std::string_view text = text_at(arguments, 0);
  const std::int64_t times = integer_at(arguments, 1);
  std::string result;
  if (text.empty() || times <= 0) return Datum(std::move(result));
  if (static_cast<std::size_t>(times) > kResultBytesMax / text.size()) return too_large();
  result.reserve(text.size() * static_cast<std::size_t>(times));
  for (std::int64_t i = 0; i < times; ++i) result += text;
  return Datum(std::move(result));
}

Result<Datum> reverse(Arguments arguments) {
  std::string_view text = text_at(arguments, 0);
  std::string result(text.size(), '\0');
  std::size_t end = text.size();
  while (!text.empty()) {
    const std::string_view character = text.substr(0, data::character_bytes(text[0]));
    end -= character.size();
    std::ranges::copy(character, result.begin() + static_cast<std::ptrdiff_t>(end));
    text.remove_prefix(character.size());
  }
  return Datum(std::move(result));
}

Result<Datum> replace(Arguments arguments) {
  std::string_view text = text_at(arguments, 0);
  const std::string_view from = text_at(arguments, 1), to = text_at(arguments, 2);
  std::string result;
  if (!from.empty()) {
    for (std::size_t at = text.find(from); at != text.npos; at = text.find(from)) {
      result += text.substr(0, at);
      result += to;
      if (result.size() > kResultBytesMax) return too_large();
      text.remove_prefix(at + from.size());
    }
  }
  result += text;
  return Datum(std::move(result));
}

// Each character of `from` becomes the one at the same place in `to`, or goes.
Result<Datum> translate(Arguments arguments) {
  std::string_view text = text_at(arguments, 0);
  const std::string_view from = text_at(arguments, 1), to = text_at(arguments, 2);
  std::string result;
  while (!text.empty()) {
    const std::string_view character = text.substr(0, data::character_bytes(text[0]));
    text.remove_prefix(character.size());
    const std::size_t at = from.find(character);
    if (at == from.npos) {
      result += character;
      continue;
    }
    const std::size_t place = character_count(from.substr(0, at));
    const std::string_view rest = to.substr(prefix_bytes(to, place));
    if (!rest.empty()) result += rest.substr(0, data::character_bytes(rest[0]));
  }
  return Datum(std::move(result));
}

std::vector<std::string_view> split(std::string_view text, std::string_view delimiter) {
  std::vector<std::string_view> fields;
  while (!delimiter.empty()) {
    const std::size_t at = text.find(delimiter);
    if (at == text.npos) break;
    fields.push_back(text.substr(0, at));
    text.remove_prefix(at + delimiter.size());
  }
  fields.push_back(text);
  return fields;
}

// Negative fields count from the end.
Result<Datum> split_part(Arguments arguments) {
  const std::int64_t wanted = integer_at(arguments, 2);
  if (wanted == 0) return sql_error("22023", "field position must not be zero");
  if (text_at(arguments, 0).empty()) return Datum(std::string());
  const auto fields = split(text_at(arguments, 0), text_at(arguments, 1));
  const auto count = static_cast<std::int64_t>(fields.size());
  const std::int64_t index = wanted > 0 ? wanted - 1 : count + wanted;
  if (index < 0 || index >= count) return Datum(std::string());
  return Datum(std::string(fields[static_cast<std::size_t>(index)]));
}

Result<Datum> joined(Arguments arguments, std::string_view separator) {
  std::string result;
  bool first = true;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (null_at(arguments, i)) continue;
    if (!first) result += separator;
    first = false;
    result += text_at(arguments, i);
    if (result.size() > kResultBytesMax) return too_large();
  }
  return Datum(std::move(result));
}

Result<Datum> concat(Arguments arguments) {
  return joined(arguments, "");
}

Result<Datum> concat_ws(Arguments arguments) {
  if (arguments.empty() || null_at(arguments, 0)) return Datum{};
  return joined(arguments.subspan(1), text_at(arguments, 0));
}

constexpr ScalarEntry kEntries[] = {
    {"spar_lpad", 3, false, lpad},
    {"spar_rpad", 3, false, rpad},
    {"spar_repeat", 2, false, repeat},
    {"spar_reverse", 1, false, reverse},
    {"spar_replace", 3, false, replace},
    {"spar_translate", 3, false, translate},
    {"spar_split_part", 3, false, split_part},
    {"spar_concat", -1, true, concat},
    {"spar_concat_ws", -1, true, concat_ws},
};

}  // namespace

std::span<const ScalarEntry> text_making_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
