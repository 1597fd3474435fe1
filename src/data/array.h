// data/array.h: arrays as values: their storage form, their text and their wire form.
//
// Contract    An array's storage form is a blob whose order under memcmp is PostgreSQL's order of
//             arrays (elements first, nulls last, then the number of elements, dimensions and lower
//             bounds), but for elements that are equal and differ as bytes (numeric, interval,
//             jsonb): array_key() gives the bytes to compare by. Written down in
//             docs/formats/array.md. Elements are in the storage form of their type without its
//             modifier: a numeric is always a decimal blob.
// Threads     Value types and pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/datum.h"
#include "data/text_format.h"
#include "data/type.h"

namespace spar::data {

inline constexpr std::size_t kArrayDimensionsMax = 6;
inline constexpr std::int64_t kArrayElementsMax = 134217727;  // PostgreSQL's MaxArraySize

struct Array {
  struct Dimension {
    std::int32_t length = 0;
    std::int32_t lower = 1;
    friend bool operator==(const Dimension&, const Dimension&) = default;
  };
  std::vector<Dimension> dimensions;  // none: empty
  std::vector<Datum> elements;        // the last dimension varies fastest

  static Array list(std::vector<Datum> elements);  // one dimension from 1
};

std::string array_to_blob(const Array& array);
// Code::corrupt for bytes that array_to_blob() does not give.
Result<Array> array_from_blob(std::string_view blob);

// Whether equal arrays of the type may differ as bytes.
bool array_needs_key(TypeId array);
Result<std::string> array_key(std::string_view blob, TypeId array);

// The type that an array's elements are shown and parsed as.
Type element_type(const Type& array);

void format_array(std::string_view blob, const Type& type, const TextContext& context,
                  std::string& out);
Result<Datum> parse_array(std::string_view text, const Type& type, const TextContext& context);
void format_array_binary(std::string_view blob, const Type& type, std::string& out);
Result<Datum> parse_array_binary(std::string_view bytes, const Type& type);

}  // namespace spar::data
