// base/size_text.h: a number of bytes for people.
#pragma once

#include <cstdint>
#include <string>

namespace spar {

// "512 B", "3.4 MiB": one digit after the point, none below 1 KiB.
inline std::string size_text(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  const char* unit = "KiB";
  std::uint64_t tenths = bytes * 10 / 1024;
  for (const char* larger : {"MiB", "GiB", "TiB"}) {
    if (tenths < 10 * 1024) break;
    tenths /= 1024;
    unit = larger;
  }
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " " + unit;
}

}  // namespace spar
