#include "query/bind/routine_rows.h"

namespace spar::query::bind {

using enum TypeId;

namespace {

const Routine kTexts[] = {
    {"overlay", "spar_overlay", text, {text, text, int4}},
    {"overlay", "spar_overlay", text, {text, text, int4, int4}},
    {"overlay", "spar_bytes_overlay", bytea, {bytea, bytea, int4}},
    {"overlay", "spar_bytes_overlay", bytea, {bytea, bytea, int4, int4}},
    {"translate", "spar_translate", text, {text, text, text}},
    {"quote_ident", "spar_quote_ident", text, {text}},
    {"encode", "spar_encode", text, {bytea, text}},
    {"decode", "spar_decode", bytea, {text, text}},
    {"to_hex", "spar_to_hex_int4", text, {int4}},
    {"to_hex", "spar_to_hex_int8", text, {int8}},
    {"starts_with", "spar_starts_with", boolean, {text, text}},
    {"bit_length", "spar_bit_length", int4, {text}},
    {"bit_length", "spar_bit_length", int4, {bytea}},
    {"bit_count", "spar_bit_count", int8, {bytea}},
    {"sha224", "spar_sha224", bytea, {bytea}},
    {"sha256", "spar_sha256", bytea, {bytea}},
    {"sha384", "spar_sha384", bytea, {bytea}},
    {"sha512", "spar_sha512", bytea, {bytea}},
    {"md5", "spar_md5", text, {bytea}},
    {"convert_to", "spar_convert_to", bytea, {text, name}},
    {"convert_from", "spar_convert_from", text, {bytea, name}},
    {"get_byte", "spar_get_byte", int4, {bytea, int4}},
    {"set_byte", "spar_set_byte", bytea, {bytea, int4, int4}},
    {"get_bit", "spar_get_bit", int4, {bytea, int8}},
    {"set_bit", "spar_set_bit", bytea, {bytea, int8, int4}},
    {"substring", "spar_bytes_substring", bytea, {bytea, int4}},
    {"substring", "spar_bytes_substring", bytea, {bytea, int4, int4}},
    {"substr", "spar_bytes_substring", bytea, {bytea, int4}},
    {"substr", "spar_bytes_substring", bytea, {bytea, int4, int4}},
    {"position", "spar_bytes_position", int4, {bytea, bytea}},
    {"btrim", "spar_bytes_btrim", bytea, {bytea, bytea}},
    {"ltrim", "spar_bytes_ltrim", bytea, {bytea, bytea}},
    {"rtrim", "spar_bytes_rtrim", bytea, {bytea, bytea}},
};

const Routine kNumbers[] = {
    {"div", "spar_divide_whole", numeric, {numeric, numeric}},
    {"log", "spar_log10_float8", float8, {float8}},
    {"log", "spar_log_numeric", numeric, {numeric}},
    {"log", "spar_log_numeric", numeric, {numeric, numeric}},
    {"log10", "spar_log10_float8", float8, {float8}},
    {"log10", "spar_log_numeric", numeric, {numeric}},
    {"atan2", "spar_atan2", float8, {float8, float8}},
    {"atan2d", "spar_atan2d", float8, {float8, float8}},
    {"gcd", "spar_gcd_int4", int4, {int4, int4}},
    {"gcd", "spar_gcd_int8", int8, {int8, int8}},
    {"gcd", "spar_gcd_numeric", numeric, {numeric, numeric}},
    {"lcm", "spar_lcm_int4", int4, {int4, int4}},
    {"lcm", "spar_lcm_int8", int8, {int8, int8}},
    {"lcm", "spar_lcm_numeric", numeric, {numeric, numeric}},
    {"factorial", "spar_factorial", numeric, {int8}},
    {"width_bucket", "spar_width_bucket_numeric", int4, {numeric, numeric, numeric, int4}},
    {"width_bucket", "spar_width_bucket_float8", int4, {float8, float8, float8, int4}},
    {"scale", "spar_scale", int4, {numeric}},
    {"min_scale", "spar_min_scale", int4, {numeric}},
    {"trim_scale", "spar_trim_scale", numeric, {numeric}},
};

struct OfReal {
  std::string_view name, operation;
};
constexpr OfReal kOfReals[] = {
    {"sin", "spar_sin"},         {"cos", "spar_cos"},         {"tan", "spar_tan"},
    {"cot", "spar_cot"},         {"asin", "spar_asin"},       {"acos", "spar_acos"},
    {"atan", "spar_atan"},       {"sind", "spar_sind"},       {"cosd", "spar_cosd"},
    {"tand", "spar_tand"},       {"cotd", "spar_cotd"},       {"asind", "spar_asind"},
    {"acosd", "spar_acosd"},     {"atand", "spar_atand"},     {"sinh", "spar_sinh"},
    {"cosh", "spar_cosh"},       {"tanh", "spar_tanh"},       {"asinh", "spar_asinh"},
    {"acosh", "spar_acosh"},     {"atanh", "spar_atanh"},     {"cbrt", "spar_cbrt"},
    {"degrees", "spar_degrees"}, {"radians", "spar_radians"},
};

const Routine kMoments[] = {
    {"make_time", "spar_make_time", time, {int4, int4, float8}},
    {"make_timestamp", "spar_make_timestamp", timestamp, {int4, int4, int4, int4, int4, float8}},
    {"make_timestamptz",
     "spar_make_timestamptz",
     timestamptz,
     {int4, int4, int4, int4, int4, float8}},
    {"make_timestamptz",
     "spar_make_timestamptz",
     timestamptz,
     {int4, int4, int4, int4, int4, float8, text}},
    {"justify_days", "spar_justify_days", interval, {interval}},
    {"justify_hours", "spar_justify_hours", interval, {interval}},
    {"justify_interval", "spar_justify_interval", interval, {interval}},
    {"date_bin", "spar_date_bin", timestamp, {interval, timestamp, timestamp}},
    {"date_bin", "spar_date_bin", timestamptz, {interval, timestamptz, timestamptz}},
    {"isfinite", "spar_isfinite_date", boolean, {date}},
    {"isfinite", "spar_isfinite_moment", boolean, {timestamp}},
    {"isfinite", "spar_isfinite_moment", boolean, {timestamptz}},
    {"isfinite", "spar_isfinite_interval", boolean, {interval}},
    {"timezone", "spar_local_of_zone", timestamp, {text, timestamptz}},
    {"timezone", "spar_moment_of_zone", timestamptz, {text, timestamp}},
    {"timezone", "spar_local_of_interval", timestamp, {interval, timestamptz}},
    {"timezone", "spar_moment_of_interval", timestamptz, {interval, timestamp}},
    {"to_timestamp", "spar_to_timestamp_by_pattern", timestamptz, {text, text}},
};

constexpr Operator kMomentOperators[] = {
    {"+", {time, interval}, time, "spar_time_add_interval"},
    {"-", {time, interval}, time, "spar_time_sub_interval"},
    {"-", {time, time}, interval, "spar_time_sub"},
    {"+", {date, time}, timestamp, "spar_date_add_time"},
    {"+", {interval, time}, time, "time_add_interval_swapped"},
    {"+", {time, date}, timestamp, "date_add_time_swapped"},
};

}  // namespace

void add_text_routines(std::vector<Routine>& rows) {
  rows.insert(rows.end(), std::begin(kTexts), std::end(kTexts));
}

void add_number_routines(std::vector<Routine>& rows) {
  rows.insert(rows.end(), std::begin(kNumbers), std::end(kNumbers));
  for (const OfReal& f : kOfReals) rows.push_back({f.name, f.operation, float8, {float8}});
}

void add_moment_routines(std::vector<Routine>& rows) {
  rows.insert(rows.end(), std::begin(kMoments), std::end(kMoments));
}

void add_bit_operators(std::vector<Operator>& rows) {
  rows.push_back({"<<", {int2, int4}, int2, "spar_shift_left_int2"});
  rows.push_back({"<<", {int4, int4}, int4, "spar_shift_left_int4"});
  rows.push_back({"<<", {int8, int4}, int8, "spar_shift_left_int8"});
  rows.push_back({">>", {int2, int4}, int2, "spar_shift_right_int4"});
  rows.push_back({">>", {int4, int4}, int4, "spar_shift_right_int4"});
  rows.push_back({">>", {int8, int4}, int8, "spar_shift_right_int8"});
  for (const TypeId type : {int2, int4, int8}) {
    rows.push_back({"#", {type, type}, type, "spar_bit_xor"});
  }
  rows.push_back({"|/", {none, float8}, float8, "sqrt"});
  rows.push_back({"||/", {none, float8}, float8, "spar_cbrt"});
  rows.push_back({"^@", {text, text}, boolean, "spar_starts_with"});
}

void add_moment_operators(std::vector<Operator>& rows) {
  rows.insert(rows.end(), std::begin(kMomentOperators), std::end(kMomentOperators));
}

}  // namespace spar::query::bind
