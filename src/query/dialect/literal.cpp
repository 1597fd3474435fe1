#include "query/dialect/literal.h"

#include <charconv>
#include <cmath>

#include "data/text_format.h"

namespace spar::query::dialect {
namespace {

std::string real_literal(double value) {
  if (std::isnan(value)) return "NULL";
  if (std::isinf(value)) return value > 0 ? "9e999" : "-9e999";
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  std::string text(buffer, end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string blob_literal(const std::string& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "x'";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text + "'";
}

struct LiteralOf {
  std::string operator()(std::monostate) const { return "NULL"; }
  std::string operator()(std::int64_t value) const {
    // -9223372036854775808 is read as a minus and a number too large for an integer.
    if (value == INT64_MIN) return "(-9223372036854775807-1)";
    return std::to_string(value);
  }
  std::string operator()(double value) const { return real_literal(value); }
  std::string operator()(const std::string& value) const { return quoted(value); }
  std::string operator()(const data::Blob& value) const { return blob_literal(value.bytes); }
};

}  // namespace

std::string quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    result += c;
    if (c == '\'') result += c;
  }
  return result + "'";
}

std::string literal(const data::Datum& value) {
  return std::visit(LiteralOf{}, value);
}

std::optional<Scaled> on_scale(const data::Datum& value, const data::Type& type, int scale) {
  std::string text;
  data::format_text(value, type, {}, text);
  const bool negative = text.starts_with('-');
  if (negative) text.erase(0, 1);
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string digits = text.substr(0, point);
  std::string fraction = point < text.size() ? text.substr(point + 1) : "";
  fraction.resize(std::max(fraction.size(), static_cast<std::size_t>(scale)), '0');
  digits += fraction.substr(0, static_cast<std::size_t>(scale));
  const bool exact =
      fraction.find_first_not_of('0', static_cast<std::size_t>(scale)) == std::string::npos;
  std::int64_t magnitude = 0;
  const char* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, magnitude);
  if (parsed.ec != std::errc() || parsed.ptr != end || magnitude == INT64_MAX) return std::nullopt;
  if (!negative) return Scaled{magnitude, exact};
  return Scaled{exact ? -magnitude : -magnitude - 1, exact};
}

}  // namespace spar::query::dialect
