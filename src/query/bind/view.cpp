#include "query/bind/view.h"

#include <algorithm>

#include "query/bind/dependents.h"
#include "query/bind/table_editor.h"
#include "query/bind/utility.h"
#include "query/parse/deparse.h"

namespace spar::query::bind {

using data::ColumnNumber;
using grammar::Node;

namespace {

constexpr int kViewsDeepMax = 50;

// The columns that a query gives to a view or a table.
Result<std::vector<data::Column>> columns_from(Binding& binding, const BoundQuery& query,
                                               grammar::Nodes names, bool view) {
  if (names.size() > query.names.size()) {
    return sql_error("42601", view ? "CREATE VIEW specifies more column names than columns"
                                   : "too many column names were specified");
  }
  std::vector<data::Column> columns;
  for (std::size_t i = 0; i < query.names.size(); ++i) {
    data::Column column;
    column.number = static_cast<ColumnNumber>(i + 1);
    column.name = i < names.size() ? std::string(grammar::text_of(names[i])) : query.names[i];
    column.type = binding.arena().info(query.relation->columns[i]).type;
    if (column.type.id == TypeId::void_) {
      return sql_error("42P16", "column \"" + column.name + "\" has pseudo-type void");
    }
    if (std::ranges::find(columns, column.name, &data::Column::name) != columns.end()) {
      return sql_error("42701", "column \"" + column.name + "\" specified more than once");
    }
    columns.push_back(std::move(column));
  }
  return columns;
}

// CREATE OR REPLACE may only add columns at the end.
Result<void> may_replace(const data::Table& before, const data::Table& after) {
  if (after.columns.size() < before.columns.size()) {
    return sql_error("42P16", "cannot drop columns from view");
  }
  for (std::size_t i = 0; i < before.columns.size(); ++i) {
    const data::Column& was = before.columns[i];
    const data::Column& is = after.columns[i];
    if (was.name != is.name) {
      Failure failure = sql_error(
          "42P16", "cannot change name of view column \"" + was.name + "\" to \"" + is.name + "\"");
      failure.error().hint =
          "Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.";
      return failure;
    }
    if (was.type != is.type) {
      return sql_error("42P16", "cannot change data type of view column \"" + was.name +
                                    "\" from " + data::type_name(was.type) + " to " +
                                    data::type_name(is.type));
    }
  }
  return {};
}

Result<BoundQuery> bind_defining(Binding& binding, const Node* node) {
  if (node->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
    return not_supported("this kind of query for a view or table");
  }
  SPAR_ASSIGN(BoundQuery query, bind_query(binding, *node->select_stmt, {}));
  if (binding.counts_on()) return not_supported("nextval() or setval() in this place");
  if (binding.locks_rows()) return not_supported("FOR UPDATE in a view or a table made by a query");
  SPAR_ASSIGN(const std::vector<Type> parameters, binding.parameters());
  if (!parameters.empty()) return sql_error("42P02", "there is no parameter $1");
  return query;
}

}  // namespace

Result<SchemaChange> create_view(Binding& binding, const PgQuery__ViewStmt& statement) {
  const PgQuery__RangeVar& name = *statement.view;
  if (std::string_view(name.relpersistence) == "t") {
    return binding.missing("a temporary view", name.location);
  }
  if (statement.with_check_option != PG_QUERY__VIEW_CHECK_OPTION__NO_CHECK_OPTION) {
    return not_supported("WITH CHECK OPTION");
  }
  if (statement.n_options > 0) return not_supported("options of a view");
  SPAR_ASSIGN(const std::string schema, binding.schema_for(name));
  SPAR_ASSIGN(const BoundQuery query, bind_defining(binding, statement.query));
  data::Table view;
  view.database = binding.context().database;
  view.schema = schema;
  view.name = name.relname;
  SPAR_ASSIGN(view.columns, columns_from(binding, query, GRAMMAR_LIST(statement, aliases), true));
  SPAR_ASSIGN(std::string text, grammar::statement_text(statement.query));
  view.view = data::View{std::move(text), binding.direct_tables(), binding.search_path(), false};
  view.id = binding.catalogue().next_id();
  const data::Table* known = binding.catalogue().table(view.database, schema, view.name);
  const data::Table nothing{ObjectId{}, view.database, schema};
  SchemaChange change;
  if (relation_exists(binding, nothing, view.name)) {
    if (!statement.replace) {
      return sql_error("42P07", "relation \"" + view.name + "\" already exists");
    }
    if (known == nullptr || !known->view || known->view->materialized) {
      return sql_error("42809", "\"" + view.name + "\" is not a view");
    }
    SPAR_TRY(may_replace(*known, view));
    const auto& uses = view.view->uses;
    if (std::ranges::find(uses, known->id) != uses.end()) {
      return sql_error("42P17",
                       "infinite recursion detected in rules for relation \"" + view.name + "\"");
    }
    SPAR_TRY(must_not_be_viewed(binding, *known));
    view.id = known->id;
    view.comments = known->comments;
  }
  change.changes.push_back(data::put_object(view));
  return change;
}

Result<BoundQuery> bind_view(Binding& binding, const data::Table& view) {
  SPAR_ASSIGN(const std::vector<ParsedStatement> parsed,
              parse(view.view->query_sql, ParseLimits{}));
  if (parsed.size() != 1 || parsed[0].tree().node->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
    return failure(Code::corrupt, "view " + view.name + " is no query");
  }
  Binding::InView inside(binding, view.view->search_path);
  if (inside.depth() > kViewsDeepMax) return sql_error("54001", "views are nested too deep");
  SPAR_ASSIGN(BoundQuery query, bind_query(binding, *parsed[0].tree().node->select_stmt, {}));
  if (query.names.size() != view.columns.size()) {
    return failure(Code::corrupt, "view " + view.name + " has other columns than it had");
  }
  for (std::size_t i = 0; i < query.names.size(); ++i) query.names[i] = view.columns[i].name;
  return query;
}

namespace {

Result<SchemaChange> table_from(Binding& binding, const PgQuery__IntoClause& into,
                                const Node* source, bool if_not_exists) {
  const PgQuery__RangeVar& name = *into.rel;
  if (std::string_view(name.relpersistence) == "t") {
    return binding.missing("a temporary table", name.location);
  }
  SchemaChange change;
  data::Table table;
  Result<std::string> schema = binding.schema_for(name);
  if (!schema) schema.error().position = 0;
  SPAR_ASSIGN(table.schema, std::move(schema));
  table.name = name.relname;
  table.database = binding.context().database;
  const data::Table nothing{ObjectId{}, table.database, table.schema};
  if (relation_exists(binding, nothing, table.name)) {
    const std::string message = "relation \"" + table.name + "\" already exists";
    if (!if_not_exists) return sql_error("42P07", message);
    change.notices.push_back(message + ", skipping");
    return change;
  }
  SPAR_ASSIGN(const BoundQuery query, bind_defining(binding, source));
  SPAR_ASSIGN(table.columns, columns_from(binding, query, GRAMMAR_LIST(into, col_names), false));
  table.id = binding.catalogue().next_id();
  change.changes.push_back(data::put_object(table));
  if (into.skip_data) return change;
  algebra::Dml dml{algebra::DmlKind::insert, table.id, {}, {}, query.relation};
  for (const data::Column& column : table.columns) dml.inserted.push_back(column.number);
  const RelationRef insert = binding.arena().relation(std::move(dml), {});
  SPAR_ASSIGN(Plan plan, make_plan(binding, {insert, PlanKind::insert, {}, table.id}));
  if (!table.columns.empty()) change.writes.push_back(std::move(plan));
  return change;
}

}  // namespace

Result<SchemaChange> create_table_as(Binding& binding,
                                     const PgQuery__CreateTableAsStmt& statement) {
  if (statement.objtype != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE) {
    return not_supported("CREATE MATERIALIZED VIEW");
  }
  return table_from(binding, *statement.into, statement.query, statement.if_not_exists != 0);
}

Result<SchemaChange> select_into(Binding& binding, const PgQuery__SelectStmt& statement) {
  PgQuery__SelectStmt select = statement;  // shares everything but its INTO
  select.into_clause = nullptr;
  Node node = PG_QUERY__NODE__INIT;
  node.node_case = PG_QUERY__NODE__NODE_SELECT_STMT;
  node.select_stmt = &select;
  return table_from(binding, *statement.into_clause, &node, false);
}

namespace {

void set_comment(data::Table& table, ColumnNumber column, std::string text) {
  std::erase_if(table.comments, [&](const data::Comment& c) { return c.column == column; });
  if (!text.empty()) table.comments.push_back({column, std::move(text)});
}

bool is_commented_kind(const data::Table& table, PgQuery__ObjectType type) {
  switch (type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
      return table.is_plain();
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
      return table.sequence.has_value();
    default:
      return table.view && !table.view->materialized;
  }
}

}  // namespace

Result<SchemaChange> comment_on(Binding& binding, const PgQuery__CommentStmt& statement) {
  const PgQuery__ObjectType type = statement.objtype;
  const bool column = type == PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN;
  if (!column && type != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE &&
      type != PG_QUERY__OBJECT_TYPE__OBJECT_VIEW &&
      type != PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE) {
    return not_supported("COMMENT ON this kind of object");
  }
  std::vector<std::string> names = grammar::names_of(GRAMMAR_LIST(*statement.object->list, items));
  const std::string last = names.back();
  if (column) names.pop_back();
  if (names.empty()) return sql_error("42601", "column name must be qualified");
  SPAR_ASSIGN(const data::Table* found, binding.find_table(names));
  if (found == nullptr) {
    std::string shown;
    for (const std::string& name : names) shown += (shown.empty() ? "" : ".") + name;
    return sql_error("42P01", "relation \"" + shown + "\" does not exist");
  }
  data::Table table = *found;
  if (column) {
    const data::Column* named = table.column(last);
    if (named == nullptr) {
      return sql_error("42703",
                       "column \"" + last + "\" of relation \"" + table.name + "\" does not exist");
    }
    set_comment(table, named->number, statement.comment);
  } else {
    if (!is_commented_kind(table, type)) {
      const std::string_view kind = type == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE  ? "table"
                                    : type == PG_QUERY__OBJECT_TYPE__OBJECT_VIEW ? "view"
                                                                                 : "sequence";
      return sql_error("42809", "\"" + table.name + "\" is not a " + std::string(kind));
    }
    set_comment(table, 0, statement.comment);
  }
  SchemaChange change;
  change.changes.push_back(data::put_object(table));
  return change;
}

}  // namespace spar::query::bind
