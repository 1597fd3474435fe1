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
  Result<void> order_by(grammar::Nodes list);
  Result<std::size_t> order_target(const grammar::Node* node);
  Result<std::size_t> ordinal(const grammar::Node* node, std::string_view clause);
  Result<std::optional<std::size_t>> named_target(const grammar::Node* node,
                                                  std::string_view clause);
  Result<void> locking(const PgQuery__SelectStmt& statement);
  Result<void> aggregate();
  Result<std::vector<algebra::SortKey>> sort_keys(RelationRef projected);
  Result<void> check_comparable() const;

  Binding& binding_;
  QueryPlace place_;
  Scope scope_;
  AggregateSink sink_;
  Grouping grouping_;
  RelationRef relation_ = nullptr;
  std::vector<Target> targets_, hidden_;
  std::vector<OrderItem> order_;
  ScalarRef having_ = nullptr, limit_ = nullptr, offset_ = nullptr;
  bool distinct_ = false, has_groups_ = false, is_values_ = false, has_series_ = false;
};

struct LimitParts {
  ScalarRef count = nullptr, offset = nullptr;
};
Result<LimitParts> bind_limit(Binding& binding, const PgQuery__SelectStmt& statement,
                              const QueryPlace& place);

// ORDER BY's own defaults: nulls come last, and first with DESC.
struct SortDirection {
  bool descending, nulls_first;
};
Result<SortDirection> sort_direction(Binding& binding, const PgQuery__SortBy& sort);

}  // namespace spar::query::bind
