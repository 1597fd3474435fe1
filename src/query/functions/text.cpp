// Functions that measure texts and take pieces of them. Positions and counts are in characters,
// the first is 1; upper and lower know ASCII only, as the C locale does.
#include <algorithm>

#include "data/characters.h"
#include "query/functions/arguments.h"
#include "query/functions/families.h"
#include "query/functions/md5.h"

namespace spar::query::functions {
namespace {

using data::character_count;
using data::prefix_bytes;

std::string_view bytes_at(Arguments arguments, std::size_t i) {
  if (const auto* text = std::get_if<std::string>(&arguments[i])) return *text;
  return blob_at(arguments, i);
}

Datum text_datum(std::string_view text) {
  return std::string(text);
}
Datum count_datum(std::size_t count) {
  return static_cast<std::int64_t>(count);
}

// Characters first .. end - 1 of a text, counted from 0 and cut to what is there.
std::string_view between(std::string_view text, std::int64_t first, std::int64_t end) {
  first = std::max<std::int64_t>(first, 0);
  if (end <= first) return {};
  text.remove_prefix(prefix_bytes(text, static_cast<std::size_t>(first)));
  return text.substr(0, prefix_bytes(text, static_cast<std::size_t>(end - first)));
}

Result<Datum> substring(Arguments arguments) {
  const std::int64_t from = integer_at(arguments, 1), count = integer_at(arguments, 2);
  if (count < 0) return sql_error("22011", "negative substring length not allowed");
  return text_datum(between(text_at(arguments, 0), from - 1, from - 1 + count));
}

Result<Datum> substring_to_end(Arguments arguments) {
  const std::int64_t from = integer_at(arguments, 1);
  const std::string_view text = text_at(arguments, 0);
  return text_datum(between(text, from - 1, static_cast<std::int64_t>(text.size())));
}

Result<Datum> left(Arguments arguments) {
  const std::string_view text = text_at(arguments, 0);
  const std::int64_t count = integer_at(arguments, 1);
  const auto length = static_cast<std::int64_t>(count < 0 ? character_count(text) : 0);
  return text_datum(between(text, 0, count < 0 ? length + count : count));
}

Result<Datum> right(Arguments arguments) {
  const std::string_view text = text_at(arguments, 0);
  const std::int64_t count = integer_at(arguments, 1);
  const auto length = static_cast<std::int64_t>(character_count(text));
  return text_datum(between(text, count < 0 ? -count : length - count, length));
}

Result<Datum> position(Arguments arguments) {
  const std::string_view text = text_at(arguments, 0);
  const std::size_t at = text.find(text_at(arguments, 1));
  if (at == std::string_view::npos) return count_datum(0);
  return count_datum(character_count(text.substr(0, at)) + 1);
}

Result<Datum> starts_with(Arguments arguments) {
  return count_datum(text_at(arguments, 0).starts_with(text_at(arguments, 1)) ? 1 : 0);
}

// Whether the character at the front of `text` is one of `set`.
bool front_is_in(std::string_view text, std::string_view set) {
  const std::string_view character = text.substr(0, data::character_bytes(text[0]));
  return !character.empty() && set.find(character) != std::string_view::npos;
}

void trim_left(std::string_view& text, std::string_view set) {
  while (!text.empty() && front_is_in(text, set)) {
    text.remove_prefix(std::min(text.size(), data::character_bytes(text[0])));
  }
}

void trim_right(std::string_view& text, std::string_view set) {
  while (!text.empty()) {
    std::size_t last = text.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xc0) == 0x80) --last;
    if (!front_is_in(text.substr(last), set)) return;
    text = text.substr(0, last);
  }
}

Result<Datum> btrim(Arguments arguments) {
  std::string_view text = text_at(arguments, 0);
  trim_left(text, text_at(arguments, 1));
  trim_right(text, text_at(arguments, 1));
  return text_datum(text);
}

Result<Datum> ltrim(Arguments arguments) {
  std::string_view text = text_at(arguments, 0);
  trim_left(text, text_at(arguments, 1));
  return text_datum(text);
}

Result<Datum> rtrim(Arguments arguments) {
  std::string_view text = text_at(arguments, 0);
  trim_right(text, text_at(arguments, 1));
  return text_datum(text);
}

Result<Datum> upper(Arguments arguments) {
  std::string text(text_at(arguments, 0));
  std::ranges::transform(text, text.begin(), data::to_upper);
  return Datum(std::move(text));
}

Result<Datum> lower(Arguments arguments) {
  std::string text(text_at(arguments, 0));
  std::ranges::transform(text, text.begin(), data::to_lower);
  return Datum(std::move(text));
}

Result<Datum> initcap(Arguments arguments) {
  std::string text(text_at(arguments, 0));
  bool in_word = false;
  for (char& c : text) {
    c = in_word ? data::to_lower(c) : data::to_upper(c);
    in_word = data::is_letter(c) || data::is_digit(c);
  }
  return Datum(std::move(text));
}

Result<Datum> char_length(Arguments arguments) {
  return count_datum(character_count(text_at(arguments, 0)));
}

Result<Datum> octet_length(Arguments arguments) {
  return count_datum(bytes_at(arguments, 0).size());
}

Result<Datum> ascii(Arguments arguments) {
  const std::string_view text = text_at(arguments, 0);
  if (text.empty()) return count_datum(0);
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0x80;
  };
  const std::size_t size = data::character_bytes(text[0]);
  if (size == 1) return count_datum(byte(0));
  std::uint32_t code = byte(0) & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) code = code << 6 | (byte(i) & 0x3f);
  return count_datum(code);
}

std::string encode_character(std::uint32_t code) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xc0 | code >> 6), tail(0)};
  if (code < 0x10000) return {static_cast<char>(0xe0 | code >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | code >> 18), tail(12), tail(6), tail(0)};
}

Result<Datum> chr(Arguments arguments) {
  const std::int64_t code = integer_at(arguments, 0);
  if (code == 0) return sql_error("54000", "null character not permitted");
  if (code < 0) return sql_error("22023", "character number must be positive");
  if (code > 0x10ffff) {
    return sql_error("54000",
                     "requested character too large for encoding: " + std::to_string(code));
  }
  if (code >= 0xd800 && code <= 0xdfff) {
    return sql_error("54000",
                     "requested character not valid for encoding: " + std::to_string(code));
  }
  return Datum(encode_character(static_cast<std::uint32_t>(code)));
}

Result<Datum> md5(Arguments arguments) {
  std::optional<std::string> digest = md5_hex(bytes_at(arguments, 0));
  if (!digest) return sql_error("XX000", "a digest could not be computed");
  return Datum(std::move(*digest));
}

constexpr ScalarEntry kEntries[] = {
    {"spar_substring", 3, false, substring},
    {"spar_substring2", 2, false, substring_to_end},
    {"spar_left", 2, false, left},
    {"spar_right", 2, false, right},
    {"spar_position", 2, false, position},
    {"spar_starts_with", 2, false, starts_with},
    {"spar_btrim", 2, false, btrim},
    {"spar_ltrim", 2, false, ltrim},
    {"spar_rtrim", 2, false, rtrim},
    {"spar_upper", 1, false, upper},
    {"spar_lower", 1, false, lower},
    {"spar_initcap", 1, false, initcap},
    {"spar_char_length", 1, false, char_length},
    {"spar_octet_length", 1, false, octet_length},
    {"spar_ascii", 1, false, ascii},
    {"spar_chr", 1, false, chr},
    {"spar_md5", 1, false, md5},
};

}  // namespace

std::span<const ScalarEntry> text_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
