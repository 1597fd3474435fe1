#include "query/bind/table_function.h"

#include <algorithm>

#include "data/array.h"
#include "query/bind/expression.h"
#include "query/bind/query.h"
#include "query/bind/resolve.h"

namespace spar::query::bind {
namespace {

using enum TypeId;

struct Column {
  std::string_view name;  // empty: the function's own
  TypeId type;
};
struct TableRoutine {
  std::string_view name, operation;
  std::vector<TypeId> arguments;
  std::vector<Column> columns;
};

const std::vector<TableRoutine>& table() {
  static const std::vector<TableRoutine> kRows = {
      {"string_to_table", "spar_rows_split", {text, text}, {{"", text}}},
      {"string_to_table", "spar_rows_split", {text, text, text}, {{"", text}}},
      {"json_array_elements", "spar_rows_json_elements", {json}, {{"value", json}}},
      {"jsonb_array_elements", "spar_rows_jsonb_elements", {jsonb}, {{"value", jsonb}}},
      {"json_array_elements_text", "spar_rows_json_element_texts", {json}, {{"value", text}}},
      {"jsonb_array_elements_text", "spar_rows_jsonb_element_texts", {jsonb}, {{"value", text}}},
      {"json_each", "spar_rows_json_each", {json}, {{"key", text}, {"value", json}}},
      {"jsonb_each", "spar_rows_jsonb_each", {jsonb}, {{"key", text}, {"value", jsonb}}},
      {"json_each_text", "spar_rows_json_each_text", {json}, {{"key", text}, {"value", text}}},
      {"jsonb_each_text", "spar_rows_jsonb_each_text", {jsonb}, {{"key", text}, {"value", text}}},
      {"json_object_keys", "spar_rows_json_keys", {json}, {{"", text}}},
      {"jsonb_object_keys", "spar_rows_jsonb_keys", {jsonb}, {{"", text}}},
      {"regexp_matches", "spar_rows_regexp_matches", {text, text}, {{"", text_array}}},
      {"regexp_matches", "spar_rows_regexp_matches", {text, text, text}, {{"", text_array}}},
      {"regexp_split_to_table", "spar_rows_regexp_split", {text, text}, {{"", text}}},
      {"regexp_split_to_table", "spar_rows_regexp_split", {text, text, text}, {{"", text}}},
      {"generate_series",
       "spar_rows_series_moment",
       {timestamp, timestamp, interval},
       {{"", timestamp}}},
      {"generate_series",
       "spar_rows_series_moment",
       {timestamptz, timestamptz, interval},
       {{"", timestamptz}}},
      {"generate_series", "spar_rows_series_numeric", {numeric, numeric}, {{"", numeric}}},
      {"generate_series", "spar_rows_series_numeric", {numeric, numeric, numeric}, {{"", numeric}}},
  };
  return kRows;
}

std::vector<const TableRoutine*> named(std::string_view name) {
  std::vector<const TableRoutine*> rows;
  for (const TableRoutine& row : table()) {
    if (row.name == name) rows.push_back(&row);
  }
  return rows;
}

Result<const TableRoutine*> resolve(std::string_view name, const std::vector<TypeId>& types) {
  std::vector<std::span<const TypeId>> candidates;
  std::vector<const TableRoutine*> routines;
  for (const TableRoutine* row : named(name)) {
    if (row->arguments.size() != types.size()) continue;
    candidates.emplace_back(row->arguments);
    routines.push_back(row);
  }
  const auto best = best_overload(types, candidates);
  if (best) return routines[*best];
  return no_overload("function", name, types, best.error());
}

struct Maker {
  Binding& binding;
  std::uint32_t block;
  BoundTableFunction bound = {};
  std::vector<ColumnId> columns = {};

  void add(std::string_view name, Type type) {
    algebra::ColumnInfo info{std::string(name), type};
    info.block = block;
    bound.names.push_back(info.name);
    columns.push_back(binding.arena().column(std::move(info)));
  }
  BoundTableFunction finish(algebra::TableFunc body) {
    if (body.ordinality) add("ordinality", Type{int8, -1});
    bound.relation = binding.arena().relation(std::move(body), std::move(columns));
    return std::move(bound);
  }
};

// unnest(array, ...) and generate_subscripts(array, dimension[, reverse])
Result<BoundTableFunction> array_rows(Binding& binding, const std::string& name,
                                      std::vector<ScalarRef> arguments, std::uint32_t block,
                                      bool ordinality, int location) {
  Maker maker{binding, block};
  const bool unnest = name == "unnest";
  std::vector<TypeId> types;
  for (const ScalarRef argument : arguments) types.push_back(argument->type.id);
  const auto refuse = [&] {
    return binding.located<BoundTableFunction>(
        no_overload("function", name, types, Failing::none_fits), location);
  };
  const bool counted = unnest ? !arguments.empty() : arguments.size() == 2 || arguments.size() == 3;
  if (!counted) return refuse();
  for (std::size_t i = 0; i < (unnest ? arguments.size() : 1); ++i) {
    if (types[i] == unknown) {
      const bool several = unnest && arguments.size() > 1;
      if (several) return refuse();
      return unnest ? binding.error("42725", "function unnest(unknown) is not unique", location)
                    : sql_error("42804",
                                "could not determine polymorphic type because input has type "
                                "unknown");
    }
    if (!data::is_array(types[i])) return refuse();
    if (unnest) maker.add("unnest", data::element_type(arguments[i]->type));
  }
  if (unnest) {
    maker.bound.scalar = arguments.size() == 1;
    const std::string_view operation =
        arguments.size() == 1 ? "spar_rows_unnest" : "spar_rows_unnest_several";
    return maker.finish({operation, std::move(arguments), ordinality});
  }
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const TypeId wanted = i == 1 ? int4 : boolean;
    if (!can_cast(types[i], wanted, CastContext::implicit)) return refuse();
    SPAR_ASSIGN(arguments[i],
                coerce(binding, arguments[i], Type{wanted, -1}, CastContext::implicit));
  }
  maker.add(name, Type{int4, -1});
  return maker.finish({"spar_rows_subscripts", std::move(arguments), ordinality});
}

// What has no type is taken for an integer.
bool is_whole(TypeId type) {
  return type == unknown || type == int2 || type == int4 || type == int8;
}

Result<BoundTableFunction> integer_series(Binding& binding, std::vector<ScalarRef> arguments,
                                          std::uint32_t block, bool ordinality, int location) {
  if (ordinality) return binding.missing("WITH ORDINALITY on generate_series()", location);
  if (arguments.size() < 2 || arguments.size() > 3) {
    return binding.error("42883", "function generate_series() does not exist", location);
  }
  const bool wide =
      std::ranges::any_of(arguments, [](ScalarRef argument) { return argument->type.id == int8; });
  const Type type{wide ? int8 : int4, -1};
  for (ScalarRef& argument : arguments) {
    SPAR_ASSIGN(argument, coerce(binding, argument, type, CastContext::implicit));
  }
  Maker maker{binding, block};
  maker.add("generate_series", type);
  return maker.finish({"generate_series", std::move(arguments)});
}

}  // namespace

bool is_table_function(std::string_view name) {
  if (name == "unnest" || name == "generate_subscripts") return true;
  return !named(name).empty();
}

Result<BoundTableFunction> bind_table_function(Binding& binding, const PgQuery__FuncCall& call,
                                               const Scope& scope, const CteScope* ctes,
                                               bool ordinality) {
  const std::string name(grammar::last_name(GRAMMAR_LIST(call, funcname)));
  // A series is a query of its own in SQL, which sees no columns beside it.
  const bool series = name == "generate_series";
  const Scope empty{scope.outer, scope.block, {}, nullptr};
  ExpressionBinder expressions(binding, series ? empty : scope, ctes, Clause::from_function);
  std::vector<ScalarRef> arguments;
  std::vector<TypeId> types;
  for (const grammar::Node* node : GRAMMAR_LIST(call, args)) {
    SPAR_ASSIGN(const ScalarRef argument, expressions.bind(node));
    arguments.push_back(argument);
    types.push_back(argument->type.id);
  }
  if (series && std::ranges::all_of(types, is_whole)) {
    return integer_series(binding, std::move(arguments), scope.block, ordinality, call.location);
  }
  if (name == "unnest" || name == "generate_subscripts") {
    return array_rows(binding, name, std::move(arguments), scope.block, ordinality, call.location);
  }
  SPAR_ASSIGN(const TableRoutine* routine, binding.located(resolve(name, types), call.location));
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    SPAR_ASSIGN(arguments[i], coerce(binding, arguments[i], Type{routine->arguments[i], -1},
                                     CastContext::implicit));
  }
  if (name == "generate_series" && routine->arguments[0] == numeric && arguments.size() == 2) {
    SPAR_ASSIGN(const ScalarRef one,
                coerce(binding, make_constant(binding, std::int64_t{1}, Type{int4, -1}),
                       Type{numeric, -1}, CastContext::implicit));
    arguments.push_back(one);
  }
  Maker maker{binding, scope.block};
  for (const Column& column : routine->columns) {
    maker.add(column.name.empty() ? std::string_view(name) : column.name, Type{column.type, -1});
  }
  maker.bound.scalar = routine->columns.size() == 1 && routine->columns[0].name.empty();
  return maker.finish({routine->operation, std::move(arguments), ordinality});
}

}  // namespace spar::query::bind
