// Made by asking PostgreSQL 15 what its send functions give.
#pragma once

#include <string_view>

#include "data/type.h"

namespace spar::data {

struct BinaryFormatCase {
  TypeId type;
  std::string_view text;
  std::string_view hexadecimal;
};

inline constexpr BinaryFormatCase kBinaryFormatCases[] = {
    {TypeId::boolean, "t", "01"},
    {TypeId::boolean, "f", "00"},
    {TypeId::int2, "-2", "fffe"},
    {TypeId::int2, "32767", "7fff"},
    {TypeId::int4, "-2", "fffffffe"},
    {TypeId::int4, "2147483647", "7fffffff"},
    {TypeId::int8, "-2", "fffffffffffffffe"},
    {TypeId::int8, "9223372036854775807", "7fffffffffffffff"},
    {TypeId::oid, "4294967295", "ffffffff"},
    {TypeId::float4, "1.5", "3fc00000"},
    {TypeId::float4, "-0.1", "bdcccccd"},
    {TypeId::float4, "Infinity", "7f800000"},
    {TypeId::float8, "1.5", "3ff8000000000000"},
    {TypeId::float8, "-0.1", "bfb999999999999a"},
    {TypeId::float8, "-Infinity", "fff0000000000000"},
    {TypeId::numeric, "0", "0000000000000000"},
    {TypeId::numeric, "0.00", "0000000000000002"},
    {TypeId::numeric, "1", "00010000000000000001"},
    {TypeId::numeric, "-1.5", "000200004000000100011388"},
    {TypeId::numeric, "10000", "00010001000000000001"},
    {TypeId::numeric, "12345.678", "0003000100000003000109291a7c"},
    {TypeId::numeric, "0.0001", "0001ffff000000040001"},
    {TypeId::numeric, "0.00001", "0001fffe0000000503e8"},
    {TypeId::numeric, "100000000000000000000", "00010005000000000001"},
    {TypeId::numeric, "-123456789012345678901234567890.123",
     "0009000740000003000c0d801ed204d2162e23340d801ed204ce"},
    {TypeId::numeric, "9999.9999", "0002000000000004270f270f"},
    {TypeId::numeric, "100.00", "00010000000000020064"},
    {TypeId::numeric, "0.000012300", "0001fffe0000000904ce"},
    {TypeId::numeric, "0.000000000000000000000000000001", "0001fff80000001e0064"},
    {TypeId::text, "", ""},
    {TypeId::text, "h\303\251", "68c3a9"},
    {TypeId::bytea, "\\x", ""},
    {TypeId::bytea, "\\x00ff", "00ff"},
    {TypeId::uuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc999c0b4ef8bb6d6bb9bd380a11"},
    {TypeId::date, "2000-01-01", "00000000"},
    {TypeId::date, "1999-12-31", "ffffffff"},
    {TypeId::date, "infinity", "7fffffff"},
    {TypeId::date, "0044-03-15 BC", "fff49d7b"},
    {TypeId::time, "00:00:00", "0000000000000000"},
    {TypeId::time, "24:00:00", "000000141dd76000"},
    {TypeId::time, "12:34:56.789", "0000000a8be62608"},
    {TypeId::timestamp, "2000-01-01 00:00:00", "0000000000000000"},
    {TypeId::timestamp, "1999-12-31 23:59:59.999999", "ffffffffffffffff"},
    {TypeId::timestamp, "-infinity", "8000000000000000"},
    {TypeId::timestamptz, "2024-05-06 07:08:09+00", "0002bac280198840"},
    {TypeId::interval, "1 year 2 mons -3 days 04:05:06.7", "000000036c966ee0fffffffd0000000e"},
    {TypeId::interval, "00:00:00", "00000000000000000000000000000000"},
    {TypeId::json, "{\"a\": 1}", "7b2261223a20317d"},
    {TypeId::varchar, "abc", "616263"},
    {TypeId::name, "abc", "616263"},
};

}  // namespace spar::data
