#include "query/bind/generated.h"

#include <algorithm>

#include "query/bind/table_editor.h"
#include "query/parse/children.h"
#include "query/parse/deparse.h"

namespace spar::query::bind {

using data::ColumnNumber;
using grammar::Node;

namespace {

Result<ParsedStatement> parsed_expression(const std::string& sql) {
  SPAR_ASSIGN(std::vector<ParsedStatement> parsed, parse("SELECT " + sql, ParseLimits{}));
  const bool expected = parsed.size() == 1 &&
                        parsed[0].tree().node->node_case == PG_QUERY__NODE__NODE_SELECT_STMT &&
                        parsed[0].tree().node->select_stmt->n_target_list == 1;
  if (!expected) return failure(Code::corrupt, "the catalogue holds no expression: " + sql);
  return std::move(parsed[0]);
}

const Node* expression_of(const ParsedStatement& parsed) {
  return parsed.tree().node->select_stmt->target_list[0]->res_target->val;
}

// Whether two evaluations could give two values.
bool changes_by_itself(ScalarRef scalar) {
  const auto* call = std::get_if<algebra::Call>(&scalar->body);
  const auto* value = std::get_if<algebra::SessionValue>(&scalar->body);
  bool found = (call != nullptr && (call->operation == "nextval" || call->operation == "setval")) ||
               (value != nullptr && value->value == BoundValue::random) ||
               std::holds_alternative<algebra::Subquery>(scalar->body);
  algebra::for_each_operand(
      *scalar, [&](ScalarRef operand) { found = found || changes_by_itself(operand); });
  return found;
}

void numbers_in(const algebra::Arena& arena, ScalarRef scalar, std::vector<ColumnNumber>& numbers) {
  if (const auto column = algebra::as_column(scalar)) numbers.push_back(arena.info(*column).number);
  algebra::for_each_operand(*scalar,
                            [&](ScalarRef operand) { numbers_in(arena, operand, numbers); });
}

}  // namespace

bool is_mutable(ScalarRef scalar) {
  const auto* call = std::get_if<algebra::Call>(&scalar->body);
  bool found = std::holds_alternative<algebra::SessionValue>(scalar->body) ||
               (call != nullptr && (call->operation == "currval" || call->operation == "lastval"));
  algebra::for_each_operand(*scalar,
                            [&](ScalarRef operand) { found = found || is_mutable(operand); });
  return found || changes_by_itself(scalar);
}

Result<ScalarRef> generated_value(Binding& binding, const data::Table&, const data::Column& column,
                                  NamespaceItem row) {
  SPAR_ASSIGN(const ParsedStatement parsed, parsed_expression(*column.generated_sql));
  const Scope scope{nullptr, 0, {std::move(row)}, nullptr};
  ExpressionBinder expressions(binding, scope, nullptr, Clause::generated);
  binding.without_positions(true);
  Result<ScalarRef> value = expressions.bind(expression_of(parsed));
  if (value) value = coerce_assignment(binding, *value, column);
  binding.without_positions(false);
  if (value && changes_by_itself(*value)) {
    return not_supported("a generated column over nextval(), random() or a subquery");
  }
  return value;
}

Result<std::vector<ColumnNumber>> columns_mentioned(Binding& binding, const data::Table& table,
                                                    const std::string& expression_sql) {
  SPAR_ASSIGN(const ParsedStatement parsed, parsed_expression(expression_sql));
  SPAR_ASSIGN(BoundTable bound, bind_table(binding, table, table.name, binding.next_block()));
  const Scope scope{nullptr, 0, {std::move(bound.item)}, nullptr};
  ExpressionBinder expressions(binding, scope, nullptr, Clause::check);
  binding.without_positions(true);
  const Result<ScalarRef> value = expressions.bind(expression_of(parsed));
  binding.without_positions(false);
  if (!value) return Failure(value.error());
  std::vector<ColumnNumber> numbers;
  numbers_in(binding.arena(), *value, numbers);
  return numbers;
}

Result<std::string> with_renamed_column(const std::string& expression_sql, const std::string& from,
                                        const std::string& to) {
  SPAR_ASSIGN(const ParsedStatement parsed, parsed_expression(expression_sql));
  // The tree is this function's own: nobody else sees the names change.
  std::string name = to;
  std::vector<std::pair<PgQuery__String*, char*>> changed;
  std::vector<const ProtobufCMessage*> open{
      reinterpret_cast<const ProtobufCMessage*>(parsed.tree().node)};
  while (!open.empty()) {
    const ProtobufCMessage* message = open.back();
    open.pop_back();
    grammar::for_each_child(message, [&](const ProtobufCMessage* child) { open.push_back(child); });
    if (message->descriptor != &pg_query__column_ref__descriptor) continue;
    const auto* reference = reinterpret_cast<const PgQuery__ColumnRef*>(message);
    if (grammar::last_name(GRAMMAR_LIST(*reference, fields)) != from) continue;
    PgQuery__String* string = reference->fields[reference->n_fields - 1]->string;
    changed.emplace_back(string, string->sval);
    string->sval = name.data();
  }
  Result<std::string> text = grammar::expression_text(expression_of(parsed));
  for (const auto& [string, was] : changed) string->sval = was;
  return text;
}

// A generated column cannot be made of another one.
Result<void> TableEditor::check_generating(ScalarRef scalar, const data::Column& column) {
  if (const auto id = algebra::as_column(scalar)) {
    const data::Column* used = table_.column(binding_.arena().info(*id).number);
    if (used->number == column.number || used->generated_sql) {
      return binding_.error(
          "42P17",
          "cannot use generated column \"" + used->name + "\" in column generation expression",
          scalar->location);
    }
  }
  Result<void> sound;
  algebra::for_each_operand(*scalar, [&](ScalarRef operand) {
    if (sound) sound = check_generating(operand, column);
  });
  return sound;
}

Result<void> TableEditor::add_generated(data::Column& column,
                                        const PgQuery__Constraint& constraint) {
  const auto both = [&](std::string_view other) {
    return binding_.error("42601",
                          "both " + std::string(other) +
                              " and generation expression specified for column \"" + column.name +
                              "\" of table \"" + table_.name + "\"",
                          constraint.location);
  };
  if (column.default_sql) return both("default");
  if (column.identity != data::Identity::none) return both("identity");
  SPAR_ASSIGN(BoundTable bound, bind_table(binding_, table_, table_.name, binding_.next_block()));
  const Scope scope{nullptr, 0, {std::move(bound.item)}, nullptr};
  ExpressionBinder expressions(binding_, scope, nullptr, Clause::generated);
  SPAR_ASSIGN(const ScalarRef value, expressions.bind(constraint.raw_expr));
  SPAR_TRY(check_generating(value, column));
  if (is_mutable(value)) return sql_error("42P17", "generation expression is not immutable");
  Result<ScalarRef> converted = coerce_assignment(binding_, value, column);
  if (!converted) {
    const std::size_t but = converted.error().message.find("but expression");
    if (but != std::string::npos) converted.error().message.insert(but + 4, "default ");
    converted.error().position = 0;
    return Failure(std::move(converted.error()));
  }
  SPAR_ASSIGN(column.generated_sql, grammar::expression_text(constraint.raw_expr));
  return {};
}

}  // namespace spar::query::bind
