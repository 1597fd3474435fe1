#include "query/bind/table_editor.h"

#include <algorithm>

#include "query/bind/dml.h"
#include "query/bind/operators.h"
#include "query/bind/sequence_call.h"
#include "query/dialect/check.h"
#include "query/dialect/key.h"
#include "query/parse/deparse.h"

namespace spar::query::bind {

using data::ColumnNumber;
using grammar::Node;

namespace {

std::string column_sql(ColumnNumber number) {
  return "c" + std::to_string(number);
}

Error violation(std::string_view sqlstate, std::string message, const data::Table& table) {
  Error error = sql_error(sqlstate, std::move(message)).error();
  error.schema = table.schema;
  error.table = table.name;
  return error;
}

std::optional<TypeId> serial_type(const PgQuery__TypeName& name) {
  if (name.n_names != 1 || name.n_array_bounds > 0) return std::nullopt;
  constexpr std::pair<std::string_view, TypeId> kTypes[] = {
      {"serial", TypeId::int4},  {"serial4", TypeId::int4}, {"bigserial", TypeId::int8},
      {"serial8", TypeId::int8}, {"serial2", TypeId::int2}, {"smallserial", TypeId::int2}};
  const std::string_view word = grammar::text_of(name.names[0]);
  const auto found = std::ranges::find(kTypes, word, &std::pair<std::string_view, TypeId>::first);
  return found == std::end(kTypes) ? std::nullopt : std::optional(found->second);
}

}  // namespace

Result<void> must_be_table(const data::Table& table) {
  if (table.is_plain()) return {};
  return sql_error("42809", "\"" + table.name + "\" is not a table");
}

Result<void> must_not_be_viewed(const Binding& binding, const data::Table& table) {
  for (const auto& [id, other] : binding.catalogue().tables()) {
    if (!other.view) continue;
    if (std::ranges::find(other.view->uses, table.id) == other.view->uses.end()) continue;
    return not_supported("this change of what view " + other.name + " reads");
  }
  return {};
}

Result<void> check_index_type(const data::Column& column) {
  if (is_comparable(column.type.id)) return {};
  Failure failure = sql_error("42704", "data type " + name_of(column.type.id) +
                                           " has no default operator class for access method "
                                           "\"btree\"");
  failure.error().hint =
      "You must specify an operator class for the index or define a default operator class for "
      "the data type.";
  return failure;
}

SchemaChange::Verify verify_unique(const data::Table& table, const std::string& name,
                                   const std::vector<ColumnNumber>& columns) {
  std::string keys, present;
  for (const ColumnNumber number : columns) {
    keys +=
        (keys.empty() ? "" : ",") + dialect::key_of(column_sql(number), table.column(number)->type);
    present += (present.empty() ? "" : " AND ") + column_sql(number) + " IS NOT NULL";
  }
  Error error = violation("23505", "could not create unique index \"" + name + "\"", table);
  error.constraint = name;
  return {"SELECT 1 FROM t" + std::to_string(table.id.value) + " WHERE " + present + " GROUP BY " +
              keys + " HAVING count(*)>1 LIMIT 1",
          std::move(error)};
}

Result<data::Column*> TableEditor::column(const std::string& name, int location) {
  const auto found = std::ranges::find(table_.columns, name, &data::Column::name);
  if (found != table_.columns.end()) return &*found;
  return binding_.error(
      "42703", "column \"" + name + "\" of relation \"" + table_.name + "\" does not exist",
      location);
}

Result<void> TableEditor::add_column(const PgQuery__ColumnDef& definition) {
  data::Column made;
  made.name = definition.colname;
  if (table_.column(made.name) != nullptr) {
    if (!has_rows_) {
      return sql_error("42701", "column \"" + made.name + "\" specified more than once");
    }
    return sql_error(
        "42701", "column \"" + made.name + "\" of relation \"" + table_.name + "\" already exists");
  }
  if (table_.columns.size() >= 1600) {
    return sql_error("54011", "tables can have at most 1600 columns");
  }
  if (definition.coll_clause != nullptr) {
    const auto name = grammar::last_name(GRAMMAR_LIST(*definition.coll_clause, collname));
    if (name != "C" && name != "POSIX" && name != "default") {
      return binding_.missing("collation " + std::string(name), definition.coll_clause->location);
    }
  }
  const std::optional<TypeId> serial = serial_type(*definition.type_name);
  if (serial) made.type = Type{*serial, -1};
  if (!serial) {
    SPAR_ASSIGN(made.type, binding_.located(resolve_type_name(*definition.type_name),
                                            definition.type_name->location));
  }
  made.number = table_.next_number();
  table_.last_number = made.number;
  if (serial) {
    made.not_null = true;
    SPAR_ASSIGN(const data::Table* sequence, own_sequence(made, {}));
    made.default_sql = next_value_text(sequence->id);
  }
  table_.columns.push_back(std::move(made));
  return {};
}

Result<void> TableEditor::add_column_constraints(const PgQuery__ColumnDef& definition) {
  const std::string name = definition.colname;
  const bool is_serial = serial_type(*definition.type_name).has_value();
  bool nullable = false, not_null = is_serial;
  for (const Node* node : GRAMMAR_LIST(definition, constraints)) {
    const PgQuery__Constraint& constraint = *node->constraint;
    SPAR_ASSIGN(data::Column * target, column(name));
    switch (constraint.contype) {
      case PG_QUERY__CONSTR_TYPE__CONSTR_NULL:
        nullable = true;
        break;
      case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL:
        not_null = true;
        set_not_null(*target);
        break;
      case PG_QUERY__CONSTR_TYPE__CONSTR_GENERATED:
        SPAR_TRY(add_generated(*target, constraint));
        break;
      case PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY:
        if (target->default_sql) {
          return binding_.error("42601",
                                "both default and identity specified for column \"" + name +
                                    "\" of table \"" + table_.name + "\"",
                                constraint.location);
        }
        if (target->identity != data::Identity::none) {
          return binding_.error("42601",
                                "multiple identity specifications for column \"" + name +
                                    "\" of table \"" + table_.name + "\"",
                                constraint.location);
        }
        not_null = true;
        set_not_null(*target);
        SPAR_TRY(add_identity(*target, *constraint.generated_when == 'a',
                              GRAMMAR_LIST(constraint, options)));
        break;
      case PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT:
        if (target->default_sql) {
          return binding_.error("42601",
                                "multiple default values specified for column \"" + name +
                                    "\" of table \"" + table_.name + "\"",
                                is_serial ? -1 : constraint.location);
        }
        if (target->identity != data::Identity::none) {
          return binding_.error("42601",
                                "both default and identity specified for column \"" + name +
                                    "\" of table \"" + table_.name + "\"",
                                constraint.location);
        }
        SPAR_TRY(set_default(*target, constraint.raw_expr));
        break;
      case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRABLE:
      case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_NOT_DEFERRABLE:
      case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRED:
      case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_IMMEDIATE: {
        const bool foreign = !table_.foreign_keys.empty();
        if (!foreign) return binding_.missing("a deferrable constraint", constraint.location);
        data::ForeignKey& key = table_.foreign_keys.back();
        if (constraint.contype == PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRABLE) {
          key.deferrable = true;
        }
        if (constraint.contype == PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRED) {
          key.deferrable = key.initially_deferred = true;
        }
        break;
      }
      default:
        SPAR_TRY(add_constraint(constraint, name));
        break;
    }
    if (nullable && not_null) {
      return binding_.error("42601",
                            "conflicting NULL/NOT NULL declarations for column \"" + name +
                                "\" of table \"" + table_.name + "\"",
                            is_serial ? -1 : constraint.location);
    }
  }
  return {};
}

Result<void> TableEditor::set_default(data::Column& column, const Node* expression) {
  const Scope none;
  ExpressionBinder expressions(binding_, none, nullptr, Clause::column_default);
  SPAR_ASSIGN(const ScalarRef value, expressions.bind(expression));
  Result<ScalarRef> converted = coerce_assignment(binding_, value, column);
  if (!converted) {
    Error error = std::move(converted.error());
    const std::size_t but = error.message.find("but expression");
    if (but != std::string::npos) error.message.insert(but + 4, "default ");
    return Failure(std::move(error));
  }
  if (algebra::is_null_constant(*converted)) {
    column.default_sql.reset();
    return {};
  }
  SPAR_ASSIGN(column.default_sql, catalogue_text(binding_, expression));
  return {};
}

void TableEditor::set_not_null(data::Column& column) {
  if (column.not_null) return;
  column.not_null = true;
  if (!has_rows_) return;
  Error error = violation(
      "23502",
      "column \"" + column.name + "\" of relation \"" + table_.name + "\" contains null values",
      table_);
  error.column = column.name;
  verify_.push_back(
      // IS NULL is not looked for in a column that is NOT NULL already.
      {"SELECT 1 FROM " + physical() + " WHERE typeof(" + column_sql(column.number) +
           ") = 'null' LIMIT 1",
       std::move(error)});
}

Result<std::string> TableEditor::constraint_name(const PgQuery__Constraint& constraint,
                                                 std::string chosen) {
  std::string given = constraint.conname;
  if (given.empty()) return chosen;
  const auto is = [&](const auto& item) { return item.name == given; };
  if (std::ranges::any_of(table_.keys, is) || std::ranges::any_of(table_.foreign_keys, is) ||
      std::ranges::any_of(table_.checks, is)) {
    const bool check = constraint.contype == PG_QUERY__CONSTR_TYPE__CONSTR_CHECK;
    if (check && !has_rows_) {
      return sql_error("42710", "check constraint \"" + given + "\" already exists");
    }
    return sql_error("42710", "constraint \"" + given + "\" for relation \"" + table_.name +
                                  "\" already exists");
  }
  return given;
}

Result<void> TableEditor::add_constraint(const PgQuery__Constraint& constraint,
                                         const std::string& column) {
  switch (constraint.contype) {
    case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
    case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE:
      return add_key(constraint, column);
    case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK:
      return add_check(constraint);
    case PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN:
      return add_foreign_key(constraint, column);
    default:
      return binding_.missing("an exclusion constraint", constraint.location);
  }
}

Result<std::vector<ColumnNumber>> TableEditor::key_columns(const PgQuery__Constraint& constraint,
                                                           const std::string& column_name) {
  const bool primary = constraint.contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY;
  std::vector<std::string> names = grammar::names_of(GRAMMAR_LIST(constraint, keys));
  if (names.empty()) names.push_back(column_name);
  std::vector<ColumnNumber> columns;
  for (const std::string& name : names) {
    const data::Column* found = table_.column(name);
    if (found == nullptr) {
      return binding_.error("42703", "column \"" + name + "\" named in key does not exist",
                            constraint.location);
    }
    if (std::ranges::find(columns, found->number) != columns.end()) {
      return binding_.error("42701",
                            "column \"" + name + "\" appears twice in " +
                                (primary ? "primary key" : "unique") + " constraint",
                            constraint.location);
    }
    SPAR_TRY(check_index_type(*found));
    columns.push_back(found->number);
  }
  return columns;
}

Result<void> TableEditor::add_key(const PgQuery__Constraint& constraint,
                                  const std::string& column_name) {
  const int location = constraint.location;
  if (constraint.deferrable) return binding_.missing("a deferrable unique constraint", location);
  if (constraint.n_including > 0) return binding_.missing("INCLUDE", location);
  if (*constraint.indexname != '\0') return binding_.missing("USING INDEX", location);
  data::Key key;
  key.primary = constraint.contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY;
  key.nulls_not_distinct = constraint.nulls_not_distinct;
  if (key.primary && table_.primary_key() != nullptr) {
    return binding_.error("42P16",
                          "multiple primary keys for table \"" + table_.name + "\" are not allowed",
                          has_rows_ ? -1 : location);
  }
  SPAR_ASSIGN(key.columns, key_columns(constraint, column_name));
  const std::vector<ColumnNumber> named = key.primary ? std::vector<ColumnNumber>{} : key.columns;
  SPAR_ASSIGN(key.name,
              constraint_name(constraint, choose_relation_name(binding_, table_, named,
                                                               key.primary ? "pkey" : "key")));
  if (relation_exists(binding_, table_, key.name)) {
    return sql_error("42P07", "relation \"" + key.name + "\" already exists");
  }
  if (key.primary) {
    for (const ColumnNumber number : key.columns) {
      set_not_null(*std::ranges::find(table_.columns, number, &data::Column::number));
    }
  }
  key.id = ids_.take();
  if (has_rows_ && !key.nulls_not_distinct) {
    verify_.push_back(verify_unique(table_, key.name, key.columns));
  }
  table_.keys.push_back(std::move(key));
  return {};
}

namespace {

void columns_of(const algebra::Arena& arena, ScalarRef scalar, std::vector<ColumnNumber>& numbers) {
  if (const auto column = algebra::as_column(scalar)) {
    const ColumnNumber number = arena.info(*column).number;
    if (std::ranges::find(numbers, number) == numbers.end()) numbers.push_back(number);
  }
  algebra::for_each_operand(*scalar,
                            [&](ScalarRef operand) { columns_of(arena, operand, numbers); });
}

}  // namespace

Result<void> TableEditor::add_check(const PgQuery__Constraint& constraint) {
  SPAR_ASSIGN(BoundTable bound, bind_table(binding_, table_, table_.name, binding_.next_block()));
  const Scope scope{nullptr, 0, {std::move(bound.item)}, nullptr};
  ExpressionBinder expressions(binding_, scope, nullptr, Clause::check);
  SPAR_ASSIGN(const ScalarRef condition, expressions.condition(constraint.raw_expr));
  std::vector<ColumnNumber> used;
  columns_of(binding_.arena(), condition, used);
  if (used.size() != 1) used.clear();
  data::Check check;
  SPAR_ASSIGN(check.name,
              constraint_name(constraint, choose_constraint_name(table_, used, "check")));
  SPAR_ASSIGN(check.expression_sql, grammar::expression_text(constraint.raw_expr));
  check.id = ids_.take();
  SPAR_TRY(render_check(table_, check));
  check.validated = !has_rows_ || !constraint.skip_validation;
  if (has_rows_ && check.validated) SPAR_TRY(verify_check(check));
  table_.checks.push_back(std::move(check));
  return {};
}

Result<void> TableEditor::verify_check(const data::Check& check) {
  SPAR_ASSIGN(const std::string sql, render_check(table_, check));
  Error error = violation("23514",
                          "check constraint \"" + check.name + "\" of relation \"" + table_.name +
                              "\" is violated by some row",
                          table_);
  error.constraint = check.name;
  verify_.push_back(
      {"SELECT 1 FROM " + physical() + " WHERE NOT (" + sql + ") LIMIT 1", std::move(error)});
  return {};
}

}  // namespace spar::query::bind
