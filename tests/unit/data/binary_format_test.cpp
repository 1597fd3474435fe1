#include "data/binary_format.h"

#include <gtest/gtest.h>

#include <cmath>

#include "data/text_format.h"
#include "tests/unit/data/binary_format_cases.h"

namespace spar::data {
namespace {

std::string from_hexadecimal(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

TEST(BinaryFormat, WritesWhatPostgreSQLSends) {
  for (const BinaryFormatCase& sample : kBinaryFormatCases) {
    const Type type{sample.type, -1};
    std::string out;
    format_binary(parse_text(sample.text, type, {}).value(), type, out);
    EXPECT_EQ(out, from_hexadecimal(sample.hexadecimal)) << type_name(type) << " " << sample.text;
  }
}

TEST(BinaryFormat, ReadsWhatPostgreSQLSends) {
  for (const BinaryFormatCase& sample : kBinaryFormatCases) {
    const Type type{sample.type, -1};
    EXPECT_EQ(parse_binary(from_hexadecimal(sample.hexadecimal), type),
              parse_text(sample.text, type, {}).value())
        << type_name(type) << " " << sample.text;
  }
}

TEST(BinaryFormat, ScaledNumericsAreNumericsOnTheWire) {
  const Type scaled = numeric_type(10, 2), plain{TypeId::numeric, -1};
  std::string a, b;
  format_binary(std::int64_t{-123405}, scaled, a);
  format_binary(parse_text("-1234.05", plain, {}).value(), plain, b);
  EXPECT_EQ(a, b);
  EXPECT_EQ(parse_binary(a, scaled), Datum(std::int64_t{-123405}));
}

// Cut anywhere or longer by a byte, a fixed-size value is refused and nothing else happens.
TEST(BinaryFormat, ChecksEveryLength) {
  for (const BinaryFormatCase& sample : kBinaryFormatCases) {
    const Type type{sample.type, -1};
    if (form_of(type) == Form::text || sample.type == TypeId::bytea) continue;
    const std::string bytes = from_hexadecimal(sample.hexadecimal);
    for (std::size_t size = 0; size <= bytes.size() + 1; ++size) {
      if (size == bytes.size()) continue;
      std::string cut = bytes;
      cut.resize(size);
      const auto value = parse_binary(cut, type);
      ASSERT_FALSE(value) << type_name(type) << " of " << size << " bytes";
      EXPECT_EQ(value.error().sqlstate, "22P03");
    }
  }
}

std::string refusal(std::string_view hexadecimal, const Type& type) {
  const auto value = parse_binary(from_hexadecimal(hexadecimal), type);
  return value ? "none" : value.error().sqlstate + " " + value.error().message;
}

TEST(BinaryFormat, RefusesValuesThatTheTypeDoesNotHave) {
  const Type numeric{TypeId::numeric, -1};
  EXPECT_EQ(refusal("0001000012340000"
                    "0001",
                    numeric),
            "22P03 invalid sign in external \"numeric\" value");
  EXPECT_EQ(refusal("0001000000004000"
                    "0001",
                    numeric),
            "22P03 invalid scale in external \"numeric\" value");
  EXPECT_EQ(refusal("0001000000000000"
                    "2710",
                    numeric),
            "22P03 invalid digit in external \"numeric\" value");
  EXPECT_EQ(refusal("00000000c0000000", numeric).substr(0, 5), "0A000");
  EXPECT_EQ(refusal("7ffffffe", {TypeId::date, -1}), "22008 date out of range");
  EXPECT_EQ(refusal("ffffffffffffffff", {TypeId::time, -1}), "22008 time out of range");
  EXPECT_EQ(refusal("8000000000000001", {TypeId::timestamp, -1}), "22008 timestamp out of range");
  EXPECT_EQ(refusal("7ff8000000000000", {TypeId::float8, -1}).substr(0, 5), "0A000");
  EXPECT_EQ(refusal("7b", {TypeId::json, -1}).substr(0, 5), "22P02");
  EXPECT_EQ(refusal("61626364", {TypeId::varchar, 7}),
            "22001 value too long for type character varying(3)");
}

TEST(BinaryFormat, NumericsOfExtremeWeightsAreRead) {
  const Type numeric{TypeId::numeric, -1};
  EXPECT_TRUE(parse_binary(from_hexadecimal("00017fff00000000"
                                            "0001"),
                           numeric));
  EXPECT_EQ(parse_binary(from_hexadecimal("0001800000000002"
                                          "0001"),
                         numeric),
            parse_text("0.00", numeric, {}).value());
  // Digits behind the display scale are dropped.
  EXPECT_EQ(parse_binary(from_hexadecimal("0002000000000001"
                                          "00010dac"),
                         numeric),
            parse_text("1.3", numeric, {}).value());
}

TEST(BinaryFormat, NoBytesCrashIt) {
  std::uint64_t state = 20261125;  // xorshift
  const auto random = [&] {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  };
  for (int i = 0; i < 20000; ++i) {
    std::string bytes(random() % 24, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % 3 == 0 ? random() : 0);
    for (const TypeId id : {TypeId::numeric, TypeId::interval, TypeId::json, TypeId::timestamp}) {
      const Type type{id, -1};
      const auto value = parse_binary(bytes, type);
      if (!value) continue;
      std::string out;
      format_binary(*value, type, out);
      EXPECT_EQ(parse_binary(out, type), *value);
    }
  }
}

}  // namespace
}  // namespace spar::data
