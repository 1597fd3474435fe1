// query/dialect/writer.h: writes one statement for SQLite. Internal to query/dialect/.
//
// Contract    The methods are spread over expression.cpp, compare.cpp, cast.cpp, call.cpp,
//             aggregate.cpp, window.cpp, block.cpp, source.cpp and dml.cpp by what they write. A Writer serves
//             one statement, once.
#pragma once

#include <string>
#include <unordered_map>

#include "query/dialect/key.h"
#include "query/dialect/sqlite.h"

namespace spar::query::dialect {

using algebra::ColumnId;
using algebra::Comparison;
using algebra::RelationRef;
using algebra::ScalarRef;
using data::Type;
using data::TypeId;

// How tightly an expression's outermost operator binds in SQLite.
enum class Binding : int { or_ = 1, and_, not_, comparison, bits, additive, concat, atom };

struct Sql {
  std::string text;
  Binding binding = Binding::atom;

  // As an operand of something that binds as tightly as `needed`.
  std::string at(Binding needed) const { return binding < needed ? "(" + text + ")" : text; }
};

// Where one SELECT's text stands while operators are added to it from the inside out.
enum class Phase {
  source,
  filtered,
  grouped,
  having,
  windowed,
  projected,
  distinct,
  sorted,
  limited,
  sealed
};

struct OrderKey {
  ScalarRef expression;
  std::string suffix;
};

struct Block {
  Phase phase = Phase::source;
  std::string with, from, where, group, having, limit;
  std::string compound;  // instead of everything but order and limit
  std::vector<OrderKey> order;
  std::vector<ColumnId> columns;
  bool distinct = false;
  bool one_group = false;  // aggregates without GROUP BY
};

class Writer {
 public:
  Writer(const algebra::Arena& arena, const data::Catalogue& catalogue,
         const RenderOptions& options)
      : arena_(arena), catalogue_(catalogue), options_(options) {}

  Result<std::string> statement(RelationRef relation);
  Result<Sql> scalar(ScalarRef scalar);
  void name(ColumnId column, std::string text) { names_[column.value] = std::move(text); }
  const std::vector<BoundValue>& bound() const { return bound_; }

 private:
  // expression.cpp
  Result<std::string> atom(ScalarRef scalar);      // fit for any place
  Result<std::string> argument(ScalarRef scalar);  // of a function: numeric as a decimal
  std::string session_value(BoundValue value);
  Result<Sql> logic(const algebra::Logic& logic);
  Result<Sql> test(const algebra::Test& test);
  Result<Sql> case_expression(const algebra::Case& expression);
  Result<std::string> list(const std::vector<ScalarRef>& scalars);
  Result<Sql> subquery(const algebra::Subquery& subquery);
  Result<Sql> scalar_subquery(const algebra::Subquery& subquery);
  Result<Sql> quantified(const algebra::Subquery& subquery);

  // compare.cpp
  Result<Sql> compare(Comparison comparison, ScalarRef left, ScalarRef right);
  Result<std::optional<Sql>> compare_scaled(Comparison comparison, ScalarRef left, ScalarRef right);
  Result<Sql> distinct_from(const algebra::DistinctFrom& test);
  Result<Sql> in_list(const algebra::InList& test);
  Result<std::pair<std::string, std::string>> operands(ScalarRef left, ScalarRef right);
  Result<std::string> comparable(ScalarRef value, bool decimal);
  bool any_needs_key(const std::vector<ColumnId>& columns) const;
  Result<std::string> keys_of(const std::vector<ColumnId>& columns);

  // cast.cpp
  Result<Sql> cast(ScalarRef scalar, const algebra::Cast& cast);
  Result<Sql> jsonb_cast(const std::string& value, const Type& to);
  Result<std::string> to_number(const std::string& value, const Type& from, const Type& to);
  std::string to_numeric(const std::string& value, const Type& from, const Type& to);
  Result<std::string> to_integer(const std::string& value, const Type& from, const Type& to);
  std::string to_text(const std::string& value, const Type& from);
  std::string sized(std::string value, const Type& from, const Type& to, bool is_explicit);
  Result<std::string> to_moment(const std::string& value, const Type& from, const Type& to);
  std::string by_text(const std::string& value, const Type& from, const Type& to);
  std::string zone_shift() const;

  // call.cpp
  Result<Sql> call(ScalarRef scalar, const algebra::Call& call);
  Result<std::optional<Sql>> chain(ScalarRef value);
  Result<Sql> arithmetic(ScalarRef scalar, const algebra::Call& call);
  Result<std::optional<Sql>> special(const algebra::Call& call,
                                     const std::vector<std::string>& arguments);
  Result<std::string> with_blanks(const std::string& text, const Type& type);
  Result<std::vector<std::string>> arguments(const algebra::Call& call);
  Result<std::string> function(std::string_view name, const std::vector<std::string>& arguments);

  // aggregate.cpp
  Result<std::string> aggregate(const algebra::AggregateCall& call);
  Result<std::string> aggregate_body(const algebra::AggregateCall& call);
  Result<std::string> ordered(const algebra::AggregateCall& call);
  Result<std::string> min_or_max(const algebra::AggregateCall& call);
  Result<std::string> sum_or_avg(const algebra::AggregateCall& call);
  Result<std::string> numeric_argument(ScalarRef scalar);

  Result<std::string> called(std::string_view name, const std::string& arguments) const;

  // window.cpp
  Result<Block> window(RelationRef relation, const algebra::Window& node);
  Result<std::string> window_call(const algebra::WindowCall& call);
  Result<std::string> window_function(const algebra::WindowCall& call, const std::string& over);
  Result<std::string> lag_or_lead(const algebra::WindowCall& call, const std::string& over);
  Result<std::string> over_text(const algebra::WindowSpec& spec);
  Result<std::string> frame_text(const algebra::WindowSpec& spec);
  Result<std::string> plain_offset(ScalarRef offset);
  Result<std::string> range_offset(ScalarRef offset, ScalarRef key, bool outwards);

  // block.cpp
  std::string order_suffix(const algebra::SortKey& key) const;
  Result<Block> block(RelationRef relation);
  Result<Block> source_block(RelationRef relation);
  Result<Block> filter(const algebra::Filter& node);
  Result<Block> projection(RelationRef relation, const algebra::Project& node);
  Result<Block> aggregation(RelationRef relation, const algebra::Aggregate& node);
  Result<Block> distinct(RelationRef relation, const algebra::Distinct& node);
  Result<Block> distinct_by_key(const Block& inner);
  Result<Block> set_by_key(RelationRef relation, const algebra::SetOp& node);
  Result<Block> set_operation(RelationRef relation, const algebra::SetOp& node);
  Result<Block> sort(const algebra::Sort& node);
  Result<Block> limit(const algebra::Limit& node);
  Result<Block> with(const algebra::With& node);
  Result<std::string> with_clause(const algebra::With& node);
  Result<Block> wrapped(const Block& block, bool materialized = false);
  Result<std::string> text(const Block& block, const std::vector<ColumnId>* labels);
  Result<std::string> order_text(const Block& block);
  Result<std::string> query(RelationRef relation);  // as a whole SELECT

  // source.cpp
  Result<std::string> source(RelationRef relation);
  Result<std::string> join(const algebra::Join& node);
  Result<std::string> join_side(RelationRef side, bool flat);
  static bool chains(RelationRef relation);
  Result<std::string> values(RelationRef relation, const algebra::Values& node);
  Result<std::string> series(RelationRef relation, const algebra::TableFunc& node);
  Result<std::string> rows(RelationRef relation, const algebra::TableFunc& node);
  Result<std::string> scan(RelationRef relation, const algebra::Scan& node);
  std::string alias(std::string_view prefix);
  Result<std::string> bag_operand(RelationRef relation);
  Result<std::string> bag_side(RelationRef relation, Block& made);
  Result<std::string> compound(const algebra::SetOp& node, const std::vector<ColumnId>& labels);
  Result<std::string> compound_leaf(RelationRef relation, const std::vector<ColumnId>* labels);

  // dml.cpp
  Result<std::string> dml(const algebra::Dml& node);
  Result<std::string> insert(const algebra::Dml& node);
  Result<std::string> on_conflict(const algebra::Dml& node);
  Result<std::string> update(const algebra::Dml& node);
  Result<std::string> erase(const algebra::Dml& node);
  Result<std::string> assignments(const algebra::Dml& node,
                                  const std::vector<algebra::Assignment>& list);
  Result<std::string> stored(const algebra::Dml& node, data::ColumnNumber number, ScalarRef value);
  Result<std::string> returning(const algebra::Dml& node);

  const algebra::Arena& arena_;
  const data::Catalogue& catalogue_;
  const RenderOptions& options_;
  std::unordered_map<std::uint32_t, std::string> names_;
  std::vector<BoundValue> bound_;
  std::string_view aggregate_suffix_;  // "_over": of the functions that windows call
  unsigned aliases_ = 0;
  bool bare_names_ = false;  // one table only: its columns need no alias
};

}  // namespace spar::query::dialect
