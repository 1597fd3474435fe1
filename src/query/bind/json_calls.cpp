// JSON made of any values, and the aggregates that collect any values.

#include <algorithm>
#include <array>

#include "query/bind/expression.h"
#include "query/bind/resolve.h"
#include "query/bind/routine_rows.h"

namespace spar::query::bind {

using enum TypeId;

namespace {

const Routine kRoutines[] = {
    {"json_typeof", "spar_json_typeof", text, {json}},
    {"jsonb_typeof", "spar_json_typeof", text, {jsonb}},
    {"json_array_length", "spar_json_array_length", int4, {json}},
    {"jsonb_array_length", "spar_json_array_length", int4, {jsonb}},
    {"jsonb_strip_nulls", "spar_jsonb_strip_nulls", jsonb, {jsonb}},
    {"jsonb_pretty", "spar_jsonb_pretty", text, {jsonb}},
    {"jsonb_set", "spar_jsonb_set", jsonb, {jsonb, text_array, jsonb, boolean}},
    {"jsonb_insert", "spar_jsonb_insert", jsonb, {jsonb, text_array, jsonb, boolean}},
    {"jsonb_contains", "spar_jsonb_contains", boolean, {jsonb, jsonb}},
    {"jsonb_exists", "spar_jsonb_exists", boolean, {jsonb, text}},
};

constexpr Operator kOperators[] = {
    {"@>", {jsonb, jsonb}, boolean, "spar_jsonb_contains"},
    {"<@", {jsonb, jsonb}, boolean, "jsonb_contained_swapped"},
    {"?", {jsonb, text}, boolean, "spar_jsonb_exists"},
    {"?|", {jsonb, text_array}, boolean, "spar_jsonb_exists_any"},
    {"?&", {jsonb, text_array}, boolean, "spar_jsonb_exists_all"},
    {"||", {jsonb, jsonb}, jsonb, "spar_jsonb_concat"},
    {"-", {jsonb, text}, jsonb, "spar_jsonb_erase_member"},
    {"-", {jsonb, int4}, jsonb, "spar_jsonb_erase_item"},
    {"-", {jsonb, text_array}, jsonb, "spar_jsonb_erase_members"},
    {"#-", {jsonb, text_array}, jsonb, "spar_jsonb_erase_path"},
};

constexpr std::array<std::string_view, 8> kBuilders = {
    "to_json",          "to_jsonb",          "json_build_object", "jsonb_build_object",
    "json_build_array", "jsonb_build_array", "jsonb_set",         "jsonb_insert"};

Failure no_such(std::string_view name, const std::vector<ScalarRef>& arguments) {
  std::vector<TypeId> types;
  for (const ScalarRef argument : arguments) types.push_back(argument->type.id);
  return no_overload("function", name, types, Failing::none_fits);
}

}  // namespace

void add_json_routines(std::vector<Routine>& rows) {
  rows.insert(rows.end(), std::begin(kRoutines), std::end(kRoutines));
}

void add_json_operators(std::vector<Operator>& rows) {
  rows.insert(rows.end(), std::begin(kOperators), std::end(kOperators));
  for (const TypeId type : {json, jsonb}) {
    rows.push_back({"->", {type, text}, type, "spar_json_member"});
    rows.push_back({"->", {type, int4}, type, "spar_json_item"});
    rows.push_back({"->>", {type, text}, text, "spar_json_member_text"});
    rows.push_back({"->>", {type, int4}, text, "spar_json_item_text"});
    rows.push_back({"#>", {type, text_array}, type, "spar_json_path"});
    rows.push_back({"#>>", {type, text_array}, text, "spar_json_path_text"});
  }
  for (const std::string_view symbol : {"=", "<>", "<", "<=", ">", ">="}) {
    rows.push_back({symbol, {jsonb, jsonb}, boolean, symbol});
  }
}

bool is_json_builder(std::string_view name) {
  return std::ranges::find(kBuilders, name) != kBuilders.end();
}

// The value as JSON text, null for null.
Result<ScalarRef> ExpressionBinder::json_value(ScalarRef value, bool binary) {
  SPAR_ASSIGN(value, coerce_unknown(binding_, value));
  const int location = value->location;
  const bool zoned = value->type.id == timestamptz || value->type.id == timestamptz_array;
  if (zoned && !binding_.context().text.is_utc()) {
    return binding_.missing("timestamptz as JSON in a time zone other than UTC", location);
  }
  // In functions a numeric is a decimal, whatever its modifier.
  const bool numbers = value->type.id == numeric;
  const std::int64_t typmod = numbers ? -1 : value->type.typmod;
  return make_call(
      binary ? "spar_jsonb_of" : "spar_json_of",
      {value, oid_constant(value->type.id), make_constant(binding_, typmod, Type{int8, -1})},
      Type{binary ? jsonb : json, -1}, location);
}

Result<ScalarRef> ExpressionBinder::json_call(const PgQuery__FuncCall& call,
                                              const std::string& name) {
  const int location = call.location;
  SPAR_ASSIGN(std::vector<ScalarRef> arguments, list(GRAMMAR_LIST(call, args)));
  if (name == "jsonb_set" || name == "jsonb_insert") {
    if (arguments.size() == 3) {  // jsonb_set makes what is missing, jsonb_insert puts before
      arguments.push_back(
          make_constant(binding_, std::int64_t{name == "jsonb_set"}, Type{boolean, -1}));
    }
    const std::array<TypeId, 4> wanted = {jsonb, text_array, jsonb, boolean};
    if (arguments.size() != wanted.size()) {
      return binding_.located<ScalarRef>(no_such(name, arguments), location);
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (!can_cast(arguments[i]->type.id, wanted[i], CastContext::implicit)) {
        return binding_.located<ScalarRef>(no_such(name, arguments), location);
      }
      SPAR_ASSIGN(arguments[i],
                  coerce(binding_, arguments[i], Type{wanted[i], -1}, CastContext::implicit));
    }
    return make_call(name == "jsonb_set" ? "spar_jsonb_set" : "spar_jsonb_insert",
                     std::move(arguments), Type{jsonb, -1}, location);
  }
  const bool binary = name.contains("jsonb");
  const Type result{binary ? jsonb : json, -1};
  if (name == "to_json" || name == "to_jsonb") {
    if (arguments.size() != 1) {
      return binding_.located<ScalarRef>(no_such(name, arguments), location);
    }
    if (arguments[0]->type.id == unknown) {
      return sql_error("42804",
                       "could not determine polymorphic type because input has type unknown");
    }
    SPAR_ASSIGN(const ScalarRef made, json_value(arguments[0], binary));
    return make_call(binary ? "spar_to_jsonb" : "spar_to_json",
                     std::get<algebra::Call>(made->body).arguments, result, location);
  }
  const bool object = name.ends_with("_object");
  if (object && arguments.size() % 2 != 0) {
    Failure failure = sql_error("22023", "argument list must have even number of elements");
    failure.error().hint =
        "The arguments of " + name + "() must consist of alternating keys and values.";
    return failure;
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (object && i % 2 == 0) {
      SPAR_ASSIGN(arguments[i], coerce_unknown(binding_, arguments[i]));
      const TypeId type = arguments[i]->type.id;
      if (type == json || type == jsonb || data::is_array(type)) {
        return binding_.missing("a key that is no scalar", location);
      }
      // Booleans are keys as true and false.
      if (type == boolean) {
        SPAR_ASSIGN(arguments[i],
                    coerce(binding_, arguments[i], Type{text, -1}, CastContext::explicit_));
      } else {
        SPAR_ASSIGN(arguments[i], output_text(arguments[i]));
      }
      continue;
    }
    SPAR_ASSIGN(arguments[i], json_value(arguments[i], binary));
  }
  const std::string_view operation =
      object ? (binary ? "spar_jsonb_build_object" : "spar_json_build_object")
             : (binary ? "spar_jsonb_build_array" : "spar_json_build_array");
  return make_call(operation, std::move(arguments), result, location);
}

bool is_collecting(std::string_view name) {
  return name == "array_agg" || name == "json_agg" || name == "jsonb_agg" ||
         name == "json_object_agg" || name == "jsonb_object_agg";
}

// array_agg and its like: the arguments in a form that has no nulls, which aggregates do not see.
Result<void> ExpressionBinder::collecting(algebra::AggregateCall& call, const std::string& name,
                                          Type& type, int location) {
  std::vector<ScalarRef>& arguments = call.arguments;
  const bool members = name.ends_with("object_agg"), binary = name.starts_with("jsonb");
  if (arguments.size() != (members ? 2u : 1u)) {
    return binding_.located<void>(no_such(name, arguments), location);
  }
  if (call.distinct) return binding_.missing(name + "(DISTINCT ...)", location);
  if (name == "array_agg") {
    SPAR_ASSIGN(arguments[0], coerce_unknown(binding_, arguments[0]));
    const TypeId array = data::array_of(arguments[0]->type.id);
    if (array == none) {
      return binding_.missing("array_agg() of " + name_of(arguments[0]->type.id), location);
    }
    type = Type{array, -1};
    call.operation = "spar_array_agg";
    SPAR_ASSIGN(arguments[0], make_call("spar_array", {arguments[0]}, type, location));
    return {};
  }
  type = Type{binary ? jsonb : json, -1};
  if (!members) {
    const bool arrays = data::is_array(arguments[0]->type.id);
    SPAR_ASSIGN(arguments[0], json_value(arguments[0], binary));
    if (arrays && !binary) arguments.push_back(oid_constant(text));  // a line for each
    call.operation = binary ? "spar_jsonb_agg" : "spar_json_agg";
    return {};
  }
  SPAR_ASSIGN(arguments[0], coerce_unknown(binding_, arguments[0]));
  const TypeId key = arguments[0]->type.id;
  if (key == json || key == jsonb || data::is_array(key)) {
    return binding_.missing("a key that is no scalar", location);
  }
  if (key == boolean) {
    SPAR_ASSIGN(arguments[0],
                coerce(binding_, arguments[0], Type{text, -1}, CastContext::explicit_));
  } else {
    SPAR_ASSIGN(arguments[0], output_text(arguments[0]));
  }
  SPAR_ASSIGN(arguments[0], make_call("spar_json_key", {arguments[0]}, Type{text, -1}, location));
  SPAR_ASSIGN(arguments[1], json_value(arguments[1], binary));
  call.operation = binary ? "spar_jsonb_object_agg" : "spar_json_object_agg";
  return {};
}

}  // namespace spar::query::bind
