// WITH RECURSIVE: a first term, and one that is repeated for every row that came before.
//
// SQLite takes rows from a queue one at a time, PostgreSQL a working table at a time. The results
// are the same where the repeated term looks at each row by itself: that is all that is let in.

#include <algorithm>

#include "query/bind/select.h"

namespace spar::query::bind {

using algebra::CteRef;
using algebra::JoinKind;

namespace {

bool refers(RelationRef relation, const algebra::Cte* cte);

bool refers(ScalarRef scalar, const algebra::Cte* cte) {
  const auto* subquery = std::get_if<algebra::Subquery>(&scalar->body);
  if (subquery != nullptr && refers(subquery->query, cte)) return true;
  bool found = false;
  algebra::for_each_operand(*scalar,
                            [&](ScalarRef operand) { found = found || refers(operand, cte); });
  return found;
}

bool refers(RelationRef relation, const algebra::Cte* cte) {
  const auto* reference = std::get_if<CteRef>(&relation->body);
  if (reference != nullptr && reference->cte == cte) return true;
  bool found = false;
  algebra::for_each_part(
      *relation, [&](RelationRef input) { found = found || refers(input, cte); },
      [&](ScalarRef scalar) { found = found || refers(scalar, cte); });
  return found;
}

// Whether the only reference is a FROM item of the term itself, never missing in an outer join.
bool row_by_row(RelationRef relation, const algebra::Cte* cte) {
  if (const auto* reference = std::get_if<CteRef>(&relation->body)) return reference->cte == cte;
  if (const auto* node = std::get_if<algebra::Project>(&relation->body)) {
    const bool clean = std::ranges::none_of(node->expressions,
                                            [&](ScalarRef scalar) { return refers(scalar, cte); });
    return clean && row_by_row(node->input, cte);
  }
  if (const auto* node = std::get_if<algebra::Filter>(&relation->body)) {
    return !refers(node->predicate, cte) && row_by_row(node->input, cte);
  }
  const auto* join = std::get_if<algebra::Join>(&relation->body);
  if (join == nullptr) return false;
  if (join->kind != JoinKind::inner && join->kind != JoinKind::left) return false;
  if (join->condition != nullptr && refers(join->condition, cte)) return false;
  const bool plain = std::holds_alternative<CteRef>(join->right->body) ||
                     std::holds_alternative<algebra::Scan>(join->right->body) ||
                     !refers(join->right, cte);
  const bool right = refers(join->right, cte);
  if (!right) return row_by_row(join->left, cte);
  return plain && join->kind == JoinKind::inner && !refers(join->left, cte);
}

class RecursiveBinder {
 public:
  RecursiveBinder(Binding& binding, const PgQuery__CommonTableExpr& cte, CteScope& scope,
                  const Scope* outer)
      : binding_(binding), cte_(cte), scope_(scope), outer_(outer), name_(cte.ctename) {}

  // The CteBinding of this query stands last in the scope.
  Result<const algebra::Cte*> bind() {
    const PgQuery__SelectStmt& statement = *cte_.ctequery->select_stmt;
    SPAR_TRY(check_form(statement));
    Result<BoundQuery> left = bind_query(binding_, *statement.larg, {outer_, &scope_});
    if (!left && self().referenced) {
      return refuse("must not appear within its non-recursive term", self().location);
    }
    if (!left) return Failure(std::move(left.error()));
    SPAR_ASSIGN(const RelationRef first, named(*left));
    // Before it is known, the query's columns are those of its first term.
    const algebra::Cte* made = binding_.arena().cte(name_, first);
    self().cte = made;
    self().recursive = true;
    SPAR_ASSIGN(const RelationRef repeated, term(*statement.rarg, first, made));
    SPAR_ASSIGN(const RelationRef all, united(statement.all != 0, first, repeated));
    binding_.arena().define(made, all);
    self().recursive = false;
    return made;
  }

 private:
  CteBinding& self() { return scope_.ctes.back(); }
  Failure refuse(const std::string& what, int location) {
    return binding_.error("42P19", "recursive reference to query \"" + name_ + "\" " + what,
                          location);
  }

  Result<void> check_form(const PgQuery__SelectStmt& statement) {
    if (statement.op != PG_QUERY__SET_OPERATION__SETOP_UNION) {
      return binding_.error("42P19",
                            "recursive query \"" + name_ +
                                "\" does not have the form non-recursive-term UNION [ALL] "
                                "recursive-term",
                            cte_.location);
    }
    const auto unknown = [&](std::string_view what, int location) {
      return binding_.error("0A000", std::string(what) + " in a recursive query is not implemented",
                            location);
    };
    if (statement.n_sort_clause > 0) {
      return unknown("ORDER BY", grammar::location_of(statement.sort_clause[0]->sort_by->node));
    }
    if (statement.limit_offset != nullptr) {
      return unknown("OFFSET", grammar::location_of(statement.limit_offset));
    }
    if (statement.limit_count != nullptr) {
      return unknown("LIMIT", grammar::location_of(statement.limit_count));
    }
    if (statement.n_locking_clause > 0) {
      return unknown("FOR UPDATE/SHARE", -1);
    }
    if (statement.with_clause != nullptr) return binding_.missing("WITH in a recursive query", -1);
    return {};
  }

  // The first term under the query's column names, as a SELECT of its own.
  Result<RelationRef> named(const BoundQuery& left) {
    const grammar::Nodes aliases = GRAMMAR_LIST(cte_, aliascolnames);
    if (aliases.size() > left.names.size()) {
      return binding_.error("42P10",
                            "WITH query \"" + name_ + "\" has " +
                                std::to_string(left.names.size()) + " columns available but " +
                                std::to_string(aliases.size()) + " columns specified",
                            cte_.location);
    }
    std::vector<Target> targets;
    for (std::size_t i = 0; i < left.names.size(); ++i) {
      std::string column =
          i < aliases.size() ? std::string(grammar::text_of(aliases[i])) : left.names[i];
      targets.push_back(
          {std::move(column), binding_.arena().column_ref(left.relation->columns[i])});
    }
    return project(binding_, left.relation, targets);
  }

  Result<RelationRef> term(const PgQuery__SelectStmt& statement, RelationRef first,
                           const algebra::Cte* made) {
    const bool plain = statement.op == PG_QUERY__SET_OPERATION__SETOP_NONE &&
                       statement.with_clause == nullptr && statement.n_values_lists == 0;
    if (!plain) return binding_.missing("this form of a recursive term", -1);
    std::vector<Type> wanted;
    for (const ColumnId id : first->columns) wanted.push_back(binding_.arena().info(id).type);
    SelectBinder select(binding_, QueryPlace{outer_, &scope_, wanted});
    SPAR_TRY(select.bind(statement));
    if (select.targets().size() != first->columns.size()) {
      return binding_.error("42601", "each UNION query must have the same number of columns",
                            grammar::location_of(statement.target_list[0]->res_target->val));
    }
    SPAR_TRY(unify(select, first));
    if (select.aggregate_location() >= 0) {
      return binding_.error(
          "42P19", "aggregate functions are not allowed in a recursive query's recursive term",
          select.aggregate_location());
    }
    SPAR_ASSIGN(const BoundQuery query, select.finish());
    if (self().references > 1) return refuse("must not appear more than once", self().location);
    if (!row_by_row(query.relation, made)) {
      return binding_.missing("this form of a recursive term", self().location);
    }
    return query.relation;
  }

  Result<void> unify(SelectBinder& select, RelationRef first) {
    for (std::size_t i = 0; i < first->columns.size(); ++i) {
      const algebra::ColumnInfo& info = binding_.arena().info(first->columns[i]);
      std::vector<ScalarRef> pair{binding_.arena().column_ref(first->columns[i]),
                                  select.targets()[i].value};
      SPAR_ASSIGN(const Type common, coerce_to_common(binding_, pair, "UNION"));
      if (common != info.type) {
        Failure failure = binding_.error(
            "42804",
            "recursive query \"" + name_ + "\" column " + std::to_string(i + 1) + " has type " +
                data::type_name(info.type) + " in non-recursive term but type " +
                data::type_name(common) + " overall",
            first_location(i));
        failure.error().hint = "Cast the output of the non-recursive term to the correct type.";
        return failure;
      }
      select.targets()[i].value = pair[1];
    }
    return {};
  }
  int first_location(std::size_t column) const {
    const PgQuery__SelectStmt* leaf = cte_.ctequery->select_stmt->larg;
    while (leaf->larg != nullptr) leaf = leaf->larg;
    if (column >= leaf->n_target_list) return -1;
    return grammar::location_of(leaf->target_list[column]->res_target->val);
  }

  Result<RelationRef> united(bool all, RelationRef first, RelationRef repeated) {
    std::vector<ColumnId> columns;
    for (const ColumnId id : first->columns) {
      algebra::ColumnInfo info{binding_.arena().info(id).name, binding_.arena().info(id).type};
      const bool decimal = info.type.id == TypeId::numeric && !data::is_scaled(info.type);
      const bool keyed = decimal || info.type.id == TypeId::interval ||
                         (info.type.id == TypeId::bpchar && info.type.typmod < 0);
      if (!all && keyed) {
        return binding_.missing("a recursive UNION over " + data::type_name(info.type),
                                cte_.location);
      }
      columns.push_back(binding_.arena().column(std::move(info)));
    }
    return binding_.arena().relation(algebra::SetOp{algebra::SetKind::union_, all, first, repeated},
                                     std::move(columns));
  }

  Binding& binding_;
  const PgQuery__CommonTableExpr& cte_;
  CteScope& scope_;
  const Scope* outer_;
  std::string name_;
};

}  // namespace

Result<const algebra::Cte*> bind_recursive(Binding& binding, const PgQuery__CommonTableExpr& cte,
                                           CteScope& scope, const Scope* outer) {
  return RecursiveBinder(binding, cte, scope, outer).bind();
}

}  // namespace spar::query::bind
