// query/bind/group.h: the step from rows to groups.
//
// Contract    rewrite() turns an expression over rows into one over groups: what GROUP BY names
//             becomes its column, what a grouped primary key determines is kept, and any other
//             column is 42803.
#pragma once

#include "query/bind/query.h"

namespace spar::query::bind {

using GroupingSet = std::vector<std::size_t>;  // groups by their number

class Grouping {
 public:
  Grouping(Binding& binding, const Scope& scope) : binding_(binding), scope_(scope) {}

  std::size_t add(ScalarRef expression);  // one of GROUP BY; gives its number
  // Before the first add(): groups may be null where their set is not the row's, and get columns
  // of their own.
  void use_sets() { sets_ = true; }
  Result<ScalarRef> rewrite(ScalarRef scalar);
  // After everything was rewritten.
  RelationRef aggregate(RelationRef input, std::vector<algebra::AggregateCall> calls, bool grouped);
  Result<RelationRef> aggregate_sets(RelationRef input,
                                     const std::vector<algebra::AggregateCall>& calls,
                                     const std::vector<GroupingCall>& groupings,
                                     const std::vector<GroupingSet>& sets);
  Result<std::size_t> group_of(ScalarRef scalar) const;  // 42803 when it is none

 private:
  RelationRef one_set(RelationRef rows, const std::vector<algebra::AggregateCall>& calls,
                      const std::vector<std::vector<std::size_t>>& asked, const GroupingSet& set,
                      const std::vector<ColumnId>& columns);
  Result<void> admit(ColumnId column, int location, bool in_subquery);
  bool is_group(ColumnId column) const;
  bool is_determined(ColumnId column) const;
  Result<void> check(RelationRef relation);
  Result<void> check(ScalarRef scalar);

  Binding& binding_;
  const Scope& scope_;
  std::vector<std::pair<ColumnId, ScalarRef>> groups_;
  std::vector<algebra::AggregateCall> determined_;
  bool sets_ = false;
};

}  // namespace spar::query::bind
