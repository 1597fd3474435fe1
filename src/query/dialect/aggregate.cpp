// Aggregates. A scaled numeric is added up as the integer that it is.

#include <algorithm>
#include <set>

#include "query/dialect/writer.h"
#include "query/functions/registry.h"

namespace spar::query::dialect {
namespace {

bool is_integer(TypeId type) {
  return type == TypeId::int2 || type == TypeId::int4 || type == TypeId::int8;
}

std::string distinct_word(const algebra::AggregateCall& call) {
  return call.distinct ? "DISTINCT " : "";
}

bool known(std::string_view name) {
  static const std::set<std::string_view> kNames = [] {
    std::set<std::string_view> names;
    for (const auto& entry : functions::aggregates()) names.insert(entry.name);
    return names;
  }();
  return kNames.contains(name);
}

Result<std::string> made(std::string_view name, const std::string& arguments) {
  if (!known(name)) return not_supported("aggregate " + std::string(name.substr(5)));
  return std::string(name) + "(" + arguments + ")";
}

}  // namespace

// An argument as a decimal, integers too.
Result<std::string> Writer::numeric_argument(ScalarRef value) {
  SPAR_ASSIGN(std::string text, argument(value));
  if (is_integer(value->type.id)) return "spar_int_to_numeric(" + text + ")";
  return text;
}

Result<std::string> Writer::min_or_max(const algebra::AggregateCall& call) {
  const ScalarRef value = call.arguments[0];
  if (value->type.id == TypeId::interval) return not_supported("the comparison of intervals");
  SPAR_ASSIGN(const Sql sql, scalar(value));
  return std::string(call.operation) + "(" + distinct_word(call) + sql.text + ")";
}

// sum and avg. DISTINCT takes one argument only in SQLite, hence no scale beside it.
Result<std::string> Writer::sum_or_avg(const algebra::AggregateCall& call) {
  const ScalarRef value = call.arguments[0];
  const TypeId type = value->type.id;
  const std::string name = "spar_" + std::string(call.operation);
  if (data::is_scaled(value->type) && !call.distinct) {
    SPAR_ASSIGN(const Sql sql, scalar(value));
    const int scale = data::numeric_shape(value->type)->scale;
    return made(name + "_scaled", sql.text + "," + std::to_string(scale));
  }
  if (call.distinct && needs_key(value->type)) {
    return not_supported(std::string(call.operation) + "(DISTINCT numeric without a scale)");
  }
  SPAR_ASSIGN(const std::string text, argument(value));
  const std::string arguments = distinct_word(call) + text;
  if (type == TypeId::numeric) return made(name + "_numeric", arguments);
  if (type == TypeId::float4 && call.operation == "sum") return made("spar_sum_float4", arguments);
  if (!is_integer(type)) return made(name + "_float8", arguments);
  if (call.operation == "avg") return made("spar_avg_int", arguments);
  if (type == TypeId::int8) return made("spar_sum_int8", arguments);
  return "sum(" + arguments + ")";
}

Result<std::string> Writer::aggregate_body(const algebra::AggregateCall& call) {
  const std::string_view operation = call.operation;
  if (operation == "count") {
    if (call.arguments.empty()) return std::string("count(*)");
    SPAR_ASSIGN(const Sql sql, scalar(call.arguments[0]));
    if (!call.distinct) return "count(" + sql.text + ")";
    const std::string key = key_of(sql.text, call.arguments[0]->type);
    return "count(DISTINCT " + key + ")";
  }
  if (operation == "min" || operation == "max") return min_or_max(call);
  if (operation == "sum" || operation == "avg") return sum_or_avg(call);
  if (operation == "bool_and" || operation == "bool_or") {
    SPAR_ASSIGN(const Sql sql, scalar(call.arguments[0]));
    return made("spar_" + std::string(operation), distinct_word(call) + sql.text);
  }
  if (operation == "string_agg") {
    if (call.distinct) return not_supported("string_agg(DISTINCT ...)");
    SPAR_ASSIGN(const std::string both, list(call.arguments));
    return made("spar_string_agg", both);
  }
  if (operation.starts_with("spar_")) {
    SPAR_ASSIGN(const std::string all, list(call.arguments));
    return made(operation, all);
  }
  const ScalarRef value = call.arguments[0];
  const bool real = value->type.id == TypeId::float4 || value->type.id == TypeId::float8;
  SPAR_ASSIGN(const std::string text, real ? argument(value) : numeric_argument(value));
  return made("spar_" + std::string(operation) + (real ? "_float8" : "_numeric"),
              distinct_word(call) + text);
}

Result<std::string> Writer::aggregate(const algebra::AggregateCall& call) {
  if (call.operation == "any") {  // SQLite takes it from any row of the group
    SPAR_ASSIGN(const Sql sql, scalar(call.arguments[0]));
    return sql.text;
  }
  SPAR_ASSIGN(std::string text, aggregate_body(call));
  if (call.filter != nullptr) {
    SPAR_ASSIGN(const Sql filter, scalar(call.filter));
    text += " FILTER (WHERE " + filter.text + ")";
  }
  // The result's form where it is not the argument's.
  const Type& result = arena_.info(call.column).type;
  if (call.operation == "min" || call.operation == "max") {
    return to_numeric(text, call.arguments[0]->type, result);
  }
  return text;
}

}  // namespace spar::query::dialect
