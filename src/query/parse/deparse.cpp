#include "query/parse/deparse.h"

#include <pg_query.h>

namespace spar::query::grammar {

Result<std::string> statement_text(const Node* statement) {
  PgQuery__RawStmt raw = PG_QUERY__RAW_STMT__INIT;
  raw.stmt = const_cast<Node*>(statement);  // only read
  PgQuery__RawStmt* statements[] = {&raw};
  PgQuery__ParseResult result = PG_QUERY__PARSE_RESULT__INIT;
  result.version = PG_VERSION_NUM;
  result.n_stmts = 1;
  result.stmts = statements;
  Bytes packed(pg_query__parse_result__get_packed_size(&result), '\0');
  pg_query__parse_result__pack(&result, reinterpret_cast<uint8_t*>(packed.data()));
  PgQueryDeparseResult deparsed = pg_query_deparse_protobuf({packed.size(), packed.data()});
  Result<std::string> text = not_supported("this statement in the catalogue");
  if (deparsed.error == nullptr) text = std::string(deparsed.query);
  pg_query_free_deparse_result(deparsed);
  return text;
}

// libpg_query writes whole statements only: the expression goes through SELECT <expression>.
Result<std::string> expression_text(const Node* expression) {
  constexpr std::string_view kPrefix = "SELECT ";
  PgQuery__ResTarget target = PG_QUERY__RES_TARGET__INIT;
  target.val = const_cast<Node*>(expression);  // only read
  Node target_node = PG_QUERY__NODE__INIT;
  target_node.node_case = PG_QUERY__NODE__NODE_RES_TARGET;
  target_node.res_target = &target;
  Node* targets[] = {&target_node};
  PgQuery__SelectStmt select = PG_QUERY__SELECT_STMT__INIT;
  select.n_target_list = 1;
  select.target_list = targets;
  select.limit_option = PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_DEFAULT;
  select.op = PG_QUERY__SET_OPERATION__SETOP_NONE;
  Node select_node = PG_QUERY__NODE__INIT;
  select_node.node_case = PG_QUERY__NODE__NODE_SELECT_STMT;
  select_node.select_stmt = &select;
  SPAR_ASSIGN(const std::string text, statement_text(&select_node));
  if (text.starts_with(kPrefix)) return text.substr(kPrefix.size());
  return not_supported("this expression in the catalogue");
}

}  // namespace spar::query::grammar
