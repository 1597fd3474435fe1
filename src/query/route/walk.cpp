#include "query/route/walk.h"

#include <algorithm>
#include <array>
#include <vector>

#include "query/parse/children.h"
#include "query/route/limits.h"
#include "query/route/reviewed.h"
#include "query/route/settings.h"

namespace spar::query::route {
namespace {

using grammar::for_each_child;
using grammar::Node;
using grammar::Nodes;
using Descriptor = const ProtobufCMessageDescriptor*;

// Kinds of nodes that demand nothing by themselves: what is in them is looked at.
const std::array<Descriptor, 41> kHarmlessNodes = {
    &pg_query__a__array_expr__descriptor,
    &pg_query__a__indices__descriptor,
    &pg_query__a__star__descriptor,
    &pg_query__alias__descriptor,
    &pg_query__bool_expr__descriptor,
    &pg_query__boolean__descriptor,
    &pg_query__boolean_test__descriptor,
    &pg_query__case_expr__descriptor,
    &pg_query__case_when__descriptor,
    &pg_query__coalesce_expr__descriptor,
    &pg_query__collate_clause__descriptor,
    &pg_query__column_def__descriptor,
    &pg_query__common_table_expr__descriptor,
    &pg_query__ctecycle_clause__descriptor,
    &pg_query__ctesearch_clause__descriptor,
    &pg_query__current_of_expr__descriptor,
    &pg_query__float__descriptor,
    &pg_query__grouping_func__descriptor,
    &pg_query__grouping_set__descriptor,
    &pg_query__integer__descriptor,
    &pg_query__join_expr__descriptor,
    &pg_query__list__descriptor,
    &pg_query__min_max_expr__descriptor,
    &pg_query__named_arg_expr__descriptor,
    &pg_query__null_test__descriptor,
    &pg_query__param_ref__descriptor,
    &pg_query__range_function__descriptor,
    &pg_query__range_subselect__descriptor,
    &pg_query__range_table_func__descriptor,
    &pg_query__range_table_func_col__descriptor,
    &pg_query__range_table_sample__descriptor,  // its method is looked at
    &pg_query__res_target__descriptor,
    &pg_query__row_expr__descriptor,
    &pg_query__set_to_default__descriptor,
    &pg_query__sqlvalue_function__descriptor,
    &pg_query__string__descriptor,
    &pg_query__type_cast__descriptor,  // the type is a node of its own
    &pg_query__window_def__descriptor,
    &pg_query__xml_expr__descriptor,
    &pg_query__xml_serialize__descriptor,
    &pg_query__select_stmt__descriptor,
};

constexpr std::array<std::string_view, 6> kSystemColumns = {"cmax",     "cmin", "ctid",
                                                            "tableoid", "xmax", "xmin"};

template <class Message>
const Message& as(const ProtobufCMessage* message) {
  return *reinterpret_cast<const Message*>(message);
}

const PgQuery__WithClause* with_clause(const ProtobufCMessage* message) {
  const Descriptor kind = message->descriptor;
  if (kind == &pg_query__select_stmt__descriptor) {
    return as<PgQuery__SelectStmt>(message).with_clause;
  }
  if (kind == &pg_query__insert_stmt__descriptor) {
    return as<PgQuery__InsertStmt>(message).with_clause;
  }
  if (kind == &pg_query__update_stmt__descriptor) {
    return as<PgQuery__UpdateStmt>(message).with_clause;
  }
  if (kind == &pg_query__delete_stmt__descriptor) {
    return as<PgQuery__DeleteStmt>(message).with_clause;
  }
  if (kind == &pg_query__merge_stmt__descriptor) return as<PgQuery__MergeStmt>(message).with_clause;
  return nullptr;
}

class Walk {
 public:
  Walk(Part& part, const Objects& objects) : part_(part), objects_(objects) {}

  void run(const Node* tree) {
    push(&tree->base, kNoScope);
    while (!pending_.empty()) {
      const Pending next = pending_.back();
      pending_.pop_back();
      visit(next.message, next.scope);
    }
  }

 private:
  // The names of WITH queries that a node sees: a list from the innermost to the outermost.
  static constexpr std::size_t kNoScope = SIZE_MAX;
  struct Named {
    std::string_view name;
    std::size_t outer;
  };
  struct Pending {
    const ProtobufCMessage* message;
    std::size_t scope;
  };

  void push(const ProtobufCMessage* message, std::size_t scope) {
    if (message != nullptr) pending_.push_back({message, scope});
  }

  void visit(const ProtobufCMessage* message, std::size_t scope) {
    if (!look(message, scope)) return;
    const PgQuery__WithClause* with = with_clause(message);
    const std::size_t inner = with == nullptr ? scope : open(*with, scope);
    for_each_child(message, [&](const ProtobufCMessage* child) {
      if (with == nullptr || child != &with->base) push(child, inner);
    });
    if (with != nullptr) push_queries(*with, scope, inner);
  }

  std::size_t open(const PgQuery__WithClause& with, std::size_t scope) {
    for (const Node* node : GRAMMAR_LIST(with, ctes)) {
      scopes_.push_back({node->common_table_expr->ctename, scope});
      scope = scopes_.size() - 1;
    }
    return scope;
  }
  // A query of WITH sees those before it, of WITH RECURSIVE all of them.
  void push_queries(const PgQuery__WithClause& with, std::size_t scope, std::size_t inner) {
    std::size_t sees = inner;
    for (std::size_t i = with.n_ctes; i-- > 0;) {
      sees = sees == scope ? scope : scopes_[sees].outer;
      push(&with.ctes[i]->base, with.recursive != 0 ? inner : sees);
    }
  }
  bool names_query(std::string_view name, std::size_t scope) const {
    for (std::size_t n = 0; scope != kNoScope && n < kNamedQueriesMax; ++n) {
      if (scopes_[scope].name == name) return true;
      scope = scopes_[scope].outer;
    }
    return false;
  }

  // Whether what is inside counts too.
  bool look(const ProtobufCMessage* message, std::size_t scope) {
    const Descriptor kind = message->descriptor;
    if (kind == &pg_query__node__descriptor) return true;
    if (kind == &pg_query__a__const__descriptor) return false;
    if (kind == &pg_query__column_ref__descriptor) {
      return column(GRAMMAR_LIST(as<PgQuery__ColumnRef>(message), fields)), false;
    }
    if (kind == &pg_query__func_call__descriptor) {
      return call(as<PgQuery__FuncCall>(message)), true;
    }
    if (kind == &pg_query__range_var__descriptor) {
      return relation(as<PgQuery__RangeVar>(message), scope), false;
    }
    if (look_at_names(message) || look_at_changes(message)) return true;
    if (kind == &pg_query__locking_clause__descriptor) {
      return may_write(part_, Reason::locks_rows), false;
    }
    if (std::ranges::find(kHarmlessNodes, kind) == kHarmlessNodes.end()) {
      may_write(part_, Reason::unknown_node, kind->short_name);
    }
    return true;
  }
  // Operators, types and what else is found by a list of names.
  bool look_at_names(const ProtobufCMessage* message) {
    const Descriptor kind = message->descriptor;
    if (kind == &pg_query__a__expr__descriptor) {
      const auto& expression = as<PgQuery__AExpr>(message);
      if (expression.kind < PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN) {
        operation(GRAMMAR_LIST(expression, name));
      }
    } else if (kind == &pg_query__sub_link__descriptor) {
      operation(GRAMMAR_LIST(as<PgQuery__SubLink>(message), oper_name));
    } else if (kind == &pg_query__sort_by__descriptor) {
      operation(GRAMMAR_LIST(as<PgQuery__SortBy>(message), use_op));
    } else if (kind == &pg_query__type_name__descriptor) {
      type(GRAMMAR_LIST(as<PgQuery__TypeName>(message), names));
    } else if (kind == &pg_query__a__indirection__descriptor) {
      const Nodes steps = GRAMMAR_LIST(as<PgQuery__AIndirection>(message), indirection);
      for (const Node* step : steps) attribute(grammar::text_of(step));
    } else if (kind == &pg_query__range_table_sample__descriptor) {
      sample_method(GRAMMAR_LIST(as<PgQuery__RangeTableSample>(message), method));
    } else {
      return false;
    }
    return true;
  }
  bool look_at_changes(const ProtobufCMessage* message) {
    static constexpr std::array<Descriptor, 5> kChanges = {
        &pg_query__insert_stmt__descriptor, &pg_query__update_stmt__descriptor,
        &pg_query__delete_stmt__descriptor, &pg_query__merge_stmt__descriptor,
        &pg_query__into_clause__descriptor};
    const bool changes = std::ranges::find(kChanges, message->descriptor) != kChanges.end();
    if (changes) may_write(part_, Reason::data_change);
    return changes;
  }

  void call(const PgQuery__FuncCall& call) {
    const ObjectName name = object_name(GRAMMAR_LIST(call, funcname));
    if (is_temporary_schema(name.schema)) part_.pins |= Pin::temporary_object;
    const std::size_t arguments = call.n_args + (call.agg_within_group != 0 ? call.n_agg_order : 0);
    const FunctionFacts facts = objects_.function(name, arguments);
    const bool catalogue = name.schema.empty() || name.schema == "pg_catalog";
    if (catalogue && name.name == "current_setting") return add_current_setting(part_, call);
    if (catalogue && name.name == "set_config") return set_config(call);
    if (catalogue && is_node_function(name.name)) {
      need_primary(part_, Reason::node_function, name.name);
      if (facts.built_in) return;
    }
    if (catalogue && takes_session_lock(name.name)) part_.pins |= Pin::advisory_lock;
    if (catalogue && name.name == "setseed") part_.pins |= Pin::untracked_setting;
    if (catalogue && name.name == "pg_advisory_unlock_all") part_.released |= Pin::advisory_lock;
    if (facts.volatility == Volatility::unknown) {
      return may_do_anything(part_, Reason::unknown_function, name.name);
    }
    if (facts.volatility == Volatility::volatile_) return volatile_call(name, facts);
    if (catalogue && runs_other_queries(name.name)) {
      may_do_anything(part_, Reason::volatile_function, name.name);
    }
  }
  void volatile_call(ObjectName name, FunctionFacts facts) {
    if (!facts.built_in) return may_do_anything(part_, Reason::volatile_function, name.name);
    if (!is_harmless(name.name)) may_write(part_, Reason::volatile_function, name.name);
  }
  void set_config(const PgQuery__FuncCall& call) {
    add_set_config(part_, call, std::ranges::find(once_, &call) != once_.end());
  }

  void relation(const PgQuery__RangeVar& range, std::size_t scope) {
    const std::string_view schema = range.schemaname, name = range.relname;
    if (is_temporary_schema(schema) || std::string_view(range.relpersistence) == "t") {
      part_.pins |= Pin::temporary_object;
    }
    if (schema.empty() && names_query(name, scope)) return;
    switch (objects_.relation({schema, name})) {
      case RelationKind::reads:
        return;
      case RelationKind::node:
        return need_primary(part_, Reason::node_relation, name);
      case RelationKind::writes:
      case RelationKind::unknown:
        return may_do_anything(part_, Reason::relation, name);
    }
  }
  void operation(Nodes names) {
    if (names.empty()) return;
    const ObjectName name = object_name(names);
    const Volatility volatility = objects_.operation(name);
    if (volatility >= Volatility::volatile_) may_do_anything(part_, Reason::operation, name.name);
  }
  void type(Nodes names) {
    if (names.empty()) return;
    const ObjectName name = object_name(names);
    const Volatility volatility = objects_.type(name);
    if (volatility >= Volatility::volatile_) may_do_anything(part_, Reason::type, name.name);
  }
  void column(Nodes fields) {
    const std::string_view name = grammar::last_name(fields);
    if (std::ranges::binary_search(kSystemColumns, name)) {
      need_primary(part_, Reason::system_column, name);
    }
    if (fields.size() > 1) attribute(name);
  }
  // t.f may be the function f of a row of t. PostgreSQL's own volatile functions take no rows.
  void attribute(std::string_view name) {
    const FunctionFacts facts = objects_.function({{}, name}, 1);
    if (facts.volatility == Volatility::volatile_ && !facts.built_in) {
      may_do_anything(part_, Reason::volatile_function, name);
    }
  }
  void sample_method(Nodes names) {
    const std::string_view name = grammar::last_name(names);
    if (name != "bernoulli" && name != "system") {
      may_do_anything(part_, Reason::unknown_function, name);
    }
  }

 public:
  void runs_once(const PgQuery__FuncCall* call) { once_.push_back(call); }

 private:
  Part& part_;
  const Objects& objects_;
  std::vector<Pending> pending_;
  std::vector<Named> scopes_;
  std::vector<const PgQuery__FuncCall*> once_;
};

// SELECT of expressions and nothing else: each runs once.
bool runs_once(const PgQuery__SelectStmt& select) {
  return select.op == PG_QUERY__SET_OPERATION__SETOP_NONE && select.n_from_clause == 0 &&
         select.n_distinct_clause == 0 && select.where_clause == nullptr &&
         select.n_group_clause == 0 && select.having_clause == nullptr &&
         select.limit_count == nullptr && select.limit_offset == nullptr &&
         select.n_values_lists == 0 && select.with_clause == nullptr &&
         select.into_clause == nullptr && select.n_sort_clause == 0;
}

}  // namespace

void walk(Part& part, const Node* tree, const Objects& objects) {
  if (tree == nullptr) return;
  Walk walk(part, objects);
  if (tree->node_case == PG_QUERY__NODE__NODE_SELECT_STMT && runs_once(*tree->select_stmt)) {
    for (const Node* target : GRAMMAR_LIST(*tree->select_stmt, target_list)) {
      const Node* value = target->res_target->val;
      const bool call = value != nullptr && value->node_case == PG_QUERY__NODE__NODE_FUNC_CALL;
      if (call) walk.runs_once(value->func_call);
    }
  }
  walk.run(tree);
}

void find_temporary(Part& part, const Node* tree) {
  std::vector<const ProtobufCMessage*> pending = {&tree->base};
  while (!pending.empty()) {
    const ProtobufCMessage* const message = pending.back();
    pending.pop_back();
    if (message->descriptor == &pg_query__range_var__descriptor) {
      const auto& range = as<PgQuery__RangeVar>(message);
      const bool temporary = std::string_view(range.relpersistence) == "t";
      if (temporary || is_temporary_schema(range.schemaname)) part.pins |= Pin::temporary_object;
    }
    grammar::for_each_child(message,
                            [&](const ProtobufCMessage* child) { pending.push_back(child); });
  }
}

ObjectName object_name(Nodes names) {
  ObjectName name{{}, grammar::last_name(names)};
  if (names.size() > 1) name.schema = grammar::text_of(names[names.size() - 2]);
  return name;
}

bool is_temporary_schema(std::string_view schema) {
  return schema == "pg_temp" || schema.starts_with("pg_temp_");
}

}  // namespace spar::query::route
