#include "query/session_effects.h"

#include <algorithm>
#include <array>
#include <optional>

#include "data/characters.h"
#include "query/parse/nodes.h"
#include "query/parse/scanner.h"

namespace spar::query {
namespace {

using grammar::Node;
using grammar::text_of;
using Kind = SessionEffect::Kind;
using List = std::vector<SessionEffect>;

void hold(List& out, std::uint8_t what) {
  out.push_back({.kind = Kind::hold, .holds = what});
}
void let_go(List& out, std::uint8_t what) {
  out.push_back({.kind = Kind::let_go, .holds = what});
}

// The constants that SET takes, as SQL; nothing for what is not one (INTERVAL '1' HOUR).
std::optional<std::string> constant(const Node* node) {
  if (node->node_case != PG_QUERY__NODE__NODE_A_CONST) return std::nullopt;
  const PgQuery__AConst& value = *node->a_const;
  switch (value.val_case) {
    case PG_QUERY__A__CONST__VAL_SVAL:
      return quoted_literal(value.sval->sval);
    case PG_QUERY__A__CONST__VAL_IVAL:
      return std::to_string(value.ival->ival);
    case PG_QUERY__A__CONST__VAL_FVAL:
      return std::string(value.fval->fval);
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
      return std::string(value.boolval->boolval ? "true" : "false");
    default:
      return std::nullopt;
  }
}

// Settings of one transaction, and those that must not or cannot be repeated.
bool ends_with_transaction(std::string_view name) {
  constexpr std::array<std::string_view, 4> kNames = {
      "transaction_isolation", "transaction_read_only", "transaction_deferrable", "seed"};
  return std::ranges::find(kNames, name) != kNames.end();
}

// SET SESSION CHARACTERISTICS AS TRANSACTION ...: the defaults of later transactions.
void set_characteristics(const PgQuery__VariableSetStmt& statement, List& out) {
  for (const Node* arg : GRAMMAR_LIST(statement, args)) {
    if (arg->node_case != PG_QUERY__NODE__NODE_DEF_ELEM) return hold(out, kHoldSetting);
    const std::string name = "default_" + std::string(arg->def_elem->defname);
    const std::string value = grammar::option_text(*arg->def_elem);
    out.push_back({.kind = Kind::set,
                   .name = name,
                   .statement = "SET " + name + " TO " + quoted_literal(value)});
  }
}

void set_value(const PgQuery__VariableSetStmt& statement, std::string name, List& out) {
  std::string values;
  for (const Node* arg : GRAMMAR_LIST(statement, args)) {
    std::optional<std::string> value = constant(arg);
    if (!value) return hold(out, kHoldSetting);
    values += (values.empty() ? "" : ", ") + *value;
  }
  std::string sql = "SET " + quoted_setting_name(name) + " TO " + values;
  out.push_back({.kind = Kind::set, .name = std::move(name), .statement = std::move(sql)});
}

void read_set(const PgQuery__VariableSetStmt& statement, List& out) {
  std::string name = data::lower_case(statement.name);
  if (statement.kind == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL) {
    out.push_back({.kind = Kind::reset_all});
    return;
  }
  if (statement.kind == PG_QUERY__VARIABLE_SET_KIND__VAR_SET_MULTI) {
    if (name == "session characteristics") set_characteristics(statement, out);
    return;
  }
  if (statement.is_local || ends_with_transaction(name)) return;
  if (name == "session_authorization") return hold(out, kHoldSetting);
  if (statement.kind == PG_QUERY__VARIABLE_SET_KIND__VAR_SET_VALUE) {
    return set_value(statement, std::move(name), out);
  }
  out.push_back({.kind = Kind::reset, .name = std::move(name)});
}

bool is_temporary(const PgQuery__RangeVar* relation) {
  if (relation == nullptr) return false;
  return std::string_view(relation->relpersistence) == "t" ||
         std::string_view(relation->schemaname).starts_with("pg_temp");
}

bool is_dropped_at_commit(PgQuery__OnCommitAction action) {
  return action == PG_QUERY__ON_COMMIT_ACTION__ONCOMMIT_DROP;
}

void read_into(const PgQuery__IntoClause* into, List& out) {
  if (into == nullptr || is_dropped_at_commit(into->on_commit)) return;
  if (is_temporary(into->rel)) hold(out, kHoldTemporary);
}

void read_discard(PgQuery__DiscardMode mode, List& out) {
  if (mode == PG_QUERY__DISCARD_MODE__DISCARD_ALL) out.push_back({.kind = Kind::discard_all});
  if (mode == PG_QUERY__DISCARD_MODE__DISCARD_TEMP) let_go(out, kHoldTemporary);
}

// DO: what its text seems to do. Dynamic SQL can do anything.
void read_block(const PgQuery__DoStmt& statement, List& out) {
  constexpr std::array<std::string_view, 6> kWords = {"set",    "temp",    "temporary",
                                                      "listen", "execute", "prepare"};
  for (const Node* arg : GRAMMAR_LIST(statement, args)) {
    if (arg->node_case != PG_QUERY__NODE__NODE_DEF_ELEM) continue;
    const std::string body = grammar::option_text(*arg->def_elem);
    grammar::Scanner scanner(body);
    for (auto token = scanner.next(); token != grammar::Token::end; token = scanner.next()) {
      if (token != grammar::Token::word) continue;
      const std::string word = data::lower_case(scanner.lexeme());
      if (std::ranges::find(kWords, word) != kWords.end()) return hold(out, kHoldUnknown);
    }
  }
}

void read_deallocate(std::string_view name, List& out) {
  const Kind kind = name.empty() ? Kind::deallocate_all : Kind::deallocate;
  out.push_back({.kind = kind, .name = std::string(name)});
}

constexpr std::int32_t kWithHold = 0x20;  // CURSOR_OPT_HOLD

void read_created(const Node* node, List& out) {
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_CREATE_STMT:
      if (is_dropped_at_commit(node->create_stmt->oncommit)) return;
      if (is_temporary(node->create_stmt->relation)) hold(out, kHoldTemporary);
      return;
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
      return read_into(node->create_table_as_stmt->into, out);
    case PG_QUERY__NODE__NODE_VIEW_STMT:
      if (is_temporary(node->view_stmt->view)) hold(out, kHoldTemporary);
      return;
    case PG_QUERY__NODE__NODE_CREATE_SEQ_STMT:
      if (is_temporary(node->create_seq_stmt->sequence)) hold(out, kHoldTemporary);
      return;
    case PG_QUERY__NODE__NODE_SELECT_STMT:
      return read_into(node->select_stmt->into_clause, out);
    default:
      return;
  }
}

void read_statement(const Node* node, List& out) {
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT:
      return read_set(*node->variable_set_stmt, out);
    case PG_QUERY__NODE__NODE_LISTEN_STMT:
      return hold(out, kHoldListen);
    case PG_QUERY__NODE__NODE_UNLISTEN_STMT:
      if (std::string_view(node->unlisten_stmt->conditionname).empty()) let_go(out, kHoldListen);
      return;
    case PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT:
      if ((node->declare_cursor_stmt->options & kWithHold) != 0) hold(out, kHoldCursor);
      return;
    case PG_QUERY__NODE__NODE_CLOSE_PORTAL_STMT:
      if (std::string_view(node->close_portal_stmt->portalname).empty()) let_go(out, kHoldCursor);
      return;
    case PG_QUERY__NODE__NODE_PREPARE_STMT:
      return hold(out, kHoldPrepared);
    case PG_QUERY__NODE__NODE_DEALLOCATE_STMT:
      return read_deallocate(node->deallocate_stmt->name, out);
    case PG_QUERY__NODE__NODE_DISCARD_STMT:
      return read_discard(node->discard_stmt->target, out);
    case PG_QUERY__NODE__NODE_LOAD_STMT:
      return hold(out, kHoldUnknown);
    case PG_QUERY__NODE__NODE_DO_STMT:
      return read_block(*node->do_stmt, out);
    case PG_QUERY__NODE__NODE_EXPLAIN_STMT:
      if (node->explain_stmt->query != nullptr) read_statement(node->explain_stmt->query, out);
      return;
    case PG_QUERY__NODE__NODE_TRANSACTION_STMT:
      if (node->transaction_stmt->kind == PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK_TO) {
        out.push_back({.kind = Kind::rollback_to});
      }
      return;
    default:
      return read_created(node, out);
  }
}

// SELECT set_config('name', 'value', false): the whole statement, or nothing.
std::optional<SessionEffect> read_set_config(const Node* target, bool& local) {
  if (target->node_case != PG_QUERY__NODE__NODE_RES_TARGET) return std::nullopt;
  const Node* call = target->res_target->val;
  if (call == nullptr || call->node_case != PG_QUERY__NODE__NODE_FUNC_CALL) return std::nullopt;
  const PgQuery__FuncCall& function = *call->func_call;
  if (grammar::last_name(GRAMMAR_LIST(function, funcname)) != "set_config") return std::nullopt;
  if (function.n_args != 3) return std::nullopt;
  std::optional<std::string> name = constant(function.args[0]), value = constant(function.args[1]),
                             scope = constant(function.args[2]);
  if (!name || !value || !scope || !name->starts_with('\'')) return std::nullopt;
  local = *scope == "true";
  const std::string_view plain = text_of(function.args[0]);
  std::string key = data::lower_case(plain.empty() ? function.args[0]->a_const->sval->sval : plain);
  std::string sql = "SELECT pg_catalog.set_config(" + *name + ", " + *value + ", false)";
  return SessionEffect{.kind = Kind::set, .name = std::move(key), .statement = std::move(sql)};
}

// Whether every set_config of a SELECT is a target of its own with constants: then it is read.
bool read_set_configs(const Node* node, std::size_t calls, List& out) {
  if (node->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) return false;
  const PgQuery__SelectStmt& select = *node->select_stmt;
  if (select.n_from_clause > 0 || select.where_clause != nullptr) return false;
  std::size_t read = 0;
  for (const Node* target : GRAMMAR_LIST(select, target_list)) {
    bool local = false;
    std::optional<SessionEffect> effect = read_set_config(target, local);
    if (!effect) continue;
    ++read;
    if (!local && !ends_with_transaction(effect->name)) out.push_back(std::move(*effect));
  }
  return read == calls;
}

// What only a word tells: calls of functions, wherever they stand.
struct Words {
  bool locks = false, unlocks_all = false, temporary = false;
  std::size_t set_configs = 0;
};

Words read_words(std::string_view sql) {
  Words words;
  grammar::Scanner scanner(sql);
  for (auto token = scanner.next(); token != grammar::Token::end; token = scanner.next()) {
    if (token != grammar::Token::word) continue;
    std::string word = data::lower_case(scanner.lexeme());
    std::erase(word, '"');
    if (word == "set_config") ++words.set_configs;
    if (word == "pg_advisory_unlock_all") words.unlocks_all = true;
    if (word.starts_with("pg_temp")) words.temporary = true;
    words.locks |= word == "pg_advisory_lock" || word == "pg_advisory_lock_shared" ||
                   word == "pg_try_advisory_lock" || word == "pg_try_advisory_lock_shared";
  }
  return words;
}

bool changes_transaction(const Node* node) {
  return node->node_case == PG_QUERY__NODE__NODE_TRANSACTION_STMT;
}

std::shared_ptr<const SessionEffects> unknown(bool single) {
  auto effects = std::make_shared<SessionEffects>();
  effects->single = single;
  hold(effects->list, kHoldUnknown);
  return effects;
}

void read_all(const std::vector<ParsedStatement>& statements, const Words& words,
              SessionEffects& effects) {
  bool transaction = false;
  std::size_t set_configs = 0;
  for (const ParsedStatement& statement : statements) {
    const Node* node = statement.tree().node;
    transaction |= changes_transaction(node);
    read_statement(node, effects.list);
    if (words.set_configs > 0 && read_set_configs(node, words.set_configs, effects.list)) {
      set_configs = words.set_configs;
    }
  }
  if (set_configs != words.set_configs) hold(effects.list, kHoldSetting);
  if (words.locks) hold(effects.list, kHoldLock);
  if (words.unlocks_all && statements.size() == 1) let_go(effects.list, kHoldLock);
  if (words.temporary) hold(effects.list, kHoldTemporary);
  // Which of the settings outlive the transaction is more than this looks into.
  const bool sets = std::ranges::any_of(effects.list, [](const SessionEffect& effect) {
    return effect.kind == Kind::set || effect.kind == Kind::reset;
  });
  if (sets && transaction) hold(effects.list, kHoldSetting);
}

}  // namespace

std::shared_ptr<const SessionEffects> session_effects(std::string_view sql,
                                                      const EffectLimits& limits) {
  if (!may_leave_effects(sql)) return nullptr;
  if (sql.size() > limits.text_bytes_max) return unknown(false);
  Result<std::vector<ParsedStatement>> statements = parse(sql, limits.parse);
  if (!statements) return unknown(true);
  auto effects = std::make_shared<SessionEffects>();
  effects->single = statements->size() == 1;
  read_all(*statements, read_words(sql), *effects);
  return effects->list.empty() ? nullptr : effects;
}

std::string quoted_literal(std::string_view text) {
  const bool backslash = text.contains('\\');
  std::string out = backslash ? " E'" : "'";
  for (char c : text) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  return out + "'";
}

std::string quoted_setting_name(std::string_view name) {
  std::string out = "\"";
  for (char c : name) {
    if (c == '.') {
      out += "\".\"";
    } else {
      out += c;
      if (c == '"') out += c;
    }
  }
  return out + "\"";
}

std::string describe_holds(std::uint8_t holds) {
  constexpr std::array<std::pair<Hold, std::string_view>, 7> kNames = {{
      {kHoldTemporary, "temporary tables"},
      {kHoldListen, "LISTEN"},
      {kHoldLock, "session locks"},
      {kHoldCursor, "WITH HOLD cursors"},
      {kHoldPrepared, "PREPARE"},
      {kHoldSetting, "settings"},
      {kHoldUnknown, "statements that are not understood"},
  }};
  std::string out;
  for (const auto& [bit, name] : kNames) {
    if ((holds & bit) == 0) continue;
    out += (out.empty() ? "" : ", ") + std::string(name);
  }
  return out;
}

}  // namespace spar::query
