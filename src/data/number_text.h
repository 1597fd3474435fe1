// data/number_text.h: bool, integers, floats and numerics to and from text; for text_format.cpp and
// casts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "data/datum.h"
#include "data/type.h"

namespace spar::data {

struct IntegerRange {
  std::int64_t low, high;
};
IntegerRange integer_range(TypeId id);  // of int2, int4, int8 and oid

void format_integer(std::int64_t value, std::string& out);
Result<std::int64_t> parse_integer(std::string_view text, TypeId id);

Result<std::int64_t> parse_boolean(std::string_view text);

// The shortest digits that read back the same; `id` is float4 or float8.
void format_real(double value, TypeId id, std::string& out);
Result<double> parse_real(std::string_view text, TypeId id);

void format_scaled(std::int64_t value, int scale, std::string& out);
Result<Datum> parse_numeric(std::string_view text, const Type& type);

}  // namespace spar::data
