// Calls that take any type, any number of arguments or arguments by name; and those that the
// session's time takes part in.

#include <algorithm>
#include <array>
#include <numbers>

#include "query/bind/expression.h"
#include "query/bind/operators.h"
#include "query/bind/routines.h"

namespace spar::query::bind {
namespace {

Failure no_such_function(const std::string& name, const std::vector<ScalarRef>& arguments) {
  std::string shown = "function " + name + "(";
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    shown += (i == 0 ? "" : ", ") + name_of(arguments[i]->type.id);
  }
  Failure failure = sql_error("42883", shown + ") does not exist");
  failure.error().hint =
      "No function matches the given name and argument types. You might need to add explicit type "
      "casts.";
  return failure;
}

// What pg_typeof shows: the bare name.
std::string shown_type(TypeId type) {
  return type == TypeId::unknown ? "unknown" : name_of(type);
}

}  // namespace

// As the type's output function writes it: booleans as t and f, char(n) with its blanks.
Result<ScalarRef> ExpressionBinder::output_text(ScalarRef value) {
  const Type text{TypeId::text, -1};
  const TypeId type = value->type.id;
  if (type != TypeId::boolean && type != TypeId::bpchar) {
    return coerce(binding_, value, text, CastContext::explicit_);
  }
  return make_call("output", {value}, text, value->location);
}

// A null pointer for names that are nothing special.
Result<ScalarRef> ExpressionBinder::special_call(const PgQuery__FuncCall& call,
                                                 const std::string& name) {
  const int location = call.location;
  if (name == "make_interval") return make_interval(call);
  if (is_array_function(name)) return array_call(call, name);
  if (is_json_builder(name)) return json_call(call, name);
  if (name == "pi" && call.n_args == 0) {
    return make_constant(binding_, std::numbers::pi, Type{TypeId::float8, -1}, location);
  }
  if (name == "date_trunc" && call.n_args == 3) return date_trunc_there(call);
  constexpr std::array<std::string_view, 8> kNames = {
      "format",         "num_nulls", "num_nonnulls", "quote_literal",
      "quote_nullable", "pg_typeof", "age",          "overlaps"};
  if (std::ranges::find(kNames, name) == kNames.end()) return ScalarRef{nullptr};
  if (name == "age" && call.n_args != 1) return ScalarRef{nullptr};
  SPAR_ASSIGN(std::vector<ScalarRef> arguments, list(GRAMMAR_LIST(call, args)));
  if (name == "age") return age_today(arguments, location);
  if (name == "overlaps") return overlaps(arguments, location);
  if (arguments.empty()) return binding_.located<ScalarRef>(no_such_function(name, {}), location);
  if (name == "format") return format_call(std::move(arguments), location);
  if (name == "num_nulls" || name == "num_nonnulls") {
    for (ScalarRef& argument : arguments) {
      SPAR_ASSIGN(argument, coerce_unknown(binding_, argument));
    }
    return make_call(name == "num_nulls" ? "spar_num_nulls" : "spar_num_nonnulls",
                     std::move(arguments), Type{TypeId::int4, -1}, location);
  }
  if (arguments.size() != 1) {
    return binding_.located<ScalarRef>(no_such_function(name, arguments), location);
  }
  if (name == "pg_typeof") {
    return text_constant(shown_type(arguments[0]->type.id), TypeId::text, location);
  }
  SPAR_ASSIGN(ScalarRef text,
              coerce(binding_, arguments[0], Type{TypeId::text, -1}, CastContext::explicit_));
  return make_call(name == "quote_literal" ? "spar_quote_literal" : "spar_quote_nullable", {text},
                   Type{TypeId::text, -1}, location);
}

// date_trunc(unit, moment, zone): cut where the zone's clocks show it.
Result<ScalarRef> ExpressionBinder::date_trunc_there(const PgQuery__FuncCall& call) {
  SPAR_ASSIGN(std::vector<ScalarRef> arguments, list(GRAMMAR_LIST(call, args)));
  constexpr std::array<TypeId, 3> kTypes = {TypeId::text, TypeId::timestamptz, TypeId::text};
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    if (!can_cast(arguments[i]->type.id, kTypes[i], CastContext::implicit)) {
      return binding_.located<ScalarRef>(no_such_function("date_trunc", arguments), call.location);
    }
    SPAR_ASSIGN(arguments[i],
                coerce(binding_, arguments[i], Type{kTypes[i], -1}, CastContext::implicit));
  }
  const Type local{TypeId::timestamp, -1};
  SPAR_ASSIGN(const ScalarRef there,
              make_call("spar_local_of_zone", {arguments[2], arguments[1]}, local, call.location));
  SPAR_ASSIGN(const ScalarRef cut,
              make_call("date_trunc", {arguments[0], there}, local, call.location));
  return make_call("spar_moment_of_zone", {arguments[2], cut}, Type{TypeId::timestamptz, -1},
                   call.location);
}

Result<ScalarRef> ExpressionBinder::format_call(std::vector<ScalarRef> arguments, int location) {
  const Type text{TypeId::text, -1};
  if (!can_cast(arguments[0]->type.id, TypeId::text, CastContext::implicit)) {
    return binding_.located<ScalarRef>(no_such_function("format", arguments), location);
  }
  SPAR_ASSIGN(arguments[0], coerce(binding_, arguments[0], text, CastContext::implicit));
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    SPAR_ASSIGN(arguments[i], output_text(arguments[i]));
  }
  return make_call("spar_format_text", std::move(arguments), text, location);
}

// make_interval(years, months, weeks, days, hours, mins, secs), each with 0 for what is not given.
Result<ScalarRef> ExpressionBinder::make_interval(const PgQuery__FuncCall& call) {
  constexpr std::array<std::string_view, 7> kNames = {"years", "months", "weeks", "days",
                                                      "hours", "mins",   "secs"};
  const Type whole{TypeId::int4, -1}, real{TypeId::float8, -1};
  std::vector<ScalarRef> parts(kNames.size(), nullptr), given;
  std::vector<std::string> names;
  bool fits = call.n_args <= kNames.size();
  std::size_t next = 0;
  for (const Node* node : GRAMMAR_LIST(call, args)) {
    const bool named = node->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR;
    const std::string_view word = named ? node->named_arg_expr->name : "";
    for (const std::string& before : names) {
      if (!named || before != word) continue;
      return binding_.error("42601", "argument name \"" + before + "\" used more than once",
                            node->named_arg_expr->location);
    }
    SPAR_ASSIGN(const ScalarRef value, bind(named ? node->named_arg_expr->arg : node));
    given.push_back(value);
    names.emplace_back(word);
    const std::size_t place =
        named ? static_cast<std::size_t>(std::ranges::find(kNames, word) - kNames.begin()) : next++;
    fits =
        fits && place < kNames.size() && parts[place] == nullptr &&
        can_cast(value->type.id, place == 6 ? TypeId::float8 : TypeId::int4, CastContext::implicit);
    if (fits) parts[place] = value;
  }
  if (!fits) {
    Failure failure = no_such_function("make_interval", given);
    std::string shown = "function make_interval(";
    for (std::size_t i = 0; i < given.size(); ++i) {
      shown += i == 0 ? "" : ", ";
      if (!names[i].empty()) shown += names[i] + " => ";
      shown += name_of(given[i]->type.id);
    }
    failure.error().message = shown + ") does not exist";
    return binding_.located<ScalarRef>(std::move(failure), call.location);
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Type& type = i == 6 ? real : whole;
    if (parts[i] == nullptr) parts[i] = make_constant(binding_, std::int64_t{0}, whole);
    SPAR_ASSIGN(parts[i], coerce(binding_, parts[i], type, CastContext::implicit));
  }
  return make_call("spar_make_interval", std::move(parts), Type{TypeId::interval, -1},
                   call.location);
}

// age(x) counts from x to the midnight of today.
Result<ScalarRef> ExpressionBinder::age_today(const std::vector<ScalarRef>& arguments,
                                              int location) {
  const std::vector<TypeId> types = {arguments[0]->type.id, arguments[0]->type.id};
  SPAR_ASSIGN(const Routine* routine,
              binding_.located(resolve_routine("age", types, RoutineKind::scalar), location));
  const Type type{routine->arguments[0], -1};
  const ScalarRef now = binding_.arena().scalar(algebra::SessionValue{BoundValue::transaction_time},
                                                Type{TypeId::timestamptz, -1}, location);
  SPAR_ASSIGN(ScalarRef today,
              coerce(binding_, now, Type{TypeId::date, -1}, CastContext::explicit_));
  SPAR_ASSIGN(today, coerce(binding_, today, type, CastContext::explicit_));
  SPAR_ASSIGN(const ScalarRef value, coerce(binding_, arguments[0], type, CastContext::implicit));
  return make_call("age", {today, value}, Type{TypeId::interval, -1}, location);
}

// (start, end) OVERLAPS (start, end), where an end may be an interval from the start.
Result<ScalarRef> ExpressionBinder::overlaps(std::vector<ScalarRef> arguments, int location) {
  if (arguments.size() != 4) {
    return binding_.located<ScalarRef>(no_such_function("pg_catalog.overlaps", arguments),
                                       location);
  }
  TypeId type = TypeId::unknown;
  for (const ScalarRef argument : arguments) {
    const TypeId id = argument->type.id;
    if (id == TypeId::interval || id == TypeId::unknown) continue;
    const bool moment = id == TypeId::time || id == TypeId::date || id == TypeId::timestamp ||
                        id == TypeId::timestamptz;
    const bool mixed =
        (type == TypeId::time || id == TypeId::time) && type != TypeId::unknown && type != id;
    if (!moment || mixed) {
      return binding_.located<ScalarRef>(no_such_function("pg_catalog.overlaps", arguments),
                                         location);
    }
    if (type == TypeId::unknown || id == TypeId::timestamptz ||
        (id == TypeId::timestamp && type == TypeId::date)) {
      type = id;
    }
  }
  if (type == TypeId::date) type = TypeId::timestamp;
  if (type == TypeId::unknown) return binding_.missing("OVERLAPS of untyped values", location);
  for (const std::size_t start : {0UZ, 2UZ}) {
    const Type wanted{type, -1};
    SPAR_ASSIGN(arguments[start],
                coerce(binding_, arguments[start], wanted, CastContext::implicit));
    ScalarRef& end = arguments[start + 1];
    if (end->type.id == TypeId::interval) {
      SPAR_ASSIGN(end, make_operator(binding_, "+", arguments[start], end, location));
    }
    SPAR_ASSIGN(end, coerce(binding_, end, wanted, CastContext::implicit));
  }
  return make_call("spar_overlaps", std::move(arguments), Type{TypeId::boolean, -1}, location);
}

}  // namespace spar::query::bind
