// What a schema change does to rows that are there: the values of a new column, the conversion to
// another type. One UPDATE of all rows.

#include <algorithm>

#include "query/bind/dml.h"
#include "query/bind/generated.h"
#include "query/bind/sequence.h"
#include "query/bind/sequence_call.h"
#include "query/bind/table_editor.h"
#include "query/dialect/check.h"
#include "query/dialect/sqlite.h"

namespace spar::query::bind {

using data::ColumnNumber;

Result<NamespaceItem*> TableEditor::row() {
  if (!row_) {
    SPAR_ASSIGN(row_, bind_table(binding_, table_, table_.name, binding_.next_block()));
  }
  return &row_->item;
}

Result<ScalarRef> TableEditor::first_value(const data::Column& column) {
  for (const data::Table& sequence : sequences_) {
    if (sequence.sequence->owner_column != column.number) continue;
    return coerce_assignment(binding_, next_value(binding_, sequence), column);
  }
  if (!column.generated_sql) return default_value(binding_, column);
  SPAR_ASSIGN(NamespaceItem * known, row());
  NamespaceItem item = *known;
  for (const algebra::Assignment& rewrite : rewrites_) {
    const std::string& name = table_.column(rewrite.number)->name;
    std::erase_if(item.columns, [&](const NamedColumn& named) { return named.name == name; });
    item.columns.push_back({name, rewrite.value});
  }
  return generated_value(binding_, table_, column, std::move(item));
}

Result<void> TableEditor::fill_column(const data::Column& column) {
  SPAR_ASSIGN(const ScalarRef value, first_value(column));
  if (!algebra::is_null_constant(value)) rewrites_.push_back({column.number, value});
  return {};
}

bool TableEditor::is_indexed(ColumnNumber number) const {
  const auto has = [&](const auto& item) {
    return std::ranges::find(item.columns, number) != item.columns.end();
  };
  const bool index = std::ranges::any_of(table_.indexes, [&](const data::Index& item) {
    return item.predicate_sql || std::ranges::any_of(item.columns, [&](const auto& column) {
             return column.number == number || column.expression_sql;
           });
  });
  if (index || std::ranges::any_of(table_.keys, has)) return true;
  if (std::ranges::any_of(table_.foreign_keys, has)) return true;
  for (const data::Table* other : binding_.catalogue().referencing(table_.id)) {
    for (const data::ForeignKey& key : other->foreign_keys) {
      const auto& columns = key.parent_columns;
      if (key.parent == table_.id && std::ranges::find(columns, number) != columns.end()) {
        return true;
      }
    }
  }
  return false;
}

namespace {

int rank_of(TypeId type) {
  return type == TypeId::int2 ? 1 : type == TypeId::int4 ? 2 : type == TypeId::int8 ? 3 : 0;
}

// Whether every value of one type is stored as the same value of the other.
bool keeps_storage(const Type& from, const Type& to) {
  if (from == to) return true;
  if (rank_of(from.id) > 0 && rank_of(to.id) >= rank_of(from.id)) return true;
  const auto is_text = [](TypeId id) { return id == TypeId::text || id == TypeId::varchar; };
  if (is_text(from.id) && is_text(to.id)) {
    return to.typmod < 0 || (from.typmod >= 0 && to.typmod >= from.typmod);
  }
  if (from.id != TypeId::numeric || to.id != TypeId::numeric) return false;
  const auto a = data::numeric_shape(from), b = data::numeric_shape(to);
  return data::is_scaled(from) && data::is_scaled(to) && a && b && a->scale == b->scale &&
         b->precision >= a->precision;
}

Failure no_cast(const std::string& what, const Type& type, std::string hint) {
  Failure failure =
      sql_error("42804", what + " cannot be cast automatically to type " + name_of(type.id));
  failure.error().hint = std::move(hint);
  return failure;
}

std::string quoted_literal(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

// A default stays what it was worth.
Result<void> TableEditor::convert_default(data::Column& column, const Type& type) {
  if (!column.default_sql) return {};
  SPAR_ASSIGN(const ScalarRef value, default_value(binding_, column));
  if (!can_cast(column.type.id, type.id, CastContext::assignment)) {
    return no_cast("default for column \"" + column.name + "\"", type, "");
  }
  const bool numbers = rank_of(column.type.id) > 0 && rank_of(type.id) > 0;
  const algebra::Constant* before = algebra::as_constant(value);
  if (before == nullptr && numbers) return {};
  if (before == nullptr) return not_supported("ALTER COLUMN TYPE with a default of this kind");
  SPAR_ASSIGN(const ScalarRef after, coerce(binding_, value, type, CastContext::assignment));
  const algebra::Constant* constant = algebra::as_constant(after);
  if (constant == nullptr) return not_supported("ALTER COLUMN TYPE with a default of this kind");
  std::string text;
  data::format_text(constant->value, type, binding_.context().text, text);
  column.default_sql = quoted_literal(text) + "::" + data::type_name(type);
  return {};
}

Result<void> TableEditor::change_type(const std::string& name,
                                      const PgQuery__ColumnDef& definition) {
  SPAR_ASSIGN(data::Column * column, this->column(name));
  const ColumnNumber number = column->number;
  SPAR_ASSIGN(const Type type, resolve_type_name(*definition.type_name));
  if (column->generated_sql || column->identity != data::Identity::none) {
    return not_supported("ALTER COLUMN TYPE of a generated or identity column");
  }
  for (const data::Column& other : table_.columns) {
    if (!other.generated_sql) continue;
    SPAR_ASSIGN(const auto used, columns_mentioned(binding_, table_, *other.generated_sql));
    if (std::ranges::find(used, number) == used.end()) continue;
    return sql_error("0A000", "cannot alter type of a column used by a generated column");
  }
  SPAR_ASSIGN(NamespaceItem * item, row());
  const auto known = std::ranges::find(item->columns, name, &NamedColumn::name);
  if (known == item->columns.end()) return not_supported("ALTER COLUMN TYPE of a new column");
  ScalarRef value = known->value;
  const bool uses = definition.raw_default != nullptr;
  if (uses) {
    const Scope scope{nullptr, 0, {*item}, nullptr};
    ExpressionBinder expressions(binding_, scope, nullptr, Clause::transform);
    SPAR_ASSIGN(value, expressions.bind(definition.raw_default));
  }
  if (!can_cast(value->type.id, type.id, CastContext::assignment)) {
    const std::string shown = "column \"" + name + "\"";
    if (uses) {
      return no_cast("result of USING clause for " + shown, type,
                     "You might need to add an explicit cast.");
    }
    return no_cast(
        shown, type,
        "You might need to specify \"USING " + name + "::" + data::type_name(type) + "\".");
  }
  const bool stays = !uses && keeps_storage(column->type, type);
  if (!stays && is_indexed(number)) {
    return not_supported("ALTER COLUMN TYPE of a column with an index or a key,");
  }
  SPAR_TRY(convert_default(*column, type));
  binding_.without_positions(true);
  Result<ScalarRef> converted = coerce(binding_, value, type, CastContext::assignment);
  binding_.without_positions(false);
  SPAR_ASSIGN(value, std::move(converted));
  column->type = type;
  for (const data::Check& check : table_.checks) SPAR_TRY(render_check(table_, check));
  if (!stays) rewrites_.push_back({number, value});
  return {};
}

Result<void> TableEditor::put_rewrites(SchemaChange& change) {
  if (rewrites_.empty()) return {};
  SPAR_TRY(row());
  SPAR_ASSIGN(dialect::RenderedSql rendered,
              dialect::render_rewrite(binding_.arena(), binding_.catalogue(), table_.id, rewrites_,
                                      row_->scan->columns, {0, binding_.context().text}));
  Plan plan;
  plan.kind = PlanKind::update;
  plan.sql = std::move(rendered.sql);
  plan.bound = std::move(rendered.bound);
  plan.tables = {table_.id};
  plan.target = table_.id;
  plan.counts = binding_.counts_on();
  change.writes.push_back(std::move(plan));
  return {};
}

}  // namespace spar::query::bind
