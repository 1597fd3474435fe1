// query/algebra/arena.h: owns the nodes of one statement.
//
// Contract    Append-only: nodes never move or change, and go together with the arena. ColumnIds
//             are unique within it.
// Threads     One statement's own; no synchronisation.
#pragma once

#include <deque>
#include <string>

#include "query/algebra/relation.h"

namespace spar::query::algebra {

struct ColumnInfo {
  std::string name;
  data::Type type;
  bool nullable = true;
  std::string qualifier;  // the alias it was reached by, for messages
  ObjectId table;         // where it came from unchanged, or 0
  data::ColumnNumber number = 0;
  std::uint32_t block = 0;  // the SELECT whose FROM gives it
};

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  ScalarRef scalar(Scalar::Body body, data::Type type, int location = -1) {
    Scalar& made = scalars_.emplace_back(Scalar{std::move(body), type, location});
    for_each_operand(made, [&](ScalarRef operand) { made.weight += operand->weight; });
    if (const auto* subquery = std::get_if<Subquery>(&made.body)) {
      made.weight += subquery->query->weight;
    }
    return &made;
  }
  RelationRef relation(Relation::Body body, std::vector<ColumnId> columns) {
    Relation& made = relations_.emplace_back(Relation{std::move(body), std::move(columns)});
    for_each_part(
        made, [&](RelationRef input) { made.weight += input->weight; },
        [&](ScalarRef scalar) { made.weight += scalar->weight; });
    return &made;
  }
  const Cte* cte(std::string name, RelationRef query,
                 Materialization materialization = Materialization::automatic) {
    const auto number = static_cast<std::uint32_t>(ctes_.size());
    return &ctes_.emplace_back(Cte{number, std::move(name), query, materialization});
  }
  // What a recursive query is, once its term that refers to it is known.
  void define(const Cte* cte, RelationRef query) { ctes_[cte->number].query = query; }
  ColumnId column(ColumnInfo info) {
    columns_.push_back(std::move(info));
    return ColumnId(static_cast<std::uint32_t>(columns_.size()));  // 0 is no column
  }
  const ColumnInfo& info(ColumnId id) const { return columns_[id.value - 1]; }
  // A subquery's column as the query around it sees it.
  void adopt(ColumnId id, std::uint32_t block, std::string qualifier, std::string name) {
    ColumnInfo& column = columns_[id.value - 1];
    column.block = block;
    column.qualifier = std::move(qualifier);
    column.name = std::move(name);
  }

  // For the side of an outer join that may be missing.
  void make_nullable(const std::vector<ColumnId>& ids) {
    for (const ColumnId id : ids) columns_[id.value - 1].nullable = true;
  }

  ScalarRef column_ref(ColumnId id, int location = -1) {
    return scalar(ColumnRef{id}, info(id).type, location);
  }

 private:
  std::deque<Scalar> scalars_;
  std::deque<Relation> relations_;
  std::deque<Cte> ctes_;
  std::vector<ColumnInfo> columns_;
};

}  // namespace spar::query::algebra
