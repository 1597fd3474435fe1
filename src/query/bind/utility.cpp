#include "query/bind/utility.h"

#include "data/characters.h"
#include "query/bind/expression.h"

namespace spar::query::bind {
namespace {

using grammar::Node;

// One argument of SET as text: a word, number, string; INTERVAL '...' HOUR for TIME ZONE is
// refused.
Result<std::string> set_argument(Binding& binding, const Node* node) {
  if (node->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) {
    return binding.missing("an interval as a time zone", node->type_cast->location);
  }
  PgQuery__DefElem element = PG_QUERY__DEF_ELEM__INIT;
  element.arg = const_cast<Node*>(node);  // only read
  return grammar::option_text(element);
}

struct TransactionModes {
  std::optional<std::string> isolation;
  std::optional<bool> read_only;
};

Result<TransactionModes> transaction_modes(Binding& binding, grammar::Nodes options) {
  TransactionModes modes;
  for (const Node* node : options) {
    const PgQuery__DefElem& option = *node->def_elem;
    const std::string name = option.defname;
    if (name == "transaction_isolation") {
      modes.isolation = data::lower_case(grammar::option_text(option));
    } else if (name == "transaction_read_only") {
      modes.read_only = grammar::option_bool(option).value_or(false);
    } else if (grammar::option_bool(option).value_or(false)) {
      return binding.missing("DEFERRABLE", option.location);
    }
  }
  return modes;
}

}  // namespace

Result<Body> transaction(Binding& binding, const PgQuery__TransactionStmt& statement) {
  if (statement.chain) return not_supported("AND CHAIN");
  const std::string name = statement.savepoint_name;
  switch (statement.kind) {
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START: {
      SPAR_ASSIGN(TransactionModes modes,
                  transaction_modes(binding, GRAMMAR_LIST(statement, options)));
      return Begin{std::move(modes.isolation), modes.read_only};
    }
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT:
      return Commit{};
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK:
      return Rollback{};
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_SAVEPOINT:
      return Savepoint{name};
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_RELEASE:
      return ReleaseSavepoint{name};
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK_TO:
      return RollbackToSavepoint{name};
    default:
      return not_supported("a prepared transaction");
  }
}

namespace {

// SET TRANSACTION ... and SET SESSION CHARACTERISTICS AS TRANSACTION ...
Result<Body> set_transaction(Binding& binding, const PgQuery__VariableSetStmt& statement) {
  const std::string_view name = statement.name;
  if (name == "TRANSACTION SNAPSHOT") return not_supported("SET TRANSACTION SNAPSHOT");
  const bool session = name == "SESSION CHARACTERISTICS";
  SPAR_ASSIGN(TransactionModes modes, transaction_modes(binding, GRAMMAR_LIST(statement, args)));
  const std::string prefix = session ? "default_" : "";
  if (modes.isolation && modes.read_only) {
    return not_supported("SET TRANSACTION with more than one mode");
  }
  if (modes.isolation) {
    return SetParameter{prefix + "transaction_isolation", std::move(modes.isolation), !session};
  }
  if (modes.read_only) {
    return SetParameter{prefix + "transaction_read_only", *modes.read_only ? "on" : "off",
                        !session};
  }
  return NoOperation{};
}

}  // namespace

Result<Body> set_variable(Binding& binding, const PgQuery__VariableSetStmt& statement) {
  SetParameter body{data::lower_case(statement.name), std::nullopt, statement.is_local != 0};
  switch (statement.kind) {
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_MULTI:
      return set_transaction(binding, statement);
    case PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL:
      body.name = "all";
      return body;
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_DEFAULT:
    case PG_QUERY__VARIABLE_SET_KIND__VAR_RESET:
      return body;
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_VALUE:
      break;
    default:
      return not_supported("SET ... FROM CURRENT");
  }
  body.value = "";
  for (const Node* node : GRAMMAR_LIST(statement, args)) {
    SPAR_ASSIGN(const std::string argument, set_argument(binding, node));
    if (!body.value->empty()) *body.value += ", ";
    *body.value += argument;
  }
  return body;
}

Result<Body> show_variable(const PgQuery__VariableShowStmt& statement) {
  return ShowParameter{data::lower_case(statement.name)};
}

Result<Body> vacuum(Binding& binding, const PgQuery__VacuumStmt& statement) {
  NoOperation body;
  for (const Node* node : GRAMMAR_LIST(statement, rels)) {
    const PgQuery__VacuumRelation& relation = *node->vacuum_relation;
    if (relation.relation == nullptr) continue;
    SPAR_ASSIGN(const data::Table* table, binding.named_table(*relation.relation));
    for (const std::string& name : grammar::names_of(GRAMMAR_LIST(relation, va_cols))) {
      if (table->column(name) != nullptr) continue;
      return sql_error(
          "42703", "column \"" + name + "\" of relation \"" + table->name + "\" does not exist");
    }
    body.tables.push_back(table->id);
  }
  return body;
}

Result<Body> discard(const PgQuery__DiscardStmt& statement) {
  if (statement.target == PG_QUERY__DISCARD_MODE__DISCARD_ALL) return DiscardAll{};
  return NoOperation{{}, statement.target == PG_QUERY__DISCARD_MODE__DISCARD_SEQUENCES};
}

Result<Body> prepare(Binding& binding, const PgQuery__PrepareStmt& statement) {
  PrepareStatement body;
  body.name = statement.name;
  for (const Node* node : GRAMMAR_LIST(statement, argtypes)) {
    SPAR_ASSIGN(const Type type,
                binding.located(resolve_type_name(*node->type_name), node->type_name->location));
    body.parameters.push_back(Type{type.id, -1});
  }
  body.statement = std::make_shared<ParsedStatement>(std::make_shared<ParsedStatement::Tree>(
      ParsedStatement::Tree{binding.source(), statement.query}));
  return body;
}

Result<Body> execute(Binding& binding, const PgQuery__ExecuteStmt& statement) {
  ExecuteStatement body;
  body.name = statement.name;
  const Scope none;
  ExpressionBinder expressions(binding, none, nullptr, Clause::execute);
  for (const Node* node : GRAMMAR_LIST(statement, params)) {
    SPAR_ASSIGN(const ScalarRef value, expressions.bind(node));
    const algebra::Constant* constant = algebra::as_constant(value);
    if (constant == nullptr) {
      return binding.missing("an EXECUTE argument that is not a constant", value->location);
    }
    body.arguments.emplace_back(constant->value, value->type);
  }
  return body;
}

namespace {

// A constant argument as text; nothing for null.
Result<std::optional<std::string>> constant_text(Binding& binding, const Node* node) {
  const Scope none;
  ExpressionBinder expressions(binding, none, nullptr, Clause::execute);
  SPAR_ASSIGN(ScalarRef value, expressions.bind(node));
  if (value->type.id == TypeId::boolean) {
    const algebra::Constant* constant = algebra::as_constant(value);
    const bool on = constant != nullptr && constant->value == data::Datum(std::int64_t{1});
    return std::optional<std::string>(on ? "on" : "off");
  }
  SPAR_ASSIGN(value, coerce(binding, value, Type{TypeId::text, -1}, CastContext::explicit_));
  const algebra::Constant* constant = algebra::as_constant(value);
  if (constant == nullptr) {
    return binding.missing("a setting's name or value that is not a constant", value->location);
  }
  if (data::is_null(constant->value)) return std::optional<std::string>();
  return std::optional<std::string>(std::get<std::string>(constant->value));
}

const PgQuery__FuncCall* only_call(const PgQuery__SelectStmt& statement) {
  const bool alone = statement.n_target_list == 1 && statement.n_from_clause == 0 &&
                     statement.where_clause == nullptr && statement.n_sort_clause == 0 &&
                     statement.limit_count == nullptr && statement.with_clause == nullptr &&
                     statement.op == PG_QUERY__SET_OPERATION__SETOP_NONE &&
                     statement.n_values_lists == 0 && statement.n_group_clause == 0;
  if (!alone) return nullptr;
  const Node* value = statement.target_list[0]->res_target->val;
  const bool call = value != nullptr && value->node_case == PG_QUERY__NODE__NODE_FUNC_CALL;
  return call ? value->func_call : nullptr;
}

}  // namespace

Result<std::optional<Body>> setting_function(Binding& binding,
                                             const PgQuery__SelectStmt& statement) {
  const PgQuery__FuncCall* call = only_call(statement);
  if (call == nullptr) return std::optional<Body>();
  const std::string_view name = grammar::last_name(GRAMMAR_LIST(*call, funcname));
  const bool sets = name == "set_config" && call->n_args == 3;
  const bool shows = name == "current_setting" && (call->n_args == 1 || call->n_args == 2);
  if (!sets && !shows) return std::optional<Body>();
  const std::string_view label = statement.target_list[0]->res_target->name;
  const std::string column(label.empty() ? name : label);
  SPAR_ASSIGN(const std::optional<std::string> setting, constant_text(binding, call->args[0]));
  if (!setting) return not_supported("a setting without a name");
  if (shows) return std::optional<Body>(ShowParameter{data::lower_case(*setting), column});
  SPAR_ASSIGN(std::optional<std::string> value, constant_text(binding, call->args[1]));
  SPAR_ASSIGN(const std::optional<std::string> local, constant_text(binding, call->args[2]));
  return std::optional<Body>(
      SetParameter{data::lower_case(*setting), std::move(value), local == "on", column});
}

}  // namespace spar::query::bind
