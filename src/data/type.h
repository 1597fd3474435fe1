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
//             unknown; jsonb in its normal form
//   blob      bytea; uuid (16 bytes); interval (months i32, days i32, microseconds i64, each
//             big-endian with the sign bit flipped); every other numeric, as an order-preserving
//             decimal (data/decimal.h); every array (data/array.h)
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
  jsonb = 3802,
  // One array type for each type that an array can hold.
  json_array = 199,
  boolean_array = 1000,
  bytea_array = 1001,
  character_array = 1002,
  name_array = 1003,
  int2_array = 1005,
  int4_array = 1007,
  text_array = 1009,
  bpchar_array = 1014,
  varchar_array = 1015,
  int8_array = 1016,
  float4_array = 1021,
  float8_array = 1022,
  oid_array = 1028,
  timestamp_array = 1115,
  date_array = 1182,
  time_array = 1183,
  timestamptz_array = 1185,
  interval_array = 1187,
  numeric_array = 1231,
  uuid_array = 2951,
  jsonb_array = 3807,
};

enum class Form { integer, real, text, blob };

struct Type {
  TypeId id = TypeId::none;
  // PostgreSQL's typmod, -1 for none: numeric ((p << 16) | s) + 4; varchar and bpchar n + 4;
  // time and timestamp the digits of the second; an array its elements'.
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
bool is_type(TypeId id);          // one of those above, TypeId::none not
TypeId element_of(TypeId array);  // TypeId::none for what is no array
TypeId array_of(TypeId element);  // TypeId::none where Spar has no such array
inline bool is_array(TypeId id) {
  return element_of(id) != TypeId::none;
}
int typlen(TypeId id);  // pg_type.typlen: bytes, or -1 for variable length

// "integer", "character varying(40)", "numeric(10,2)": as format_type() writes it.
std::string type_name(const Type& type);
// By any SQL spelling of the bare name ("int", "int4", "character varying", "timestamptz", ...).
std::optional<TypeId> type_by_name(std::string_view name);

}  // namespace spar::data
