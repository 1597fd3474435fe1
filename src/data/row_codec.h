// data/row_codec.h: the one canonical encoding of a row, and the hash that is taken of it.
//
// Contract    The bytes depend on the row's values only, never on the engine that holds it. Written
//             down in docs/formats/row.md. encode appends to `out`. decode gives back what encode
//             was given (but 0 for -0); bytes that encode never wrote are refused with
//             Code::corrupt.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "data/datum.h"

namespace spar::data {

void encode_datum(const Datum& datum, Bytes& out);
void encode_row(std::span<const Datum> row, Bytes& out);
Result<Datum> decode_datum(ByteReader& reader);
Result<Row> decode_row(ByteReader& reader);  // to the end of the bytes

__extension__ typedef unsigned __int128 UInt128;  // not ISO C++, so named once

// A table's content: how many rows, and the sum modulo 2^128 of their hashes (XXH3-128 of the
// canonical bytes, seeded with the table's id). Equal contents in any order give equal sums.
struct ContentHash {
  std::int64_t rows = 0;
  UInt128 sum = 0;

  void add(ObjectId table, std::string_view row_bytes);
  void remove(ObjectId table, std::string_view row_bytes);
  void combine(const ContentHash& other);  // adds a delta
  friend bool operator==(const ContentHash&, const ContentHash&) = default;
};

std::string to_string(const ContentHash& hash);  // "rows:32 hexadecimal digits"

}  // namespace spar::data
