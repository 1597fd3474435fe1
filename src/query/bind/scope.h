// query/bind/scope.h: which names an expression can see.
//
// Contract    A Scope is one SELECT's FROM clause (or a DML target); `outer` is the query around
//             it. Lookups go from the inside out, with PostgreSQL's errors: 42703, 42P01, 42702.
#pragma once

#include <string>
#include <vector>

#include "query/bind/binding.h"

namespace spar::query::bind {

using algebra::ColumnId;
using algebra::ScalarRef;

struct NamedColumn {
  std::string name;
  ScalarRef value;  // a column, or what JOIN ... USING merged
};

// A FROM item: a table, a subquery, a join's merged columns.
struct NamespaceItem {
  std::string alias;  // empty for a join without one
  std::vector<NamedColumn> columns;
  const data::Table* table = nullptr;
  bool table_visible = true;    // as alias.column
  bool columns_visible = true;  // without a qualifier, and for *
  bool is_value = false;        // of a function that gives one column: its name is that column
};

struct CteBinding {
  std::string name;
  const algebra::Cte* cte;  // null: not bound yet
  // Of one that WITH RECURSIVE is just binding: whether its name was met, how often, where last.
  mutable bool referenced = false;
  bool recursive = false;  // may be referred to
  mutable int references = 0;
  mutable int location = -1;
};
struct CteScope {
  std::vector<CteBinding> ctes;
  std::vector<std::string> later;   // names that WITH RECURSIVE has still to bind
  std::vector<std::string> future;  // names that WITH has still to bind, for a hint
  const CteScope* outer = nullptr;
};

struct GroupingCall {  // GROUPING(...)
  ColumnId column;
  std::vector<ScalarRef> arguments;
};
// The aggregates of one SELECT, while its expressions are bound.
struct AggregateSink {
  std::vector<algebra::AggregateCall> calls;
  std::vector<GroupingCall> groupings;
  int first_location = -1;
};

// The window functions of one SELECT, and the windows that its WINDOW clause names.
struct NamedWindow {
  std::string name;
  algebra::WindowSpec spec;
};
struct WindowSink {
  std::vector<algebra::WindowCall> calls;
  std::vector<NamedWindow> named;
};

struct Scope {
  const Scope* outer = nullptr;
  std::uint32_t block = 0;
  std::vector<NamespaceItem> items;
  AggregateSink* aggregates = nullptr;  // null: aggregates are not allowed here
  WindowSink* windows = nullptr;        // null: nor are window functions
};

struct ColumnName {
  std::vector<std::string> parts;  // [[schema.]table.]column
  int location = -1;
};

Result<ScalarRef> find_column(Binding& binding, const Scope& scope, const ColumnName& name);

// An item for `alias.*`; 42P01 when there is none.
Result<const NamespaceItem*> find_item(Binding& binding, const Scope& scope,
                                       const std::vector<std::string>& qualifier, int location);

// Whether the unqualified name is one of this scope's own columns.
bool has_column(const Scope& scope, std::string_view name);

}  // namespace spar::query::bind
