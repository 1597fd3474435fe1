// query/bind/expression.h: parse tree of an expression -> typed scalar.
//
// Contract    bind() may give a scalar of type unknown (an untyped literal or parameter): who asked
//             decides what becomes of it (coerce.h). Aggregates go to the scope's sink and come
//             back as columns.
#pragma once

#include "query/bind/coerce.h"
#include "query/bind/scope.h"

namespace spar::query::bind {

enum class Clause {
  select,
  where,
  join_on,
  group_by,
  having,
  order_by,
  limit,
  offset,
  values,
  from_function,
  filter,
  returning,
  update,
  on_conflict,
  check,
  column_default,
  generated,
  transform,
  index_expression,
  index_predicate,
  execute,
  window,
  frame_range,
  frame_rows,
  frame_groups,
};
std::string_view clause_name(Clause clause);
// The clause where something is not allowed, as errors name it.
std::string clause_of_error(Clause clause);
inline bool is_frame(Clause clause) {
  return clause == Clause::frame_range || clause == Clause::frame_rows ||
         clause == Clause::frame_groups;
}

bool is_row(const grammar::Node* node);  // (a, b) or ROW(...)

bool is_array_function(std::string_view name);
bool is_json_builder(std::string_view name);
bool is_collecting(std::string_view name);

class ExpressionBinder {
 public:
  ExpressionBinder(Binding& binding, const Scope& scope, const CteScope* ctes, Clause clause)
      : binding_(binding), scope_(scope), ctes_(ctes), clause_(clause) {}

  Result<ScalarRef> bind(const grammar::Node* node);
  // A boolean, named by the clause in the error.
  Result<ScalarRef> condition(const grammar::Node* node);

 private:
  using Node = grammar::Node;

  // expression.cpp
  Result<ScalarRef> dispatch(const Node* node);
  Result<ScalarRef> constant(const PgQuery__AConst& constant);
  Result<ScalarRef> number(std::string text, int location);
  Result<ScalarRef> column(const PgQuery__ColumnRef& reference);
  Result<ScalarRef> parameter(const PgQuery__ParamRef& reference);
  Result<ScalarRef> cast(const PgQuery__TypeCast& cast);
  Result<ScalarRef> logic(const PgQuery__BoolExpr& expr);
  Result<ScalarRef> null_test(const PgQuery__NullTest& test);
  Result<ScalarRef> boolean_test(const PgQuery__BooleanTest& test);
  Result<ScalarRef> session_value(const PgQuery__SQLValueFunction& function);
  Result<ScalarRef> collate(const PgQuery__CollateClause& clause);
  Result<std::vector<ScalarRef>> list(grammar::Nodes nodes);
  ScalarRef text_constant(std::string text, TypeId type, int location);

  // conditional.cpp
  Result<ScalarRef> case_expression(const PgQuery__CaseExpr& expr);
  Result<ScalarRef> coalesce_expression(const PgQuery__CoalesceExpr& expr);
  Result<ScalarRef> minmax(const PgQuery__MinMaxExpr& expr);
  Result<ScalarRef> operation(const PgQuery__AExpr& expr);
  Result<ScalarRef> plain_operator(const PgQuery__AExpr& expr, std::string_view name);
  Result<ScalarRef> concatenation(ScalarRef left, ScalarRef right, int location);
  Result<ScalarRef> distinct_from(const PgQuery__AExpr& expr, bool negated);
  Result<ScalarRef> null_if(const PgQuery__AExpr& expr);
  Result<ScalarRef> in_list(const PgQuery__AExpr& expr, bool negated);
  Result<ScalarRef> any_all_array(const PgQuery__AExpr& expr, bool any);
  Result<ScalarRef> pattern(const PgQuery__AExpr& expr, std::string_view name);
  Result<ScalarRef> between(const PgQuery__AExpr& expr);
  Result<ScalarRef> one_between(ScalarRef value, ScalarRef low, ScalarRef high, int location);
  ScalarRef negate(ScalarRef condition);
  ScalarRef any_of(std::vector<ScalarRef> terms);

  // call.cpp
  Result<ScalarRef> call(const PgQuery__FuncCall& call);
  Result<std::string> routine_name(const PgQuery__FuncCall& call);
  Result<ScalarRef> scalar_call(const PgQuery__FuncCall& call, const std::string& name);
  Result<ScalarRef> make_call(std::string_view operation, std::vector<ScalarRef> arguments,
                              Type type, int location);
  // special_calls.cpp
  Result<ScalarRef> special_call(const PgQuery__FuncCall& call, const std::string& name);
  Result<ScalarRef> output_text(ScalarRef value);
  Result<ScalarRef> format_call(std::vector<ScalarRef> arguments, int location);
  Result<ScalarRef> date_trunc_there(const PgQuery__FuncCall& call);
  Result<ScalarRef> make_interval(const PgQuery__FuncCall& call);
  Result<ScalarRef> age_today(const std::vector<ScalarRef>& arguments, int location);
  Result<ScalarRef> overlaps(std::vector<ScalarRef> arguments, int location);

  // array_calls.cpp
  ScalarRef oid_constant(TypeId type);
  Result<TypeId> common_element(std::string_view kinds, std::string_view name,
                                const std::vector<ScalarRef>& arguments, int location);
  Result<ScalarRef> array_call(const PgQuery__FuncCall& call, const std::string& name);
  Result<ScalarRef> array_expression(const PgQuery__AArrayExpr& array);
  Result<ScalarRef> cast_array_expression(const PgQuery__AArrayExpr& array, const Type& type,
                                          int location);
  Result<ScalarRef> subscripts(const PgQuery__AIndirection& indirection);
  Result<ScalarRef> any_of_elements(const PgQuery__AExpr& expr, bool any);

  // json_calls.cpp
  Result<ScalarRef> json_call(const PgQuery__FuncCall& call, const std::string& name);
  Result<ScalarRef> json_value(ScalarRef value, bool binary);
  Result<void> collecting(algebra::AggregateCall& call, const std::string& name, Type& type,
                          int location);

  Result<ScalarRef> concat(const PgQuery__FuncCall& call, const std::string& name);
  Result<ScalarRef> session_call(std::string_view operation, int location);
  Result<ScalarRef> aggregate(const PgQuery__FuncCall& call, const std::string& name);
  Result<std::vector<ScalarRef>> inner_list(grammar::Nodes nodes, bool& inside);
  Result<void> check_aggregate(const PgQuery__FuncCall& call, const std::string& name);
  Result<void> check_arguments(const PgQuery__FuncCall& call, const std::string& name);
  Result<algebra::AggregateCall> aggregate_call(const PgQuery__FuncCall& call,
                                                const std::string& name,
                                                std::vector<ScalarRef> arguments, Type& type);
  Result<void> check_level(const algebra::AggregateCall& call, int location);
  ScalarRef collect(algebra::AggregateCall call, const std::string& name, Type type, int location);

  Result<ScalarRef> grouping(const PgQuery__GroupingFunc& function);  // grouping_sets.cpp

  // ordered_set.cpp
  Result<std::vector<algebra::SortKey>> aggregate_order(grammar::Nodes items);
  Result<void> order_distinct(algebra::AggregateCall& call);
  Result<ScalarRef> within_group(const PgQuery__FuncCall& call, const std::string& name);
  Result<ScalarRef> percentile(ScalarRef given);

  // row.cpp
  Result<std::vector<ScalarRef>> row(const Node* node);
  Result<ScalarRef> compare_rows(std::string_view name, const std::vector<ScalarRef>& left,
                                 const std::vector<ScalarRef>& right, int location);
  Result<ScalarRef> order_rows(std::string_view name, const std::vector<ScalarRef>& left,
                               const std::vector<ScalarRef>& right, int location);
  Result<ScalarRef> row_operator(const PgQuery__AExpr& expr, std::string_view name);
  Result<ScalarRef> row_distinct(const PgQuery__AExpr& expr, bool negated);
  Result<ScalarRef> row_in_list(const PgQuery__AExpr& expr, bool negated);
  Result<ScalarRef> row_null_test(const PgQuery__NullTest& test);
  Result<ScalarRef> row_quantified(const PgQuery__SubLink& link, algebra::RelationRef query);

  // window.cpp
  Result<ScalarRef> window_call(const PgQuery__FuncCall& call, const std::string& name);
  Result<void> check_window(const PgQuery__FuncCall& call, const std::string& name);
  Result<algebra::WindowSpec> over(const PgQuery__WindowDef& definition);
  Result<Type> window_function(algebra::WindowCall& made, const PgQuery__FuncCall& call,
                               const std::string& name);
  // sequence_call.cpp
  Result<ScalarRef> sequence_call(const PgQuery__FuncCall& call, const std::string& name);
  Result<ScalarRef> set_value(const PgQuery__FuncCall& call, const data::Table& sequence);

  // subquery.cpp
  Result<ScalarRef> sublink(const PgQuery__SubLink& link);
  Result<ScalarRef> quantified(const PgQuery__SubLink& link, algebra::RelationRef query);

  Binding& binding_;
  const Scope& scope_;
  const CteScope* ctes_;
  Clause clause_;
  bool in_aggregate_ = false, in_window_ = false;
};

}  // namespace spar::query::bind
