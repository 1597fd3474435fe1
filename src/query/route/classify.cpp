#include "query/route/classify.h"

#include <algorithm>
#include <array>

#include "query/parse/nodes.h"
#include "query/route/part.h"
#include "query/route/settings.h"
#include "query/route/walk.h"

namespace spar::query::route {
namespace {

using grammar::Node;
using grammar::Nodes;

Part classify_node(const Node& node, const Objects& objects);

Part query(const Node& node, const Objects& objects) {
  Part part;
  walk(part, &node, objects);
  return part;
}

// ---- commands that go to the primary

Part command(Kind kind) {
  Part part{.kind = kind};
  may_write(part, Reason::command);
  return part;
}

// The name of what a command makes, where it is a list of names.
Nodes created_name(const Node& node) {
  switch (node.node_case) {
    case PG_QUERY__NODE__NODE_CREATE_FUNCTION_STMT:
      return GRAMMAR_LIST(*node.create_function_stmt, funcname);
    case PG_QUERY__NODE__NODE_CREATE_ENUM_STMT:
      return GRAMMAR_LIST(*node.create_enum_stmt, type_name);
    case PG_QUERY__NODE__NODE_CREATE_RANGE_STMT:
      return GRAMMAR_LIST(*node.create_range_stmt, type_name);
    case PG_QUERY__NODE__NODE_CREATE_DOMAIN_STMT:
      return GRAMMAR_LIST(*node.create_domain_stmt, domainname);
    case PG_QUERY__NODE__NODE_DEFINE_STMT:
      return GRAMMAR_LIST(*node.define_stmt, defnames);
    default:
      return {};
  }
}

Part utility(const Node& node) {
  Part part = command(Kind::utility);
  if (is_temporary_schema(object_name(created_name(node)).schema)) {
    part.pins |= Pin::temporary_object;
  }
  find_temporary(part, &node);
  return part;
}

Part create_table_as(const Node& node, const Objects& objects) {
  Part part = command(Kind::utility);
  const PgQuery__CreateTableAsStmt& statement = *node.create_table_as_stmt;
  if (statement.query->node_case == PG_QUERY__NODE__NODE_EXECUTE_STMT) {
    part.opaque = true;
    find_temporary(part, &node);
    return part;
  }
  find_temporary(part, &node);
  walk(part, statement.query, objects);
  return part;
}

Part load() {
  Part part = command(Kind::utility);
  part.pins |= Pin::library;
  return part;
}

Part code(const Node& node, const Objects& objects) {
  Part part = command(Kind::code);
  part.opaque = true;
  if (node.node_case == PG_QUERY__NODE__NODE_CALL_STMT) {
    for (const Node* argument : GRAMMAR_LIST(*node.call_stmt->funccall, args)) {
      walk(part, argument, objects);
    }
  }
  return part;
}

// ---- what stays in the session

Part channel(const Node& node) {
  Part part = command(Kind::channel);
  switch (node.node_case) {
    case PG_QUERY__NODE__NODE_LISTEN_STMT:
      part.name = node.listen_stmt->conditionname;
      part.pins |= Pin::listen;
      return part;
    case PG_QUERY__NODE__NODE_NOTIFY_STMT:
      part.name = node.notify_stmt->conditionname;
      return part;
    default:
      break;
  }
  Part unlisten{.kind = Kind::channel, .site = Site::session};
  unlisten.name = node.unlisten_stmt->conditionname;
  if (unlisten.name.empty()) unlisten.released |= Pin::listen;
  return unlisten;
}

// What is only declared or prepared sets nothing yet, and later nobody sees that it does.
void set_later(Part& part) {
  if (!part.settings.empty()) part.pins |= Pin::untracked_setting;
  part.settings.clear();
}

Part declare_cursor(const PgQuery__DeclareCursorStmt& statement, const Objects& objects) {
  constexpr int kWithHold = 0x20;  // CURSOR_OPT_HOLD, nodes/parsenodes.h
  Part part{.kind = Kind::cursor, .name = statement.portalname};
  walk(part, statement.query, objects);
  set_later(part);
  if ((statement.options & kWithHold) != 0) part.pins |= Pin::held_cursor;
  return part;
}

Part close_cursor(const PgQuery__ClosePortalStmt& statement) {
  Part part{.kind = Kind::cursor, .site = Site::session, .name = statement.portalname};
  if (part.name.empty()) part.released |= Pin::held_cursor;
  return part;
}

Part prepare(const PgQuery__PrepareStmt& statement, const Objects& objects) {
  Part part = classify_node(*statement.query, objects);
  part.kind = Kind::prepared;
  part.name = statement.name;
  set_later(part);
  part.pins |= Pin::prepared_statement;
  return part;
}

Part execute(const PgQuery__ExecuteStmt& statement, const Objects& objects) {
  Part part = command(Kind::execute);
  part.opaque = true;
  part.name = statement.name;
  for (const Node* argument : GRAMMAR_LIST(statement, params)) walk(part, argument, objects);
  return part;
}

Part deallocate(const PgQuery__DeallocateStmt& statement) {
  Part part{.kind = Kind::prepared, .site = Site::session, .name = statement.name};
  if (part.name.empty()) part.released |= Pin::prepared_statement;
  return part;
}

// DISCARD ALL does everything but unload libraries.
Part discard(const PgQuery__DiscardStmt& statement) {
  Part part{.kind = Kind::discard, .site = Site::session};
  if (statement.target == PG_QUERY__DISCARD_MODE__DISCARD_TEMP) {
    part.released |= Pin::temporary_object;
  } else if (statement.target == PG_QUERY__DISCARD_MODE__DISCARD_ALL) {
    for (const Pin pin : {Pin::temporary_object, Pin::listen, Pin::advisory_lock, Pin::held_cursor,
                          Pin::prepared_statement, Pin::untracked_setting}) {
      part.released |= pin;
    }
    part.name = "all";
  }
  return part;
}

// ---- EXPLAIN and COPY

bool is_analyze(const PgQuery__ExplainStmt& statement) {
  bool analyze = false;
  for (const Node* node : GRAMMAR_LIST(statement, options)) {
    if (std::string_view(node->def_elem->defname) != "analyze") continue;
    analyze = grammar::option_bool(*node->def_elem).value_or(true);
  }
  return analyze;
}

// Without ANALYZE nothing runs, but the plan shown is of the server that the statement would go to.
Part explain(const PgQuery__ExplainStmt& statement, const Objects& objects) {
  Part part = classify_node(*statement.query, objects);
  part.kind = Kind::query;
  if (is_analyze(statement)) return part;
  Part planned{.site = part.site, .reason = part.reason, .cause = part.cause};
  return planned;
}

Part copy(const Node& node, const Objects& objects) {
  const PgQuery__CopyStmt& statement = *node.copy_stmt;
  const bool file = *statement.filename != '\0' || statement.is_program != 0;
  Part part{.kind = statement.is_from != 0 ? Kind::copy_in : Kind::copy_out};
  if (file) part.kind = Kind::utility;
  if (file || statement.is_from != 0) may_write(part, Reason::command);
  if (statement.relation != nullptr) {
    Node relation = PG_QUERY__NODE__INIT;
    relation.node_case = PG_QUERY__NODE__NODE_RANGE_VAR;
    relation.range_var = statement.relation;
    walk(part, &relation, objects);
  }
  walk(part, statement.query, objects);
  walk(part, statement.where_clause, objects);
  return part;
}

// ---- by kind of statement

bool is_query(const Node& node) {
  static constexpr std::array kQueries = {
      PG_QUERY__NODE__NODE_SELECT_STMT, PG_QUERY__NODE__NODE_INSERT_STMT,
      PG_QUERY__NODE__NODE_UPDATE_STMT, PG_QUERY__NODE__NODE_DELETE_STMT,
      PG_QUERY__NODE__NODE_MERGE_STMT};
  return std::ranges::find(kQueries, node.node_case) != kQueries.end();
}

Part session_command(const Node& node, const Objects& objects) {
  switch (node.node_case) {
    case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT:
      return classify_set(*node.variable_set_stmt);
    case PG_QUERY__NODE__NODE_VARIABLE_SHOW_STMT:
      return classify_show(*node.variable_show_stmt);
    case PG_QUERY__NODE__NODE_CONSTRAINTS_SET_STMT:
      return {.kind = Kind::utility, .site = Site::session};
    case PG_QUERY__NODE__NODE_DISCARD_STMT:
      return discard(*node.discard_stmt);
    case PG_QUERY__NODE__NODE_LISTEN_STMT:
    case PG_QUERY__NODE__NODE_UNLISTEN_STMT:
    case PG_QUERY__NODE__NODE_NOTIFY_STMT:
      return channel(node);
    case PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT:
      return declare_cursor(*node.declare_cursor_stmt, objects);
    case PG_QUERY__NODE__NODE_FETCH_STMT:
      return {.kind = Kind::cursor, .site = Site::session, .name = node.fetch_stmt->portalname};
    case PG_QUERY__NODE__NODE_CLOSE_PORTAL_STMT:
      return close_cursor(*node.close_portal_stmt);
    case PG_QUERY__NODE__NODE_PREPARE_STMT:
      return prepare(*node.prepare_stmt, objects);
    case PG_QUERY__NODE__NODE_EXECUTE_STMT:
      return execute(*node.execute_stmt, objects);
    case PG_QUERY__NODE__NODE_DEALLOCATE_STMT:
      return deallocate(*node.deallocate_stmt);
    default:
      return utility(node);
  }
}

Part classify_node(const Node& node, const Objects& objects) {
  if (is_query(node)) return query(node, objects);
  switch (node.node_case) {
    case PG_QUERY__NODE__NODE_TRANSACTION_STMT:
      return classify_transaction(*node.transaction_stmt);
    case PG_QUERY__NODE__NODE_EXPLAIN_STMT:
      return explain(*node.explain_stmt, objects);
    case PG_QUERY__NODE__NODE_COPY_STMT:
      return copy(node, objects);
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
      return create_table_as(node, objects);
    case PG_QUERY__NODE__NODE_LOAD_STMT:
      return load();
    case PG_QUERY__NODE__NODE_DO_STMT:
    case PG_QUERY__NODE__NODE_CALL_STMT:
      return code(node, objects);
    default:
      return session_command(node, objects);
  }
}

}  // namespace

Part classify(const ParsedStatement& statement, const Objects& objects) {
  return classify_node(*statement.tree().node, objects);
}

Route classify_all(std::span<const ParsedStatement> statements, const Objects& objects) {
  Route route;
  for (const ParsedStatement& statement : statements) route.add(classify(statement, objects));
  return route;
}

}  // namespace spar::query::route
