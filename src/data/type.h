// data/type.h: the SQL types that Spar knows, by PostgreSQL's own oids, and the storage form of
// each.
//
// Contract    Every value travels as a Datum (data/datum.h) in the storage form that form_of()
// gives:
//   integer   bool (0, 1), int2, int4, int8, oid; date (days since 2000-01-01); time and timestamp
//             (microseconds since midnight / since 2000-01-01 00:00, UTC for timestamptz);
//             numeric(p<=18, s) as value * 10^s
//   real      float4, float8
//   text      text, varchar, bpchar (stored without its trailing blanks), name, "char", json,
//   unknown blob      bytea; uuid (16 bytes); interval (months i32, days i32, microseconds i64,
//   each
//             big-endian with the sign bit flipped); every other numeric, as an order-preserving
//             decimal (data/decimal.h)
// infinity of date and timestamp: INT32/INT64 extremes as PostgreSQL. No NaN in real columns yet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spar::data {

enum class TypeId : std::uint32_t {  // PostgreSQL's pg_type.oid
  none = 0,
  boolean = 16,
  bytea = 17,
  character = 18,  // "char"
  name = 19,
  int8 = 20,
  int2 = 21,
  int4 = 23,
  text = 25,
  oid = 26,
  json = 114,
  float4 = 700,
  float8 = 701,
  unknown = 705,
  bpchar = 1042,
  varchar = 1043,
  date = 1082,
  time = 1083,
  timestamp = 1114,
  timestamptz = 1184,
  interval = 1186,
  numeric = 1700,
  uuid = 2950,
  void_ = 2278,
};

enum class Form { integer, real, text, blob };

struct Type {
  TypeId id = TypeId::none;
  // PostgreSQL's typmod, -1 for none: numeric ((p << 16) | s) + 4; varchar and bpchar n + 4;
  // time and timestamp the digits of the second.
  std::int32_t typmod = -1;
  friend bool operator==(const Type&, const Type&) = default;
};

inline constexpr int kScaledDigitsMax = 18;  // numeric(p <= 18, s) is a scaled integer

Type numeric_type(int precision, int scale);
struct NumericShape {
  int precision;
  int scale;
};
std::optional<NumericShape> numeric_shape(const Type& type);  // nothing without a typmod
bool is_scaled(const Type& type);                             // numeric stored as a scaled integer
Form form_of(const Type& type);
int typlen(TypeId id);  // pg_type.typlen: bytes, or -1 for variable length

// "integer", "character varying(40)", "numeric(10,2)": as format_type() writes it.
std::string type_name(const Type& type);
// By any SQL spelling of the bare name ("int", "int4", "character varying", "timestamptz", ...).
std::optional<TypeId> type_by_name(std::string_view name);

}  // namespace spar::data
