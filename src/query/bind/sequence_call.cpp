#include "query/bind/sequence_call.h"

#include <algorithm>
#include <array>

#include "data/characters.h"
#include "query/bind/expression.h"
#include "query/bind/routines.h"
#include "query/parse/children.h"
#include "query/parse/deparse.h"

namespace spar::query::bind {

using algebra::RelationRef;
using grammar::Node;

bool is_sequence_function(std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames = {"nextval", "currval", "setval", "lastval",
                                                      "pg_get_serial_sequence"};
  return std::ranges::find(kNames, name) != kNames.end();
}

namespace {

Failure bad_name() {
  return sql_error("42602", "invalid name syntax");
}

// a."B c" -> a, B c, as PostgreSQL reads a qualified name in a text.
Result<std::vector<std::string>> split_name(std::string_view text) {
  std::vector<std::string> names;
  while (true) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    std::string name;
    if (text.starts_with('"')) {
      text.remove_prefix(1);
      while (true) {
        const std::size_t quote = text.find('"');
        if (quote == std::string_view::npos) return bad_name();
        name += text.substr(0, quote);
        text.remove_prefix(quote + 1);
        if (!text.starts_with('"')) break;
        name += '"';
        text.remove_prefix(1);
      }
    } else {
      const std::size_t end = std::min(text.find_first_of(". "), text.size());
      name = data::lower_case(text.substr(0, end));
      text.remove_prefix(end);
    }
    while (text.starts_with(' ')) text.remove_prefix(1);
    if (name.empty()) return bad_name();
    names.push_back(std::move(name));
    if (text.empty()) return names;
    if (!text.starts_with('.')) return bad_name();
    text.remove_prefix(1);
  }
}

std::string quoted_name(const std::string& name) {
  const bool plain = !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (plain && !(name[0] >= '0' && name[0] <= '9')) return name;
  std::string text = "\"";
  for (const char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

const PgQuery__AConst* string_constant(const Node* node) {
  if (node->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) {
    const std::string_view type =
        grammar::last_name(GRAMMAR_LIST(*node->type_cast->type_name, names));
    const bool plain = type == "regclass" || type == "text" || type == "varchar" || type == "name";
    return plain ? string_constant(node->type_cast->arg) : nullptr;
  }
  if (node->node_case != PG_QUERY__NODE__NODE_A_CONST) return nullptr;
  const bool text = node->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL;
  return text && !node->a_const->isnull ? node->a_const : nullptr;
}

bool is_call_of(const Node* node, std::string_view name) {
  return node->node_case == PG_QUERY__NODE__NODE_FUNC_CALL &&
         grammar::last_name(GRAMMAR_LIST(*node->func_call, funcname)) == name;
}

std::string qualified(const data::Table& table) {
  return quoted_name(table.schema) + "." + quoted_name(table.name);
}

const data::Table* owned_sequence(const Binding& binding, const data::Table& table,
                                  const data::Column& column) {
  for (const auto& [id, other] : binding.catalogue().tables()) {
    const bool owned = other.sequence && other.sequence->owner == table.id &&
                       other.sequence->owner_column == column.number;
    if (owned) return &other;
  }
  return nullptr;
}

// pg_get_serial_sequence('table', 'column'); null for a column without one.
Result<const data::Table*> serial_sequence(Binding& binding, const PgQuery__FuncCall& call) {
  const auto* table_name = call.n_args == 2 ? string_constant(call.args[0]) : nullptr;
  const auto* column_name = call.n_args == 2 ? string_constant(call.args[1]) : nullptr;
  if (table_name == nullptr || column_name == nullptr) {
    return binding.missing("pg_get_serial_sequence() of what is not constant", call.location);
  }
  SPAR_ASSIGN(const std::vector<std::string> names, split_name(table_name->sval->sval));
  SPAR_ASSIGN(const data::Table* table, binding.find_table(names));
  if (table == nullptr) {
    return sql_error("42P01",
                     "relation \"" + std::string(table_name->sval->sval) + "\" does not exist");
  }
  const data::Column* column = table->column(column_name->sval->sval);
  if (column == nullptr) {
    return sql_error("42703", "column \"" + std::string(column_name->sval->sval) +
                                  "\" of relation \"" + table->name + "\" does not exist");
  }
  return owned_sequence(binding, *table, *column);
}

}  // namespace

Result<const data::Table*> named_sequence(Binding& binding, const Node* node) {
  const data::Table* found = nullptr;
  if (is_call_of(node, "pg_get_serial_sequence")) {
    SPAR_ASSIGN(found, serial_sequence(binding, *node->func_call));
    if (found == nullptr) return binding.missing("nextval() of null", grammar::location_of(node));
  } else {
    const PgQuery__AConst* constant = string_constant(node);
    if (constant == nullptr) {
      return binding.missing("a sequence that is not named by a constant",
                             grammar::location_of(node));
    }
    const std::string text = constant->sval->sval;
    const bool is_id = !text.empty() && text.size() < 10 &&
                       text.find_first_not_of("0123456789") == std::string::npos;
    if (is_id) {
      found = binding.catalogue().table(ObjectId(static_cast<std::uint32_t>(std::stoul(text))));
    } else {
      SPAR_ASSIGN(const std::vector<std::string> names,
                  binding.located(split_name(text), constant->location));
      SPAR_ASSIGN(found, binding.located(binding.find_table(names), constant->location));
    }
    if (found == nullptr) {
      std::string shown = text;
      if (const auto names = split_name(text)) {
        shown.clear();
        for (const std::string& name : *names) shown += (shown.empty() ? "" : ".") + name;
      }
      return binding.error("42P01", "relation \"" + shown + "\" does not exist",
                           constant->location);
    }
  }
  if (!found->sequence) return sql_error("42809", "\"" + found->name + "\" is not a sequence");
  binding.uses(found->id);
  return found;
}

namespace {

ScalarRef integer(Binding& binding, std::int64_t value) {
  return make_constant(binding, data::Datum(value), Type{TypeId::int8, -1});
}

std::vector<ScalarRef> identified(Binding& binding, const data::Table& sequence) {
  return {integer(binding, sequence.id.value),
          make_constant(binding, data::Datum(sequence.name), Type{TypeId::text, -1})};
}

}  // namespace

ScalarRef next_value(Binding& binding, const data::Table& sequence, int location) {
  const data::Sequence& options = *sequence.sequence;
  binding.count_on();
  std::vector<ScalarRef> arguments = identified(binding, sequence);
  for (const std::int64_t value :
       {options.increment, options.minimum, options.maximum, std::int64_t{options.cycle ? 1 : 0}}) {
    arguments.push_back(integer(binding, value));
  }
  return binding.arena().scalar(algebra::Call{"nextval", std::move(arguments)},
                                Type{TypeId::int8, -1}, location);
}

Result<ScalarRef> ExpressionBinder::set_value(const PgQuery__FuncCall& call,
                                              const data::Table& sequence) {
  std::vector<ScalarRef> arguments = identified(binding_, sequence);
  arguments.push_back(integer(binding_, sequence.sequence->minimum));
  arguments.push_back(integer(binding_, sequence.sequence->maximum));
  SPAR_ASSIGN(ScalarRef value, bind(call.args[1]));
  SPAR_ASSIGN(value, coerce(binding_, value, Type{TypeId::int8, -1}, CastContext::implicit));
  arguments.push_back(value);
  ScalarRef called =
      make_constant(binding_, data::Datum(std::int64_t{1}), Type{TypeId::boolean, -1});
  if (call.n_args == 3) {
    SPAR_ASSIGN(called, bind(call.args[2]));
    SPAR_ASSIGN(called, coerce(binding_, called, Type{TypeId::boolean, -1}, CastContext::implicit));
  }
  arguments.push_back(called);
  binding_.count_on();
  return make_call("setval", std::move(arguments), Type{TypeId::int8, -1}, call.location);
}

Result<ScalarRef> ExpressionBinder::sequence_call(const PgQuery__FuncCall& call,
                                                  const std::string& name) {
  if (name == "pg_get_serial_sequence") {
    SPAR_ASSIGN(const data::Table* found, serial_sequence(binding_, call));
    if (found == nullptr) return make_constant(binding_, {}, Type{TypeId::text, -1}, call.location);
    return text_constant(qualified(*found), TypeId::text, call.location);
  }
  const bool sets = name == "setval" && (call.n_args == 2 || call.n_args == 3);
  const bool last = name == "lastval" && call.n_args == 0;
  const bool one = (name == "nextval" || name == "currval") && call.n_args == 1;
  if (!sets && !last && !one) {
    SPAR_ASSIGN(const std::vector<ScalarRef> arguments, list(GRAMMAR_LIST(call, args)));
    std::vector<TypeId> types;
    for (const ScalarRef argument : arguments) types.push_back(argument->type.id);
    auto unknown =
        binding_.located(resolve_routine(name, types, RoutineKind::scalar), call.location);
    return Failure(std::move(unknown.error()));
  }
  if (last) return make_call("lastval", {}, Type{TypeId::int8, -1}, call.location);
  SPAR_ASSIGN(const data::Table* sequence, named_sequence(binding_, call.args[0]));
  if (sets) return set_value(call, *sequence);
  if (name == "nextval") return next_value(binding_, *sequence, call.location);
  return make_call("currval", identified(binding_, *sequence), Type{TypeId::int8, -1},
                   call.location);
}

std::string next_value_text(ObjectId sequence) {
  return "nextval('" + std::to_string(sequence.value) + "'::regclass)";
}

bool calls_sequence(const data::Column& column, ObjectId sequence) {
  if (column.sequence == sequence) return true;
  const std::string id = "('" + std::to_string(sequence.value) + "'";
  return column.default_sql && (column.default_sql->find("nextval" + id) != std::string::npos ||
                                column.default_sql->find("currval" + id) != std::string::npos ||
                                column.default_sql->find("setval" + id) != std::string::npos);
}

Result<std::string> catalogue_text(Binding& binding, const Node* expression) {
  SPAR_ASSIGN(const std::string text, grammar::expression_text(expression));
  SPAR_ASSIGN(const std::vector<ParsedStatement> parsed, parse("SELECT " + text, ParseLimits{}));
  // The tree is this function's own: nobody else sees the names change.
  std::vector<const ProtobufCMessage*> open{
      reinterpret_cast<const ProtobufCMessage*>(parsed.at(0).tree().node)};
  std::vector<std::pair<PgQuery__String*, char*>> changed;
  std::vector<std::unique_ptr<std::string>> ids;
  Result<void> done;
  while (!open.empty() && done) {
    const ProtobufCMessage* message = open.back();
    open.pop_back();
    grammar::for_each_child(message, [&](const ProtobufCMessage* child) { open.push_back(child); });
    if (message->descriptor != &pg_query__node__descriptor) continue;
    const Node* node = reinterpret_cast<const Node*>(message);
    const bool call =
        is_call_of(node, "nextval") || is_call_of(node, "currval") || is_call_of(node, "setval");
    if (!call || node->func_call->n_args == 0) continue;
    const PgQuery__AConst* constant = string_constant(node->func_call->args[0]);
    Result<const data::Table*> sequence = named_sequence(binding, node->func_call->args[0]);
    if (!sequence) done = Failure(std::move(sequence.error()));
    if (!sequence || constant == nullptr) continue;
    ids.push_back(std::make_unique<std::string>(std::to_string((*sequence)->id.value)));
    changed.emplace_back(constant->sval, constant->sval->sval);
    constant->sval->sval = ids.back()->data();
  }
  SPAR_TRY(std::move(done));
  Result<std::string> made =
      changed.empty() ? text
                      : grammar::expression_text(
                            parsed[0].tree().node->select_stmt->target_list[0]->res_target->val);
  for (const auto& [string, was] : changed) string->sval = was;
  return made;
}

namespace {

std::size_t calls_in(RelationRef relation);

std::size_t calls_in(ScalarRef scalar) {
  const auto* call = std::get_if<algebra::Call>(&scalar->body);
  std::size_t count =
      call != nullptr && (call->operation == "nextval" || call->operation == "setval");
  if (const auto* subquery = std::get_if<algebra::Subquery>(&scalar->body)) {
    count += calls_in(subquery->query);
  }
  algebra::for_each_operand(*scalar, [&](ScalarRef operand) { count += calls_in(operand); });
  return count;
}

std::size_t calls_in(RelationRef relation) {
  std::size_t count = 0;
  algebra::for_each_part(
      *relation, [&](RelationRef input) { count += calls_in(input); },
      [&](ScalarRef scalar) { count += calls_in(scalar); });
  return count;
}

// Those outside of subqueries.
std::size_t direct_calls(ScalarRef scalar) {
  const auto* call = std::get_if<algebra::Call>(&scalar->body);
  std::size_t count =
      call != nullptr && (call->operation == "nextval" || call->operation == "setval");
  algebra::for_each_operand(*scalar, [&](ScalarRef operand) { count += direct_calls(operand); });
  return count;
}

std::size_t direct_calls(const std::vector<ScalarRef>& scalars) {
  std::size_t count = 0;
  for (const ScalarRef scalar : scalars) count += direct_calls(scalar);
  return count;
}

std::size_t placed_in_rows(RelationRef rows) {
  if (const auto* project = std::get_if<algebra::Project>(&rows->body)) {
    return direct_calls(project->expressions);
  }
  std::size_t count = 0;
  if (const auto* values = std::get_if<algebra::Values>(&rows->body)) {
    for (const auto& row : values->rows) count += direct_calls(row);
  }
  return count;
}

std::size_t placed(RelationRef statement) {
  if (const auto* with = std::get_if<algebra::With>(&statement->body)) return placed(with->input);
  if (const auto* limit = std::get_if<algebra::Limit>(&statement->body)) {
    return limit->offset == nullptr ? placed_in_rows(limit->input) : 0;
  }
  const auto* dml = std::get_if<algebra::Dml>(&statement->body);
  if (dml == nullptr) return placed_in_rows(statement);
  std::size_t count = 0;
  if (dml->kind == algebra::DmlKind::insert) count += placed_in_rows(dml->source);
  for (const algebra::Assignment& assignment : dml->assignments) {
    count += direct_calls(assignment.value);
  }
  return count;
}

}  // namespace

Result<bool> counts(RelationRef statement) {
  const std::size_t calls = calls_in(statement);
  if (calls == 0) return false;
  if (calls == placed(statement)) return true;
  return not_supported("nextval() or setval() in this place");
}

}  // namespace spar::query::bind
