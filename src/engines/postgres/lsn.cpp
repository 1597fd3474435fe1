#include "engines/postgres/lsn.h"

#include <charconv>
#include <cstdio>

namespace spar::engines::postgres {
namespace {

constexpr std::size_t kHexDigitsMax = 8;

std::optional<std::uint64_t> half(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  auto parsed = std::from_chars(text.data(), end, value, 16);
  bool whole = parsed.ec == std::errc() && parsed.ptr == end && text.size() <= kHexDigitsMax;
  return whole && text.front() != '-' ? std::optional(value) : std::nullopt;
}

}  // namespace

std::string to_string(Lsn lsn) {
  char text[2 * kHexDigitsMax + 2];
  int size = std::snprintf(text, sizeof text, "%X/%X", static_cast<unsigned>(lsn.value >> 32),
                           static_cast<unsigned>(lsn.value & 0xffffffff));
  return {text, static_cast<std::size_t>(size)};
}

std::optional<Lsn> parse_lsn(std::string_view text) {
  std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::optional<std::uint64_t> high = half(text.substr(0, slash)),
                               low = half(text.substr(slash + 1));
  if (!high || !low) return std::nullopt;
  return Lsn(*high << 32 | *low);
}

}  // namespace spar::engines::postgres
