#include "query/parse/nodes.h"

#include <algorithm>
#include <array>

#include "data/characters.h"

namespace spar::query::grammar {

std::string_view text_of(const Node* node) {
  if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_STRING) return {};
  return node->string->sval;
}

std::string_view last_name(Nodes names) {
  return names.empty() ? "" : text_of(names.back());
}

std::string dotted(Nodes names) {
  std::string result;
  for (const Node* name : names) {
    if (!result.empty()) result += '.';
    result += text_of(name);
  }
  return result;
}

std::vector<std::string> names_of(Nodes names) {
  std::vector<std::string> result;
  for (const Node* name : names) result.emplace_back(text_of(name));
  return result;
}

int location_of(const Node* node) {
  if (node == nullptr) return -1;
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_A_CONST:
      return node->a_const->location;
    case PG_QUERY__NODE__NODE_COLUMN_REF:
      return node->column_ref->location;
    case PG_QUERY__NODE__NODE_PARAM_REF:
      return node->param_ref->location;
    case PG_QUERY__NODE__NODE_FUNC_CALL:
      return node->func_call->location;
    case PG_QUERY__NODE__NODE_A_EXPR: {  // the leftmost of the operator and its left operand
      const int left = location_of(node->a_expr->lexpr);
      const int own = node->a_expr->location;
      return left >= 0 && (own < 0 || left < own) ? left : own;
    }
    case PG_QUERY__NODE__NODE_TYPE_CAST: {
      const int argument = location_of(node->type_cast->arg);
      const int own = node->type_cast->location;
      return argument >= 0 && (own < 0 || argument < own) ? argument : own;
    }
    case PG_QUERY__NODE__NODE_BOOL_EXPR: {
      const PgQuery__BoolExpr& expr = *node->bool_expr;
      const int first = expr.n_args > 0 ? location_of(expr.args[0]) : -1;
      return first >= 0 && (expr.location < 0 || first < expr.location) ? first : expr.location;
    }
    case PG_QUERY__NODE__NODE_CASE_EXPR:
      return node->case_expr->location;
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
      return node->coalesce_expr->location;
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
      return node->min_max_expr->location;
    case PG_QUERY__NODE__NODE_SUB_LINK:
      return node->sub_link->location;
    case PG_QUERY__NODE__NODE_NULL_TEST:
      return location_of(node->null_test->arg);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST:
      return location_of(node->boolean_test->arg);
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
      return node->sqlvalue_function->location;
    case PG_QUERY__NODE__NODE_ROW_EXPR:
      return node->row_expr->location;
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
      return location_of(node->collate_clause->arg);
    case PG_QUERY__NODE__NODE_SET_TO_DEFAULT:
      return node->set_to_default->location;
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
      return node->a_array_expr->location;
    case PG_QUERY__NODE__NODE_LIST:
      return node->list->n_items > 0 ? location_of(node->list->items[0]) : -1;
    default:
      return -1;
  }
}

std::string option_text(const PgQuery__DefElem& option) {
  const Node* node = option.arg;
  if (node == nullptr) return "true";
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_STRING:
      return node->string->sval;
    case PG_QUERY__NODE__NODE_INTEGER:
      return std::to_string(node->integer->ival);
    case PG_QUERY__NODE__NODE_FLOAT:
      return node->float_->fval;
    case PG_QUERY__NODE__NODE_BOOLEAN:
      return node->boolean->boolval ? "true" : "false";
    case PG_QUERY__NODE__NODE_TYPE_NAME:
      return std::string(last_name(GRAMMAR_LIST(*node->type_name, names)));
    case PG_QUERY__NODE__NODE_A_CONST: {
      const PgQuery__AConst& constant = *node->a_const;
      if (constant.val_case == PG_QUERY__A__CONST__VAL_SVAL) return constant.sval->sval;
      if (constant.val_case == PG_QUERY__A__CONST__VAL_FVAL) return constant.fval->fval;
      if (constant.val_case == PG_QUERY__A__CONST__VAL_BOOLVAL) {
        return constant.boolval->boolval ? "true" : "false";
      }
      if (constant.val_case == PG_QUERY__A__CONST__VAL_IVAL) {
        return std::to_string(constant.ival->ival);
      }
      return "";
    }
    default:
      return "";
  }
}

std::optional<bool> option_bool(const PgQuery__DefElem& option) {
  const std::string text = data::lower_case(option_text(option));
  constexpr std::array<std::string_view, 3> kTrue = {"true", "on", "1"};
  constexpr std::array<std::string_view, 3> kFalse = {"false", "off", "0"};
  if (std::ranges::find(kTrue, text) != kTrue.end()) return true;
  if (std::ranges::find(kFalse, text) != kFalse.end()) return false;
  return std::nullopt;
}

// The message's own name in words: PgQuery__CreateSeqStmt is "CREATE SEQ"; the usual ones by hand.
std::string feature_name(const Node* node) {
  struct Named {
    PgQuery__Node__NodeCase which;
    std::string_view name;
  };
  static constexpr Named kNames[] = {
      {PG_QUERY__NODE__NODE_CREATE_SEQ_STMT, "CREATE SEQUENCE"},
      {PG_QUERY__NODE__NODE_ALTER_SEQ_STMT, "ALTER SEQUENCE"},
      {PG_QUERY__NODE__NODE_VIEW_STMT, "CREATE VIEW"},
      {PG_QUERY__NODE__NODE_CREATE_SCHEMA_STMT, "CREATE SCHEMA"},
      {PG_QUERY__NODE__NODE_CREATE_ENUM_STMT, "CREATE TYPE"},
      {PG_QUERY__NODE__NODE_COMPOSITE_TYPE_STMT, "CREATE TYPE"},
      {PG_QUERY__NODE__NODE_CREATE_RANGE_STMT, "CREATE TYPE"},
      {PG_QUERY__NODE__NODE_DEFINE_STMT, "CREATE of this kind of object"},
      {PG_QUERY__NODE__NODE_CREATE_DOMAIN_STMT, "CREATE DOMAIN"},
      {PG_QUERY__NODE__NODE_CREATE_FUNCTION_STMT, "CREATE FUNCTION"},
      {PG_QUERY__NODE__NODE_CREATE_TRIG_STMT, "CREATE TRIGGER"},
      {PG_QUERY__NODE__NODE_CREATE_EXTENSION_STMT, "CREATE EXTENSION"},
      {PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT, "CREATE TABLE AS"},
      {PG_QUERY__NODE__NODE_CREATE_ROLE_STMT, "CREATE ROLE"},
      {PG_QUERY__NODE__NODE_ALTER_ROLE_STMT, "ALTER ROLE"},
      {PG_QUERY__NODE__NODE_DROP_ROLE_STMT, "DROP ROLE"},
      {PG_QUERY__NODE__NODE_GRANT_STMT, "GRANT and REVOKE"},
      {PG_QUERY__NODE__NODE_GRANT_ROLE_STMT, "GRANT and REVOKE"},
      {PG_QUERY__NODE__NODE_ALTER_OWNER_STMT, "ALTER ... OWNER"},
      {PG_QUERY__NODE__NODE_COMMENT_STMT, "COMMENT"},
      {PG_QUERY__NODE__NODE_DO_STMT, "DO"},
      {PG_QUERY__NODE__NODE_CALL_STMT, "CALL"},
      {PG_QUERY__NODE__NODE_EXPLAIN_STMT, "EXPLAIN"},
      {PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT, "DECLARE CURSOR"},
      {PG_QUERY__NODE__NODE_FETCH_STMT, "FETCH"},
      {PG_QUERY__NODE__NODE_CLOSE_PORTAL_STMT, "CLOSE"},
      {PG_QUERY__NODE__NODE_LISTEN_STMT, "LISTEN"},
      {PG_QUERY__NODE__NODE_NOTIFY_STMT, "NOTIFY"},
      {PG_QUERY__NODE__NODE_UNLISTEN_STMT, "UNLISTEN"},
      {PG_QUERY__NODE__NODE_LOCK_STMT, "LOCK TABLE"},
      {PG_QUERY__NODE__NODE_MERGE_STMT, "MERGE"},
      {PG_QUERY__NODE__NODE_CLUSTER_STMT, "CLUSTER"},
      {PG_QUERY__NODE__NODE_REINDEX_STMT, "REINDEX"},
      {PG_QUERY__NODE__NODE_LOAD_STMT, "LOAD"},
      {PG_QUERY__NODE__NODE_CONSTRAINTS_SET_STMT, "SET CONSTRAINTS"},
      {PG_QUERY__NODE__NODE_ALTER_DATABASE_SET_STMT, "ALTER DATABASE"},
      {PG_QUERY__NODE__NODE_ALTER_DATABASE_STMT, "ALTER DATABASE"},
      {PG_QUERY__NODE__NODE_ALTER_SYSTEM_STMT, "ALTER SYSTEM"},
      {PG_QUERY__NODE__NODE_RULE_STMT, "CREATE RULE"},
      {PG_QUERY__NODE__NODE_A_ARRAY_EXPR, "ARRAY"},
      {PG_QUERY__NODE__NODE_A_INDIRECTION, "a subscript or field selection"},
      {PG_QUERY__NODE__NODE_ROW_EXPR, "a row value"},
      {PG_QUERY__NODE__NODE_GROUPING_SET, "GROUPING SETS, ROLLUP and CUBE"},
      {PG_QUERY__NODE__NODE_GROUPING_FUNC, "GROUPING()"},
      {PG_QUERY__NODE__NODE_XML_EXPR, "XML"},
      {PG_QUERY__NODE__NODE_XML_SERIALIZE, "XML"},
      {PG_QUERY__NODE__NODE_CURRENT_OF_EXPR, "WHERE CURRENT OF"},
      {PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE, "TABLESAMPLE"},
      {PG_QUERY__NODE__NODE_RANGE_TABLE_FUNC, "XMLTABLE"},
  };
  for (const Named& named : kNames) {
    if (node->node_case == named.which) return std::string(named.name);
  }
  return "this kind of statement or expression";
}

}  // namespace spar::query::grammar
