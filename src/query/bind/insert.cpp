// INSERT and the insert behind COPY.

#include <algorithm>

#include "query/bind/dml_target.h"
#include "query/dialect/key.h"
#include "query/parse/deparse.h"

namespace spar::query::bind {
namespace {

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

}  // namespace spar::query::bind
