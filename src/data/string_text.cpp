#include "data/string_text.h"

#include "data/characters.h"

namespace spar::data {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

void put_hex(std::string_view bytes, std::string& out) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(kHexDigits[byte >> 4]);
    out.push_back(kHexDigits[byte & 15]);
  }
}

Result<std::string> parse_hex(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r') continue;
    const int high = hex_value(text[i]);
    const int low = i + 1 < text.size() ? hex_value(text[i + 1]) : 0;
    if (high < 0 || low < 0) {
      const std::size_t at = high < 0 ? i : i + 1;
      const std::string shown(text.substr(at, character_bytes(text[at])));
      return sql_error("22023", "invalid hexadecimal digit: \"" + shown + "\"");
    }
    if (++i == text.size()) {
      return sql_error("22023", "invalid hexadecimal data: odd number of digits");
    }
    bytes.push_back(static_cast<char>(high << 4 | low));
  }
  return bytes;
}

bool is_octal(std::string_view digits) {
  return digits.size() == 3 && digits[0] >= '0' && digits[0] <= '3' && digits[1] >= '0' &&
         digits[1] <= '7' && digits[2] >= '0' && digits[2] <= '7';
}

Result<std::string> parse_escaped(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    if (text[0] != '\\') {
      bytes.push_back(text[0]);
      text.remove_prefix(1);
    } else if (text.starts_with("\\\\")) {
      bytes.push_back('\\');
      text.remove_prefix(2);
    } else if (const auto digits = text.substr(1, 3); is_octal(digits)) {
      bytes.push_back(
          static_cast<char>((digits[0] - '0') << 6 | (digits[1] - '0') << 3 | (digits[2] - '0')));
      text.remove_prefix(4);
    } else {
      return sql_error("22P02", "invalid input syntax for type bytea");
    }
  }
  return bytes;
}

}  // namespace

Result<std::string> fit_characters(std::string_view text, const Type& type, Fit fit) {
  const bool padded = type.id == TypeId::bpchar;
  if (type.typmod >= 4) {
    const auto limit = static_cast<std::size_t>(type.typmod - 4);
    const std::size_t kept = text.size() <= limit ? text.size() : prefix_bytes(text, limit);
    const bool only_blanks = text.find_first_not_of(' ', kept) == std::string_view::npos;
    if (!only_blanks && fit == Fit::assignment) {
      return sql_error("22001", "value too long for type " + type_name(type));
    }
    text = text.substr(0, kept);
  }
  if (padded) text = text.substr(0, text.find_last_not_of(' ') + 1);
  return std::string(text);
}

void format_bpchar(std::string_view stored, const Type& type, std::string& out) {
  out.append(stored);
  if (type.typmod < 4) return;
  const auto width = static_cast<std::size_t>(type.typmod - 4);
  const std::size_t count = character_count(stored);
  if (count < width) out.append(width - count, ' ');
}

std::string parse_char(std::string_view text) {
  if (text.starts_with('\\') && is_octal(text.substr(1))) return std::string(text);
  if (text.empty() || static_cast<unsigned char>(text[0]) < 0x80) {
    return std::string(text.substr(0, 1));
  }
  const auto byte = static_cast<unsigned char>(text[0]);
  const char octal[] = {'\\', static_cast<char>('0' + (byte >> 6)),
                        static_cast<char>('0' + (byte >> 3 & 7)),
                        static_cast<char>('0' + (byte & 7))};
  return std::string(octal, sizeof octal);
}

void format_bytea(std::string_view bytes, std::string& out) {
  out.append("\\x");
  put_hex(bytes, out);
}

Result<std::string> parse_bytea(std::string_view text) {
  return text.starts_with("\\x") ? parse_hex(text.substr(2)) : parse_escaped(text);
}

void format_uuid(std::string_view bytes, std::string& out) {
  std::size_t at = 0;
  for (const std::size_t size : {4, 2, 2, 2, 6}) {
    if (at != 0) out.push_back('-');
    put_hex(bytes.substr(at, size), out);
    at += size;
  }
}

Result<std::string> parse_uuid(std::string_view text) {
  const auto bad = [&] {
    return sql_error("22P02", "invalid input syntax for type uuid: \"" + std::string(text) + "\"");
  };
  std::string_view rest = text;
  const bool braced = rest.starts_with('{');
  if (braced) {
    if (!rest.ends_with('}')) return bad();
    rest = rest.substr(1, rest.size() - 2);
  }
  std::string bytes;
  while (bytes.size() < 16) {
    if (rest.size() < 2 || hex_value(rest[0]) < 0 || hex_value(rest[1]) < 0) return bad();
    bytes.push_back(static_cast<char>(hex_value(rest[0]) << 4 | hex_value(rest[1])));
    rest.remove_prefix(2);
    if (rest.starts_with('-') && bytes.size() % 2 == 0 && bytes.size() < 16) rest.remove_prefix(1);
  }
  if (!rest.empty()) return bad();
  return bytes;
}

}  // namespace spar::data
