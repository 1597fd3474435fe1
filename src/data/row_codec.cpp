#include "data/row_codec.h"

#include <xxhash.h>

#include <bit>
#include <cmath>
#include <cstdio>

namespace spar::data {
namespace {

// docs/formats/row.md
enum Tag : char { kNull = 0, kInteger = 1, kReal = 2, kText = 3, kBlob = 4 };

std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

std::uint64_t real_bits(double value) {
  if (value == 0) value = 0;  // -0 and 0 are one value
  if (std::isnan(value)) return 0x7ff8000000000000ULL;
  return std::bit_cast<std::uint64_t>(value);
}

// Clears `canonical` for a varint with superfluous bytes or more than 64 bits.
std::uint64_t canonical_varint(ByteReader& reader, bool& canonical) {
  ByteReader before = reader;
  const std::uint64_t value = reader.varint();
  const std::string_view bytes = before.raw(before.remaining() - reader.remaining());
  const bool superfluous = bytes.size() > 1 && bytes.back() == 0;
  if (superfluous || (bytes.size() == 10 && bytes.back() != 1)) canonical = false;
  return value;
}

std::string_view canonical_sized(ByteReader& reader, bool& canonical) {
  const std::uint64_t size = canonical_varint(reader, canonical);
  // A size past the end makes the reader not ok; size_t has 64 bits here.
  return reader.raw(static_cast<std::size_t>(size));
}

Failure damaged() {
  return failure(Code::corrupt, "a row is not in its canonical encoding");
}

UInt128 row_hash(ObjectId table, std::string_view row_bytes) {
  XXH128_hash_t hash = XXH3_128bits_withSeed(row_bytes.data(), row_bytes.size(), table.value);
  return static_cast<UInt128>(hash.high64) << 64 | hash.low64;
}

}  // namespace

void encode_datum(const Datum& datum, Bytes& out) {
  ByteWriter writer(out);
  if (auto* integer = std::get_if<std::int64_t>(&datum)) {
    out.push_back(kInteger);
    writer.varint(zigzag(*integer));
  } else if (auto* real = std::get_if<double>(&datum)) {
    out.push_back(kReal);
    writer.le(real_bits(*real));
  } else if (auto* text = std::get_if<std::string>(&datum)) {
    out.push_back(kText);
    writer.sized(*text);
  } else if (auto* blob = std::get_if<Blob>(&datum)) {
    out.push_back(kBlob);
    writer.sized(blob->bytes);
  } else {
    out.push_back(kNull);
  }
}

void encode_row(std::span<const Datum> row, Bytes& out) {
  for (const Datum& datum : row) encode_datum(datum, out);
}

Result<Datum> decode_datum(ByteReader& reader) {
  const char tag = reader.le<char>();
  Datum datum;
  bool canonical = true;
  switch (tag) {
    case kNull:
      break;
    case kInteger:
      datum = unzigzag(canonical_varint(reader, canonical));
      break;
    case kReal: {
      const auto bits = reader.le<std::uint64_t>();
      const auto real = std::bit_cast<double>(bits);
      canonical = real_bits(real) == bits;
      datum = real;
      break;
    }
    case kText:
      datum = std::string(canonical_sized(reader, canonical));
      break;
    case kBlob:
      datum = Blob{std::string(canonical_sized(reader, canonical))};
      break;
    default:
      return damaged();
  }
  if (!reader.ok() || !canonical) return damaged();
  return datum;
}

Result<Row> decode_row(ByteReader& reader) {
  Row row;
  while (!reader.at_end()) {
    SPAR_ASSIGN(Datum datum, decode_datum(reader));
    row.push_back(std::move(datum));
  }
  return row;
}

void ContentHash::add(ObjectId table, std::string_view row_bytes) {
  ++rows;
  sum += row_hash(table, row_bytes);
}

void ContentHash::remove(ObjectId table, std::string_view row_bytes) {
  --rows;
  sum -= row_hash(table, row_bytes);
}

void ContentHash::combine(const ContentHash& other) {
  rows += other.rows;
  sum += other.sum;
}

std::string to_string(const ContentHash& hash) {
  char text[64];
  std::snprintf(text, sizeof text, "%lld:%016llx%016llx", static_cast<long long>(hash.rows),
                static_cast<unsigned long long>(hash.sum >> 64),
                static_cast<unsigned long long>(hash.sum));
  return text;
}

}  // namespace spar::data
