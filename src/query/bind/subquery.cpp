// Subqueries as expressions: scalar, EXISTS, IN, ANY, ALL.

#include "query/bind/operators.h"
#include "query/bind/query.h"

namespace spar::query::bind {

using algebra::Subquery;
using algebra::SubqueryKind;

namespace {

// The query with its one column cast to what the comparison wants.
Result<RelationRef> cast_column(Binding& binding, RelationRef query, Type type) {
  const ColumnId column = query->columns.front();
  if (binding.arena().info(column).type == type) return query;
  const ScalarRef reference = binding.arena().column_ref(column);
  SPAR_ASSIGN(const ScalarRef converted, coerce(binding, reference, type, CastContext::implicit));
  const Target target{binding.arena().info(column).name, converted};
  return project(binding, query, std::span(&target, 1));
}

}  // namespace

Result<ScalarRef> ExpressionBinder::sublink(const PgQuery__SubLink& link) {
  const std::string_view refused = clause_ == Clause::check       ? "check constraint"
                                   : clause_ == Clause::generated ? "column generation expression"
                                   : clause_ == Clause::transform ? "transform expression"
                                   : clause_ == Clause::index_expression ? "index expression"
                                   : clause_ == Clause::index_predicate  ? "index predicate"
                                                                         : "";
  if (!refused.empty()) {
    return binding_.error("0A000", "cannot use subquery in " + std::string(refused), link.location);
  }
  if (clause_ == Clause::column_default || clause_ == Clause::execute) {
    const bool is_default = clause_ == Clause::column_default;
    return binding_.error("0A000",
                          is_default ? "cannot use subquery in DEFAULT expression"
                                     : "cannot use subquery in EXECUTE parameter",
                          link.location);
  }
  if (link.subselect == nullptr || link.subselect->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
    return binding_.missing("this kind of subquery", link.location);
  }
  QueryPlace place{&scope_, ctes_};
  place.may_be_empty = link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK;
  SPAR_ASSIGN(const BoundQuery query, bind_query(binding_, *link.subselect->select_stmt, place));
  switch (link.sub_link_type) {
    case PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK:
      return make_boolean(binding_, Subquery{SubqueryKind::exists, query.relation, {}},
                          link.location);
    case PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK: {
      if (query.relation->columns.size() != 1) {
        return binding_.error("42601", "subquery must return only one column", link.location);
      }
      const ColumnId column = query.relation->columns.front();
      return binding_.arena().scalar(Subquery{SubqueryKind::scalar, query.relation, column},
                                     binding_.arena().info(column).type, link.location);
    }
    case PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK:
    case PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK:
      return quantified(link, query.relation);
    case PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK:
      return binding_.missing("ARRAY", link.location);
    default:
      return binding_.missing("a row value", link.location);
  }
}

Result<ScalarRef> ExpressionBinder::quantified(const PgQuery__SubLink& link, RelationRef query) {
  if (is_row(link.testexpr)) return row_quantified(link, query);
  SPAR_ASSIGN(const ScalarRef needle, bind(link.testexpr));
  if (query->columns.size() != 1) {
    return binding_.error("42601", "subquery has too many columns", link.location);
  }
  const grammar::Nodes names = GRAMMAR_LIST(link, oper_name);
  const std::string_view name = names.empty() ? "=" : grammar::last_name(names);
  const ScalarRef column = binding_.arena().column_ref(query->columns.front());
  SPAR_ASSIGN(const ScalarRef test, make_operator(binding_, name, needle, column, link.location));
  const auto* compare = std::get_if<algebra::Compare>(&test->body);
  if (compare == nullptr) return binding_.missing("this operator with ANY or ALL", link.location);
  ScalarRef left = compare->left;
  Type type = compare->right->type;
  if (left->type != type && left->type.id == type.id) {  // numeric(10,2) against numeric(12,3)
    type.typmod = -1;
    SPAR_ASSIGN(left, coerce(binding_, left, type, CastContext::implicit));
  }
  SPAR_ASSIGN(query, cast_column(binding_, query, type));
  const bool all = link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK;
  Subquery body{all ? SubqueryKind::all : SubqueryKind::any, query, query->columns.front(), left,
                compare->comparison};
  return make_boolean(binding_, body, link.location);
}

}  // namespace spar::query::bind
