#include "data/array.h"

#include <bit>

#include "data/calendar.h"
#include "data/decimal.h"
#include "data/jsonb.h"

namespace spar::data {
namespace {

// docs/formats/array.md. An end comes before every element, a null behind every other one.
enum Mark : char { kEnd = 1, kInteger = 2, kReal = 3, kText = 4, kBlob = 5, kNull = 6 };
constexpr char kEscaped = '\xff';

template <class Unsigned>
void put(Unsigned value, std::string& out) {
  for (int shift = static_cast<int>(sizeof(Unsigned)) * 8 - 8; shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift);
  }
}

template <class Unsigned>
bool take(std::string_view& in, Unsigned& value) {
  if (in.size() < sizeof(Unsigned)) return false;
  value = 0;
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
    value = static_cast<Unsigned>(value << 8 | static_cast<unsigned char>(in[i]));
  }
  in.remove_prefix(sizeof(Unsigned));
  return true;
}

constexpr std::uint64_t kSign = std::uint64_t{1} << 63;

std::uint64_t ordered(double value) {
  if (value == 0) value = 0;  // -0 and 0 are one value
  const auto bits = std::bit_cast<std::uint64_t>(value);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}
double real_of(std::uint64_t bits) {
  return std::bit_cast<double>((bits & kSign) != 0 ? bits & ~kSign : ~bits);
}

void put_element(const Datum& element, std::string& out) {
  if (const auto* integer = std::get_if<std::int64_t>(&element)) {
    out += kInteger;
    put(static_cast<std::uint64_t>(*integer) ^ kSign, out);
  } else if (const auto* real = std::get_if<double>(&element)) {
    out += kReal;
    put(ordered(*real), out);
  } else if (const auto* text = std::get_if<std::string>(&element)) {
    out += kText;
    out += *text;
    out += '\0';
  } else if (const auto* blob = std::get_if<Blob>(&element)) {
    out += kBlob;
    for (const char c : blob->bytes) {
      out += c;
      if (c == '\0') out += kEscaped;
    }
    out += {'\0', '\0'};
  } else {
    out += kNull;
  }
}

bool take_blob(std::string_view& in, std::string& bytes) {
  for (std::size_t i = 0; i + 1 < in.size(); ++i) {
    if (in[i] != '\0') {
      bytes += in[i];
      continue;
    }
    if (in[i + 1] == '\0') {
      in.remove_prefix(i + 2);
      return true;
    }
    if (in[i + 1] != kEscaped) return false;
    bytes += '\0';
    ++i;
  }
  return false;
}

bool take_element(char mark, std::string_view& in, Datum& element) {
  std::uint64_t bits = 0;
  switch (mark) {
    case kInteger:
      if (!take(in, bits)) return false;
      element = static_cast<std::int64_t>(bits ^ kSign);
      return true;
    case kReal:
      if (!take(in, bits)) return false;
      element = real_of(bits);
      return true;
    case kText: {
      const std::size_t end = in.find('\0');
      if (end == std::string_view::npos) return false;
      element = std::string(in.substr(0, end));
      in.remove_prefix(end + 1);
      return true;
    }
    case kBlob: {
      Blob blob;
      if (!take_blob(in, blob.bytes)) return false;
      element = std::move(blob);
      return true;
    }
    default:
      element = Datum{};
      return mark == kNull;
  }
}

Failure damaged() {
  return failure(Code::corrupt, "an array is not in its storage form");
}

}  // namespace

Array Array::list(std::vector<Datum> elements) {
  Array array;
  if (elements.empty()) return array;
  array.dimensions.push_back({static_cast<std::int32_t>(elements.size()), 1});
  array.elements = std::move(elements);
  return array;
}

std::string array_to_blob(const Array& array) {
  std::string out;
  for (const Datum& element : array.elements) put_element(element, out);
  out += kEnd;
  out += static_cast<char>(array.dimensions.size());
  for (const Array::Dimension& d : array.dimensions) {
    put(static_cast<std::uint32_t>(d.length), out);
  }
  for (const Array::Dimension& d : array.dimensions) {
    put(static_cast<std::uint32_t>(d.lower) ^ 0x80000000U, out);
  }
  return out;
}

Result<Array> array_from_blob(std::string_view blob) {
  Array array;
  for (;;) {
    if (blob.empty()) return damaged();
    const char mark = blob[0];
    blob.remove_prefix(1);
    if (mark == kEnd) break;
    if (!take_element(mark, blob, array.elements.emplace_back())) return damaged();
  }
  if (blob.empty() || static_cast<std::size_t>(blob[0]) > kArrayDimensionsMax) return damaged();
  array.dimensions.resize(static_cast<std::size_t>(blob[0]));
  blob.remove_prefix(1);
  std::int64_t count = array.dimensions.empty() ? 0 : 1;
  std::uint32_t bits = 0;
  for (Array::Dimension& d : array.dimensions) {
    if (!take(blob, bits)) return damaged();
    d.length = static_cast<std::int32_t>(bits);
    if (d.length <= 0) return damaged();
    count *= d.length;
    if (count > kArrayElementsMax) return damaged();
  }
  for (Array::Dimension& d : array.dimensions) {
    if (!take(blob, bits)) return damaged();
    d.lower = static_cast<std::int32_t>(bits ^ 0x80000000U);
  }
  const bool whole = blob.empty() && static_cast<std::size_t>(count) == array.elements.size();
  if (!whole) return damaged();
  return array;
}

bool array_needs_key(TypeId array) {
  return array == TypeId::numeric_array || array == TypeId::interval_array ||
         array == TypeId::jsonb_array;
}

Result<std::string> array_key(std::string_view blob, TypeId array) {
  SPAR_ASSIGN(Array value, array_from_blob(blob));
  for (Datum& element : value.elements) {
    if (auto* bytes = std::get_if<Blob>(&element)) {
      bytes->bytes = array == TypeId::numeric_array
                         ? std::string(numeric_key(bytes->bytes))
                         : interval_key(interval_from_blob(bytes->bytes));
    } else if (auto* text = std::get_if<std::string>(&element)) {
      SPAR_ASSIGN(std::string key, jsonb_key(*text));
      element = Blob{std::move(key)};
    }
  }
  return array_to_blob(value);
}

Type element_type(const Type& array) {
  const TypeId id = element_of(array.id);
  return {id, id == TypeId::numeric ? -1 : array.typmod};
}

}  // namespace spar::data
