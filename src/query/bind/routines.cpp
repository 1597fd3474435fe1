#include "query/bind/routines.h"

#include <algorithm>
#include <array>

#include "query/bind/resolve.h"
#include "query/bind/routine_rows.h"

namespace spar::query::bind {
namespace {

using enum TypeId;

// With one overload, or few that differ.
const Routine kScalars[] = {
    {"upper", "upper", text, {text}},
    {"lower", "lower", text, {text}},
    {"initcap", "initcap", text, {text}},
    {"length", "char_length", int4, {text}},
    {"length", "char_length", int4, {bpchar}},
    {"length", "octet_length", int4, {bytea}},
    {"char_length", "char_length", int4, {text}},
    {"char_length", "char_length", int4, {bpchar}},
    {"character_length", "char_length", int4, {text}},
    {"character_length", "char_length", int4, {bpchar}},
    {"octet_length", "octet_length", int4, {text}},
    {"octet_length", "octet_length", int4, {bpchar}},
    {"octet_length", "octet_length", int4, {bytea}},
    {"substring", "substring", text, {text, int4, int4}},
    {"substring", "substring", text, {text, int4}},
    {"substr", "substring", text, {text, int4, int4}},
    {"substr", "substring", text, {text, int4}},
    {"position", "position", int4, {text, text}},
    {"strpos", "position", int4, {text, text}},
    {"left", "left", text, {text, int4}},
    {"right", "right", text, {text, int4}},
    {"repeat", "repeat", text, {text, int4}},
    {"reverse", "reverse", text, {text}},
    {"replace", "replace", text, {text, text, text}},
    {"split_part", "split_part", text, {text, text, int4}},
    {"ascii", "ascii", int4, {text}},
    {"chr", "chr", text, {int4}},
    {"md5", "md5", text, {text}},
    {"lpad", "lpad", text, {text, int4}},
    {"lpad", "lpad", text, {text, int4, text}},
    {"rpad", "rpad", text, {text, int4}},
    {"rpad", "rpad", text, {text, int4, text}},
    {"power", "power", float8, {float8, float8}},
    {"power", "power", numeric, {numeric, numeric}},
    {"pow", "power", float8, {float8, float8}},
    {"pow", "power", numeric, {numeric, numeric}},
    {"round", "round", numeric, {numeric, int4}},
    {"trunc", "trunc", numeric, {numeric, int4}},
    {"mod", "mod", int2, {int2, int2}},
    {"mod", "mod", int4, {int4, int4}},
    {"mod", "mod", int8, {int8, int8}},
    {"mod", "mod", numeric, {numeric, numeric}},
    {"random", "random", float8, {}},
    {"now", "now", timestamptz, {}},
    {"transaction_timestamp", "now", timestamptz, {}},
    {"statement_timestamp", "statement_timestamp", timestamptz, {}},
    {"clock_timestamp", "statement_timestamp", timestamptz, {}},
    {"date_trunc", "date_trunc", timestamp, {text, timestamp}},
    {"date_trunc", "date_trunc", timestamptz, {text, timestamptz}},
    {"date_trunc", "date_trunc", interval, {text, interval}},
    {"age", "age", interval, {timestamp, timestamp}},
    {"age", "age", interval, {timestamptz, timestamptz}},
    {"make_date", "make_date", date, {int4, int4, int4}},
    {"to_date", "to_date", date, {text, text}},
    {"to_timestamp", "to_timestamp", timestamptz, {float8}},
    {"version", "version", text, {}},
    {"current_database", "current_database", name, {}},
    {"current_schema", "current_schema", name, {}},
};

// Those that take every type of a family.
std::vector<Routine> scalar_rows() {
  std::vector<Routine> rows(std::begin(kScalars), std::end(kScalars));
  for (const std::string_view trim : {"btrim", "ltrim", "rtrim"}) {
    rows.push_back({trim, trim, text, {text}});
    rows.push_back({trim, trim, text, {text, text}});
  }
  for (const TypeId type : {int2, int4, int8, float4, float8, numeric}) {
    rows.push_back({"abs", "abs", type, {type}});
  }
  for (const TypeId type : {float8, numeric}) {
    for (const std::string_view f :
         {"round", "trunc", "ceil", "floor", "sign", "sqrt", "exp", "ln"}) {
      rows.push_back({f, f, type, {type}});
    }
    rows.push_back({"ceiling", "ceil", type, {type}});
  }
  for (const TypeId type : {date, time, timestamp, timestamptz, interval}) {
    rows.push_back({"extract", "extract", numeric, {text, type}});
    rows.push_back({"date_part", "date_part", float8, {text, type}});
  }
  for (const TypeId type :
       {timestamp, timestamptz, interval, numeric, int4, int8, float4, float8}) {
    rows.push_back({"to_char", "to_char", text, {type, text}});
  }
  add_text_routines(rows);
  add_number_routines(rows);
  add_moment_routines(rows);
  add_json_routines(rows);
  add_regex_routines(rows);
  return rows;
}

std::vector<Routine> aggregate_rows() {
  std::vector<Routine> rows = {
      {"sum", "sum", int8, {int2}},
      {"sum", "sum", int8, {int4}},
      {"sum", "sum", numeric, {int8}},
      {"sum", "sum", numeric, {numeric}},
      {"sum", "sum", float4, {float4}},
      {"sum", "sum", float8, {float8}},
      {"avg", "avg", numeric, {int2}},
      {"avg", "avg", numeric, {int4}},
      {"avg", "avg", numeric, {int8}},
      {"avg", "avg", numeric, {numeric}},
      {"avg", "avg", float8, {float4}},
      {"avg", "avg", float8, {float8}},
      {"string_agg", "string_agg", text, {text, text}},
      {"bool_and", "bool_and", boolean, {boolean}},
      {"bool_or", "bool_or", boolean, {boolean}},
      {"every", "bool_and", boolean, {boolean}},
  };
  for (const TypeId type : {int2, int4, int8, oid, float4, float8, numeric, text, bpchar, date,
                            time, timestamp, timestamptz, interval}) {
    rows.push_back({"min", "min", type, {type}});
    rows.push_back({"max", "max", type, {type}});
  }
  for (const TypeId type : {int2, int4, int8}) {
    rows.push_back({"bit_and", "all_bits_and", type, {type}});
    rows.push_back({"bit_or", "all_bits_or", type, {type}});
    rows.push_back({"bit_xor", "all_bits_xor", type, {type}});
  }
  for (const std::string_view pair :
       {"corr", "covar_pop", "covar_samp", "regr_avgx", "regr_avgy", "regr_intercept", "regr_r2",
        "regr_slope", "regr_sxx", "regr_sxy", "regr_syy"}) {
    rows.push_back({pair, pair, float8, {float8, float8}});
  }
  rows.push_back({"regr_count", "regr_count", int8, {float8, float8}});
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kSpreads = {
      {{"stddev", "stddev_samp"},
       {"stddev_samp", "stddev_samp"},
       {"stddev_pop", "stddev_pop"},
       {"variance", "var_samp"},
       {"var_samp", "var_samp"},
       {"var_pop", "var_pop"}}};
  for (const auto& [name_, operation] : kSpreads) {
    for (const TypeId type : {int2, int4, int8, numeric}) {
      rows.push_back({name_, operation, numeric, {type}});
    }
    rows.push_back({name_, operation, float8, {float4}});
    rows.push_back({name_, operation, float8, {float8}});
  }
  return rows;
}

// What PostgreSQL has and people use, so that they hear 0A000 and not "does not exist".
constexpr std::string_view kMissing[] = {"col_description",
                                         "current_schemas",
                                         "format_type",
                                         "gen_random_uuid",
                                         "generate_series",
                                         "has_table_privilege",
                                         "inet_server_addr",
                                         "obj_description",
                                         "pg_advisory_lock",
                                         "pg_backend_pid",
                                         "pg_get_constraintdef",
                                         "pg_get_expr",
                                         "pg_get_indexdef",
                                         "pg_get_userbyid",
                                         "pg_is_in_recovery",
                                         "pg_relation_size",
                                         "pg_sleep",
                                         "pg_table_is_visible",
                                         "pg_total_relation_size",
                                         "row_to_json",
                                         "to_number",
                                         "txid_current",
                                         "xmlagg",
                                         "array_fill",
                                         "array_to_json",
                                         "json_extract_path",
                                         "json_extract_path_text",
                                         "json_object",
                                         "json_populate_record",
                                         "json_strip_nulls",
                                         "json_to_record",
                                         "jsonb_extract_path",
                                         "jsonb_extract_path_text",
                                         "jsonb_object",
                                         "jsonb_path_exists",
                                         "jsonb_path_match",
                                         "jsonb_path_query",
                                         "jsonb_path_query_array",
                                         "jsonb_populate_record",
                                         "jsonb_to_record",
                                         "jsonb_to_recordset",
                                         "normalize",
                                         "parse_ident",
                                         "setseed",
                                         "timeofday",
                                         "to_ascii",
                                         "unistr",
                                         "current_setting",
                                         "set_config"};

class Routines {
 public:
  explicit Routines(std::vector<Routine> rows) : rows_(std::move(rows)) {
    std::ranges::sort(rows_, {}, &Routine::name);
  }
  std::span<const Routine> named(std::string_view wanted) const {
    return std::ranges::equal_range(rows_, wanted, {}, &Routine::name);
  }

 private:
  std::vector<Routine> rows_;
};

const Routines& table(RoutineKind kind) {
  static const Routines kScalarTable(scalar_rows());
  static const Routines kAggregateTable(aggregate_rows());
  return kind == RoutineKind::scalar ? kScalarTable : kAggregateTable;
}

}  // namespace

bool is_window_function(std::string_view name_) {
  constexpr std::array<std::string_view, 11> kNames = {
      "row_number", "rank", "dense_rank",  "percent_rank", "cume_dist", "ntile",
      "lag",        "lead", "first_value", "last_value",   "nth_value"};
  return std::ranges::find(kNames, name_) != kNames.end();
}

bool is_ordered_set(std::string_view name_) {
  return name_ == "percentile_cont" || name_ == "percentile_disc" || name_ == "mode";
}

bool is_aggregate(std::string_view name_) {
  return name_ == "count" || !table(RoutineKind::aggregate).named(name_).empty();
}

Result<const Routine*> resolve_routine(std::string_view name_, std::span<const TypeId> arguments,
                                       RoutineKind kind) {
  std::vector<std::span<const TypeId>> candidates;
  std::vector<const Routine*> routines;
  for (const Routine& routine : table(kind).named(name_)) {
    if (routine.arguments.size() != arguments.size()) continue;
    candidates.emplace_back(routine.arguments);
    routines.push_back(&routine);
  }
  const bool known = !table(kind).named(name_).empty();
  if (!known && std::ranges::find(kMissing, name_) != std::end(kMissing)) {
    return not_supported("function " + std::string(name_) + "()");
  }
  const auto best = best_overload(arguments, candidates);
  if (!best) return no_overload("function", name_, arguments, best.error());
  return routines[*best];
}

}  // namespace spar::query::bind
