// Function calls and aggregates.

#include <algorithm>
#include <array>

#include "query/bind/expression.h"
#include "query/bind/operators.h"
#include "query/bind/routines.h"
#include "query/bind/sequence_call.h"
#include "query/bind/zone.h"

namespace spar::query::bind {

using algebra::AggregateCall;
using algebra::Call;

// The server's version as drivers parse it.
constexpr std::string_view kVersion = "PostgreSQL 15.0 (Spar)";

Result<std::string> ExpressionBinder::routine_name(const PgQuery__FuncCall& call) {
  const std::vector<std::string> names = grammar::names_of(GRAMMAR_LIST(call, funcname));
  if (names.empty()) return sql_error("42601", "a function has no name");
  if (names.size() == 1 || (names.size() == 2 && names[0] == "pg_catalog")) return names.back();
  if (names.size() == 2 && names[0] != "public") {
    return binding_.error("3F000", "schema \"" + names[0] + "\" does not exist", call.location);
  }
  return binding_.error(
      "42883", "function " + grammar::dotted(GRAMMAR_LIST(call, funcname)) + " does not exist",
      call.location);
}

Result<ScalarRef> ExpressionBinder::call(const PgQuery__FuncCall& call) {
  SPAR_ASSIGN(const std::string name, routine_name(call));
  const int location = call.location;
  if (call.over != nullptr) return window_call(call, name);
  if (is_window_function(name)) {
    return binding_.error("42809", "window function " + name + " requires an OVER clause",
                          location);
  }
  if (call.agg_within_group) return within_group(call, name);
  if (call.func_variadic) return binding_.missing("VARIADIC", location);
  if (is_aggregate(name) || is_collecting(name)) return aggregate(call, name);
  const std::string_view decoration = call.agg_distinct            ? "DISTINCT"
                                      : call.n_agg_order > 0       ? "ORDER BY"
                                      : call.agg_filter != nullptr ? "FILTER"
                                                                   : "";
  if (!decoration.empty()) {
    return binding_.error(
        "42809",
        std::string(decoration) + " specified, but " + name + " is not an aggregate function",
        location);
  }
  return scalar_call(call, name);
}

Result<ScalarRef> ExpressionBinder::make_call(std::string_view operation,
                                              std::vector<ScalarRef> arguments, Type type,
                                              int location) {
  SPAR_ASSIGN(const auto local, in_session_zone(binding_, operation, arguments, type, location));
  if (local) return *local;
  return binding_.arena().scalar(Call{operation, std::move(arguments)}, type, location);
}

namespace {

std::vector<TypeId> types_of(std::span<const ScalarRef> arguments) {
  std::vector<TypeId> types;
  for (const ScalarRef argument : arguments) types.push_back(argument->type.id);
  return types;
}

Result<void> convert(Binding& binding, std::vector<ScalarRef>& arguments, const Routine& routine) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const TypeId wanted = routine.arguments[i];
    if (arguments[i]->type.id == wanted) continue;
    SPAR_ASSIGN(arguments[i],
                coerce(binding, arguments[i], Type{wanted, -1}, CastContext::implicit));
  }
  return {};
}

}  // namespace

Result<ScalarRef> ExpressionBinder::scalar_call(const PgQuery__FuncCall& call,
                                                const std::string& name) {
  if (name == "concat" || name == "concat_ws") return concat(call, name);
  if (is_sequence_function(name)) return sequence_call(call, name);
  SPAR_ASSIGN(const ScalarRef special, special_call(call, name));
  if (special != nullptr) return special;
  SPAR_ASSIGN(std::vector<ScalarRef> arguments, list(GRAMMAR_LIST(call, args)));
  const std::vector<TypeId> types = types_of(arguments);
  Result<const Routine*> found =
      binding_.located(resolve_routine(name, types, RoutineKind::scalar), call.location);
  if (!found) {
    // int4(x), date(x): a type's name called as a function is a cast.
    const std::optional<TypeId> type = data::type_by_name(name);
    const bool cast = type && arguments.size() == 1 && found.error().sqlstate == "42883" &&
                      can_cast(types[0], *type, CastContext::explicit_);
    if (!cast) return Failure(std::move(found.error()));
    return coerce(binding_, arguments[0], Type{*type, -1}, CastContext::explicit_, call.location);
  }
  const Routine& routine = **found;
  SPAR_TRY(convert(binding_, arguments, routine));
  if (arguments.empty() && routine.operation != "now") {
    return session_call(routine.operation, call.location);
  }
  if (routine.operation == "now") return session_call("now", call.location);
  return make_call(routine.operation, std::move(arguments), Type{routine.result, -1},
                   call.location);
}

// Functions without arguments: constants of the session, or values it binds.
Result<ScalarRef> ExpressionBinder::session_call(std::string_view operation, int location) {
  const AnalyzeContext& context = binding_.context();
  const auto bound = [&](BoundValue value, TypeId type) -> Result<ScalarRef> {
    return binding_.arena().scalar(algebra::SessionValue{value}, Type{type, -1}, location);
  };
  if (operation == "now") return bound(BoundValue::transaction_time, TypeId::timestamptz);
  if (operation == "statement_timestamp") {
    return bound(BoundValue::statement_time, TypeId::timestamptz);
  }
  if (operation == "random") return bound(BoundValue::random, TypeId::float8);
  if (operation == "version") {
    return text_constant(std::string(kVersion), TypeId::text, location);
  }
  if (operation == "current_database") {
    return text_constant(context.database_name, TypeId::name, location);
  }
  if (operation == "current_schema") {
    const std::optional<std::string> schema = binding_.current_schema();
    if (!schema) return make_constant(binding_, data::Datum{}, Type{TypeId::name, -1}, location);
    return text_constant(*schema, TypeId::name, location);
  }
  return binding_.missing("function " + std::string(operation) + "()", location);
}

// concat and concat_ws take anything, in its text form, and skip nulls.
Result<ScalarRef> ExpressionBinder::concat(const PgQuery__FuncCall& call, const std::string& name) {
  SPAR_ASSIGN(std::vector<ScalarRef> arguments, list(GRAMMAR_LIST(call, args)));
  const bool separated = name == "concat_ws";
  if (arguments.size() < (separated ? 2u : 1u)) {
    const std::vector<TypeId> types = types_of(arguments);
    auto missing =
        binding_.located(resolve_routine(name, types, RoutineKind::scalar), call.location);
    return Failure(std::move(missing.error()));
  }
  const Type text{TypeId::text, -1};
  for (ScalarRef& argument : arguments) {
    SPAR_ASSIGN(argument, output_text(argument));
  }
  return make_call(separated ? "concat_ws" : "concat", std::move(arguments), text, call.location);
}

Result<void> ExpressionBinder::check_aggregate(const PgQuery__FuncCall& call,
                                               const std::string& name) {
  if (in_aggregate_) {
    return binding_.error("42803", "aggregate function calls cannot be nested", call.location);
  }
  if (scope_.aggregates == nullptr || clause_ == Clause::where || clause_ == Clause::group_by ||
      clause_ == Clause::filter || is_frame(clause_)) {
    return binding_.error("42803",
                          "aggregate functions are not allowed in " + clause_of_error(clause_),
                          call.location);
  }
  return check_arguments(call, name);
}

Result<void> ExpressionBinder::check_arguments(const PgQuery__FuncCall& call,
                                               const std::string& name) {
  if (name == "count" && call.n_args == 0 && !call.agg_star) {
    return binding_.error(
        "42809", "count(*) must be used to call a parameterless aggregate function", call.location);
  }
  if (call.agg_star && name != "count") {
    return binding_.error("42883", "function " + name + "() does not exist", call.location);
  }
  return {};
}

// The arguments, with `inside` set while they are bound.
Result<std::vector<ScalarRef>> ExpressionBinder::inner_list(grammar::Nodes nodes, bool& inside) {
  const bool before = std::exchange(inside, true);
  Result<std::vector<ScalarRef>> arguments = list(nodes);
  inside = before;
  return arguments;
}

Result<AggregateCall> ExpressionBinder::aggregate_call(const PgQuery__FuncCall& call,
                                                       const std::string& name,
                                                       std::vector<ScalarRef> arguments,
                                                       Type& type) {
  AggregateCall made{ColumnId{}, "count", std::move(arguments), call.agg_distinct != 0, nullptr};
  if (name == "count" && made.arguments.size() == (call.agg_star ? 0u : 1u)) {
    type = Type{TypeId::int8, -1};
    for (ScalarRef& argument : made.arguments) {
      SPAR_ASSIGN(argument, coerce_unknown(binding_, argument));
    }
  } else if (is_collecting(name)) {
    SPAR_TRY(collecting(made, name, type, call.location));
  } else {
    const std::vector<TypeId> types = types_of(made.arguments);
    SPAR_ASSIGN(
        const Routine* routine,
        binding_.located(resolve_routine(name, types, RoutineKind::aggregate), call.location));
    SPAR_TRY(convert(binding_, made.arguments, *routine));
    made.operation = routine->operation;
    type = Type{routine->result, -1};
    // char(n) is stored without the blanks that its length says it has.
    if (type.id == TypeId::bpchar) type.typmod = made.arguments[0]->type.typmod;
  }
  if (made.distinct && !made.arguments.empty() && !is_comparable(made.arguments[0]->type.id)) {
    return binding_.error(
        "42883",
        "could not identify an equality operator for type " + name_of(made.arguments[0]->type.id),
        made.arguments[0]->location);
  }
  if (call.agg_filter != nullptr) {
    ExpressionBinder filter(binding_, scope_, ctes_, Clause::filter);
    SPAR_ASSIGN(made.filter, filter.condition(call.agg_filter));
  }
  return made;
}

namespace {

// Whether the scalar mentions columns of the block, and of others.
struct Mentions {
  bool own = false, others = false;
};
void look(const algebra::Arena& arena, ScalarRef scalar, std::uint32_t block, Mentions& seen) {
  if (const auto column = algebra::as_column(scalar)) {
    (arena.info(*column).block == block ? seen.own : seen.others) = true;
  }
  algebra::for_each_operand(*scalar, [&](ScalarRef operand) { look(arena, operand, block, seen); });
}

}  // namespace

// An aggregate over columns of an outer query only would belong to that query.
Result<void> ExpressionBinder::check_level(const AggregateCall& call, int location) {
  Mentions seen;
  for (const ScalarRef argument : call.arguments) {
    look(binding_.arena(), argument, scope_.block, seen);
  }
  if (seen.others && !seen.own) return binding_.missing("an aggregate of an outer query", location);
  return {};
}

ScalarRef ExpressionBinder::collect(AggregateCall call, const std::string& name, Type type,
                                    int location) {
  const auto equal = [&](const AggregateCall& other) {
    const bool filters = (call.filter == nullptr) == (other.filter == nullptr) &&
                         (call.filter == nullptr || algebra::same(call.filter, other.filter));
    return filters && call.operation == other.operation && call.distinct == other.distinct &&
           std::ranges::equal(call.arguments, other.arguments, algebra::same) &&
           std::ranges::equal(call.order, other.order, [](const auto& a, const auto& b) {
             return a.descending == b.descending && a.nulls_first == b.nulls_first &&
                    algebra::same(a.expression, b.expression);
           });
  };
  AggregateSink& sink = *scope_.aggregates;
  if (sink.first_location < 0) sink.first_location = location;
  const auto known = std::ranges::find_if(sink.calls, equal);
  if (known != sink.calls.end()) return binding_.arena().column_ref(known->column, location);
  algebra::ColumnInfo info{name, type};
  info.nullable = call.operation != "count" && call.operation != "regr_count";
  call.column = binding_.arena().column(std::move(info));
  const ColumnId id = call.column;
  sink.calls.push_back(std::move(call));
  return binding_.arena().column_ref(id, location);
}

Result<ScalarRef> ExpressionBinder::aggregate(const PgQuery__FuncCall& call,
                                              const std::string& name) {
  SPAR_TRY(check_aggregate(call, name));
  SPAR_ASSIGN(std::vector<ScalarRef> arguments,
              inner_list(GRAMMAR_LIST(call, args), in_aggregate_));
  Type type;
  SPAR_ASSIGN(AggregateCall made, aggregate_call(call, name, std::move(arguments), type));
  SPAR_ASSIGN(made.order, aggregate_order(GRAMMAR_LIST(call, agg_order)));
  SPAR_TRY(order_distinct(made));
  SPAR_TRY(check_level(made, call.location));
  return collect(std::move(made), name, type, call.location);
}

}  // namespace spar::query::bind
