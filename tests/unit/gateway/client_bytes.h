// What a client of the PostgreSQL protocol sends, byte by byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace spar::gateway::test {

inline std::string be16(std::uint16_t value) {
  std::string out;
  ByteWriter(out).be(value);
  return out;
}
inline std::string be32(std::uint32_t value) {
  std::string out;
  ByteWriter(out).be(value);
  return out;
}
inline std::string text(std::string_view value) {
  return std::string(value) + '\0';
}
inline std::string message(char type, std::string_view body) {
  return std::string(1, type) + be32(static_cast<std::uint32_t>(body.size() + 4)) +
         std::string(body);
}
inline std::string startup_packet(
    const std::vector<std::pair<std::string, std::string>>& parameters,
    std::uint32_t version = 3u << 16) {
  std::string body = be32(version);
  for (const auto& [name, value] : parameters) body += text(name) + text(value);
  body += '\0';
  return be32(static_cast<std::uint32_t>(body.size() + 4)) + body;
}
inline std::string query(std::string_view sql) {
  return message('Q', text(sql));
}

}  // namespace spar::gateway::test
