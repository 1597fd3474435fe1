// LATERAL without the word: what SQLite can run in its place. A query of one row becomes a scalar
// subquery a column, a plain SELECT is joined where it stands.

#include <algorithm>

#include "query/bind/query.h"

namespace spar::query::bind {

using algebra::JoinKind;

namespace {

bool depends(RelationRef relation, const std::vector<ColumnId>& columns);

bool depends(ScalarRef scalar, const std::vector<ColumnId>& columns) {
  const auto column = algebra::as_column(scalar);
  if (column && std::ranges::find(columns, *column) != columns.end()) return true;
  const auto* subquery = std::get_if<algebra::Subquery>(&scalar->body);
  if (subquery != nullptr && depends(subquery->query, columns)) return true;
  bool found = false;
  algebra::for_each_operand(*scalar,
                            [&](ScalarRef operand) { found = found || depends(operand, columns); });
  return found;
}

bool depends(RelationRef relation, const std::vector<ColumnId>& columns) {
  bool found = false;
  algebra::for_each_part(
      *relation, [&](RelationRef input) { found = found || depends(input, columns); },
      [&](ScalarRef scalar) { found = found || depends(scalar, columns); });
  return found;
}

bool one_row(const algebra::Project& node) {
  const auto* aggregate = std::get_if<algebra::Aggregate>(&node.input->body);
  if (aggregate != nullptr) return !aggregate->grouped;
  const auto* values = std::get_if<algebra::Values>(&node.input->body);
  return values != nullptr && values->rows.size() == 1;
}

RelationRef beside(Binding& binding, RelationRef left, const std::vector<ColumnId>& columns,
                   RelationRef input, const std::vector<ScalarRef>& values) {
  algebra::Project body{input, {}};
  std::vector<ColumnId> all = left->columns;
  for (const ColumnId id : all) body.expressions.push_back(binding.arena().column_ref(id));
  body.expressions.insert(body.expressions.end(), values.begin(), values.end());
  all.insert(all.end(), columns.begin(), columns.end());
  return binding.arena().relation(std::move(body), std::move(all));
}

}  // namespace

Result<RelationRef> join_lateral(Binding& binding, RelationRef left, RelationRef right,
                                 JoinKind kind, std::vector<ColumnId>& columns) {
  algebra::Arena& arena = binding.arena();
  const auto* node = std::get_if<algebra::Project>(&right->body);
  if (node == nullptr || (kind != JoinKind::inner && kind != JoinKind::left)) {
    return not_supported("this form of LATERAL");
  }
  if (one_row(*node)) {
    std::vector<ScalarRef> values;
    columns.clear();
    for (const ColumnId id : right->columns) {
      const RelationRef one = arena.relation(algebra::Project{right, {arena.column_ref(id)}}, {id});
      values.push_back(arena.scalar(algebra::Subquery{algebra::SubqueryKind::scalar, one, id},
                                    arena.info(id).type));
      algebra::ColumnInfo info{arena.info(id).name, arena.info(id).type};
      columns.push_back(arena.column(std::move(info)));
    }
    return beside(binding, left, columns, left, values);
  }
  RelationRef source = node->input;
  ScalarRef condition = nullptr;
  while (const auto* filter = std::get_if<algebra::Filter>(&source->body)) {
    condition = make_and(binding, condition, filter->predicate);
    source = filter->input;
  }
  const bool table = std::holds_alternative<algebra::Scan>(source->body) ||
                     std::holds_alternative<algebra::Join>(source->body) ||
                     std::holds_alternative<algebra::CteRef>(source->body);
  if (!table || depends(source, left->columns)) return not_supported("this form of LATERAL");
  const bool plain = std::ranges::all_of(node->expressions, [&](ScalarRef scalar) {
    const auto column = algebra::as_column(scalar);
    return column && std::ranges::find(source->columns, *column) != source->columns.end();
  });
  if (kind == JoinKind::left && !plain) return not_supported("this form of LATERAL");
  if (kind == JoinKind::left) {
    arena.make_nullable(source->columns);
    arena.make_nullable(right->columns);
  }
  std::vector<ColumnId> all = left->columns;
  all.insert(all.end(), source->columns.begin(), source->columns.end());
  const RelationRef joined =
      arena.relation(algebra::Join{kind, left, source, condition}, std::move(all));
  return beside(binding, left, right->columns, joined, node->expressions);
}

}  // namespace spar::query::bind
