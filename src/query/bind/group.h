// query/bind/group.h: the step from rows to groups.
//
// Contract    rewrite() turns an expression over rows into one over groups: what GROUP BY names
//             becomes its column, what a grouped primary key determines is kept, and any other
//             column is 42803.
#pragma once

#include "query/bind/query.h"

namespace spar::query::bind {

class Grouping {
 public:
  Grouping(Binding& binding, const Scope& scope) : binding_(binding), scope_(scope) {}

  void add(ScalarRef expression);  // one of GROUP BY
  Result<ScalarRef> rewrite(ScalarRef scalar);
  // After everything was rewritten.
  RelationRef aggregate(RelationRef input, std::vector<algebra::AggregateCall> calls, bool grouped);

 private:
  Result<void> admit(ColumnId column, int location, bool in_subquery);
  bool is_group(ColumnId column) const;
  bool is_determined(ColumnId column) const;
  Result<void> check(RelationRef relation);
  Result<void> check(ScalarRef scalar);

  Binding& binding_;
  const Scope& scope_;
  std::vector<std::pair<ColumnId, ScalarRef>> groups_;
  std::vector<algebra::AggregateCall> determined_;
};

}  // namespace spar::query::bind
