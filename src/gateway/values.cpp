#include "gateway/values.h"

#include <algorithm>
#include <cstring>

#include "data/binary_format.h"

namespace spar::gateway {
namespace {

bool is_ascii(std::string_view text) {
  constexpr std::uint64_t kHigh = 0x8080808080808080u;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    if ((word & kHigh) != 0 || ((word - 0x0101010101010101u) & ~word & kHigh) != 0) return false;
  }
  for (; at < text.size(); ++at) {
    if (text[at] <= 0) return false;
  }
  return true;
}

// How many bytes the character at the front has; 0 when it is not UTF-8, or zero.
std::size_t character_size(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto tail = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead == 0) return 0;
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4 || !tail(1)) return 0;
  if (lead < 0xe0) return 2;
  const unsigned second = byte(1);
  if (lead < 0xf0) {
    bool bad = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f);
    return bad || !tail(2) ? 0 : 3;
  }
  bool bad = (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
  return bad || !tail(2) || !tail(3) ? 0 : 4;
}

std::size_t claimed_size(unsigned char lead) {
  return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
}

Failure invalid_bytes(std::string_view rest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string bytes;
  std::size_t size = std::min(rest.size(), claimed_size(static_cast<unsigned char>(rest[0])));
  for (std::size_t i = 0; i < size; ++i) {
    auto value = static_cast<unsigned char>(rest[i]);
    bytes += std::string(" 0x") + kDigits[value >> 4] + kDigits[value & 15];
  }
  return sql_error("22021", "invalid byte sequence for encoding \"UTF8\":" + bytes);
}

Result<wire::Format> format_of(std::int16_t code) {
  if (code == 0) return wire::Format::text;
  if (code == 1) return wire::Format::binary;
  return sql_error("22023", "unsupported format code: " + std::to_string(code));
}

bool is_text(const data::Type& type) {
  return data::form_of(type) == data::Form::text;
}

Result<data::Datum> read_value(std::string_view bytes, const data::Type& type,
                               std::int16_t format_code, const data::TextContext& context) {
  SPAR_ASSIGN(wire::Format format, format_of(format_code));
  if (format == wire::Format::text) {
    SPAR_TRY(check_utf8(bytes));
    return data::parse_text(bytes, type, context);
  }
  if (is_text(type)) SPAR_TRY(check_utf8(bytes));
  return data::parse_binary(bytes, type);
}

}  // namespace

Result<void> check_utf8(std::string_view text) {
  if (is_ascii(text)) return {};
  while (!text.empty()) {
    std::size_t size = character_size(text);
    if (size == 0) return invalid_bytes(text);
    text.remove_prefix(size);
  }
  return {};
}

Result<void> read_parameters(const BoundParameters& bound, std::span<const data::Type> types,
                             const data::TextContext& context, std::vector<data::Datum>& out) {
  const std::size_t count = bound.values.size(), formats = bound.formats.size();
  if (formats > 1 && formats != count) {
    return sql_error("08P01", "bind message has " + std::to_string(formats) +
                                  " parameter formats but " + std::to_string(count) +
                                  " parameters");
  }
  out.reserve(count + 2);
  for (std::size_t i = 0; i < count; ++i) {
    if (!bound.values[i]) {
      out.emplace_back();
      continue;
    }
    std::int16_t format = formats == 0 ? std::int16_t{0} : bound.formats[formats == 1 ? 0 : i];
    SPAR_ASSIGN(data::Datum value, read_value(*bound.values[i], types[i], format, context));
    out.push_back(std::move(value));
  }
  return {};
}

Result<void> read_formats(std::span<const std::int16_t> codes, std::size_t columns,
                          std::vector<wire::Format>& out) {
  out.clear();
  if (codes.size() > 1 && codes.size() != columns) {
    return sql_error("08P01", "bind message has " + std::to_string(codes.size()) +
                                  " result formats but query has " + std::to_string(columns) +
                                  " columns");
  }
  if (codes.empty() || (codes.size() == 1 && codes[0] == 0)) return {};
  for (std::size_t i = 0; i < columns; ++i) {
    SPAR_ASSIGN(wire::Format format, format_of(codes[codes.size() == 1 ? 0 : i]));
    out.push_back(format);
  }
  return {};
}

void write_value(const data::Datum& datum, const data::Type& type, wire::Format format,
                 const data::TextContext& context, wire::Encoder& encoder) {
  if (data::is_null(datum)) {
    encoder.null();
    return;
  }
  encoder.value_begin();
  if (format == wire::Format::text) {
    data::format_text(datum, type, context, encoder.out());
  } else {
    data::format_binary(datum, type, encoder.out());
  }
  encoder.value_end();
}

}  // namespace spar::gateway
