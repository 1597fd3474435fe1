// Arrays to and from the binary wire format: dimensions, whether there are nulls, the element
// type's oid, each dimension's length and lower bound, then the elements with their lengths.
#include "base/bytes.h"
#include "data/array.h"
#include "data/binary_format.h"

namespace spar::data {
namespace {

Failure malformed() {
  return sql_error("22P03", "incorrect binary data format");
}

}  // namespace

void format_array_binary(std::string_view blob, const Type& type, std::string& out) {
  const Array array = array_from_blob(blob).value_or(Array());
  const Type element = element_type(type);
  bool nulls = false;
  for (const Datum& value : array.elements) nulls = nulls || is_null(value);
  ByteWriter writer(out);
  writer.be(static_cast<std::int32_t>(array.dimensions.size()));
  writer.be(std::int32_t{nulls});
  writer.be(static_cast<std::uint32_t>(element.id));
  for (const Array::Dimension& d : array.dimensions) {
    writer.be(d.length);
    writer.be(d.lower);
  }
  for (const Datum& value : array.elements) {
    if (is_null(value)) {
      writer.be(std::int32_t{-1});
      continue;
    }
    std::string bytes;
    format_binary(value, element, bytes);
    writer.be(static_cast<std::int32_t>(bytes.size()));
    out += bytes;
  }
}

Result<Datum> parse_array_binary(std::string_view bytes, const Type& type) {
  ByteReader reader(bytes);
  const auto dimensions = reader.be<std::int32_t>();
  const auto flags = reader.be<std::int32_t>();
  const auto oid = reader.be<std::uint32_t>();
  Type element = element_type(type);
  if (dimensions < 0 || (flags != 0 && flags != 1)) return malformed();
  if (static_cast<std::size_t>(dimensions) > kArrayDimensionsMax) {
    return sql_error("54000", "number of array dimensions (" + std::to_string(dimensions) +
                                  ") exceeds the maximum allowed (" +
                                  std::to_string(kArrayDimensionsMax) + ")");
  }
  if (oid != static_cast<std::uint32_t>(element.id)) {
    return sql_error("42804", "binary data has array element type " + std::to_string(oid) +
                                  " instead of expected " +
                                  std::to_string(static_cast<std::uint32_t>(element.id)));
  }
  Array array;
  std::int64_t count = dimensions == 0 ? 0 : 1;
  for (int i = 0; i < dimensions; ++i) {
    const auto length = reader.be<std::int32_t>();
    const auto lower = reader.be<std::int32_t>();
    if (!reader.ok() || length < 0) return malformed();
    count *= length;
    // Each element takes four bytes at least.
    if (count > static_cast<std::int64_t>(bytes.size())) return malformed();
    array.dimensions.push_back({length, lower});
  }
  for (std::int64_t i = 0; i < count; ++i) {
    const auto size = reader.be<std::int32_t>();
    if (!reader.ok() || size < -1) return malformed();
    if (size == -1) {
      array.elements.emplace_back();
      continue;
    }
    const std::string_view value = reader.raw(static_cast<std::size_t>(size));
    if (!reader.ok()) return malformed();
    SPAR_ASSIGN(Datum datum, parse_binary(value, element));
    array.elements.push_back(std::move(datum));
  }
  if (!reader.ok() || !reader.at_end()) return malformed();
  if (count == 0) array.dimensions.clear();
  return Datum(Blob{array_to_blob(array)});
}

}  // namespace spar::data
