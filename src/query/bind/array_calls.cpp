// Arrays: ARRAY[...], subscripts and slices, functions of any array, = ANY (array).

#include <algorithm>
#include <array>

#include "data/array.h"
#include "query/bind/expression.h"
#include "query/bind/operators.h"
#include "query/bind/resolve.h"

namespace spar::query::bind {

using data::array_of;
using data::element_of;
using data::is_array;

namespace {

constexpr Type kText{TypeId::text, -1};
constexpr Type kInteger{TypeId::int4, -1};

struct ArrayRoutine {
  std::string_view name, operation;
  std::string_view arguments;  // a: the array, e: an element, i: an integer, t: a text
  std::string_view result;     // a, e, i, t, or I: an array of integers
  bool oid = false;            // the element type's oid goes with it
};
constexpr ArrayRoutine kRoutines[] = {
    {"array_append", "spar_array_append", "ae", "a"},
    {"array_prepend", "spar_array_prepend", "ea", "a"},
    {"array_cat", "spar_array_cat", "aa", "a"},
    {"array_remove", "spar_array_remove", "ae", "a", true},
    {"array_replace", "spar_array_replace", "aee", "a", true},
    {"array_position", "spar_array_position", "ae", "i", true},
    {"array_position", "spar_array_position", "aei", "i", true},
    {"array_positions", "spar_array_positions", "ae", "I", true},
    {"array_length", "spar_array_length", "ai", "i"},
    {"array_lower", "spar_array_lower", "ai", "i"},
    {"array_upper", "spar_array_upper", "ai", "i"},
    {"array_ndims", "spar_array_ndims", "a", "i"},
    {"array_dims", "spar_array_dims", "a", "t"},
    {"cardinality", "spar_cardinality", "a", "i"},
    {"trim_array", "spar_trim_array", "ai", "a"},
    {"array_to_string", "spar_array_to_string", "at", "t"},
    {"array_to_string", "spar_array_to_string", "att", "t"},
    {"string_to_array", "spar_string_to_array", "tt", "T"},
    {"string_to_array", "spar_string_to_array", "ttt", "T"},
};

Failure no_such(std::string_view name, const std::vector<ScalarRef>& arguments) {
  std::vector<TypeId> types;
  for (const ScalarRef argument : arguments) types.push_back(argument->type.id);
  return no_overload("function", name, types, Failing::none_fits);
}

Failure undetermined() {
  return sql_error("42804", "could not determine polymorphic type because input has type unknown");
}

}  // namespace

bool is_array_function(std::string_view name) {
  return std::ranges::find(kRoutines, name, &ArrayRoutine::name) != std::end(kRoutines);
}

ScalarRef ExpressionBinder::oid_constant(TypeId type) {
  return make_constant(binding_, static_cast<std::int64_t>(type), Type{TypeId::int8, -1});
}

// The type that the arrays and elements among the arguments agree on; none where they do not.
Result<TypeId> ExpressionBinder::common_element(std::string_view kinds, std::string_view name,
                                                const std::vector<ScalarRef>& arguments,
                                                int location) {
  std::vector<Candidate> candidates;
  bool typed = false;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (kinds[i] != 'a' && kinds[i] != 'e') continue;
    const TypeId given = arguments[i]->type.id;
    if (given == TypeId::unknown) continue;
    if (kinds[i] == 'a' && !is_array(given)) {
      return binding_.located<TypeId>(no_such(name, arguments), location);
    }
    typed = true;
    candidates.push_back({Type{kinds[i] == 'a' ? element_of(given) : given, -1}, 0});
  }
  if (!typed) {
    const bool elements = kinds.contains('e') || kinds == "aa";
    if (elements) return TypeId::text;
    return undetermined();
  }
  const Result<Type> common = common_type(candidates, "ARRAY");
  if (!common || array_of(common->id) == TypeId::none) {
    return binding_.located<TypeId>(no_such(name, arguments), location);
  }
  return common->id;
}

Result<ScalarRef> ExpressionBinder::array_call(const PgQuery__FuncCall& call,
                                               const std::string& name) {
  SPAR_ASSIGN(std::vector<ScalarRef> arguments, list(GRAMMAR_LIST(call, args)));
  const auto routine = std::ranges::find_if(kRoutines, [&](const ArrayRoutine& r) {
    return r.name == name && r.arguments.size() == arguments.size();
  });
  if (routine == std::end(kRoutines)) {
    return binding_.located<ScalarRef>(no_such(name, arguments), call.location);
  }
  const std::string_view kinds = routine->arguments;
  TypeId element = TypeId::text;
  std::int32_t typmod = -1;
  if (kinds.contains('a')) {
    SPAR_ASSIGN(element, common_element(kinds, name, arguments, call.location));
    const std::size_t first = kinds.find('a');
    if (element_of(arguments[first]->type.id) == element) typmod = arguments[first]->type.typmod;
  }
  if (routine->oid && (element == TypeId::json || element == TypeId::jsonb)) {
    return binding_.missing(name + "() over " + name_of(element), call.location);
  }
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const Type wanted = kinds[i] == 'a'   ? Type{array_of(element), -1}
                        : kinds[i] == 'e' ? Type{element, -1}
                        : kinds[i] == 'i' ? kInteger
                                          : kText;
    if (arguments[i]->type.id == wanted.id) continue;
    if (!can_cast(arguments[i]->type.id, wanted.id, CastContext::implicit)) {
      return binding_.located<ScalarRef>(no_such(name, arguments), call.location);
    }
    SPAR_ASSIGN(arguments[i], coerce(binding_, arguments[i], wanted, CastContext::implicit));
  }
  if (name == "array_position" && arguments.size() == 2) {
    arguments.push_back(text_constant("", TypeId::text, -1));
  }
  if (name == "array_to_string") {
    if (element == TypeId::timestamptz && !binding_.context().text.is_utc()) {
      return binding_.missing("timestamptz as text in a time zone other than UTC", call.location);
    }
    if (arguments.size() == 2) arguments.push_back(make_constant(binding_, data::Datum{}, kText));
    arguments.push_back(oid_constant(array_of(element)));
    arguments.push_back(make_constant(binding_, std::int64_t{typmod}, Type{TypeId::int8, -1}));
  }
  if (routine->oid) arguments.push_back(oid_constant(element));
  const std::string_view gives = routine->result;
  const Type result = gives == "a"   ? Type{array_of(element), -1}
                      : gives == "e" ? Type{element, -1}
                      : gives == "i" ? kInteger
                      : gives == "I" ? Type{TypeId::int4_array, -1}
                      : gives == "T" ? Type{TypeId::text_array, -1}
                                     : kText;
  return make_call(routine->operation, std::move(arguments), result, call.location);
}

// ARRAY[...]: of the elements' common type; of arrays, one dimension more.
Result<ScalarRef> ExpressionBinder::array_expression(const PgQuery__AArrayExpr& array) {
  std::vector<ScalarRef> items;
  bool nested = false, flat = false;
  for (const Node* node : GRAMMAR_LIST(array, elements)) {
    SPAR_ASSIGN(const ScalarRef item, bind(node));
    (is_array(item->type.id) ? nested : flat) = true;
    items.push_back(item);
  }
  if (items.empty()) {
    Failure failure =
        binding_.error("42P18", "cannot determine type of empty array", array.location);
    failure.error().hint = "Explicitly cast to the desired type, for example ARRAY[]::integer[].";
    return failure;
  }
  SPAR_ASSIGN(const Type type, coerce_to_common(binding_, items, "ARRAY"));
  if (nested)
    return make_call("spar_array_of_arrays", std::move(items), Type{type.id, -1}, array.location);
  const TypeId made = array_of(type.id);
  if (made == TypeId::none) {
    return binding_.missing("an array of " + name_of(type.id), array.location);
  }
  // char(n) is stored without the blanks that its length says it has.
  const std::int32_t typmod = type.id == TypeId::bpchar ? type.typmod : -1;
  return make_call("spar_array", std::move(items), Type{made, typmod}, array.location);
}

// ARRAY[...]::type[] gives the elements that type at once, as PostgreSQL does. A null pointer where
// the cast is another one.
Result<ScalarRef> ExpressionBinder::cast_array_expression(const PgQuery__AArrayExpr& array,
                                                          const Type& type, int location) {
  if (!is_array(type.id)) return ScalarRef{nullptr};
  std::vector<ScalarRef> items;
  for (const Node* node : GRAMMAR_LIST(array, elements)) {
    if (node->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR) {
      SPAR_ASSIGN(const ScalarRef item, cast_array_expression(*node->a_array_expr, type, location));
      items.push_back(item);
      continue;
    }
    SPAR_ASSIGN(const ScalarRef item, bind(node));
    if (is_array(item->type.id)) {
      SPAR_ASSIGN(const ScalarRef cast, coerce(binding_, item, type, CastContext::explicit_));
      items.push_back(cast);
      continue;
    }
    const Type element{element_of(type.id), type.typmod};
    SPAR_ASSIGN(const ScalarRef cast, coerce(binding_, item, element, CastContext::explicit_));
    items.push_back(cast);
  }
  const auto arrays =
      std::ranges::count_if(items, [](ScalarRef item) { return is_array(item->type.id); });
  if (arrays > 0 && static_cast<std::size_t>(arrays) != items.size()) {
    return binding_.missing("an array of arrays and elements", location);
  }
  return make_call(arrays > 0 ? "spar_array_of_arrays" : "spar_array", std::move(items), type,
                   location);
}

// a[1], a[1][2], a[1:2], a[:2]
Result<ScalarRef> ExpressionBinder::subscripts(const PgQuery__AIndirection& indirection) {
  SPAR_ASSIGN(const ScalarRef base, bind(indirection.arg));
  const int location = grammar::location_of(indirection.arg);
  const grammar::Nodes parts = GRAMMAR_LIST(indirection, indirection);
  bool slice = false;
  for (const Node* node : parts) {
    if (node->node_case != PG_QUERY__NODE__NODE_A_INDICES) {
      return binding_.missing("a field of a composite value", location);
    }
    slice = slice || node->a_indices->is_slice;
  }
  if (!is_array(base->type.id)) {
    if (base->type.id == TypeId::jsonb) return binding_.missing("jsonb subscripting", location);
    return binding_.error("42804",
                          "cannot subscript type " + name_of(base->type.id) +
                              " because it does not support subscripting",
                          location);
  }
  std::vector<ScalarRef> arguments{base};
  const auto bound = [&](const Node* node) -> Result<ScalarRef> {
    if (node == nullptr) return text_constant("", TypeId::text, -1);
    SPAR_ASSIGN(const ScalarRef index, bind(node));
    if (!can_cast(index->type.id, TypeId::int4, CastContext::assignment)) {
      return binding_.error("42804", "array subscript must have type integer", index->location);
    }
    return coerce(binding_, index, kInteger, CastContext::assignment);
  };
  for (const Node* node : parts) {
    const PgQuery__AIndices& indices = *node->a_indices;
    if (slice) {
      const ScalarRef one = make_constant(binding_, std::int64_t{1}, kInteger);
      ScalarRef low = one;
      if (indices.is_slice) {
        SPAR_ASSIGN(low, bound(indices.lidx));
      }
      arguments.push_back(low);
    }
    SPAR_ASSIGN(const ScalarRef high, bound(indices.uidx));
    arguments.push_back(high);
  }
  const Type result = slice ? base->type : data::element_type(base->type);
  return make_call(slice ? "spar_array_slice" : "spar_array_get", std::move(arguments), result,
                   location);
}

// needle op ANY (array): a subquery over the array's elements, which can use an index.
Result<ScalarRef> ExpressionBinder::any_of_elements(const PgQuery__AExpr& expr, bool any) {
  const std::string_view name = grammar::last_name(GRAMMAR_LIST(expr, name));
  SPAR_ASSIGN(ScalarRef needle, bind(expr.lexpr));
  SPAR_ASSIGN(ScalarRef array, bind(expr.rexpr));
  if (array->type.id == TypeId::unknown) {
    SPAR_ASSIGN(needle, coerce_unknown(binding_, needle));
    const TypeId wanted = array_of(needle->type.id);
    if (wanted == TypeId::none) {
      return binding_.missing("an array of " + name_of(needle->type.id), expr.location);
    }
    SPAR_ASSIGN(array, coerce(binding_, array, Type{wanted, -1}, CastContext::implicit));
  }
  if (!is_array(array->type.id)) {
    return binding_.error("42809", "op ANY/ALL (array) requires array on right side",
                          expr.location);
  }
  TypeId element = element_of(array->type.id);
  SPAR_ASSIGN(const Operator* op,
              binding_.located(resolve_operator(name, needle->type.id, element), expr.location));
  if (op->result != TypeId::boolean) {
    return binding_.error("42809", "op ANY/ALL (array) requires operator to yield boolean",
                          expr.location);
  }
  const bool unify = op->compared_as != TypeId::none;
  const TypeId left = unify ? op->compared_as : op->operands[0];
  const TypeId right = unify ? op->compared_as : op->operands[1];
  // A numeric meets the elements in their form, without a scale.
  if (needle->type != Type{left, -1}) {
    SPAR_ASSIGN(needle, coerce(binding_, needle, Type{left, -1}, CastContext::implicit));
  }
  if (element != right) {
    if (array_of(right) == TypeId::none) return binding_.missing("this ANY/ALL", expr.location);
    SPAR_ASSIGN(array, coerce(binding_, array, Type{array_of(right), -1}, CastContext::implicit));
    element = right;
  }
  algebra::ColumnInfo info{"unnest", Type{element, -1}};
  info.block = binding_.next_block();
  algebra::Arena& arena = binding_.arena();
  ColumnId column = arena.column(std::move(info));
  algebra::RelationRef rows =
      arena.relation(algebra::TableFunc{"spar_rows_any", {array}}, {column});
  SPAR_ASSIGN(const ScalarRef test,
              make_operator(binding_, name, needle, arena.column_ref(column), expr.location));
  algebra::Subquery body{any ? algebra::SubqueryKind::any : algebra::SubqueryKind::all, rows,
                         column, needle};
  if (const auto* compare = std::get_if<algebra::Compare>(&test->body)) {
    body.comparison = compare->comparison;
    return make_boolean(binding_, body, expr.location);
  }
  algebra::ColumnInfo tested{"test", Type{TypeId::boolean, -1}};
  column = arena.column(std::move(tested));
  body.query = arena.relation(algebra::Project{rows, {test}}, {column});
  body.column = column;
  body.needle = make_constant(binding_, std::int64_t{1}, Type{TypeId::boolean, -1});
  body.comparison = algebra::Comparison::equal;
  return make_boolean(binding_, body, expr.location);
}

}  // namespace spar::query::bind
