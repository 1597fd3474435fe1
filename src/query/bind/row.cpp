// Rows as values: compared, looked for and tested column by column.

#include "query/bind/operators.h"
#include "query/bind/query.h"

namespace spar::query::bind {

using algebra::Subquery;
using algebra::SubqueryKind;

bool is_row(const grammar::Node* node) {
  return node != nullptr && node->node_case == PG_QUERY__NODE__NODE_ROW_EXPR;
}

Result<std::vector<ScalarRef>> ExpressionBinder::row(const Node* node) {
  return list(GRAMMAR_LIST(*node->row_expr, args));
}

Result<ScalarRef> ExpressionBinder::compare_rows(std::string_view name,
                                                 const std::vector<ScalarRef>& left,
                                                 const std::vector<ScalarRef>& right,
                                                 int location) {
  if (left.size() != right.size()) {
    return binding_.error("42601", "unequal number of entries in row expressions", location);
  }
  if (left.empty()) {
    return binding_.error("0A000", "cannot compare rows of zero length", location);
  }
  if (name == "!=") name = "<>";
  const bool ordered = name == "<" || name == "<=" || name == ">" || name == ">=";
  if (!ordered && name != "=" && name != "<>" && left.size() > 1) {
    SPAR_ASSIGN(const ScalarRef first, make_operator(binding_, name, left[0], right[0], location));
    if (first->type.id != TypeId::boolean) {
      return binding_.error(
          "42804",
          "row comparison operator must yield type boolean, not type " + name_of(first->type.id),
          location);
    }
    Failure failure = binding_.error(
        "0A000",
        "could not determine interpretation of row comparison operator " + std::string(name),
        location);
    failure.error().hint =
        "Row comparison operators must be associated with btree operator families.";
    return failure;
  }
  if (ordered) return order_rows(name, left, right, location);
  algebra::Logic terms{name == "=", {}};
  for (std::size_t i = 0; i < left.size(); ++i) {
    SPAR_ASSIGN(const ScalarRef term, make_operator(binding_, name, left[i], right[i], location));
    terms.terms.push_back(term);
  }
  if (terms.terms.size() == 1) return terms.terms.front();
  return make_boolean(binding_, std::move(terms), location);
}

// a < x or a = x and (b < y or ...): null where the pair that decides has a null.
Result<ScalarRef> ExpressionBinder::order_rows(std::string_view name,
                                               const std::vector<ScalarRef>& left,
                                               const std::vector<ScalarRef>& right, int location) {
  const std::string_view strict = name.substr(0, 1);
  ScalarRef result = nullptr;
  for (std::size_t i = left.size(); i-- > 0;) {
    const std::string_view word = result == nullptr ? name : strict;
    SPAR_ASSIGN(const ScalarRef beyond, make_operator(binding_, word, left[i], right[i], location));
    if (result == nullptr) {
      result = beyond;
      continue;
    }
    SPAR_ASSIGN(const ScalarRef equal, make_operator(binding_, "=", left[i], right[i], location));
    const ScalarRef rest = make_and(binding_, equal, result);
    result = make_boolean(binding_, algebra::Logic{false, {beyond, rest}}, location);
  }
  return result;
}

Result<ScalarRef> ExpressionBinder::row_operator(const PgQuery__AExpr& expr,
                                                 std::string_view name) {
  if (!is_row(expr.lexpr) || !is_row(expr.rexpr)) {
    return binding_.missing("a row value", expr.location);
  }
  SPAR_ASSIGN(const std::vector<ScalarRef> left, row(expr.lexpr));
  SPAR_ASSIGN(const std::vector<ScalarRef> right, row(expr.rexpr));
  return compare_rows(name, left, right, expr.location);
}

Result<ScalarRef> ExpressionBinder::row_distinct(const PgQuery__AExpr& expr, bool negated) {
  if (!is_row(expr.lexpr) || !is_row(expr.rexpr)) {
    return binding_.missing("a row value", expr.location);
  }
  SPAR_ASSIGN(const std::vector<ScalarRef> left, row(expr.lexpr));
  SPAR_ASSIGN(const std::vector<ScalarRef> right, row(expr.rexpr));
  if (left.size() != right.size()) {
    return binding_.error("42601", "unequal number of entries in row expressions", expr.location);
  }
  algebra::Logic terms{negated, {}};
  for (std::size_t i = 0; i < left.size(); ++i) {
    SPAR_ASSIGN(const ScalarRef equal,
                make_operator(binding_, "=", left[i], right[i], expr.location));
    const auto& compare = std::get<algebra::Compare>(equal->body);
    terms.terms.push_back(make_boolean(
        binding_, algebra::DistinctFrom{negated, compare.left, compare.right}, expr.location));
  }
  return make_boolean(binding_, std::move(terms), expr.location);
}

Result<ScalarRef> ExpressionBinder::row_in_list(const PgQuery__AExpr& expr, bool negated) {
  SPAR_ASSIGN(const std::vector<ScalarRef> needle, row(expr.lexpr));
  algebra::Logic terms{negated, {}};
  for (const Node* item : GRAMMAR_LIST(*expr.rexpr->list, items)) {
    if (!is_row(item)) return binding_.missing("a row value", expr.location);
    SPAR_ASSIGN(const std::vector<ScalarRef> other, row(item));
    SPAR_ASSIGN(const ScalarRef term,
                compare_rows(negated ? "<>" : "=", needle, other, expr.location));
    terms.terms.push_back(term);
  }
  if (terms.terms.size() == 1) return terms.terms.front();
  return make_boolean(binding_, std::move(terms), expr.location);
}

// IS NULL: every column is; IS NOT NULL: every column is not.
Result<ScalarRef> ExpressionBinder::row_null_test(const PgQuery__NullTest& test) {
  SPAR_ASSIGN(const std::vector<ScalarRef> values, row(test.arg));
  const bool negated = test.nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL;
  algebra::Logic terms{true, {}};
  for (ScalarRef value : values) {
    if (algebra::as_constant(value) != nullptr) {
      SPAR_ASSIGN(value, coerce_unknown(binding_, value));
    }
    terms.terms.push_back(make_boolean(
        binding_, algebra::Test{algebra::TestKind::is_null, negated, value}, test.location));
  }
  if (terms.terms.empty()) return binding_.missing("a row value", test.location);
  return make_boolean(binding_, std::move(terms), test.location);
}

// (a, b) op ANY (query): true where a row fits; else null where one might.
Result<ScalarRef> ExpressionBinder::row_quantified(const PgQuery__SubLink& link,
                                                   algebra::RelationRef query) {
  SPAR_ASSIGN(const std::vector<ScalarRef> needle, row(link.testexpr));
  if (query->columns.size() != needle.size()) {
    return binding_.error("42601",
                          query->columns.size() > needle.size() ? "subquery has too many columns"
                                                                : "subquery has too few columns",
                          link.location);
  }
  std::vector<ScalarRef> columns;
  for (const ColumnId id : query->columns) columns.push_back(binding_.arena().column_ref(id));
  const grammar::Nodes names = GRAMMAR_LIST(link, oper_name);
  const std::string_view name = names.empty() ? "=" : grammar::last_name(names);
  SPAR_ASSIGN(const ScalarRef fits, compare_rows(name, needle, columns, link.location));
  const auto exists = [&](ScalarRef condition) {
    const RelationRef rows = binding_.arena().relation(algebra::Filter{query, condition},
                                                       std::vector<ColumnId>(query->columns));
    return make_boolean(binding_, Subquery{SubqueryKind::exists, rows, {}}, link.location);
  };
  const bool all = link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK;
  const ScalarRef decides = all ? make_boolean(binding_, algebra::Not{fits}) : fits;
  const ScalarRef unknown =
      make_boolean(binding_, algebra::Test{algebra::TestKind::is_null, false, fits});
  const Type type{TypeId::boolean, -1};
  const auto value = [&](bool truth) { return make_constant(binding_, std::int64_t{truth}, type); };
  algebra::Case body{{{exists(decides), value(!all)},
                      {exists(unknown), make_constant(binding_, data::Datum{}, type)}},
                     value(all)};
  return make_boolean(binding_, std::move(body), link.location);
}

}  // namespace spar::query::bind
