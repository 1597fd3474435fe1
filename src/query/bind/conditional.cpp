// Operators, and the expressions that choose: CASE, COALESCE, IN, BETWEEN, ...

#include <algorithm>

#include "query/bind/expression.h"
#include "query/bind/operators.h"

namespace spar::query::bind {

Result<ScalarRef> ExpressionBinder::case_expression(const PgQuery__CaseExpr& expr) {
  ScalarRef subject = nullptr;
  if (expr.arg != nullptr) {
    SPAR_ASSIGN(const ScalarRef bound, bind(expr.arg));
    SPAR_ASSIGN(subject, coerce_unknown(binding_, bound));
  }
  std::vector<ScalarRef> conditions, results;
  if (expr.defresult != nullptr) {  // first, as in PostgreSQL's choice of the type
    SPAR_ASSIGN(const ScalarRef otherwise, bind(expr.defresult));
    results.push_back(otherwise);
  } else {
    results.push_back(make_constant(binding_, data::Datum{}, Type{TypeId::unknown, -1}));
  }
  for (const Node* node : GRAMMAR_LIST(expr, args)) {
    const PgQuery__CaseWhen& when = *node->case_when;
    SPAR_ASSIGN(ScalarRef condition, bind(when.expr));
    if (subject != nullptr) {
      SPAR_ASSIGN(condition, make_operator(binding_, "=", subject, condition, when.location));
    } else {
      SPAR_ASSIGN(condition, coerce_argument(binding_, condition, TypeId::boolean, "CASE/WHEN"));
    }
    conditions.push_back(condition);
    SPAR_ASSIGN(const ScalarRef result, bind(when.result));
    results.push_back(result);
  }
  SPAR_ASSIGN(const Type type, coerce_to_common(binding_, results, "CASE"));
  algebra::Case body{{}, results.front()};
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    body.branches.emplace_back(conditions[i], results[i + 1]);
  }
  return binding_.arena().scalar(std::move(body), type, expr.location);
}

Result<ScalarRef> ExpressionBinder::coalesce_expression(const PgQuery__CoalesceExpr& expr) {
  SPAR_ASSIGN(std::vector<ScalarRef> arguments, list(GRAMMAR_LIST(expr, args)));
  SPAR_ASSIGN(const Type type, coerce_to_common(binding_, arguments, "COALESCE"));
  if (arguments.size() == 1) return arguments.front();
  return binding_.arena().scalar(algebra::Coalesce{std::move(arguments)}, type, expr.location);
}

Result<ScalarRef> ExpressionBinder::minmax(const PgQuery__MinMaxExpr& expr) {
  const bool greatest = expr.op == PG_QUERY__MIN_MAX_OP__IS_GREATEST;
  SPAR_ASSIGN(std::vector<ScalarRef> arguments, list(GRAMMAR_LIST(expr, args)));
  SPAR_ASSIGN(const Type type,
              coerce_to_common(binding_, arguments, greatest ? "GREATEST" : "LEAST"));
  return make_call(greatest ? "greatest" : "least", std::move(arguments), type, expr.location);
}

Result<ScalarRef> ExpressionBinder::operation(const PgQuery__AExpr& expr) {
  const std::string_view name = grammar::last_name(GRAMMAR_LIST(expr, name));
  switch (expr.kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
      return plain_operator(expr, name);
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
      return any_all_array(expr, true);
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
      return any_all_array(expr, false);
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
      return distinct_from(expr, false);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
      return distinct_from(expr, true);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF:
      return null_if(expr);
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
      return in_list(expr, name == "<>");
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
      return pattern(expr, name);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM:
      return between(expr);
    default:
      return pattern(expr, name);
  }
}

Result<ScalarRef> ExpressionBinder::plain_operator(const PgQuery__AExpr& expr,
                                                   std::string_view name) {
  if (expr.lexpr == nullptr) {
    SPAR_ASSIGN(const ScalarRef operand, bind(expr.rexpr));
    return make_prefix_operator(binding_, name, operand, expr.location);
  }
  if (is_row(expr.lexpr) || is_row(expr.rexpr)) return row_operator(expr, name);
  SPAR_ASSIGN(const ScalarRef left, bind(expr.lexpr));
  SPAR_ASSIGN(const ScalarRef right, bind(expr.rexpr));
  if (name == "||") return concatenation(left, right, expr.location);
  return make_operator(binding_, name, left, right, expr.location);
}

// text || anything and anything || text take the other's text form.
Result<ScalarRef> ExpressionBinder::concatenation(ScalarRef left, ScalarRef right, int location) {
  const auto kind = [](ScalarRef scalar) { return category(scalar->type.id); };
  const bool string_left = kind(left) == Category::string;
  const bool string_right = kind(right) == Category::string;
  const bool open_left = kind(left) == Category::unknown;
  const bool open_right = kind(right) == Category::unknown;
  const Type text{TypeId::text, -1};
  const bool arrays = data::is_array(left->type.id) || data::is_array(right->type.id);
  const bool documents = left->type.id == TypeId::jsonb || right->type.id == TypeId::jsonb;
  if (arrays || (documents && !string_left && !string_right)) {
    return make_operator(binding_, "||", left, right, location);
  }
  if ((string_left || open_left) && !string_right && !open_right &&
      right->type.id != TypeId::bytea) {
    SPAR_ASSIGN(right, coerce(binding_, right, text, CastContext::explicit_));
  } else if ((string_right || open_right) && !string_left && !open_left &&
             left->type.id != TypeId::bytea) {
    SPAR_ASSIGN(left, coerce(binding_, left, text, CastContext::explicit_));
  }
  return make_operator(binding_, "||", left, right, location);
}

Result<ScalarRef> ExpressionBinder::distinct_from(const PgQuery__AExpr& expr, bool negated) {
  if (is_row(expr.lexpr) || is_row(expr.rexpr)) return row_distinct(expr, negated);
  SPAR_ASSIGN(const ScalarRef left, bind(expr.lexpr));
  SPAR_ASSIGN(const ScalarRef right, bind(expr.rexpr));
  SPAR_ASSIGN(const ScalarRef equal, make_operator(binding_, "=", left, right, expr.location));
  const auto& compare = std::get<algebra::Compare>(equal->body);
  return make_boolean(binding_, algebra::DistinctFrom{negated, compare.left, compare.right},
                      expr.location);
}

Result<ScalarRef> ExpressionBinder::null_if(const PgQuery__AExpr& expr) {
  SPAR_ASSIGN(const ScalarRef left, bind(expr.lexpr));
  SPAR_ASSIGN(const ScalarRef right, bind(expr.rexpr));
  SPAR_ASSIGN(const ScalarRef equal, make_operator(binding_, "=", left, right, expr.location));
  const auto& compare = std::get<algebra::Compare>(equal->body);
  // The result is the first argument as the operator takes it: date = timestamp takes a date.
  const bool moment = category(left->type.id) == Category::datetime;
  const ScalarRef value = moment ? left : compare.left;
  return binding_.arena().scalar(algebra::NullIf{equal, value}, value->type, expr.location);
}

ScalarRef ExpressionBinder::negate(ScalarRef condition) {
  return make_boolean(binding_, algebra::Not{condition}, condition->location);
}

ScalarRef ExpressionBinder::any_of(std::vector<ScalarRef> terms) {
  if (terms.size() == 1) return terms.front();
  const int location = terms.front()->location;
  return make_boolean(binding_, algebra::Logic{false, std::move(terms)}, location);
}

Result<ScalarRef> ExpressionBinder::in_list(const PgQuery__AExpr& expr, bool negated) {
  if (is_row(expr.lexpr)) return row_in_list(expr, negated);
  SPAR_ASSIGN(const ScalarRef needle, bind(expr.lexpr));
  SPAR_ASSIGN(std::vector<ScalarRef> items, list(GRAMMAR_LIST(*expr.rexpr->list, items)));
  std::vector<Candidate> types{{needle->type, 0}};
  for (const ScalarRef item : items) types.push_back({item->type, 0});
  const Result<Type> common = common_type(types, "IN");
  if (common && is_comparable(common->id)) {
    std::vector<ScalarRef> all = std::move(items);
    all.push_back(needle);
    SPAR_TRY(coerce_to_common(binding_, all, "IN"));
    algebra::InList body{all.back(), {all.begin(), all.end() - 1}, negated};
    return make_boolean(binding_, std::move(body), expr.location);
  }
  algebra::Logic terms{negated, {}};
  for (const ScalarRef item : items) {
    SPAR_ASSIGN(const ScalarRef term,
                make_operator(binding_, negated ? "<>" : "=", needle, item, expr.location));
    terms.terms.push_back(term);
  }
  if (terms.terms.size() == 1) return terms.terms.front();
  return make_boolean(binding_, std::move(terms), expr.location);
}

// = ANY (ARRAY[...]): where the array is written out, a list of comparisons.
Result<ScalarRef> ExpressionBinder::any_all_array(const PgQuery__AExpr& expr, bool any) {
  if (expr.rexpr == nullptr || expr.rexpr->node_case != PG_QUERY__NODE__NODE_A_ARRAY_EXPR ||
      expr.rexpr->a_array_expr->n_elements == 0) {
    return any_of_elements(expr, any);
  }
  const std::string_view name = grammar::last_name(GRAMMAR_LIST(expr, name));
  SPAR_ASSIGN(const ScalarRef needle, bind(expr.lexpr));
  SPAR_ASSIGN(const std::vector<ScalarRef> items,
              list(GRAMMAR_LIST(*expr.rexpr->a_array_expr, elements)));
  for (const ScalarRef item : items) {  // ARRAY[a, b] of arrays: all their elements
    if (data::is_array(item->type.id)) return any_of_elements(expr, any);
  }
  std::vector<ScalarRef> elements = items;
  SPAR_TRY(coerce_to_common(binding_, elements, "ARRAY"));
  algebra::Logic terms{!any, {}};
  for (const ScalarRef item : elements) {
    SPAR_ASSIGN(const ScalarRef term, make_operator(binding_, name, needle, item, expr.location));
    if (term->type.id != TypeId::boolean) {
      return binding_.error("42809", "op ANY/ALL (array) requires operator to yield boolean",
                            expr.location);
    }
    terms.terms.push_back(term);
  }
  if (terms.terms.size() == 1) return terms.terms.front();
  return make_boolean(binding_, std::move(terms), expr.location);
}

namespace {

// pattern LIKE x ESCAPE y reaches us as a call of like_escape(x, y).
const PgQuery__FuncCall* escape_call(const grammar::Node* node) {
  if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_FUNC_CALL) return nullptr;
  const PgQuery__FuncCall& call = *node->func_call;
  const bool named = grammar::dotted(GRAMMAR_LIST(call, funcname)) == "pg_catalog.like_escape";
  return named && call.n_args == 2 ? &call : nullptr;
}

}  // namespace

Result<ScalarRef> ExpressionBinder::pattern(const PgQuery__AExpr& expr, std::string_view name) {
  if (expr.kind == PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR) {
    // The grammar gives it as a call of similar_to_escape(pattern[, escape]).
    if (expr.rexpr->node_case != PG_QUERY__NODE__NODE_FUNC_CALL) {
      return binding_.missing("SIMILAR TO", expr.location);
    }
    SPAR_ASSIGN(const ScalarRef matched, bind(expr.lexpr));
    SPAR_ASSIGN(std::vector<ScalarRef> arguments, list(GRAMMAR_LIST(*expr.rexpr->func_call, args)));
    arguments.insert(arguments.begin(), matched);
    if (arguments.size() == 2) arguments.push_back(text_constant("\\", TypeId::text, -1));
    for (ScalarRef& argument : arguments) {
      SPAR_ASSIGN(argument, coerce_argument(binding_, argument, TypeId::text, "SIMILAR TO"));
    }
    SPAR_ASSIGN(const ScalarRef test, make_call("spar_similar_to", std::move(arguments),
                                                Type{TypeId::boolean, -1}, expr.location));
    return name == "!~" ? negate(test) : test;
  }
  const PgQuery__FuncCall* escape = escape_call(expr.rexpr);
  SPAR_ASSIGN(const ScalarRef text, bind(expr.lexpr));
  SPAR_ASSIGN(const ScalarRef wanted, bind(escape == nullptr ? expr.rexpr : escape->args[0]));
  SPAR_ASSIGN(const ScalarRef plain, make_operator(binding_, name, text, wanted, expr.location));
  if (escape == nullptr) return plain;
  SPAR_ASSIGN(ScalarRef character, bind(escape->args[1]));
  SPAR_ASSIGN(character, coerce_argument(binding_, character, TypeId::text, "ESCAPE"));
  const auto& call = std::get<algebra::Call>(plain->body);
  std::vector<ScalarRef> arguments = call.arguments;
  arguments.push_back(character);
  return make_call(call.operation, std::move(arguments), plain->type, expr.location);
}

Result<ScalarRef> ExpressionBinder::one_between(ScalarRef value, ScalarRef low, ScalarRef high,
                                                int location) {
  SPAR_ASSIGN(const ScalarRef above, make_operator(binding_, ">=", value, low, location));
  SPAR_ASSIGN(const ScalarRef below, make_operator(binding_, "<=", value, high, location));
  return make_and(binding_, above, below);
}

Result<ScalarRef> ExpressionBinder::between(const PgQuery__AExpr& expr) {
  const PgQuery__List& bounds = *expr.rexpr->list;
  SPAR_ASSIGN(const ScalarRef value, bind(expr.lexpr));
  SPAR_ASSIGN(const ScalarRef low, bind(bounds.items[0]));
  SPAR_ASSIGN(const ScalarRef high, bind(bounds.items[1]));
  const bool symmetric = expr.kind == PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM ||
                         expr.kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM;
  const bool negated = expr.kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN ||
                       expr.kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM;
  SPAR_ASSIGN(ScalarRef result, one_between(value, low, high, expr.location));
  if (symmetric) {
    SPAR_ASSIGN(const ScalarRef swapped, one_between(value, high, low, expr.location));
    result = any_of({result, swapped});
  }
  return negated ? negate(result) : result;
}

}  // namespace spar::query::bind
