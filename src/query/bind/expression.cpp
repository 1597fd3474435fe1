#include "query/bind/expression.h"

#include <algorithm>
#include <charconv>

#include "data/text_format.h"

namespace spar::query::bind {

std::string_view clause_name(Clause clause) {
  switch (clause) {
    case Clause::select:
      return "SELECT";
    case Clause::where:
      return "WHERE";
    case Clause::join_on:
      return "JOIN/ON";
    case Clause::group_by:
      return "GROUP BY";
    case Clause::having:
      return "HAVING";
    case Clause::order_by:
      return "ORDER BY";
    case Clause::limit:
      return "LIMIT";
    case Clause::offset:
      return "OFFSET";
    case Clause::values:
      return "VALUES";
    case Clause::from_function:
      return "functions in FROM";
    case Clause::filter:
      return "FILTER";
    case Clause::returning:
      return "RETURNING";
    case Clause::update:
      return "UPDATE";
    case Clause::on_conflict:
      return "ON CONFLICT";
    case Clause::check:
      return "CHECK";
    case Clause::column_default:
      return "DEFAULT";
    case Clause::generated:
      return "GENERATED";
    case Clause::transform:
      return "USING";
    case Clause::index_expression:
      return "index expressions";
    case Clause::index_predicate:
      return "WHERE";
    case Clause::execute:
      return "EXECUTE";
    case Clause::window:
      return "window definitions";
    case Clause::frame_range:
      return "RANGE";
    case Clause::frame_rows:
      return "ROWS";
    case Clause::frame_groups:
      return "GROUPS";
  }
  return "";
}

std::string clause_of_error(Clause clause) {
  std::string where(clause_name(clause));
  if (clause == Clause::join_on) return "JOIN conditions";
  if (clause == Clause::check) return "check constraints";
  if (clause == Clause::column_default) return "DEFAULT expressions";
  if (clause == Clause::generated) return "column generation expressions";
  if (clause == Clause::transform) return "transform expressions";
  if (clause == Clause::index_expression) return "index expressions";
  if (clause == Clause::index_predicate) return "index predicates";
  if (clause == Clause::on_conflict) return "UPDATE";
  return is_frame(clause) ? "window " + where : where;
}

Result<ScalarRef> ExpressionBinder::condition(const Node* node) {
  SPAR_ASSIGN(const ScalarRef scalar, bind(node));
  return coerce_argument(binding_, scalar, TypeId::boolean, clause_name(clause_));
}

Result<ScalarRef> ExpressionBinder::bind(const Node* node) {
  SPAR_ASSIGN(const ScalarRef scalar, dispatch(node));
  if (scalar->weight <= algebra::kWeightMax) return scalar;
  return binding_.error("54001", "the expression is too complex", scalar->location);
}

Result<ScalarRef> ExpressionBinder::dispatch(const Node* node) {
  if (node == nullptr) return sql_error("XX000", "an expression is missing from the parse tree");
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_A_CONST:
      return constant(*node->a_const);
    case PG_QUERY__NODE__NODE_COLUMN_REF:
      return column(*node->column_ref);
    case PG_QUERY__NODE__NODE_PARAM_REF:
      return parameter(*node->param_ref);
    case PG_QUERY__NODE__NODE_A_EXPR:
      return operation(*node->a_expr);
    case PG_QUERY__NODE__NODE_BOOL_EXPR:
      return logic(*node->bool_expr);
    case PG_QUERY__NODE__NODE_TYPE_CAST:
      return cast(*node->type_cast);
    case PG_QUERY__NODE__NODE_FUNC_CALL:
      return call(*node->func_call);
    case PG_QUERY__NODE__NODE_NULL_TEST:
      return null_test(*node->null_test);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST:
      return boolean_test(*node->boolean_test);
    case PG_QUERY__NODE__NODE_CASE_EXPR:
      return case_expression(*node->case_expr);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
      return coalesce_expression(*node->coalesce_expr);
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
      return minmax(*node->min_max_expr);
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
      return session_value(*node->sqlvalue_function);
    case PG_QUERY__NODE__NODE_SUB_LINK:
      return sublink(*node->sub_link);
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
      return array_expression(*node->a_array_expr);
    case PG_QUERY__NODE__NODE_A_INDIRECTION:
      return subscripts(*node->a_indirection);
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
      return collate(*node->collate_clause);
    case PG_QUERY__NODE__NODE_GROUPING_FUNC:
      return grouping(*node->grouping_func);
    case PG_QUERY__NODE__NODE_SET_TO_DEFAULT:
      return binding_.error("42601", "DEFAULT is not allowed in this context",
                            node->set_to_default->location);
    default:
      return binding_.missing(grammar::feature_name(node), grammar::location_of(node));
  }
}

Result<std::vector<ScalarRef>> ExpressionBinder::list(grammar::Nodes nodes) {
  std::vector<ScalarRef> scalars;
  scalars.reserve(nodes.size());
  for (const Node* node : nodes) {
    SPAR_ASSIGN(const ScalarRef scalar, bind(node));
    scalars.push_back(scalar);
  }
  return scalars;
}

ScalarRef ExpressionBinder::text_constant(std::string text, TypeId type, int location) {
  return make_constant(binding_, std::move(text), Type{type, -1}, location);
}

Result<ScalarRef> ExpressionBinder::constant(const PgQuery__AConst& constant) {
  const int location = constant.location;
  if (constant.isnull) {
    return make_constant(binding_, data::Datum{}, Type{TypeId::unknown, -1}, location);
  }
  switch (constant.val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL:
      return make_constant(binding_, std::int64_t{constant.ival->ival}, Type{TypeId::int4, -1},
                           location);
    case PG_QUERY__A__CONST__VAL_FVAL:
      return number(constant.fval->fval, location);
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
      return make_constant(binding_, std::int64_t{constant.boolval->boolval != 0},
                           Type{TypeId::boolean, -1}, location);
    case PG_QUERY__A__CONST__VAL_SVAL:
      return text_constant(constant.sval->sval, TypeId::unknown, location);
    default:
      return binding_.missing("a bit string", location);
  }
}

// A literal that is no int4: an int8 if it is one, else numeric.
Result<ScalarRef> ExpressionBinder::number(std::string text, int location) {
  std::int64_t integer = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), integer);
  if (code == std::errc() && end == text.data() + text.size()) {
    const bool small = integer >= INT32_MIN && integer <= INT32_MAX;
    return make_constant(binding_, integer, Type{small ? TypeId::int4 : TypeId::int8, -1},
                         location);
  }
  Result<data::Datum> value =
      data::parse_text(text, Type{TypeId::numeric, -1}, binding_.context().text);
  if (!value) {
    value.error().position = binding_.position(location);
    return Failure(std::move(value.error()));
  }
  return make_constant(binding_, std::move(*value), Type{TypeId::numeric, -1}, location);
}

Result<ScalarRef> ExpressionBinder::column(const PgQuery__ColumnRef& reference) {
  ColumnName name{{}, reference.location};
  for (const Node* field : GRAMMAR_LIST(reference, fields)) {
    if (field->node_case == PG_QUERY__NODE__NODE_A_STAR) {
      return name.parts.empty() ? Result<ScalarRef>(binding_.error(
                                      "42601", "row expansion via \"*\" is not supported here",
                                      reference.location))
                                : binding_.missing("a whole row as a value", reference.location);
    }
    name.parts.emplace_back(grammar::text_of(field));
  }
  if (clause_ == Clause::column_default) {
    return binding_.error("0A000", "cannot use column reference in DEFAULT expression",
                          reference.location);
  }
  if (clause_ == Clause::limit || clause_ == Clause::offset || is_frame(clause_)) {
    return binding_.error(
        "42P10", "argument of " + std::string(clause_name(clause_)) + " must not contain variables",
        reference.location);
  }
  return find_column(binding_, scope_, name);
}

Result<ScalarRef> ExpressionBinder::parameter(const PgQuery__ParamRef& reference) {
  if (clause_ == Clause::check || clause_ == Clause::column_default) {
    return binding_.error("42P02", "there is no parameter $" + std::to_string(reference.number),
                          reference.location);
  }
  SPAR_ASSIGN(const Type type, binding_.parameter_type(reference.number, reference.location));
  return binding_.arena().scalar(algebra::Parameter{reference.number}, type, reference.location);
}

namespace {

// INTERVAL '3' MONTH is the literal '3 month'; nothing for any other cast.
std::optional<std::string> interval_with_unit(const PgQuery__TypeCast& cast) {
  struct Unit {
    int mask;  // of the type modifier, as in PostgreSQL's datetime.h
    std::string_view word;
  };
  static constexpr Unit kUnits[] = {{4, "year"},       {2, "month"},        {8, "day"},
                                    {1 << 10, "hour"}, {1 << 11, "minute"}, {1 << 12, "second"}};
  const PgQuery__TypeName& type = *cast.type_name;
  const grammar::Node& argument = *cast.arg;
  if (grammar::last_name(GRAMMAR_LIST(type, names)) != "interval" || type.n_typmods != 1) {
    return std::nullopt;
  }
  const auto* modifier = type.typmods[0]->a_const;
  const bool literal = argument.node_case == PG_QUERY__NODE__NODE_A_CONST &&
                       argument.a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL &&
                       type.typmods[0]->node_case == PG_QUERY__NODE__NODE_A_CONST &&
                       modifier->val_case == PG_QUERY__A__CONST__VAL_IVAL;
  if (!literal) return std::nullopt;
  const std::string number = argument.a_const->sval->sval;
  if (number.find_first_not_of("+-.0123456789") != std::string::npos) return std::nullopt;
  for (const Unit& unit : kUnits) {
    if (unit.mask == modifier->ival->ival) return number + " " + std::string(unit.word);
  }
  return std::nullopt;
}

}  // namespace

Result<ScalarRef> ExpressionBinder::cast(const PgQuery__TypeCast& cast) {
  if (const auto interval = interval_with_unit(cast)) {
    const int at = grammar::location_of(cast.arg);
    return coerce(binding_, text_constant(*interval, TypeId::unknown, at),
                  Type{TypeId::interval, -1}, CastContext::explicit_);
  }
  const int location = cast.location >= 0 ? cast.location : grammar::location_of(cast.arg);
  SPAR_ASSIGN(const Type type,
              binding_.located(resolve_type_name(*cast.type_name), cast.type_name->location));
  if (cast.arg->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR) {
    SPAR_ASSIGN(const ScalarRef array,
                cast_array_expression(*cast.arg->a_array_expr, type, location));
    if (array != nullptr) return array;
  }
  SPAR_ASSIGN(const ScalarRef argument, bind(cast.arg));
  return coerce(binding_, argument, type, CastContext::explicit_, location);
}

Result<ScalarRef> ExpressionBinder::logic(const PgQuery__BoolExpr& expr) {
  const bool conjunction = expr.boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR;
  const bool negation = expr.boolop == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR;
  const std::string_view name = negation ? "NOT" : conjunction ? "AND" : "OR";
  algebra::Logic terms{conjunction, {}};
  for (const Node* node : GRAMMAR_LIST(expr, args)) {
    SPAR_ASSIGN(const ScalarRef term, bind(node));
    SPAR_ASSIGN(const ScalarRef boolean, coerce_argument(binding_, term, TypeId::boolean, name));
    terms.terms.push_back(boolean);
  }
  if (negation) return make_boolean(binding_, algebra::Not{terms.terms.front()}, expr.location);
  return make_boolean(binding_, std::move(terms), expr.location);
}

Result<ScalarRef> ExpressionBinder::null_test(const PgQuery__NullTest& test) {
  if (is_row(test.arg)) return row_null_test(test);
  SPAR_ASSIGN(ScalarRef argument, bind(test.arg));
  if (algebra::as_constant(argument) != nullptr) {
    SPAR_ASSIGN(argument, coerce_unknown(binding_, argument));
  }
  const bool negated = test.nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL;
  return make_boolean(binding_, algebra::Test{algebra::TestKind::is_null, negated, argument},
                      test.location);
}

Result<ScalarRef> ExpressionBinder::boolean_test(const PgQuery__BooleanTest& test) {
  using enum algebra::TestKind;
  struct Kind {
    algebra::TestKind kind;
    bool negated;
    std::string_view name;
  };
  static constexpr Kind kKinds[] = {
      {is_true, false, "IS TRUE"},       {is_true, true, "IS NOT TRUE"},
      {is_false, false, "IS FALSE"},     {is_false, true, "IS NOT FALSE"},
      {is_unknown, false, "IS UNKNOWN"}, {is_unknown, true, "IS NOT UNKNOWN"}};
  const Kind& kind = kKinds[static_cast<std::size_t>(test.booltesttype - 1) % 6];
  SPAR_ASSIGN(const ScalarRef argument, bind(test.arg));
  SPAR_ASSIGN(const ScalarRef boolean,
              coerce_argument(binding_, argument, TypeId::boolean, kind.name));
  return make_boolean(binding_, algebra::Test{kind.kind, kind.negated, boolean}, test.location);
}

Result<ScalarRef> ExpressionBinder::session_value(const PgQuery__SQLValueFunction& function) {
  const int location = function.location;
  const auto now = [&](TypeId type, std::int32_t typmod) -> Result<ScalarRef> {
    const ScalarRef time =
        binding_.arena().scalar(algebra::SessionValue{BoundValue::transaction_time},
                                Type{TypeId::timestamptz, -1}, location);
    return coerce(binding_, time, Type{type, typmod}, CastContext::explicit_);
  };
  switch (function.op) {
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE:
      return now(TypeId::date, -1);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP:
      return now(TypeId::timestamptz, -1);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP_N:
      return now(TypeId::timestamptz, std::clamp(function.typmod, 0, 6));
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP:
      return now(TypeId::timestamp, -1);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N:
      return now(TypeId::timestamp, std::clamp(function.typmod, 0, 6));
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME:
      return now(TypeId::time, -1);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME_N:
      return now(TypeId::time, std::clamp(function.typmod, 0, 6));
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_USER:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER:
      return text_constant(binding_.context().user, TypeId::name, location);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_CATALOG:
      return session_call("current_database", location);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_SCHEMA:
      return session_call("current_schema", location);
    default:
      return binding_.missing("time with time zone", location);
  }
}

Result<ScalarRef> ExpressionBinder::collate(const PgQuery__CollateClause& clause) {
  const std::string_view name = grammar::last_name(GRAMMAR_LIST(clause, collname));
  if (name != "C" && name != "POSIX" && name != "default" && name != "ucs_basic") {
    return binding_.error(
        "42704", "collation \"" + std::string(name) + "\" for encoding \"UTF8\" does not exist",
        clause.location);
  }
  SPAR_ASSIGN(const ScalarRef argument, bind(clause.arg));
  SPAR_ASSIGN(const ScalarRef typed, coerce_unknown(binding_, argument));
  if (category(typed->type.id) == Category::string) return typed;
  return binding_.error("42804", "collations are not supported by type " + name_of(typed->type.id),
                        clause.location);
}

}  // namespace spar::query::bind
