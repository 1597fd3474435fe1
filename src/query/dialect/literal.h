// query/dialect/literal.h: constants as SQLite writes them, and numerics on an integer scale.
#pragma once

#include <optional>
#include <string>

#include "data/datum.h"
#include "data/type.h"

namespace spar::query::dialect {

std::string literal(const data::Datum& value);
std::string quoted(std::string_view text);

// A numeric constant times 10^scale: its floor, and whether that is all of it. Nothing where it
// does not fit 64 bits.
struct Scaled {
  std::int64_t floor;
  bool exact;
};
std::optional<Scaled> on_scale(const data::Datum& value, const data::Type& type, int scale);

}  // namespace spar::query::dialect
