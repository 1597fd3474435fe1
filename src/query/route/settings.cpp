#include "query/route/settings.h"

#include "data/characters.h"
#include "query/route/part.h"
#include "query/route/reviewed.h"

namespace spar::query::route {
namespace {

using grammar::Node;
using grammar::Nodes;

bool is_spars_own(std::string_view name) {
  return name.starts_with("spar.");
}

std::string quoted_name(std::string_view name) {
  std::string result = "\"";
  for (const char c : name) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

// The text of a constant, or nothing.
std::optional<std::string> constant(const Node* node) {
  if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_A_CONST || node->a_const->isnull) {
    return std::nullopt;
  }
  PgQuery__DefElem option = PG_QUERY__DEF_ELEM__INIT;
  option.arg = const_cast<Node*>(node);  // option_text() reads it
  return grammar::option_text(option);
}

Isolation isolation_level(const std::optional<std::string>& text) {
  const std::string level = data::lower_case(text.value_or(""));
  if (level == "read uncommitted") return Isolation::read_uncommitted;
  if (level == "read committed") return Isolation::read_committed;
  if (level == "repeatable read") return Isolation::repeatable_read;
  if (level == "serializable") return Isolation::serializable;
  return Isolation::other;
}

// PostgreSQL's boolean settings: any beginning of the words that is not ambiguous. What is none of
// them counts as false, which demands more.
bool truth(const std::optional<std::string>& text) {
  const std::string word = data::lower_case(text.value_or(""));
  if (word.empty()) return false;
  return std::string_view("true").starts_with(word) || std::string_view("yes").starts_with(word) ||
         word == "on" || word == "1";
}

// One of the three settings that are modes of a transaction; false for another name.
bool set_mode(Transaction& transaction, std::string_view name,
              const std::optional<std::string>& value) {
  if (name == "transaction_isolation") {
    transaction.isolation = isolation_level(value);
  } else if (name == "transaction_read_only") {
    transaction.read_only = truth(value);
  } else if (name == "transaction_deferrable") {
    transaction.deferrable = truth(value);
  } else {
    return false;
  }
  return true;
}

void demand_of_modes(Part& part) {
  const Transaction& transaction = *part.transaction;
  if (transaction.isolation == Isolation::serializable ||
      transaction.isolation == Isolation::other) {
    need_primary(part, Reason::serializable);
  }
  if (transaction.read_only == false) need_primary(part, Reason::read_write);
}

void set_modes(Part& part, Nodes options) {
  for (const Node* node : options) {
    if (node->node_case != PG_QUERY__NODE__NODE_DEF_ELEM) continue;
    set_mode(*part.transaction, node->def_elem->defname, grammar::option_text(*node->def_elem));
  }
  demand_of_modes(part);
}

Part setting_part() {
  return {.kind = Kind::setting, .site = Site::session};
}

// SET TRANSACTION, SET SESSION CHARACTERISTICS, SET TRANSACTION SNAPSHOT.
Part classify_several(const PgQuery__VariableSetStmt& statement) {
  const std::string_view name = statement.name;
  Part part = setting_part();
  if (name == "SESSION CHARACTERISTICS") {
    for (const Node* node : GRAMMAR_LIST(statement, args)) {
      if (node->node_case != PG_QUERY__NODE__NODE_DEF_ELEM) continue;
      part.settings.push_back({.name = "default_" + std::string(node->def_elem->defname),
                               .value = data::lower_case(grammar::option_text(*node->def_elem)),
                               .tracked = true});
    }
    return part;
  }
  part.kind = Kind::transaction;
  part.transaction = Transaction{.verb = Verb::set_transaction};
  if (name == "TRANSACTION") {
    set_modes(part, GRAMMAR_LIST(statement, args));
  } else {
    need_primary(part, Reason::snapshot);
  }
  return part;
}

// The value as set_config() would take it, and whether all of it is constants.
struct Value {
  std::string text;
  bool constant = true;
  bool temporary_schema = false;
};
Value value_of(std::string_view name, Nodes arguments) {
  Value value;
  for (const Node* node : arguments) {
    std::optional<std::string> one = constant(node);
    value.constant = value.constant && one.has_value();
    if (!value.text.empty()) value.text += ", ";
    value.temporary_schema =
        value.temporary_schema || (one && data::lower_case(*one).contains("pg_temp"));
    if (one) value.text += is_list_of_names(name) ? quoted_name(*one) : *one;
  }
  return value;
}

// What a setting that was given a value means for the session.
void follow(Part& part, Setting setting, bool temporary_schema) {
  if (!setting.tracked && !setting.local) part.pins |= Pin::untracked_setting;
  const bool path = setting.name == "search_path" || setting.name.empty();
  if (path && temporary_schema) part.pins |= Pin::temporary_object;
  part.settings.push_back(std::move(setting));
}

Part classify_one(const PgQuery__VariableSetStmt& statement) {
  Part part = setting_part();
  const std::string name = data::lower_case(statement.name);
  if (is_spars_own(name)) part.site = Site::none;
  if (statement.kind != PG_QUERY__VARIABLE_SET_KIND__VAR_SET_VALUE) {  // to its default
    part.settings.push_back(
        {.name = name, .local = statement.is_local != 0, .tracked = is_tracked(name)});
    return part;
  }
  const Value value = value_of(name, GRAMMAR_LIST(statement, args));
  Transaction transaction{.verb = Verb::set_transaction};
  if (set_mode(transaction, name, value.text)) {
    part.kind = Kind::transaction;
    part.transaction = transaction;
    demand_of_modes(part);
    return part;
  }
  follow(part,
         {.name = name,
          .value = value.text,
          .local = statement.is_local != 0,
          .tracked = value.constant && is_tracked(name)},
         value.temporary_schema);
  return part;
}

Verb verb_of(PgQuery__TransactionStmtKind kind) {
  switch (kind) {
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT:
      return Verb::commit;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK:
      return Verb::rollback;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_SAVEPOINT:
      return Verb::savepoint;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_RELEASE:
      return Verb::release;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK_TO:
      return Verb::rollback_to;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_PREPARE:
      return Verb::prepare;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT_PREPARED:
      return Verb::commit_prepared;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK_PREPARED:
      return Verb::rollback_prepared;
    default:
      return Verb::begin;
  }
}

}  // namespace

Part classify_set(const PgQuery__VariableSetStmt& statement) {
  switch (statement.kind) {
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_MULTI:
      return classify_several(statement);
    case PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL: {
      Part part = setting_part();
      part.settings.push_back({.tracked = true});
      return part;
    }
    default:
      return classify_one(statement);
  }
}

Part classify_show(const PgQuery__VariableShowStmt& statement) {
  Part part{.kind = Kind::show, .site = Site::session, .name = data::lower_case(statement.name)};
  if (is_spars_own(part.name)) {
    part.site = Site::none;
  } else if (!is_shown_alike(part.name)) {
    need_primary(part, Reason::node_setting, part.name);
  }
  return part;
}

Part classify_transaction(const PgQuery__TransactionStmt& statement) {
  Part part{.kind = Kind::transaction, .site = Site::session};
  part.transaction = Transaction{.verb = verb_of(statement.kind), .chain = statement.chain != 0};
  part.transaction->name = statement.savepoint_name;
  switch (part.transaction->verb) {
    case Verb::begin:
      set_modes(part, GRAMMAR_LIST(statement, options));
      break;
    case Verb::prepare:
    case Verb::commit_prepared:
    case Verb::rollback_prepared:
      part.transaction->name = statement.gid;
      may_write(part, Reason::command);
      break;
    default:
      break;
  }
  return part;
}

void add_set_config(Part& part, const PgQuery__FuncCall& call, bool once) {
  const Nodes arguments = GRAMMAR_LIST(call, args);
  Setting setting;
  std::optional<std::string> local;
  if (arguments.size() == 3) {
    setting.name = data::lower_case(constant(arguments[0]).value_or(""));
    setting.value = constant(arguments[1]);
    local = constant(arguments[2]);
  }
  setting.local = truth(local);
  setting.tracked = once && local && setting.value && is_tracked(setting.name);
  const bool known = setting.tracked || (setting.local && !setting.name.empty());
  if (!known || setting.name.starts_with("transaction_")) {
    need_primary(part, Reason::volatile_function, "set_config");
  }
  const bool temporary = setting.value.value_or("pg_temp").contains("pg_temp");
  follow(part, std::move(setting), temporary);
}

void add_current_setting(Part& part, const PgQuery__FuncCall& call) {
  const std::optional<std::string> name = call.n_args > 0 ? constant(call.args[0]) : std::nullopt;
  if (name && is_shown_alike(data::lower_case(*name)) && !is_spars_own(data::lower_case(*name)))
    return;
  need_primary(part, Reason::node_setting, data::lower_case(name.value_or("")));
}

}  // namespace spar::query::route
