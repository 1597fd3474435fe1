// query/algebra/relation.h: relational operators.
//
// Contract    A Relation is immutable and lives in an Arena; `columns` are what it gives, in order.
//             A column that an operator passes through keeps its id; a computed one gets its own.
//             The operators above Filter come in SELECT's order (Aggregate, Filter, Window,
//             Project, Distinct, Sort, Limit), each optional, so that a dialect can write one block for
//             them.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "data/catalogue.h"
#include "query/algebra/scalar.h"

namespace spar::query::algebra {

struct Scan {
  ObjectId table;
  std::vector<data::ColumnNumber> numbers;  // beside Relation::columns
};
struct Values {
  std::vector<std::vector<ScalarRef>> rows;  // one empty row: SELECT without FROM
};
struct Filter {
  RelationRef input;
  ScalarRef predicate;
};
struct Project {  // expressions beside Relation::columns
  RelationRef input;
  std::vector<ScalarRef> expressions;
};
enum class JoinKind : std::uint8_t { inner, left, right, full, semi, anti, mark, single };
struct Join {
  JoinKind kind;
  RelationRef left, right;
  ScalarRef condition;  // null: true
};
struct SortKey {
  ScalarRef expression;
  bool descending = false;
  bool nulls_first = false;
};
struct AggregateCall {
  ColumnId column;
  std::string_view operation;  // "count", "sum", ...; "any" for a column that the groups determine
  std::vector<ScalarRef> arguments;
  bool distinct = false;
  ScalarRef filter = nullptr;
  // ORDER BY in its parentheses, and with DISTINCT the arguments that it does not name.
  std::vector<SortKey> order = {};
};
struct Aggregate {  // columns: the groups', then the calls'
  RelationRef input;
  std::vector<std::pair<ColumnId, ScalarRef>> groups;
  std::vector<AggregateCall> calls;
  bool grouped = false;  // GROUP BY was written: no input row gives no group
};
enum class FrameMode : std::uint8_t { range, rows, groups };
enum class FrameEnd : std::uint8_t {
  unbounded_preceding,
  preceding,
  current_row,
  following,
  unbounded_following
};
enum class FrameExclusion : std::uint8_t { none, current_row, group, ties };
struct FrameBound {
  FrameEnd end = FrameEnd::unbounded_preceding;
  ScalarRef offset = nullptr;  // preceding, following
};
struct WindowSpec {
  std::vector<ScalarRef> partition;
  std::vector<SortKey> order;
  FrameMode mode = FrameMode::range;
  FrameBound start, finish = {FrameEnd::current_row};
  FrameExclusion exclusion = FrameExclusion::none;
  bool framed = false;  // a frame was written
};
struct WindowCall {
  ColumnId column;
  std::string_view operation;  // "row_number", ..., or an aggregate's
  std::vector<ScalarRef> arguments;
  bool aggregate = false;
  ScalarRef filter = nullptr;
  WindowSpec window;
};
struct Window {  // columns: the input's, then the calls'
  RelationRef input;
  std::vector<WindowCall> calls;
};
struct Distinct {
  RelationRef input;
};
enum class SetKind : std::uint8_t { union_, intersect, except };
struct SetOp {  // columns of its own; inputs match by place and type
  SetKind kind;
  bool all;
  RelationRef left, right;
};
struct Sort {
  RelationRef input;
  std::vector<SortKey> keys;
};
struct Limit {
  RelationRef input;
  ScalarRef count, offset;  // null: none
};
// "generate_series" of integers with one column, or a function of query/functions/ that gives rows
// (functions/rows.h). The arguments may mention columns of FROM items to the left.
struct TableFunc {
  std::string_view function;
  std::vector<ScalarRef> arguments;
  bool ordinality = false;  // one more column: the row's number
};
enum class Materialization : std::uint8_t { automatic, always, never };
// A query named by WITH; each CteRef to it has columns of its own, by place.
struct Cte {
  std::uint32_t number;
  std::string name;
  RelationRef query;
  Materialization materialization = Materialization::automatic;
};
struct With {
  std::vector<const Cte*> ctes;
  RelationRef input;
};
struct CteRef {
  const Cte* cte;
};

enum class DmlKind : std::uint8_t { insert, update, erase };
struct Assignment {
  data::ColumnNumber number;
  ScalarRef value;
};
struct OnConflict {
  std::vector<data::ColumnNumber> target;  // empty: any unique key
  std::string target_predicate;            // of a partial index, as the catalogue holds it
  std::vector<Assignment> assignments;     // empty: DO NOTHING
  ScalarRef predicate = nullptr;
  std::vector<ColumnId> excluded;  // beside Dml::target_columns
};
struct Dml {
  DmlKind kind;
  ObjectId table;
  // The target's row as expressions see it, all columns in the table's order.
  std::vector<ColumnId> target_columns;
  std::vector<data::ColumnNumber> target_numbers;
  RelationRef source = nullptr;  // insert: rows to insert; update, erase: FROM or USING, or null
  std::vector<data::ColumnNumber> inserted;  // insert: beside source's columns
  std::vector<Assignment> assignments;       // update
  ScalarRef predicate = nullptr;             // update, erase
  std::optional<OnConflict> on_conflict;
  std::vector<ScalarRef> returning;  // beside Relation::columns
};

struct Relation {
  using Body = std::variant<Scan, Values, Filter, Project, Join, Aggregate, Window, Distinct, SetOp,
                            Sort, Limit, TableFunc, With, CteRef, Dml>;
  Body body;
  std::vector<ColumnId> columns;
  std::size_t weight = 1;
};

// Calls `visit` for each direct input, and `visit_scalar` for each expression of the operator.
template <class Visit, class VisitScalar>
void for_each_part(const Relation& relation, Visit&& visit, VisitScalar&& visit_scalar) {
  const auto scalars = [&](const std::vector<ScalarRef>& list) {
    for (ScalarRef scalar : list) visit_scalar(scalar);
  };
  const auto maybe = [&](ScalarRef scalar) {
    if (scalar != nullptr) visit_scalar(scalar);
  };
  std::visit(
      Overloaded{
          [&](const Scan&) {},
          [&](const CteRef&) {},
          [&](const Values& node) {
            for (const auto& row : node.rows) scalars(row);
          },
          [&](const Filter& node) { visit(node.input), visit_scalar(node.predicate); },
          [&](const Project& node) { visit(node.input), scalars(node.expressions); },
          [&](const Join& node) { visit(node.left), visit(node.right), maybe(node.condition); },
          [&](const Aggregate& node) {
            visit(node.input);
            for (const auto& group : node.groups) visit_scalar(group.second);
            for (const AggregateCall& call : node.calls) {
              scalars(call.arguments);
              maybe(call.filter);
              for (const SortKey& key : call.order) visit_scalar(key.expression);
            }
          },
          [&](const Window& node) {
            visit(node.input);
            for (const WindowCall& call : node.calls) {
              scalars(call.arguments);
              maybe(call.filter);
              scalars(call.window.partition);
              for (const SortKey& key : call.window.order) visit_scalar(key.expression);
              maybe(call.window.start.offset), maybe(call.window.finish.offset);
            }
          },
          [&](const Distinct& node) { visit(node.input); },
          [&](const SetOp& node) { visit(node.left), visit(node.right); },
          [&](const Sort& node) {
            visit(node.input);
            for (const SortKey& key : node.keys) visit_scalar(key.expression);
          },
          [&](const Limit& node) { visit(node.input), maybe(node.count), maybe(node.offset); },
          [&](const TableFunc& node) { scalars(node.arguments); },
          [&](const With& node) {
            for (const Cte* cte : node.ctes) visit(cte->query);
            visit(node.input);
          },
          [&](const Dml& node) {
            if (node.source != nullptr) visit(node.source);
            for (const Assignment& assignment : node.assignments) visit_scalar(assignment.value);
            maybe(node.predicate);
            if (node.on_conflict) {
              for (const Assignment& a : node.on_conflict->assignments) visit_scalar(a.value);
              maybe(node.on_conflict->predicate);
            }
            scalars(node.returning);
          },
      },
      relation.body);
}

}  // namespace spar::query::algebra
