#include "data/number_text.h"

#include <array>
#include <charconv>
#include <limits>

#include "data/characters.h"
#include "data/decimal.h"

namespace spar::data {
namespace {

Failure bad_syntax(std::string_view text, TypeId id) {
  return sql_error("22P02", "invalid input syntax for type " + type_name({id, -1}) + ": \"" +
                                std::string(text) + "\"");
}

Failure integer_out_of_range(std::string_view text, TypeId id) {
  return sql_error("22003", "value \"" + std::string(text) + "\" is out of range for type " +
                                type_name({id, -1}));
}

bool is_prefix(std::string_view text, std::string_view word) {
  return !text.empty() && text.size() <= word.size() &&
         equals_ignoring_case(text, word.substr(0, text.size()));
}

// Plain digits with at most `scale` behind the point, which need no rounding; false for others.
bool read_scaled(std::string_view text, int scale, std::int64_t& value) {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > kScaledDigitsMax || !is_digit(text[0])) return false;
  std::int64_t magnitude = 0;
  int behind = -1;
  for (const char c : text) {
    if (c == '.' && behind < 0) {
      behind = 0;
    } else if (is_digit(c)) {
      magnitude = magnitude * 10 + (c - '0');
      if (behind >= 0) ++behind;
    } else {
      return false;
    }
  }
  const int missing = scale - std::max(behind, 0);
  if (missing < 0 || static_cast<int>(text.size()) + missing > kScaledDigitsMax) return false;
  for (int i = 0; i < missing; ++i) magnitude *= 10;
  value = negative ? -magnitude : magnitude;
  return true;
}

bool has_digits_at_most(std::int64_t value, int digits) {
  std::int64_t limit = 1;
  for (int i = 0; i < digits; ++i) limit *= 10;
  return value > -limit && value < limit;
}

}  // namespace

IntegerRange integer_range(TypeId id) {
  switch (id) {
    case TypeId::int2:
      return {std::numeric_limits<std::int16_t>::min(), std::numeric_limits<std::int16_t>::max()};
    case TypeId::int4:
      return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
    case TypeId::oid:
      return {0, std::numeric_limits<std::uint32_t>::max()};
    default:
      return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
  }
}

void format_integer(std::int64_t value, std::string& out) {
  std::array<char, 24> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), end);
}

Result<std::int64_t> parse_integer(std::string_view text, TypeId id) {
  std::string_view number = trim_blanks(text);
  if (!number.empty() && number[0] == '+') {
    number.remove_prefix(1);
    if (!number.empty() && number[0] == '-') return bad_syntax(text, id);
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error == std::errc::result_out_of_range) return integer_out_of_range(text, id);
  if (error != std::errc() || end != number.data() + number.size()) return bad_syntax(text, id);
  const IntegerRange range = integer_range(id);
  if (id == TypeId::oid && value < 0 && value >= std::numeric_limits<std::int32_t>::min()) {
    return value + (std::int64_t{1} << 32);  // as PostgreSQL wraps them
  }
  if (value < range.low || value > range.high) return integer_out_of_range(text, id);
  return value;
}

Result<std::int64_t> parse_boolean(std::string_view text) {
  const std::string_view word = trim_blanks(text);
  const bool yes = is_prefix(word, "true") || is_prefix(word, "yes") || is_prefix(word, "1") ||
                   equals_ignoring_case(word, "on");
  if (yes) return 1;
  const bool no = is_prefix(word, "false") || is_prefix(word, "no") || is_prefix(word, "0") ||
                  (word.size() > 1 && is_prefix(word, "off"));
  if (no) return 0;
  return bad_syntax(text, TypeId::boolean);
}

void format_scaled(std::int64_t value, int scale, std::string& out) {
  if (scale == 0) return format_integer(value, out);
  std::array<char, 24> buffer;
  const std::uint64_t magnitude =
      value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude).ptr;
  const auto size = static_cast<std::size_t>(end - buffer.data());
  const auto behind = static_cast<std::size_t>(scale);
  if (value < 0) out.push_back('-');
  if (size <= behind) {
    out.append("0.").append(behind - size, '0').append(buffer.data(), size);
  } else {
    out.append(buffer.data(), size - behind).append(".").append(end - behind, behind);
  }
}

Result<Datum> parse_numeric(std::string_view text, const Type& type) {
  const auto shape = numeric_shape(type);
  const bool scaled = is_scaled(type);
  std::int64_t value = 0;
  if (scaled && read_scaled(text, shape->scale, value) &&
      has_digits_at_most(value, shape->precision)) {
    return value;
  }
  SPAR_ASSIGN(const Decimal decimal, Decimal::parse(text));
  if (!shape) return Datum(Blob{decimal.to_blob()});
  if (scaled) return decimal.to_scaled(*shape);
  SPAR_ASSIGN(const Decimal fitting, decimal.with_shape(*shape));
  return Datum(Blob{fitting.to_blob()});
}

}  // namespace spar::data
