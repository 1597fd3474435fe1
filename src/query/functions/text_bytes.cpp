// bytea: its bytes and bits, its encodings as text, and digests of it.
#include <openssl/evp.h>

#include <algorithm>
#include <bit>

#include "data/characters.h"
#include "data/string_text.h"
#include "query/functions/arguments.h"
#include "query/functions/families.h"

namespace spar::query::functions {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

Datum bytes_datum(std::string bytes) {
  return data::Blob{std::move(bytes)};
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), data::to_lower);
  return result;
}

// ---- encode

std::string to_hexadecimal(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kHexDigits[byte >> 4], kHexDigits[byte & 15]};
  }
  return text;
}

std::string to_escaped(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0 || byte >= 0x80) {
      for (const int shift : {6, 3, 0}) {
        text += shift == 6 ? "\\" : "";
        text += static_cast<char>('0' + ((byte >> shift) & 7));
      }
    } else {
      text += c == '\\' ? "\\\\" : std::string(1, c);
    }
  }
  return text;
}

std::string to_base64(std::string_view bytes) {
  constexpr std::size_t kLine = 76;
  std::string text;
  std::size_t column = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    if (column == kLine) {
      text += '\n';
      column = 0;
    }
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= count ? kBase64[group >> (18 - 6 * k) & 63] : '=';
    }
    column += 4;
  }
  return text;
}

Failure unknown_encoding(std::string_view name) {
  return sql_error("22023", "unrecognized encoding: \"" + std::string(name) + "\"");
}

Result<Datum> encode(Arguments arguments) {
  const std::string_view bytes = blob_at(arguments, 0);
  const std::string form = lower(text_at(arguments, 1));
  if (form == "hex") return Datum(to_hexadecimal(bytes));
  if (form == "escape") return Datum(to_escaped(bytes));
  if (form == "base64") return Datum(to_base64(bytes));
  return unknown_encoding(text_at(arguments, 1));
}

// ---- decode

Result<std::string> from_hexadecimal(std::string_view text) {
  std::string bytes;
  int high = -1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (high < 0 && std::string_view(" \n\t\r").contains(text[i])) continue;
    const int digit = data::hex_value(text[i]);
    if (digit < 0) {
      const std::string_view bad = text.substr(i, data::character_bytes(text[i]));
      return sql_error("22023", "invalid hexadecimal digit: \"" + std::string(bad) + "\"");
    }
    if (high < 0) {
      high = digit;
    } else {
      bytes += static_cast<char>(high << 4 | digit);
      high = -1;
    }
  }
  if (high >= 0) return sql_error("22023", "invalid hexadecimal data: odd number of digits");
  return bytes;
}

Failure base64_end(std::string_view message) {
  Failure failure = sql_error("22023", std::string(message));
  failure.error().hint = "Input data is missing padding, is truncated, or is otherwise corrupted.";
  return failure;
}

Result<std::string> from_base64(std::string_view text) {
  std::string bytes;
  std::uint32_t group = 0;
  int place = 0, end = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (std::string_view(" \n\t\r").contains(c)) continue;
    std::uint32_t value = 0;
    if (c == '=') {
      if (end == 0) {
        if (place == 2) {
          end = 1;
        } else if (place == 3) {
          end = 2;
        } else {
          return sql_error("22023", "unexpected \"=\" while decoding base64 sequence");
        }
      }
    } else {
      const std::size_t digit = kBase64.find(c);
      if (digit == std::string_view::npos) {
        const std::string_view bad = text.substr(i, data::character_bytes(c));
        return sql_error("22023", "invalid symbol \"" + std::string(bad) +
                                      "\" found while decoding base64 sequence");
      }
      value = static_cast<std::uint32_t>(digit);
    }
    group = group << 6 | value;
    if (++place < 4) continue;
    bytes += static_cast<char>(group >> 16);
    if (end == 0 || end > 1) bytes += static_cast<char>(group >> 8);
    if (end == 0 || end > 2) bytes += static_cast<char>(group);
    group = 0;
    place = 0;
  }
  if (place != 0) return base64_end("invalid base64 end sequence");
  return bytes;
}

Result<std::string> from_escaped(std::string_view text) {
  std::string bytes;
  const auto octal = [&](std::size_t at) { return at < text.size() ? text[at] - '0' : -1; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes += text[i];
      continue;
    }
    const int a = octal(i + 1), b = octal(i + 2), c = octal(i + 3);
    if (a >= 0 && a <= 3 && b >= 0 && b <= 7 && c >= 0 && c <= 7) {
      bytes += static_cast<char>(a << 6 | b << 3 | c);
      i += 3;
    } else if (i + 1 < text.size() && text[i + 1] == '\\') {
      bytes += '\\';
      ++i;
    } else {
      return sql_error("22P02", "invalid input syntax for type bytea");
    }
  }
  return bytes;
}

Result<Datum> decode(Arguments arguments) {
  const std::string_view text = text_at(arguments, 0);
  const std::string form = lower(text_at(arguments, 1));
  Result<std::string> bytes = unknown_encoding(text_at(arguments, 1));
  if (form == "hex") bytes = from_hexadecimal(text);
  if (form == "escape") bytes = from_escaped(text);
  if (form == "base64") bytes = from_base64(text);
  SPAR_ASSIGN(std::string made, std::move(bytes));
  return bytes_datum(std::move(made));
}

// ---- bytes and bits

Failure out_of_index(std::int64_t index, std::size_t count) {
  return sql_error("2202E", "index " + std::to_string(index) + " out of valid range, 0.." +
                                std::to_string(static_cast<std::int64_t>(count) - 1));
}

Result<std::size_t> index_at(Arguments arguments, std::size_t count) {
  const std::int64_t index = integer_at(arguments, 1);
  if (index < 0 || static_cast<std::size_t>(index) >= count) return out_of_index(index, count);
  return static_cast<std::size_t>(index);
}

Result<Datum> get_byte(Arguments arguments) {
  const std::string_view bytes = blob_at(arguments, 0);
  SPAR_ASSIGN(const std::size_t index, index_at(arguments, bytes.size()));
  return std::int64_t{static_cast<unsigned char>(bytes[index])};
}

Result<Datum> set_byte(Arguments arguments) {
  std::string bytes(blob_at(arguments, 0));
  SPAR_ASSIGN(const std::size_t index, index_at(arguments, bytes.size()));
  bytes[index] = static_cast<char>(integer_at(arguments, 2));
  return bytes_datum(std::move(bytes));
}

Result<Datum> get_bit(Arguments arguments) {
  const std::string_view bytes = blob_at(arguments, 0);
  SPAR_ASSIGN(const std::size_t index, index_at(arguments, bytes.size() * 8));
  return std::int64_t{static_cast<unsigned char>(bytes[index / 8]) >> (index % 8) & 1};
}

Result<Datum> set_bit(Arguments arguments) {
  std::string bytes(blob_at(arguments, 0));
  SPAR_ASSIGN(const std::size_t index, index_at(arguments, bytes.size() * 8));
  const std::int64_t bit = integer_at(arguments, 2);
  if (bit != 0 && bit != 1) return sql_error("22023", "new bit must be 0 or 1");
  const auto mask = static_cast<unsigned char>(1U << (index % 8));
  auto byte = static_cast<unsigned char>(bytes[index / 8]);
  byte = static_cast<unsigned char>(bit != 0 ? byte | mask : byte & ~mask);
  bytes[index / 8] = static_cast<char>(byte);
  return bytes_datum(std::move(bytes));
}

Result<Datum> bit_count(Arguments arguments) {
  std::int64_t count = 0;
  for (const char c : blob_at(arguments, 0)) count += std::popcount(static_cast<unsigned char>(c));
  return count;
}

// ---- as texts, in bytes

Result<Datum> position_of_bytes(Arguments arguments) {
  const std::size_t at = blob_at(arguments, 0).find(blob_at(arguments, 1));
  return static_cast<std::int64_t>(at == std::string_view::npos ? 0 : at + 1);
}

std::string_view slice(std::string_view bytes, std::int64_t first, std::int64_t end) {
  const auto size = static_cast<std::int64_t>(bytes.size());
  first = std::clamp<std::int64_t>(first, 0, size);
  end = std::clamp<std::int64_t>(end, first, size);
  return bytes.substr(static_cast<std::size_t>(first), static_cast<std::size_t>(end - first));
}

Result<Datum> substring_of_bytes(Arguments arguments) {
  const std::int64_t first = integer_at(arguments, 1) - 1;
  std::int64_t end = INT64_MAX;
  if (arguments.size() > 2) {
    if (integer_at(arguments, 2) < 0) {
      return sql_error("22011", "negative substring length not allowed");
    }
    end = first + integer_at(arguments, 2);
  }
  return bytes_datum(std::string(slice(blob_at(arguments, 0), first, end)));
}

Result<Datum> overlay_bytes(Arguments arguments) {
  const std::string_view bytes = blob_at(arguments, 0), put = blob_at(arguments, 1);
  const std::int64_t first = integer_at(arguments, 2);
  const std::int64_t count =
      arguments.size() > 3 ? integer_at(arguments, 3) : static_cast<std::int64_t>(put.size());
  if (first <= 0) return sql_error("22011", "negative substring length not allowed");
  return bytes_datum(std::string(slice(bytes, 0, first - 1)) + std::string(put) +
                     std::string(slice(bytes, first - 1 + count, INT64_MAX)));
}

template <bool left, bool right>
Result<Datum> trim_bytes(Arguments arguments) {
  std::string_view bytes = blob_at(arguments, 0);
  const std::string_view set = blob_at(arguments, 1);
  while (left && !bytes.empty() && set.contains(bytes.front())) bytes.remove_prefix(1);
  while (right && !bytes.empty() && set.contains(bytes.back())) bytes.remove_suffix(1);
  return bytes_datum(std::string(bytes));
}

template <const EVP_MD* (*algorithm)()>
Result<Datum> digest(Arguments arguments) {
  const std::string_view bytes = blob_at(arguments, 0);
  unsigned char made[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), made, &size, algorithm(), nullptr) != 1) {
    return sql_error("XX000", "a digest could not be computed");
  }
  return bytes_datum(std::string(reinterpret_cast<const char*>(made), size));
}

// ---- character sets: UTF-8 only

bool is_utf8_name(std::string_view name) {
  std::string bare = lower(name);
  std::erase_if(bare, [](char c) { return !data::is_letter(c) && !data::is_digit(c); });
  return bare == "utf8" || bare == "unicode";
}

Failure bad_encoding(std::string_view name, std::string_view which) {
  return sql_error(
      "22023", "invalid " + std::string(which) + " encoding name \"" + std::string(name) + "\"");
}

bool known_encoding(std::string_view name) {
  std::string bare = lower(name);
  std::erase_if(bare, [](char c) { return !data::is_letter(c) && !data::is_digit(c); });
  return bare.starts_with("latin") || bare.starts_with("iso8859") || bare.starts_with("win") ||
         bare.starts_with("koi8") || bare.starts_with("euc") || bare == "sqlascii" ||
         bare == "big5" || bare == "gbk" || bare == "gb18030" || bare == "uhc" || bare == "sjis" ||
         bare == "johab";
}

Result<Datum> convert_to(Arguments arguments) {
  const std::string_view name = text_at(arguments, 1);
  if (known_encoding(name)) return not_supported("encoding " + std::string(name));
  if (!is_utf8_name(name)) return bad_encoding(name, "destination");
  return bytes_datum(std::string(text_at(arguments, 0)));
}

// How many bytes of valid UTF-8 stand at the front, or 0.
std::size_t valid_character(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned lead = byte(0);
  if (lead > 0 && lead < 0x80) return 1;
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool outside = (lead == 0xed && second > 0x9f) || (lead == 0xf4 && second > 0x8f);
  return overlong || outside ? 0 : size;
}

Failure invalid_sequence(std::string_view rest) {
  const std::size_t size = std::min(rest.size(), data::character_bytes(rest[0]));
  std::string shown;
  for (std::size_t i = 0; i < size; ++i) {
    shown += (i == 0 ? "0x" : " 0x") + to_hexadecimal(rest.substr(i, 1));
  }
  return sql_error("22021", "invalid byte sequence for encoding \"UTF8\": " + shown);
}

Result<Datum> convert_from(Arguments arguments) {
  const std::string_view bytes = blob_at(arguments, 0), name = text_at(arguments, 1);
  if (known_encoding(name)) return not_supported("encoding " + std::string(name));
  if (!is_utf8_name(name)) return bad_encoding(name, "source");
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = valid_character(bytes.substr(at));
    if (size == 0) return invalid_sequence(bytes.substr(at));
    at += size;
  }
  return Datum(std::string(bytes));
}

constexpr ScalarEntry kEntries[] = {
    {"spar_encode", 2, false, encode},
    {"spar_decode", 2, false, decode},
    {"spar_get_byte", 2, false, get_byte},
    {"spar_set_byte", 3, false, set_byte},
    {"spar_get_bit", 2, false, get_bit},
    {"spar_set_bit", 3, false, set_bit},
    {"spar_bit_count", 1, false, bit_count},
    {"spar_bytes_position", 2, false, position_of_bytes},
    {"spar_bytes_substring", 2, false, substring_of_bytes},
    {"spar_bytes_substring", 3, false, substring_of_bytes},
    {"spar_bytes_overlay", 3, false, overlay_bytes},
    {"spar_bytes_overlay", 4, false, overlay_bytes},
    {"spar_bytes_btrim", 2, false, trim_bytes<true, true>},
    {"spar_bytes_ltrim", 2, false, trim_bytes<true, false>},
    {"spar_bytes_rtrim", 2, false, trim_bytes<false, true>},
    {"spar_sha224", 1, false, digest<EVP_sha224>},
    {"spar_sha256", 1, false, digest<EVP_sha256>},
    {"spar_sha384", 1, false, digest<EVP_sha384>},
    {"spar_sha512", 1, false, digest<EVP_sha512>},
    {"spar_convert_to", 2, false, convert_to},
    {"spar_convert_from", 2, false, convert_from},
};

}  // namespace

std::span<const ScalarEntry> bytes_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
