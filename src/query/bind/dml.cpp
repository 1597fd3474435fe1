#include "query/bind/dml.h"

#include <algorithm>

#include "query/bind/generated.h"
#include "query/bind/sequence_call.h"
#include "query/dialect/key.h"
#include "query/parse/deparse.h"
#include "query/parse/tree.h"

namespace spar::query::bind {

using algebra::Dml;
using algebra::DmlKind;
using grammar::Node;

Result<ScalarRef> default_value(Binding& binding, const data::Column& column) {
  if (column.identity != data::Identity::none) {
    const data::Table* sequence = binding.catalogue().table(column.sequence);
    if (sequence == nullptr || !sequence->sequence) {
      return failure(Code::corrupt, "identity column " + column.name + " has no sequence");
    }
    binding.uses(sequence->id);
    return coerce_assignment(binding, next_value(binding, *sequence), column);
  }
  if (!column.default_sql) {
    return make_constant(binding, data::Datum{}, column.type);
  }
  SPAR_ASSIGN(const std::vector<ParsedStatement> parsed,
              parse("SELECT " + *column.default_sql, ParseLimits{}));
  if (parsed.size() != 1 || parsed[0].tree().node->node_case != PG_QUERY__NODE__NODE_SELECT_STMT ||
      parsed[0].tree().node->select_stmt->n_target_list != 1) {
    return failure(Code::corrupt, "the default of column " + column.name + " is no expression");
  }
  const PgQuery__SelectStmt& select = *parsed[0].tree().node->select_stmt;
  const Scope none;
  ExpressionBinder expressions(binding, none, nullptr, Clause::column_default);
  binding.without_positions(true);
  Result<ScalarRef> value = expressions.bind(select.target_list[0]->res_target->val);
  if (value) value = coerce_assignment(binding, *value, column);
  binding.without_positions(false);
  return value;
}

Result<std::vector<const data::Column*>> target_columns(Binding& binding, const data::Table& table,
                                                        grammar::Nodes names) {
  std::vector<const data::Column*> columns;
  if (names.empty()) {
    for (const data::Column& column : table.columns) columns.push_back(&column);
    return columns;
  }
  for (const Node* node : names) {
    const bool target = node->node_case == PG_QUERY__NODE__NODE_RES_TARGET;
    const std::string name = target ? node->res_target->name : std::string(grammar::text_of(node));
    const int location = target ? node->res_target->location : -1;
    const data::Column* column = table.column(name);
    if (column == nullptr) {
      return binding.error(
          "42703", "column \"" + name + "\" of relation \"" + table.name + "\" does not exist",
          location);
    }
    if (target && node->res_target->n_indirection > 0) {
      return binding.missing("assignment to part of a column", location);
    }
    if (std::ranges::find(columns, column) != columns.end()) {
      return binding.error("42701", "column \"" + name + "\" specified more than once", location);
    }
    columns.push_back(column);
  }
  return columns;
}

namespace {

Failure generated_always(std::string message, const data::Column& column) {
  Failure failure = sql_error("428C9", std::move(message));
  const bool identity = column.identity != data::Identity::none;
  failure.error().detail =
      "Column \"" + column.name + "\" is " +
      (identity ? "an identity column defined as GENERATED ALWAYS." : "a generated column.");
  return failure;
}

bool is_default(const Node* node) {
  return node->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT;
}

// What INSERT, UPDATE and DELETE have in common: a target table that expressions can see.
class DmlBinder {
 public:
  explicit DmlBinder(Binding& binding) : binding_(binding) {}

  Result<void> target(const PgQuery__RangeVar& name, DmlKind kind) {
    SPAR_ASSIGN(table_, binding_.table(name));
    if (table_->sequence) {
      return sql_error("42809", "cannot change sequence \"" + table_->name + "\"");
    }
    if (table_->view) return binding_.missing("a change of a view's rows", name.location);
    take(kind, name.alias == nullptr ? table_->name : std::string(name.alias->aliasname));
    return {};
  }
  void target(const data::Table& table, DmlKind kind) {
    binding_.uses(table.id);
    table_ = &table;
    take(kind, table.name);
  }

  const data::Table& table() const { return *table_; }
  Dml& dml() { return dml_; }
  Scope& scope() { return scope_; }
  const NamespaceItem& target_item() const { return item_; }
  const CteScope* ctes() const { return &with_.scope; }

  Result<void> with(const PgQuery__WithClause* clause) {
    SPAR_ASSIGN(with_, bind_with(binding_, clause, {}));
    return {};
  }

  // SET a = x, (b, c) = (y, z)
  Result<std::vector<algebra::Assignment>> assignments(grammar::Nodes list, const Scope& scope,
                                                       Clause clause) {
    std::vector<algebra::Assignment> result;
    for (Node* const& node : list) {
      const PgQuery__ResTarget& target = *node->res_target;
      SPAR_ASSIGN(const auto columns, target_columns(binding_, *table_, grammar::Nodes(&node, 1)));
      const data::Column& column = *columns.front();
      const auto same = [&](const algebra::Assignment& a) { return a.number == column.number; };
      if (std::ranges::any_of(result, same)) {
        return sql_error("42601", "multiple assignments to same column \"" + column.name + "\"");
      }
      const bool fixed = column.identity == data::Identity::always || column.generated_sql;
      if (fixed && !is_default(target.val)) {
        return generated_always("column \"" + column.name + "\" can only be updated to DEFAULT",
                                column);
      }
      if (column.generated_sql) continue;
      SPAR_ASSIGN(const ScalarRef value, assigned(target.val, column, scope, clause));
      result.push_back({column.number, value});
    }
    SPAR_TRY(regenerate(result));
    return result;
  }

  // The generated columns of a row with these assignments.
  Result<void> regenerate(std::vector<algebra::Assignment>& result) {
    NamespaceItem row = item_;
    for (const algebra::Assignment& assignment : result) {
      const std::string& name = table_->column(assignment.number)->name;
      std::ranges::find(row.columns, name, &NamedColumn::name)->value = assignment.value;
    }
    for (const data::Column& column : table_->columns) {
      if (!column.generated_sql) continue;
      SPAR_ASSIGN(const ScalarRef value, generated_value(binding_, *table_, column, row));
      result.push_back({column.number, value});
    }
    return {};
  }

  // An expression or DEFAULT, in the column's type.
  Result<ScalarRef> assigned(const Node* node, const data::Column& column, const Scope& scope,
                             Clause clause) {
    if (node->node_case == PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF) {
      const PgQuery__MultiAssignRef& part = *node->multi_assign_ref;
      if (part.source->node_case == PG_QUERY__NODE__NODE_SUB_LINK) {
        return assigned_from_query(part, column, scope);
      }
      if (part.source->node_case != PG_QUERY__NODE__NODE_ROW_EXPR) {
        return binding_.missing("a subquery as the source of several columns", -1);
      }
      const PgQuery__RowExpr& row = *part.source->row_expr;
      if (row.n_args != static_cast<std::size_t>(part.ncolumns)) {
        return binding_.error("42601", "number of columns does not match number of values",
                              row.location);
      }
      node = row.args[part.colno - 1];
    }
    if (node->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT) {
      return default_value(binding_, column);
    }
    ExpressionBinder expressions(binding_, scope, ctes(), clause);
    SPAR_ASSIGN(const ScalarRef value, expressions.bind(node));
    return coerce_assignment(binding_, value, column);
  }

  // One column of SET (a, b) = (SELECT ...): the query again for each, with this column of it.
  Result<ScalarRef> assigned_from_query(const PgQuery__MultiAssignRef& part,
                                        const data::Column& column, const Scope& scope) {
    const PgQuery__SubLink& link = *part.source->sub_link;
    if (link.subselect->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
      return binding_.missing("this source of several columns", link.location);
    }
    SPAR_ASSIGN(const BoundQuery query,
                bind_query(binding_, *link.subselect->select_stmt, {&scope, ctes()}));
    if (query.names.size() != static_cast<std::size_t>(part.ncolumns)) {
      return binding_.error("42601", "number of columns does not match number of values",
                            link.location);
    }
    const auto index = static_cast<std::size_t>(part.colno - 1);
    const PgQuery__SelectStmt& select = *link.subselect->select_stmt;
    const bool plain = select.n_target_list == query.names.size();
    const int location =
        plain ? grammar::location_of(select.target_list[index]->res_target->val) : link.location;
    const Target target{query.names[index],
                        binding_.arena().column_ref(query.relation->columns[index])};
    const RelationRef one = project(binding_, query.relation, std::span(&target, 1));
    const ColumnId id = one->columns.front();
    const ScalarRef value =
        binding_.arena().scalar(algebra::Subquery{algebra::SubqueryKind::scalar, one, id},
                                binding_.arena().info(id).type, location);
    return coerce_assignment(binding_, value, column);
  }

  Result<BoundDml> finish(grammar::Nodes returning) {
    BoundDml bound;
    bound.target = table_->id;
    std::vector<ColumnId> columns;
    if (!returning.empty()) {
      ExpressionBinder expressions(binding_, scope_, ctes(), Clause::returning);
      SPAR_ASSIGN(std::vector<Target> targets,
                  bind_targets(binding_, scope_, expressions, returning));
      for (Target& target : targets) {
        SPAR_ASSIGN(target.value, coerce_unknown(binding_, target.value));
        bound.names.push_back(target.name);
        dml_.returning.push_back(target.value);
      }
      // The Project is only asked for the columns' names and origins.
      columns =
          project(binding_, binding_.arena().relation(algebra::Values{}, {}), targets)->columns;
    }
    bound.relation = binding_.arena().relation(std::move(dml_), columns);
    if (!with_.ctes.empty()) {
      bound.relation =
          binding_.arena().relation(algebra::With{with_.ctes, bound.relation}, std::move(columns));
    }
    return bound;
  }

 private:
  void take(DmlKind kind, std::string alias) {
    dml_.kind = kind;
    dml_.table = table_->id;
    scope_.block = binding_.next_block();
    for (const data::Column& column : table_->columns) {
      algebra::ColumnInfo info{column.name, column.type,   !column.not_null, alias,
                               table_->id,  column.number, scope_.block};
      const ColumnId id = binding_.arena().column(std::move(info));
      dml_.target_columns.push_back(id);
      dml_.target_numbers.push_back(column.number);
      item_.columns.push_back({column.name, binding_.arena().column_ref(id)});
    }
    item_.alias = std::move(alias);
    item_.table = table_;
    scope_.items.push_back(item_);
  }

  Binding& binding_;
  const data::Table* table_ = nullptr;
  Dml dml_{};
  Scope scope_;
  NamespaceItem item_;
  BoundWith with_;
};

class InsertBinder {
 public:
  explicit InsertBinder(Binding& binding) : binding_(binding), dml_(binding) {}

  Result<BoundDml> bind(const PgQuery__InsertStmt& statement) {
    SPAR_TRY(dml_.with(statement.with_clause));
    SPAR_TRY(dml_.target(*statement.relation, DmlKind::insert));
    names_ = GRAMMAR_LIST(statement, cols);
    explicit_ = !names_.empty();
    overriding_ = statement.override;
    SPAR_ASSIGN(columns_, target_columns(binding_, dml_.table(), GRAMMAR_LIST(statement, cols)));
    const Node* source = statement.select_stmt;
    if (source == nullptr) {
      columns_.clear();
      SPAR_TRY(rows({}));
    } else if (source->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
      return binding_.missing("this source of an INSERT", -1);
    } else if (is_plain_values(*source->select_stmt)) {
      SPAR_TRY(rows(GRAMMAR_LIST(*source->select_stmt, values_lists)));
    } else {
      SPAR_TRY(query(*source->select_stmt));
    }
    SPAR_TRY(on_conflict(statement.on_conflict_clause));
    return dml_.finish(GRAMMAR_LIST(statement, returning_list));
  }

  Result<BoundDml> bind_copy(const data::Table& table,
                             const std::vector<const data::Column*>& columns) {
    dml_.target(table, DmlKind::insert);
    columns_ = columns;
    std::vector<ScalarRef> row;
    int number = 0;
    for (const data::Column* column : columns) {
      row.push_back(binding_.arena().scalar(algebra::Parameter{++number}, column->type));
    }
    SPAR_TRY(complete({std::move(row)}));
    return dml_.finish({});
  }

 private:
  static bool is_plain_values(const PgQuery__SelectStmt& select) {
    return select.n_values_lists > 0 && select.n_sort_clause == 0 &&
           select.limit_count == nullptr && select.limit_offset == nullptr &&
           select.with_clause == nullptr;
  }

  Failure too_wide(const Node* where) const {
    return binding_.error("42601", "INSERT has more expressions than target columns",
                          grammar::location_of(where));
  }
  // At the first column that gets nothing.
  Failure too_narrow(std::size_t given) const {
    return binding_.error("42601", "INSERT has more target columns than expressions",
                          given < names_.size() ? names_[given]->res_target->location : -1);
  }

  // Whether an identity column takes its sequence's value instead of the one that is offered.
  Result<bool> takes_own_value(const data::Column& column, const Node* offered) const {
    if (column.identity == data::Identity::none && !column.generated_sql) return false;
    if (offered != nullptr && is_default(offered)) return false;
    if (column.generated_sql) {
      return generated_always(
          "cannot insert a non-DEFAULT value into column \"" + column.name + "\"", column);
    }
    if (overriding_ == PG_QUERY__OVERRIDING_KIND__OVERRIDING_USER_VALUE) return true;
    const bool system = overriding_ == PG_QUERY__OVERRIDING_KIND__OVERRIDING_SYSTEM_VALUE;
    if (column.identity == data::Identity::by_default || system) return false;
    Failure failure = generated_always(
        "cannot insert a non-DEFAULT value into column \"" + column.name + "\"", column);
    failure.error().hint = "Use OVERRIDING SYSTEM VALUE to override.";
    return failure;
  }

  // Columns that were not mentioned but get a value: those with a default, and the row's identity,
  // whose null must be noticed.
  Result<std::vector<std::pair<const data::Column*, ScalarRef>>> omitted() {
    std::vector<std::pair<const data::Column*, ScalarRef>> rest;
    for (const data::Column& column : dml_.table().columns) {
      const bool given = std::ranges::find(columns_, &column) != columns_.end();
      const bool identity = dml_.table().identity_column == column.number;
      const bool counted = column.identity != data::Identity::none;
      if (given || (!column.default_sql && !identity && !counted)) continue;
      SPAR_ASSIGN(const ScalarRef value, default_value(binding_, column));
      rest.emplace_back(&column, value);
    }
    return rest;
  }

  Result<void> complete(std::vector<std::vector<ScalarRef>> rows) {
    SPAR_ASSIGN(const auto rest, omitted());
    for (const data::Column* column : columns_) dml_.dml().inserted.push_back(column->number);
    for (const auto& [column, value] : rest) {
      dml_.dml().inserted.push_back(column->number);
      for (auto& row : rows) row.push_back(value);
    }
    if (dml_.dml().inserted.empty()) {  // DEFAULT VALUES: nulls all over
      for (const data::Column& column : dml_.table().columns) {
        dml_.dml().inserted.push_back(column.number);
        for (auto& row : rows) row.push_back(make_constant(binding_, data::Datum{}, column.type));
      }
    }
    SPAR_TRY(generate(rows));
    dml_.dml().source = binding_.arena().relation(algebra::Values{std::move(rows)}, {});
    return {};
  }

  bool generates() const {
    return std::ranges::any_of(dml_.table().columns,
                               [](const data::Column& c) { return c.generated_sql.has_value(); });
  }

  // The generated columns of one row whose values are `values`, beside dml().inserted.
  Result<std::vector<ScalarRef>> generated_of(const std::vector<ScalarRef>& values) {
    NamespaceItem row{dml_.table().name, {}, nullptr};
    for (const data::Column& column : dml_.table().columns) {
      const auto& given = dml_.dml().inserted;
      const auto found = std::ranges::find(given, column.number);
      const ScalarRef value = found == given.end()
                                  ? make_constant(binding_, data::Datum{}, column.type)
                                  : values[static_cast<std::size_t>(found - given.begin())];
      row.columns.push_back({column.name, value});
    }
    std::vector<ScalarRef> made;
    for (const data::Column& column : dml_.table().columns) {
      if (!column.generated_sql) continue;
      SPAR_ASSIGN(const ScalarRef value, generated_value(binding_, dml_.table(), column, row));
      made.push_back(value);
    }
    return made;
  }

  Result<void> generate(std::vector<std::vector<ScalarRef>>& rows) {
    if (!generates()) return {};
    for (auto& row : rows) {
      SPAR_ASSIGN(const std::vector<ScalarRef> made, generated_of(row));
      place_generated(row, made);
    }
    for (const data::Column& column : dml_.table().columns) {
      auto& given = dml_.dml().inserted;
      const bool known = std::ranges::find(given, column.number) != given.end();
      if (column.generated_sql && !known) given.push_back(column.number);
    }
    return {};
  }
  // In the place of DEFAULT, or behind.
  void place_generated(std::vector<ScalarRef>& row, const std::vector<ScalarRef>& made) {
    std::size_t next = 0;
    const auto& given = dml_.dml().inserted;
    for (const data::Column& column : dml_.table().columns) {
      if (!column.generated_sql) continue;
      const auto found = std::ranges::find(given, column.number);
      if (found == given.end()) {
        row.push_back(made[next++]);
      } else {
        row[static_cast<std::size_t>(found - given.begin())] = made[next++];
      }
    }
  }

  Result<void> rows(grammar::Nodes lists) {
    std::vector<std::vector<ScalarRef>> rows;
    const Scope none{nullptr, binding_.next_block(), {}, nullptr};
    if (lists.empty()) rows.emplace_back();
    std::size_t width = lists.empty() ? 0 : lists[0]->list->n_items;
    if (!lists.empty() && !explicit_ && width < columns_.size()) columns_.resize(width);
    for (const Node* list : lists) {
      const grammar::Nodes items = GRAMMAR_LIST(*list->list, items);
      if (items.size() != width) {
        return binding_.error("42601", "VALUES lists must all be the same length",
                              grammar::location_of(list));
      }
      if (width > columns_.size()) return too_wide(items[columns_.size()]);
      if (width < columns_.size()) return too_narrow(width);
      std::vector<ScalarRef>& row = rows.emplace_back();
      for (std::size_t i = 0; i < items.size(); ++i) {
        SPAR_ASSIGN(const bool own, takes_own_value(*columns_[i], items[i]));
        SPAR_ASSIGN(const ScalarRef value,
                    own ? default_value(binding_, *columns_[i])
                        : dml_.assigned(items[i], *columns_[i], none, Clause::values));
        row.push_back(value);
      }
    }
    return complete(std::move(rows));
  }

  Result<void> query(const PgQuery__SelectStmt& select) {
    std::vector<Type> wanted;
    for (const data::Column* column : columns_) wanted.push_back(column->type);
    SPAR_ASSIGN(const BoundQuery bound,
                bind_query(binding_, select, {nullptr, dml_.ctes(), wanted}));
    const std::size_t width = bound.relation->columns.size();
    if (width > columns_.size()) {
      const bool plain = select.n_target_list == width;
      return too_wide(plain ? select.target_list[columns_.size()]->res_target->val : nullptr);
    }
    if (explicit_ && width < columns_.size()) return too_narrow(width);
    columns_.resize(width);
    std::vector<Target> targets;
    for (std::size_t i = 0; i < width; ++i) {
      const ScalarRef value = binding_.arena().column_ref(bound.relation->columns[i]);
      SPAR_ASSIGN(const bool own, takes_own_value(*columns_[i], nullptr));
      SPAR_ASSIGN(const ScalarRef converted,
                  own ? default_value(binding_, *columns_[i])
                      : coerce_assignment(binding_, value, *columns_[i]));
      targets.push_back({columns_[i]->name, converted});
      dml_.dml().inserted.push_back(columns_[i]->number);
    }
    SPAR_ASSIGN(const auto rest, omitted());
    for (const auto& [column, value] : rest) {
      targets.push_back({column->name, value});
      dml_.dml().inserted.push_back(column->number);
    }
    if (generates()) {
      const RelationRef values = project(binding_, bound.relation, targets);
      std::vector<ScalarRef> row;
      for (const ColumnId id : values->columns) row.push_back(binding_.arena().column_ref(id));
      std::vector<std::vector<ScalarRef>> rows{row};
      SPAR_TRY(generate(rows));
      targets.clear();
      for (std::size_t i = 0; i < rows[0].size(); ++i) {
        targets.push_back({dml_.table().column(dml_.dml().inserted[i])->name, rows[0][i]});
      }
      dml_.dml().source = project(binding_, values, targets);
      return {};
    }
    const bool unchanged = rest.empty() && std::ranges::all_of(targets, [](const Target& target) {
                             return algebra::as_column(target.value).has_value();
                           });
    const bool identity = dml_.table().identity_column.has_value();
    dml_.dml().source =
        unchanged && !identity ? bound.relation : project(binding_, bound.relation, targets);
    return {};
  }

  Result<void> on_conflict(const PgQuery__OnConflictClause* clause) {
    if (clause == nullptr) return {};
    algebra::OnConflict made;
    if (clause->infer != nullptr) {
      SPAR_TRY(infer(*clause->infer, made));
    }
    const bool updates = clause->action == PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_UPDATE;
    if (updates && clause->infer == nullptr) {
      Failure failure = binding_.error(
          "42601", "ON CONFLICT DO UPDATE requires inference specification or constraint name",
          clause->location);
      failure.error().hint = "For example, ON CONFLICT (column_name).";
      return failure;
    }
    if (updates) {
      Scope scope = dml_.scope();
      NamespaceItem excluded{"excluded", {}, nullptr};
      for (const data::Column& column : dml_.table().columns) {
        const ColumnId id =
            binding_.arena().column({column.name, column.type, !column.not_null, "excluded"});
        made.excluded.push_back(id);
        excluded.columns.push_back({column.name, binding_.arena().column_ref(id)});
      }
      scope.items.push_back(std::move(excluded));
      SPAR_ASSIGN(made.assignments,
                  dml_.assignments(GRAMMAR_LIST(*clause, target_list), scope, Clause::on_conflict));
      if (clause->where_clause != nullptr) {
        ExpressionBinder where(binding_, scope, dml_.ctes(), Clause::where);
        SPAR_ASSIGN(made.predicate, where.condition(clause->where_clause));
      }
    }
    if (!made.assignments.empty()) SPAR_TRY(meet_once(made));
    dml_.dml().on_conflict = std::move(made);
    return {};
  }

  // PostgreSQL refuses to update a row twice in one command; the executor would not notice. Rows
  // of the same key are looked for where they are made.
  Result<void> meet_once(const algebra::OnConflict& clause) {
    const auto* values = std::get_if<algebra::Values>(&dml_.dml().source->body);
    if (values != nullptr && values->rows.size() <= 1) return {};
    for (const data::ColumnNumber number : clause.target) {
      const bool changed =
          std::ranges::find(clause.assignments, number, &algebra::Assignment::number) !=
          clause.assignments.end();
      const Type& type = dml_.table().column(number)->type;
      if (changed || dialect::needs_key(type)) {
        return binding_.missing(
            "ON CONFLICT DO UPDATE of many rows with a changed key or a key of this type", -1);
      }
      const auto& given = dml_.dml().inserted;
      if (std::ranges::find(given, number) == given.end()) return {};  // null: no conflict
    }
    if (values != nullptr) {
      std::vector<std::vector<ScalarRef>> rows = values->rows;
      for (auto& row : rows) mark_key(row, clause);
      dml_.dml().source = binding_.arena().relation(algebra::Values{std::move(rows)}, {});
      return {};
    }
    const auto* project_ = std::get_if<algebra::Project>(&dml_.dml().source->body);
    std::vector<ScalarRef> row;
    if (project_ != nullptr) row = project_->expressions;
    if (project_ == nullptr) {
      for (const ColumnId id : dml_.dml().source->columns) {
        row.push_back(binding_.arena().column_ref(id));
      }
    }
    mark_key(row, clause);
    std::vector<Target> targets;
    for (std::size_t i = 0; i < row.size(); ++i) {
      targets.push_back({dml_.table().column(dml_.dml().inserted[i])->name, row[i]});
    }
    const RelationRef input = project_ != nullptr ? project_->input : dml_.dml().source;
    dml_.dml().source = project(binding_, input, targets);
    return {};
  }

  void mark_key(std::vector<ScalarRef>& row, const algebra::OnConflict& clause) {
    const auto place = [&](data::ColumnNumber number) {
      const auto& given = dml_.dml().inserted;
      return static_cast<std::size_t>(std::ranges::find(given, number) - given.begin());
    };
    std::vector<ScalarRef> arguments;
    for (const data::ColumnNumber number : clause.target) arguments.push_back(row[place(number)]);
    const std::int64_t filters = clause.predicate != nullptr ? 1 : 0;
    arguments.push_back(make_constant(binding_, data::Datum(filters), Type{TypeId::boolean, -1}));
    ScalarRef& first = row[place(clause.target.front())];
    first = binding_.arena().scalar(algebra::Call{"once", std::move(arguments)}, first->type);
  }

  Result<void> infer(const PgQuery__InferClause& clause, algebra::OnConflict& made) {
    const data::Table& table = dml_.table();
    const std::string constraint = clause.conname;
    if (!constraint.empty()) {
      const auto key = std::ranges::find(table.keys, constraint, &data::Key::name);
      if (key == table.keys.end()) {
        return sql_error("42704", "constraint \"" + constraint + "\" for table \"" + table.name +
                                      "\" does not exist");
      }
      if (key->nulls_not_distinct) {
        return binding_.missing("ON CONFLICT of a key with NULLS NOT DISTINCT", clause.location);
      }
      made.target = key->columns;
      return {};
    }
    for (const Node* node : GRAMMAR_LIST(clause, index_elems)) {
      const PgQuery__IndexElem& element = *node->index_elem;
      if (element.expr != nullptr) {
        return binding_.missing("an expression in ON CONFLICT", clause.location);
      }
      const data::Column* column = table.column(element.name);
      if (column == nullptr) {
        return binding_.error("42703",
                              "column \"" + std::string(element.name) + "\" does not exist",
                              clause.location);
      }
      made.target.push_back(column->number);
    }
    for (const data::Index& index : table.indexes) {
      if (index.unique && (index.nulls_not_distinct || by_expression(index))) {
        return binding_.missing("ON CONFLICT beside an index of this kind", clause.location);
      }
    }
    if (is_unique(table, made.target)) return {};
    if (clause.where_clause != nullptr) {
      SPAR_ASSIGN(const std::string predicate, grammar::expression_text(clause.where_clause));
      for (const data::Index& index : table.indexes) {
        if (!index.unique || index.predicate_sql != predicate) continue;
        std::vector<data::ColumnNumber> columns, wanted = made.target;
        for (const data::IndexColumn& column : index.columns) columns.push_back(column.number);
        std::ranges::sort(columns);
        std::ranges::sort(wanted);
        if (columns != wanted) continue;
        made.target_predicate = predicate;
        return {};
      }
    }
    return sql_error("42P10",
                     "there is no unique or exclusion constraint matching the ON CONFLICT "
                     "specification");
  }

  static bool by_expression(const data::Index& index) {
    return std::ranges::any_of(index.columns, [](const data::IndexColumn& column) {
      return column.expression_sql.has_value();
    });
  }

  static bool is_unique(const data::Table& table, std::vector<data::ColumnNumber> wanted) {
    const auto same = [&](std::vector<data::ColumnNumber> columns) {
      std::ranges::sort(columns);
      return columns == wanted;
    };
    std::ranges::sort(wanted);
    const bool key = std::ranges::any_of(table.keys, [&](const data::Key& item) {
      return !item.nulls_not_distinct && same(item.columns);
    });
    return key || std::ranges::any_of(table.indexes, [&](const data::Index& index) {
             std::vector<data::ColumnNumber> columns;
             for (const data::IndexColumn& column : index.columns) columns.push_back(column.number);
             return index.unique && !index.predicate_sql && same(std::move(columns));
           });
  }

  Binding& binding_;
  DmlBinder dml_;
  std::vector<const data::Column*> columns_;
  grammar::Nodes names_;  // as written
  bool explicit_ = false;
  PgQuery__OverridingKind overriding_ = PG_QUERY__OVERRIDING_KIND__OVERRIDING_NOT_SET;
};

}  // namespace

Result<BoundDml> bind_insert(Binding& binding, const PgQuery__InsertStmt& statement) {
  return InsertBinder(binding).bind(statement);
}

Result<BoundDml> bind_copy_insert(Binding& binding, const data::Table& table,
                                  const std::vector<const data::Column*>& columns) {
  return InsertBinder(binding).bind_copy(table, columns);
}

namespace {

// FROM of an UPDATE, USING of a DELETE; then WHERE.
Result<void> bind_sources(Binding& binding, DmlBinder& dml, grammar::Nodes from,
                          const Node* where) {
  SPAR_ASSIGN(dml.dml().source, bind_from(binding, from, dml.scope(), dml.ctes()));
  const std::vector<NamespaceItem>& items = dml.scope().items;
  for (std::size_t i = 1; i < items.size(); ++i) {
    if (!items[i].table_visible || items[i].alias != items[0].alias) continue;
    return sql_error("42712", "table name \"" + items[i].alias + "\" specified more than once");
  }
  if (where == nullptr) return {};
  ExpressionBinder condition(binding, dml.scope(), dml.ctes(), Clause::where);
  SPAR_ASSIGN(dml.dml().predicate, condition.condition(where));
  return {};
}

}  // namespace

Result<BoundDml> bind_update(Binding& binding, const PgQuery__UpdateStmt& statement) {
  DmlBinder dml(binding);
  SPAR_TRY(dml.with(statement.with_clause));
  SPAR_TRY(dml.target(*statement.relation, DmlKind::update));
  SPAR_TRY(
      bind_sources(binding, dml, GRAMMAR_LIST(statement, from_clause), statement.where_clause));
  SPAR_ASSIGN(dml.dml().assignments,
              dml.assignments(GRAMMAR_LIST(statement, target_list), dml.scope(), Clause::update));
  return dml.finish(GRAMMAR_LIST(statement, returning_list));
}

Result<BoundDml> bind_delete(Binding& binding, const PgQuery__DeleteStmt& statement) {
  DmlBinder dml(binding);
  SPAR_TRY(dml.with(statement.with_clause));
  SPAR_TRY(dml.target(*statement.relation, DmlKind::erase));
  SPAR_TRY(
      bind_sources(binding, dml, GRAMMAR_LIST(statement, using_clause), statement.where_clause));
  return dml.finish(GRAMMAR_LIST(statement, returning_list));
}

}  // namespace spar::query::bind
