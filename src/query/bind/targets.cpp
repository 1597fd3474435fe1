// Select lists: names, * and the Project that makes them columns.

#include <algorithm>

#include "query/bind/query.h"

namespace spar::query::bind {
namespace {

using grammar::Node;

struct Name {
  std::string text;
  int strength = 0;  // 2: a name of its own, 1: a type's name, 0: none
};

Name figure_name(const Node* node);

Name call_name(grammar::Nodes names) {
  return {std::string(grammar::last_name(names)), 2};
}

Name column_name(const PgQuery__ColumnRef& reference) {
  Name name;
  for (const Node* field : GRAMMAR_LIST(reference, fields)) {
    if (field->node_case == PG_QUERY__NODE__NODE_STRING) {
      name = {std::string(grammar::text_of(field)), 2};
    }
  }
  return name;
}

Name cast_name(const PgQuery__TypeCast& cast) {
  Name name = figure_name(cast.arg);
  if (name.strength > 1) return name;
  return {std::string(grammar::last_name(GRAMMAR_LIST(*cast.type_name, names))), 1};
}

Name sublink_name(const PgQuery__SubLink& link) {
  if (link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK) return {"exists", 2};
  if (link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK) return {"array", 2};
  if (link.sub_link_type != PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK) return {};
  const PgQuery__SelectStmt* select = link.subselect->select_stmt;
  while (select->larg != nullptr) select = select->larg;
  if (select->n_values_lists > 0) return {"column1", 2};
  if (select->n_target_list == 0) return {};
  const PgQuery__ResTarget& target = *select->target_list[0]->res_target;
  const std::string_view label = target.name;
  return label.empty() ? figure_name(target.val) : Name{std::string(label), 2};
}

// The last name in it; subscripts have none.
Name indirection_name(const PgQuery__AIndirection& value) {
  for (std::size_t i = value.n_indirection; i > 0; --i) {
    const Node* step = value.indirection[i - 1];
    if (step->node_case == PG_QUERY__NODE__NODE_STRING) return {step->string->sval, 2};
  }
  return figure_name(value.arg);
}

Name session_value_name(PgQuery__SQLValueFunctionOp op) {
  static constexpr std::string_view kNames[] = {"",
                                                "current_date",
                                                "current_time",
                                                "current_time",
                                                "current_timestamp",
                                                "current_timestamp",
                                                "localtime",
                                                "localtime",
                                                "localtimestamp",
                                                "localtimestamp",
                                                "current_role",
                                                "current_user",
                                                "user",
                                                "session_user",
                                                "current_catalog",
                                                "current_schema"};
  return {std::string(kNames[static_cast<std::size_t>(op) % std::size(kNames)]), 2};
}

Name figure_name(const Node* node) {
  if (node == nullptr) return {};
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF:
      return column_name(*node->column_ref);
    case PG_QUERY__NODE__NODE_FUNC_CALL:
      return call_name(GRAMMAR_LIST(*node->func_call, funcname));
    case PG_QUERY__NODE__NODE_A_EXPR:
      if (node->a_expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF) return {"nullif", 2};
      return {};
    case PG_QUERY__NODE__NODE_TYPE_CAST:
      return cast_name(*node->type_cast);
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
      return figure_name(node->collate_clause->arg);
    case PG_QUERY__NODE__NODE_CASE_EXPR: {
      Name name = figure_name(node->case_expr->defresult);
      return name.strength > 1 ? name : Name{"case", 1};
    }
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
      return {"coalesce", 2};
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
      return {node->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? "greatest" : "least",
              2};
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
      return session_value_name(node->sqlvalue_function->op);
    case PG_QUERY__NODE__NODE_GROUPING_FUNC:
      return {"grouping", 2};
    case PG_QUERY__NODE__NODE_SUB_LINK:
      return sublink_name(*node->sub_link);
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
      return {"array", 2};
    case PG_QUERY__NODE__NODE_A_INDIRECTION:
      return indirection_name(*node->a_indirection);
    default:
      return {};
  }
}

struct Star {
  std::vector<std::string> qualifier;
  int location = -1;
};

std::optional<Star> as_star(const Node* node) {
  if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return std::nullopt;
  const PgQuery__ColumnRef& reference = *node->column_ref;
  const grammar::Nodes fields = GRAMMAR_LIST(reference, fields);
  if (fields.empty() || fields.back()->node_case != PG_QUERY__NODE__NODE_A_STAR) {
    return std::nullopt;
  }
  return Star{grammar::names_of(fields.first(fields.size() - 1)), reference.location};
}

class Expansion {
 public:
  Expansion(Binding& binding, const Scope& scope, std::vector<Target>& targets)
      : binding_(binding), scope_(scope), targets_(targets) {}

  Result<void> run(const Star& star) {
    if (!star.qualifier.empty()) {
      SPAR_ASSIGN(const NamespaceItem* item,
                  find_item(binding_, scope_, star.qualifier, star.location));
      append(*item, star.location);
      return {};
    }
    bool any = false;
    for (const NamespaceItem& item : scope_.items) {
      if (!item.columns_visible) continue;
      append(item, star.location);
      any = true;
    }
    if (any) return {};
    return binding_.error("42601", "SELECT * with no tables specified is not valid", star.location);
  }

 private:
  void append(const NamespaceItem& item, int location) {
    for (const NamedColumn& column : item.columns) {
      const auto id = algebra::as_column(column.value);
      const ScalarRef value = id ? binding_.arena().column_ref(*id, location) : column.value;
      targets_.push_back({column.name, value});
    }
  }
  Binding& binding_;
  const Scope& scope_;
  std::vector<Target>& targets_;
};

}  // namespace

std::string target_name(const Node* node) {
  Name name = figure_name(node);
  return name.strength == 0 || name.text.empty() ? "?column?" : std::move(name.text);
}

Result<std::vector<Target>> bind_targets(Binding& binding, const Scope& scope,
                                         ExpressionBinder& expressions, grammar::Nodes list) {
  std::vector<Target> targets;
  targets.reserve(list.size());
  for (const Node* node : list) {
    const PgQuery__ResTarget& target = *node->res_target;
    if (const std::optional<Star> star = as_star(target.val)) {
      SPAR_TRY(Expansion(binding, scope, targets).run(*star));
    } else {
      SPAR_ASSIGN(const ScalarRef value, expressions.bind(target.val));
      const std::string_view label = target.name;
      targets.push_back({label.empty() ? target_name(target.val) : std::string(label), value});
    }
    if (targets.size() > kTargetsMax) {
      return sql_error("54011",
                       "target lists can have at most " + std::to_string(kTargetsMax) + " entries");
    }
  }
  return targets;
}

RelationRef project(Binding& binding, RelationRef input, std::span<const Target> targets) {
  algebra::Arena& arena = binding.arena();
  std::vector<ColumnId> columns;
  std::vector<ScalarRef> expressions;
  columns.reserve(targets.size());
  expressions.reserve(targets.size());
  for (const Target& target : targets) {
    algebra::ColumnInfo info{target.name, target.value->type};
    if (const auto source = algebra::as_column(target.value)) {
      const algebra::ColumnInfo& from = arena.info(*source);
      info.nullable = from.nullable;
      info.table = from.table;
      info.number = from.number;
    } else if (const auto* constant = algebra::as_constant(target.value)) {
      info.nullable = data::is_null(constant->value);
    }
    columns.push_back(arena.column(std::move(info)));
    expressions.push_back(target.value);
  }
  return arena.relation(algebra::Project{input, std::move(expressions)}, std::move(columns));
}

}  // namespace spar::query::bind
