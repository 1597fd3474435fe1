#include "data/row_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace spar::data {
namespace {

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

Bytes encoded(const Row& row) {
  Bytes bytes;
  encode_row(row, bytes);
  return bytes;
}

Result<Row> decoded(std::string_view bytes) {
  ByteReader reader(bytes);
  return decode_row(reader);
}

Row every_form() {
  return {std::monostate{},
          std::int64_t{0},
          std::int64_t{-1},
          kMin,
          kMax,
          0.5,
          -std::numeric_limits<double>::infinity(),
          std::string(),
          std::string("a\0b", 3),
          std::string(300, 'x'),
          Blob{std::string("\x00\xff", 2)}};
}

TEST(RowCodec, GivesBackWhatItWasGiven) {
  auto row = decoded(encoded(every_form()));
  ASSERT_TRUE(row);
  EXPECT_EQ(*row, every_form());
}

TEST(RowCodec, BytesAreTheDocumentedOnes) {
  EXPECT_EQ(encoded({std::monostate{}, std::int64_t{-1}, std::int64_t{64}}),
            Bytes("\x00\x01\x01\x01\x80\x01", 6));
  EXPECT_EQ(encoded({1.0}), Bytes("\x02\x00\x00\x00\x00\x00\x00\xf0\x3f", 9));
  EXPECT_EQ(encoded({std::string("ab"), Blob{"c"}}), Bytes("\x03\x02"
                                                           "ab\x04\x01"
                                                           "c",
                                                           7));
}

TEST(RowCodec, EqualRealsHaveEqualBytes) {
  EXPECT_EQ(encoded({-0.0}), encoded({0.0}));
  EXPECT_EQ(encoded({std::nan("1")}), encoded({-std::nan("2")}));
}

TEST(RowCodec, EveryCutIsRefusedOrAShorterRow) {
  const Bytes bytes = encoded(every_form());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    auto row = decoded(std::string_view(bytes).substr(0, size));
    if (row) {
      EXPECT_EQ(encoded(*row), bytes.substr(0, size)) << size;
    } else {
      EXPECT_EQ(row.error().code, Code::corrupt);
    }
  }
}

TEST(RowCodec, WhatEncodeNeverWritesIsRefused) {
  const Bytes refused[] = {
      Bytes("\x05", 1),                                             // unknown tag
      Bytes("\x01\x80\x00", 3),                                     // superfluous varint byte
      Bytes("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x03", 11),    // more than 64 bits
      Bytes("\x02\x00\x00\x00\x00\x00\x00\x00\x80", 9),             // -0
      Bytes("\x02\x01\x00\x00\x00\x00\x00\xf8\x7f", 9),             // another NaN
      Bytes("\x03\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01xx", 13),  // absurd length
      Bytes("\x04\x02x", 3),                                        // short
  };
  for (const Bytes& bytes : refused) {
    auto row = decoded(bytes);
    ASSERT_FALSE(row);
    EXPECT_EQ(row.error().code, Code::corrupt);
  }
}

TEST(ContentHash, IsASumOverRowsInAnyOrder) {
  constexpr ObjectId kTable{16400};
  ContentHash one, other;
  one.add(kTable, "first");
  one.add(kTable, "second");
  other.add(kTable, "second");
  other.add(kTable, "third");
  other.add(kTable, "first");
  EXPECT_NE(one, other);
  other.remove(kTable, "third");
  EXPECT_EQ(one, other);
  ContentHash twice = one;
  twice.combine(one);
  EXPECT_EQ(twice.rows, 4);
  EXPECT_EQ(twice.sum, one.sum * 2);
}

TEST(ContentHash, IsSeededByTheTable) {
  ContentHash one, other;
  one.add(ObjectId{1}, "row");
  other.add(ObjectId{2}, "row");
  EXPECT_NE(one, other);
}

TEST(ContentHash, StaysTheSameOverVersions) {
  ContentHash hash;
  hash.add(ObjectId{16384}, encoded({std::int64_t{1}, std::string("spar")}));
  EXPECT_EQ(to_string(hash), "1:32149ac510ac2971609ce070bf817531");
}

}  // namespace
}  // namespace spar::data
