// query/functions/arguments.h: a function's arguments by their form.
//
// REQUIRES: the rendered SQL gives each function the forms that registry.h names. A number may come
// as an integer where a real or a numeric is asked for.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/result.h"
#include "data/datum.h"
#include "data/decimal.h"

namespace spar::query::functions {

using data::Datum;
using Arguments = std::span<const Datum>;

inline bool null_at(Arguments arguments, std::size_t i) {
  return data::is_null(arguments[i]);
}

inline std::int64_t integer_at(Arguments arguments, std::size_t i) {
  const auto* integer = std::get_if<std::int64_t>(&arguments[i]);
  SPAR_ASSERT(integer != nullptr);
  return *integer;
}

inline double real_at(Arguments arguments, std::size_t i) {
  if (const auto* real = std::get_if<double>(&arguments[i])) return *real;
  return static_cast<double>(integer_at(arguments, i));
}

inline std::string_view text_at(Arguments arguments, std::size_t i) {
  const auto* text = std::get_if<std::string>(&arguments[i]);
  SPAR_ASSERT(text != nullptr);
  return *text;
}

inline std::string_view blob_at(Arguments arguments, std::size_t i) {
  const auto* blob = std::get_if<data::Blob>(&arguments[i]);
  SPAR_ASSERT(blob != nullptr);
  return blob->bytes;
}

inline Result<data::Decimal> numeric_at(Arguments arguments, std::size_t i) {
  if (const auto* integer = std::get_if<std::int64_t>(&arguments[i])) {
    return data::Decimal(*integer);
  }
  return data::Decimal::from_blob(blob_at(arguments, i));
}

inline Datum numeric_datum(const data::Decimal& value) {
  return data::Blob{value.to_blob()};
}

}  // namespace spar::query::functions
