// data/datum.h: one value in its storage form, and rows of them.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace spar::data {

struct Blob {
  std::string bytes;
  friend auto operator<=>(const Blob&, const Blob&) = default;
};

// null, integer, real, text, blob: see data/type.h for which type has which form.
using Datum = std::variant<std::monostate, std::int64_t, double, std::string, Blob>;
using Row = std::vector<Datum>;

inline bool is_null(const Datum& datum) {
  return datum.index() == 0;
}

}  // namespace spar::data
