// query/bind/select.h: one SELECT ... FROM ... or VALUES, bound in two steps.
//
// Contract    bind() finds out everything but the final types of the select list; whoever asked may
//             then change the targets' types (UNION, INSERT ... SELECT) before finish() builds the
//             relation. Neither copied nor moved: scopes point into it.
#pragma once

#include "query/bind/group.h"

namespace spar::query::bind {

class SelectBinder {
 public:
  SelectBinder(Binding& binding, const QueryPlace& place);
  SelectBinder(const SelectBinder&) = delete;
  SelectBinder& operator=(const SelectBinder&) = delete;

  Result<void> bind(const PgQuery__SelectStmt& statement);
  // The visible part of the select list.
  std::vector<Target>& targets() { return targets_; }
  Result<BoundQuery> finish();
  int aggregate_location() const { return sink_.first_location; }  // of the first one, or -1

 private:
  struct OrderItem {
    std::size_t target;  // of targets_ followed by hidden_
    bool descending, nulls_first;
    int location;
  };

  Result<void> values(const PgQuery__SelectStmt& statement);
  Result<void> from_and_where(const PgQuery__SelectStmt& statement);
  Result<void> select_list(grammar::Nodes list);
  Result<bool> series_target(const PgQuery__ResTarget& target);
  Result<bool> rows_target(const PgQuery__ResTarget& target, const PgQuery__FuncCall& call);
  Result<void> group_by(const PgQuery__SelectStmt& statement);
  Result<ScalarRef> group_item(const grammar::Node* node);
  Result<std::size_t> group_expression(const grammar::Node* node);
  // grouping_sets.cpp
  Result<void> grouping_sets(const PgQuery__SelectStmt& statement);
  Result<GroupingSet> simple_set(const grammar::Node* node);
  Result<std::vector<GroupingSet>> expand(const grammar::Node* node);
  Result<void> plain_groupings();
  RelationRef add_groupings(RelationRef input);
  Result<void> order_by(grammar::Nodes list);
  Result<std::size_t> order_target(const grammar::Node* node, std::string_view clause);
  // first_rows.cpp
  Result<void> distinct_on(const PgQuery__SelectStmt& statement);
  RelationRef first_of_each(RelationRef rows, const std::vector<algebra::SortKey>& keys);
  Result<std::size_t> ordinal(const grammar::Node* node, std::string_view clause);
  Result<std::optional<std::size_t>> named_target(const grammar::Node* node,
                                                  std::string_view clause);
  Result<void> locking(const PgQuery__SelectStmt& statement);
  Result<void> aggregate();
  Result<void> group_windows();
  void add_windows();
  Result<std::vector<algebra::SortKey>> sort_keys(RelationRef projected);
  Result<void> check_comparable() const;

  Binding& binding_;
  QueryPlace place_;
  Scope scope_;
  AggregateSink sink_;
  WindowSink windows_;
  Grouping grouping_;
  RelationRef relation_ = nullptr;
  std::vector<Target> targets_, hidden_;
  std::vector<OrderItem> order_;
  std::vector<GroupingSet> sets_;  // empty: GROUP BY names plain expressions only
  std::vector<std::size_t> on_;    // the targets of DISTINCT ON
  ScalarRef having_ = nullptr, limit_ = nullptr, offset_ = nullptr;
  bool distinct_ = false, has_groups_ = false, is_values_ = false, has_series_ = false;
  bool ties_ = false;
};

// WITH RECURSIVE: the query whose binding, not made yet, stands last in the scope.
Result<const algebra::Cte*> bind_recursive(Binding& binding, const PgQuery__CommonTableExpr& cte,
                                           CteScope& scope, const Scope* outer);

struct LimitParts {
  ScalarRef count = nullptr, offset = nullptr;
  bool ties = false;
};
Result<LimitParts> bind_limit(Binding& binding, const PgQuery__SelectStmt& statement,
                              const QueryPlace& place);

// Those of the input's rows that FETCH FIRST ... WITH TIES keeps in that order.
Result<RelationRef> with_ties(Binding& binding, RelationRef input,
                              std::vector<algebra::SortKey> keys, const LimitParts& limit);

// The WINDOW clause, into the scope's sink.
Result<void> bind_windows(Binding& binding, const Scope& scope, const CteScope* ctes,
                          grammar::Nodes definitions);

// ORDER BY's own defaults: nulls come last, and first with DESC.
struct SortDirection {
  bool descending, nulls_first;
};
Result<SortDirection> sort_direction(Binding& binding, const PgQuery__SortBy& sort);

}  // namespace spar::query::bind
