// data/numeric_wire.h: a numeric in PostgreSQL's binary wire representation; for binary_format.cpp.
//
// Four 16-bit numbers (how many digits, weight of the first one, sign, display scale), then the
// base-10000 digits without zeros around them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "data/decimal.h"

namespace spar::data {

void write_numeric(const Decimal& value, std::string& out);
Result<Decimal> read_numeric(std::string_view bytes);  // 22P03, 0A000 for NaN and infinity

}  // namespace spar::data
