// Window functions, OVER and the WINDOW clause.

#include <algorithm>

#include "query/bind/expression.h"
#include "query/bind/operators.h"
#include "query/bind/routines.h"
#include "query/bind/select.h"

namespace spar::query::bind {

using algebra::FrameEnd;
using algebra::FrameMode;
using algebra::WindowCall;
using algebra::WindowSpec;

namespace {

// PostgreSQL's FRAMEOPTION_ bits, which the parse tree carries.
enum FrameBit : int {
  kNotDefault = 0x1,
  kRows = 0x4,
  kGroups = 0x8,
  kStartUnboundedPreceding = 0x20,
  kEndUnboundedFollowing = 0x100,
  kStartCurrentRow = 0x200,
  kEndCurrentRow = 0x400,
  kStartPreceding = 0x800,
  kEndPreceding = 0x1000,
  kStartFollowing = 0x2000,
  kEndFollowing = 0x4000,
  kExcludeCurrentRow = 0x8000,
  kExcludeGroup = 0x10000,
  kExcludeTies = 0x20000,
};

class WindowBinder {
 public:
  WindowBinder(Binding& binding, const Scope& scope, const CteScope* ctes)
      : binding_(binding), scope_(scope), ctes_(ctes) {}

  Result<WindowSpec> bind(const PgQuery__WindowDef& definition) {
    WindowSpec spec;
    const std::string base = definition.refname;
    if (!base.empty()) {
      SPAR_ASSIGN(spec, named(base, definition.location));
    }
    SPAR_TRY(partition(definition, spec, base));
    SPAR_TRY(order(definition, spec, base));
    if (!base.empty() && spec.framed) {
      Failure failure = binding_.error(
          "42P20", "cannot copy window \"" + base + "\" because it has a frame clause",
          definition.location);
      const bool bare = definition.n_partition_clause == 0 && definition.n_order_clause == 0 &&
                        (definition.frame_options & kNotDefault) == 0;
      if (bare) failure.error().hint = "Omit the parentheses in this OVER clause.";
      return failure;
    }
    SPAR_TRY(frame(definition, spec));
    return spec;
  }

  Result<WindowSpec> named(const std::string& name, int location) {
    const auto& all = scope_.windows->named;
    const auto found = std::ranges::find(all, name, &NamedWindow::name);
    if (found != all.end()) return found->spec;
    return binding_.error("42704", "window \"" + name + "\" does not exist", location);
  }

 private:
  Result<void> partition(const PgQuery__WindowDef& definition, WindowSpec& spec,
                         const std::string& base) {
    const grammar::Nodes items = GRAMMAR_LIST(definition, partition_clause);
    if (!base.empty() && !items.empty()) {
      return binding_.error("42P20",
                            "cannot override PARTITION BY clause of window \"" + base + "\"",
                            definition.location);
    }
    for (const grammar::Node* node : items) {
      SPAR_ASSIGN(const ScalarRef item, expression(node, "an equality operator"));
      spec.partition.push_back(item);
    }
    return {};
  }

  Result<void> order(const PgQuery__WindowDef& definition, WindowSpec& spec,
                     const std::string& base) {
    const grammar::Nodes items = GRAMMAR_LIST(definition, order_clause);
    if (!base.empty() && !items.empty() && !spec.order.empty()) {
      return binding_.error("42P20", "cannot override ORDER BY clause of window \"" + base + "\"",
                            definition.location);
    }
    for (const grammar::Node* node : items) {
      const PgQuery__SortBy& sort = *node->sort_by;
      SPAR_ASSIGN(const SortDirection direction, sort_direction(binding_, sort));
      SPAR_ASSIGN(const ScalarRef key, expression(sort.node, "an ordering operator"));
      spec.order.push_back({key, direction.descending, direction.nulls_first});
    }
    return {};
  }

  Result<ScalarRef> expression(const grammar::Node* node, std::string_view missing) {
    ExpressionBinder expressions(binding_, scope_, ctes_, Clause::window);
    SPAR_ASSIGN(const ScalarRef bound, expressions.bind(node));
    SPAR_ASSIGN(const ScalarRef typed, coerce_unknown(binding_, bound));
    if (is_comparable(typed->type.id)) return typed;
    Failure failure = binding_.error(
        "42883",
        "could not identify " + std::string(missing) + " for type " + name_of(typed->type.id),
        typed->location);
    if (missing == "an ordering operator") {
      failure.error().hint = "Use an explicit ordering operator or modify the query.";
    }
    return failure;
  }

  Result<void> frame(const PgQuery__WindowDef& definition, WindowSpec& spec) {
    const int options = definition.frame_options;
    if ((options & kNotDefault) == 0) return {};
    spec.framed = true;
    spec.mode = (options & kRows) != 0     ? FrameMode::rows
                : (options & kGroups) != 0 ? FrameMode::groups
                                           : FrameMode::range;
    spec.start.end = (options & kStartUnboundedPreceding) != 0 ? FrameEnd::unbounded_preceding
                     : (options & kStartCurrentRow) != 0       ? FrameEnd::current_row
                     : (options & kStartPreceding) != 0        ? FrameEnd::preceding
                                                               : FrameEnd::following;
    spec.finish.end = (options & kEndUnboundedFollowing) != 0 ? FrameEnd::unbounded_following
                      : (options & kEndCurrentRow) != 0       ? FrameEnd::current_row
                      : (options & kEndPreceding) != 0        ? FrameEnd::preceding
                                                              : FrameEnd::following;
    spec.exclusion = (options & kExcludeCurrentRow) != 0 ? algebra::FrameExclusion::current_row
                     : (options & kExcludeGroup) != 0    ? algebra::FrameExclusion::group
                     : (options & kExcludeTies) != 0     ? algebra::FrameExclusion::ties
                                                         : algebra::FrameExclusion::none;
    const bool offset =
        (options & (kStartPreceding | kStartFollowing | kEndPreceding | kEndFollowing)) != 0;
    if (spec.mode == FrameMode::range && offset && spec.order.size() != 1) {
      return binding_.error(
          "42P20", "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column",
          definition.location);
    }
    if (spec.mode == FrameMode::groups && spec.order.empty()) {
      return binding_.error("42P20", "GROUPS mode requires an ORDER BY clause",
                            definition.location);
    }
    SPAR_ASSIGN(spec.start.offset, frame_offset(definition.start_offset, spec, "starting"));
    SPAR_ASSIGN(spec.finish.offset, frame_offset(definition.end_offset, spec, "ending"));
    return {};
  }

  Result<ScalarRef> frame_offset(const grammar::Node* node, const WindowSpec& spec,
                                 std::string_view which) {
    if (node == nullptr) return ScalarRef{nullptr};
    const Clause clause = spec.mode == FrameMode::rows     ? Clause::frame_rows
                          : spec.mode == FrameMode::groups ? Clause::frame_groups
                                                           : Clause::frame_range;
    ExpressionBinder expressions(binding_, scope_, ctes_, clause);
    SPAR_ASSIGN(ScalarRef offset, expressions.bind(node));
    if (clause == Clause::frame_range) {
      SPAR_ASSIGN(offset, range_offset(offset, spec.order.front().expression));
    } else {
      SPAR_ASSIGN(offset, coerce_argument(binding_, offset, TypeId::int8, clause_name(clause)));
    }
    SPAR_TRY(check_offset(offset, which, spec.mode));
    return offset;
  }

  // What the offset of RANGE must be for that order column: PostgreSQL's in_range functions.
  Result<ScalarRef> range_offset(ScalarRef offset, ScalarRef key) {
    using enum TypeId;
    const TypeId column = key->type.id, given = offset->type.id;
    TypeId wanted = none;
    const bool small = given == int2 || given == int4 || given == int8;
    switch (column) {
      case int2:
      case int4:
        wanted = small ? given : given == unknown ? column : none;
        break;
      case int8:
      case numeric:
        wanted = column;
        break;
      case float4:
      case float8:
        wanted = float8;
        break;
      case date:
      case time:
      case timestamp:
      case timestamptz:
      case interval:
        wanted = interval;
        break;
      default: {
        return binding_.error("0A000",
                              "RANGE with offset PRECEDING/FOLLOWING is not supported for column "
                              "type " +
                                  name_of(column),
                              offset->location);
      }
    }
    if (wanted == none || !can_cast(given, wanted, CastContext::implicit)) {
      Failure failure =
          binding_.error("0A000",
                         "RANGE with offset PRECEDING/FOLLOWING is not supported for column type " +
                             name_of(column) + " and offset type " + name_of(given),
                         offset->location);
      failure.error().hint = "Cast the offset value to an appropriate type.";
      return failure;
    }
    return coerce(binding_, offset, Type{wanted, -1}, CastContext::implicit);
  }

  // A constant is looked at here, whatever else it is by the executor.
  Result<void> check_offset(ScalarRef offset, std::string_view which, FrameMode mode) {
    const algebra::Constant* constant = algebra::as_constant(offset);
    if (constant == nullptr) return {};
    const std::string frame = "frame " + std::string(which) + " offset must not be ";
    if (data::is_null(constant->value)) return sql_error("22004", frame + "null");
    const auto* integer = std::get_if<std::int64_t>(&constant->value);
    const auto* real = std::get_if<double>(&constant->value);
    const bool negative = (integer != nullptr && *integer < 0) || (real != nullptr && *real < 0);
    if (!negative) return {};
    return sql_error("22013", mode == FrameMode::range
                                  ? "invalid preceding or following size in window function"
                                  : frame + "negative");
  }

  Binding& binding_;
  const Scope& scope_;
  const CteScope* ctes_;
};

struct Function {
  std::string_view name;
  std::size_t arguments_min, arguments_max;
  TypeId result;  // none: as the first argument
};
constexpr Function kFunctions[] = {
    {"row_number", 0, 0, TypeId::int8},  {"rank", 0, 0, TypeId::int8},
    {"dense_rank", 0, 0, TypeId::int8},  {"percent_rank", 0, 0, TypeId::float8},
    {"cume_dist", 0, 0, TypeId::float8}, {"ntile", 1, 1, TypeId::int4},
    {"lag", 1, 3, TypeId::none},         {"lead", 1, 3, TypeId::none},
    {"first_value", 1, 1, TypeId::none}, {"last_value", 1, 1, TypeId::none},
    {"nth_value", 2, 2, TypeId::none}};

Failure no_function(Binding& binding, const std::string& name,
                    const std::vector<ScalarRef>& arguments, int location) {
  std::string shown;
  for (const ScalarRef argument : arguments) {
    shown += (shown.empty() ? "" : ", ") + name_of(argument->type.id);
  }
  Failure failure =
      binding.error("42883", "function " + name + "(" + shown + ") does not exist", location);
  failure.error().hint =
      "No function matches the given name and argument types. You might need to add explicit type "
      "casts.";
  return failure;
}

}  // namespace

Result<void> bind_windows(Binding& binding, const Scope& scope, const CteScope* ctes,
                          grammar::Nodes definitions) {
  WindowBinder windows(binding, scope, ctes);
  for (const grammar::Node* node : definitions) {
    const PgQuery__WindowDef& definition = *node->window_def;
    const std::string name = definition.name;
    auto& all = scope.windows->named;
    if (std::ranges::find(all, name, &NamedWindow::name) != all.end()) {
      return binding.error("42P20", "window \"" + name + "\" is already defined",
                           definition.location);
    }
    SPAR_ASSIGN(WindowSpec spec, windows.bind(definition));
    all.push_back({name, std::move(spec)});
  }
  return {};
}

Result<void> ExpressionBinder::check_window(const PgQuery__FuncCall& call,
                                            const std::string& name) {
  const auto refuse = [&](std::string_view sqlstate, std::string message) {
    return binding_.error(sqlstate, std::move(message), call.location);
  };
  if (call.agg_within_group) {
    return refuse("0A000", "OVER is not supported for ordered-set aggregate " + name);
  }
  if (call.agg_distinct) return refuse("0A000", "DISTINCT is not implemented for window functions");
  if (call.n_agg_order > 0) {
    return refuse("0A000", "aggregate ORDER BY is not implemented for window functions");
  }
  if (in_aggregate_) {
    return refuse("42803", "aggregate function calls cannot contain window function calls");
  }
  if (in_window_) return refuse("42P20", "window function calls cannot be nested");
  const bool allowed = clause_ == Clause::select || clause_ == Clause::order_by;
  if (scope_.windows != nullptr && allowed) return {};
  const std::string where = is_frame(clause_) ? "window definitions" : clause_of_error(clause_);
  return refuse("42P20", "window functions are not allowed in " + where);
}

Result<WindowSpec> ExpressionBinder::over(const PgQuery__WindowDef& definition) {
  WindowBinder windows(binding_, scope_, ctes_);
  const std::string name = definition.name;
  if (!name.empty()) return windows.named(name, definition.location);
  return windows.bind(definition);
}

// One of those that are no aggregates: its arguments as it wants them, and its type.
Result<Type> ExpressionBinder::window_function(WindowCall& made, const PgQuery__FuncCall& call,
                                               const std::string& name) {
  const auto& function = *std::ranges::find(kFunctions, name, &Function::name);
  std::vector<ScalarRef>& arguments = made.arguments;
  made.operation = function.name;
  const std::size_t count = arguments.size();
  if (call.agg_filter != nullptr) {
    return binding_.error("0A000", "FILTER is not implemented for non-aggregate window functions",
                          call.location);
  }
  const auto integer = [&](std::size_t i) -> Result<void> {
    if (i >= count) return {};
    if (!can_cast(arguments[i]->type.id, TypeId::int4, CastContext::implicit)) {
      return no_function(binding_, name, arguments, call.location);
    }
    SPAR_ASSIGN(arguments[i],
                coerce(binding_, arguments[i], Type{TypeId::int4, -1}, CastContext::implicit));
    return {};
  };
  if (count > 0 && function.arguments_max == 0 && name != "row_number") {
    return binding_.error("42809", "WITHIN GROUP is required for ordered-set aggregate " + name,
                          call.location);
  }
  if (count < function.arguments_min || count > function.arguments_max ||
      (call.agg_star && function.arguments_min > 0)) {
    return no_function(binding_, name, arguments, call.location);
  }
  if (function.result != TypeId::none) {
    SPAR_TRY(integer(0));
    return Type{function.result, -1};
  }
  SPAR_TRY(integer(1));
  if (count < 3) {
    if (arguments[0]->type.id != TypeId::unknown) return arguments[0]->type;
    return sql_error("42804",
                     "could not determine polymorphic type because input has type unknown");
  }
  std::vector<ScalarRef> both{arguments[0], arguments[2]};
  Result<Type> type = coerce_to_common(binding_, both, name);
  if (!type && type.error().sqlstate != "42804") return type;
  if (!type) return no_function(binding_, name, arguments, call.location);
  arguments[0] = both[0];
  arguments[2] = both[1];
  return *type;
}

Result<ScalarRef> ExpressionBinder::window_call(const PgQuery__FuncCall& call,
                                                const std::string& name) {
  if (call.func_variadic) return binding_.missing("VARIADIC", call.location);
  if (is_frame(clause_) || call.agg_within_group) SPAR_TRY(check_window(call, name));
  WindowCall made;
  made.aggregate = is_aggregate(name);
  SPAR_ASSIGN(made.arguments, inner_list(GRAMMAR_LIST(call, args), in_window_));
  if (!made.aggregate && !is_window_function(name)) {
    SPAR_TRY(scalar_call(call, name));  // where there is no such function at all
    return binding_.error(
        "42809",
        "OVER specified, but " + name + " is not a window function nor an aggregate function",
        call.location);
  }
  SPAR_TRY(check_window(call, name));
  Type type;
  if (made.aggregate) {
    SPAR_TRY(check_arguments(call, name));
    SPAR_ASSIGN(algebra::AggregateCall resolved,
                aggregate_call(call, name, std::move(made.arguments), type));
    made.operation = resolved.operation;
    made.arguments = std::move(resolved.arguments);
    made.filter = resolved.filter;
  } else {
    SPAR_ASSIGN(type, window_function(made, call, name));
  }
  SPAR_ASSIGN(made.window, over(*call.over));
  algebra::ColumnInfo info{name, type};
  made.column = binding_.arena().column(std::move(info));
  const ColumnId id = made.column;
  scope_.windows->calls.push_back(std::move(made));
  return binding_.arena().column_ref(id, call.location);
}

}  // namespace spar::query::bind
