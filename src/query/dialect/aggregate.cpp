// Aggregates. A scaled numeric is added up as the integer that it is.

#include <algorithm>
#include <set>

#include "query/dialect/literal.h"
#include "query/dialect/writer.h"
#include "query/functions/registry.h"

namespace spar::query::dialect {
namespace {

bool is_integer(TypeId type) {
  return type == TypeId::int2 || type == TypeId::int4 || type == TypeId::int8;
}

// Whether the order of the rows can be seen in the result, or equal ones only be told by key.
bool needs_order(const algebra::AggregateCall& call) {
  constexpr std::string_view kAny[] = {"count", "bool_and", "bool_or"};
  if (call.order.empty() || std::ranges::find(kAny, call.operation) != std::end(kAny)) return false;
  if (call.operation == "min" || call.operation == "max") return needs_key(call.arguments[0]->type);
  const TypeId type = call.arguments[0]->type.id;
  const bool exact = is_integer(type) || data::is_scaled(call.arguments[0]->type) ||
                     (type == TypeId::numeric && !call.distinct);
  return !exact || call.arguments.size() > 1;
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

}  // namespace

Result<std::string> Writer::called(std::string_view name, const std::string& arguments) const {
  if (!known(name)) return not_supported("aggregate " + std::string(name.substr(5)));
  return std::string(name) + std::string(aggregate_suffix_) + "(" + arguments + ")";
}

// An argument as a decimal, integers too.
Result<std::string> Writer::numeric_argument(ScalarRef value) {
  SPAR_ASSIGN(std::string text, argument(value));
  if (is_integer(value->type.id)) return "spar_int_to_numeric(" + text + ")";
  return text;
}

Result<std::string> Writer::min_or_max(const algebra::AggregateCall& call) {
  const ScalarRef value = call.arguments[0];
  SPAR_ASSIGN(const Sql sql, scalar(value));
  const bool decimal = value->type.id == TypeId::numeric && !data::is_scaled(value->type);
  if (decimal || value->type.id == TypeId::interval) {
    return called("spar_" + std::string(call.operation) + (decimal ? "_numeric" : "_interval"),
                  sql.text);
  }
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
    return called(name + "_scaled", sql.text + "," + std::to_string(scale));
  }
  SPAR_ASSIGN(const std::string text, argument(value));
  const std::string arguments = distinct_word(call) + text;
  if (type == TypeId::numeric) return called(name + "_numeric", arguments);
  if (type == TypeId::float4 && call.operation == "sum")
    return called("spar_sum_float4", arguments);
  if (!is_integer(type)) return called(name + "_float8", arguments);
  if (call.operation == "avg") return called("spar_avg_int", arguments);
  if (type == TypeId::int8) return called("spar_sum_int8", arguments);
  return "sum(" + arguments + ")";
}

Result<std::string> Writer::ordered(const algebra::AggregateCall& call) {
  algebra::AggregateCall plain = call;
  plain.order.clear();
  plain.distinct = false;
  const std::string_view operation = call.operation;
  std::string arguments, name;
  std::size_t count = call.arguments.size();
  if (operation == "mode" || operation.starts_with("percentile_")) {
    name = "spar_" + std::string(operation);
    SPAR_ASSIGN(arguments, list(call.arguments));
    if (operation == "mode") {
      arguments += "," + key_of(arguments, call.arguments[0]->type);
      ++count;
    }
  } else {  // as it would be called, taken apart
    SPAR_ASSIGN(const std::string text, aggregate_body(plain));
    const std::size_t open = text.find('(');
    name = text.substr(0, open);
    if (!known(name)) return not_supported("an order for " + std::string(operation));
    arguments = text.substr(open + 1, text.size() - open - 2);
    if (data::is_scaled(call.arguments[0]->type) && name.ends_with("_scaled")) ++count;
  }
  std::string how = call.distinct ? "d" : "-", keys;
  for (const algebra::SortKey& key : call.order) {
    how += key.descending ? 'd' : 'a';
    how += key.nulls_first ? 'f' : 'l';
    SPAR_ASSIGN(const Sql sql, scalar(key.expression));
    keys += "," + key_of(sql.text, key.expression->type);
  }
  return "spar_ordered(" + quoted(name) + "," + quoted(how) + "," + std::to_string(count) + "," +
         arguments + keys + ")";
}

Result<std::string> Writer::aggregate_body(const algebra::AggregateCall& call) {
  const std::string_view operation = call.operation;
  const bool set = operation == "mode" || operation.starts_with("percentile_");
  if (set || needs_order(call)) return ordered(call);
  if (operation.starts_with("spar_")) {
    SPAR_ASSIGN(const std::string all, list(call.arguments));
    return called(operation, all);
  }
  if (operation.starts_with("all_bits_")) {
    SPAR_ASSIGN(const Sql sql, scalar(call.arguments[0]));
    return called("spar_" + std::string(operation), distinct_word(call) + sql.text);
  }
  if (call.arguments.size() == 2 && operation != "string_agg") {  // corr and its like
    SPAR_ASSIGN(const std::string both, list(call.arguments));
    return called("spar_" + std::string(operation), both);
  }
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
    return called("spar_" + std::string(operation), distinct_word(call) + sql.text);
  }
  if (operation == "string_agg") {
    SPAR_ASSIGN(const std::string both, list(call.arguments));
    return called("spar_string_agg", both);
  }
  const ScalarRef value = call.arguments[0];
  const bool real = value->type.id == TypeId::float4 || value->type.id == TypeId::float8;
  SPAR_ASSIGN(const std::string text, real ? argument(value) : numeric_argument(value));
  return called("spar_" + std::string(operation) + (real ? "_float8" : "_numeric"),
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
