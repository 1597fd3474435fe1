// query/bind/query.h: parse tree of a query -> relation.
//
// Contract    PostgreSQL's SELECT without LATERAL and data-modifying WITH; what is
//             missing answers 0A000. A query's columns have ids of their own, even those that it
//             passes through.
#pragma once

#include <functional>

#include "query/bind/expression.h"

namespace spar::query::bind {

using algebra::RelationRef;

struct BoundQuery {
  RelationRef relation = nullptr;
  std::vector<std::string> names;  // beside relation->columns
  bool ordered = false;            // ORDER BY at the top
};

struct QueryPlace {
  const Scope* outer = nullptr;
  const CteScope* ctes = nullptr;
  // Types that untyped literals in the select list should take (INSERT ... SELECT); none: text.
  std::span<const Type> wanted = {};
  bool may_be_empty = false;  // EXISTS (SELECT FROM t)
};

Result<BoundQuery> bind_query(Binding& binding, const PgQuery__SelectStmt& statement,
                              const QueryPlace& place);

// WITH: the scope in which its queries can be seen. `kept` owns what `scope` points to.
struct BoundWith {
  CteScope scope;
  std::vector<const algebra::Cte*> ctes;
};
Result<BoundWith> bind_with(Binding& binding, const PgQuery__WithClause* clause,
                            const QueryPlace& place);

// FROM items joined by commas, into `scope`; null for an empty list.
Result<RelationRef> bind_from(Binding& binding, grammar::Nodes items, Scope& scope,
                              const CteScope* ctes);
// `left` joined with a query that looks at its rows. `columns` are what stands for the query's
// columns from now on. 0A000 for what SQLite cannot run.
Result<RelationRef> join_lateral(Binding& binding, RelationRef left, RelationRef right,
                                 algebra::JoinKind kind, std::vector<ColumnId>& columns);
// A base table as a FROM item.
struct BoundTable {
  RelationRef scan;
  NamespaceItem item;
};
Result<BoundTable> bind_table(Binding& binding, const data::Table& table, std::string alias,
                              std::uint32_t block);

// What a target without AS is called.
std::string target_name(const grammar::Node* node);

// A new Project: each expression becomes a column of its own.
struct Target {
  std::string name;
  ScalarRef value;
};
RelationRef project(Binding& binding, RelationRef input, std::span<const Target> targets);

// The select list or RETURNING list, with * expanded.
Result<std::vector<Target>> bind_targets(Binding& binding, const Scope& scope,
                                         ExpressionBinder& expressions, grammar::Nodes list);

}  // namespace spar::query::bind
