// Foreign keys of a table under construction.

#include <algorithm>

#include "query/bind/operators.h"
#include "query/bind/table_editor.h"

namespace spar::query::bind {

using data::ColumnNumber;

namespace {

data::ReferentialAction action(const char* code) {
  switch (*code) {
    case 'r':
      return data::ReferentialAction::restrict;
    case 'c':
      return data::ReferentialAction::cascade;
    case 'n':
      return data::ReferentialAction::set_null;
    case 'd':
      return data::ReferentialAction::set_default;
    default:
      return data::ReferentialAction::no_action;
  }
}

bool is_unique(const data::Table& table, std::vector<ColumnNumber> wanted) {
  std::ranges::sort(wanted);
  return std::ranges::any_of(table.keys,
                             [&](const data::Key& key) {
                               std::vector<ColumnNumber> columns = key.columns;
                               std::ranges::sort(columns);
                               return columns == wanted && !key.nulls_not_distinct;
                             }) ||
         std::ranges::any_of(table.indexes, [&](const data::Index& index) {
           std::vector<ColumnNumber> columns;
           for (const data::IndexColumn& column : index.columns) columns.push_back(column.number);
           std::ranges::sort(columns);
           return index.unique && !index.predicate_sql && !index.nulls_not_distinct &&
                  columns == wanted;
         });
}

// 1.0 and 1.00, 24 hours and a day: equal, and not the same in storage.
bool has_many_forms(const Type& type) {
  return type.id == TypeId::interval || (type.id == TypeId::numeric && type.typmod < 0) ||
         (type.id == TypeId::bpchar && type.typmod < 0);
}

}  // namespace

// The table itself, or one of the catalogue.
Result<const data::Table*> TableEditor::parent_of(const PgQuery__Constraint& constraint) {
  const PgQuery__RangeVar& name = *constraint.pktable;
  const std::string_view schema = name.schemaname;
  if (name.relname == table_.name && (schema.empty() || schema == table_.schema)) return &table_;
  SPAR_ASSIGN(const data::Table* found, binding_.named_table(name));
  if (found->is_plain()) return found;
  return sql_error("42809", "referenced relation \"" + found->name + "\" is not a table");
}

Result<std::vector<ColumnNumber>> TableEditor::parent_columns(const PgQuery__Constraint& constraint,
                                                              const data::Table& parent) {
  std::vector<ColumnNumber> columns;
  if (constraint.n_pk_attrs == 0) {
    const data::Key* key = parent.primary_key();
    if (key != nullptr) return key->columns;
    return sql_error("42704",
                     "there is no primary key for referenced table \"" + parent.name + "\"");
  }
  for (const std::string& name : grammar::names_of(GRAMMAR_LIST(constraint, pk_attrs))) {
    const data::Column* found = parent.column(name);
    if (found == nullptr) {
      return sql_error(
          "42703", "column \"" + name + "\" referenced in foreign key constraint does not exist");
    }
    columns.push_back(found->number);
  }
  if (is_unique(parent, columns)) return columns;
  return sql_error("42830",
                   "there is no unique constraint matching given keys for referenced table \"" +
                       parent.name + "\"");
}

// Values must be equal in their storage form, which is how SQLite compares them.
Result<void> TableEditor::check_types(const data::ForeignKey& key, const data::Table& parent,
                                      int location) {
  for (std::size_t i = 0; i < key.columns.size(); ++i) {
    const data::Column& child = *table_.column(key.columns[i]);
    const data::Column& referenced = *parent.column(key.parent_columns[i]);
    const auto equal = resolve_operator("=", child.type.id, referenced.type.id);
    const bool implicit = can_cast(child.type.id, referenced.type.id, CastContext::implicit);
    if (!equal || !implicit) {
      Failure failure =
          sql_error("42804", "foreign key constraint \"" + key.name + "\" cannot be implemented");
      failure.error().detail = "Key columns \"" + child.name + "\" and \"" + referenced.name +
                               "\" are of incompatible types: " + name_of(child.type.id) + " and " +
                               name_of(referenced.type.id) + ".";
      return failure;
    }
    const bool numeric = child.type.id == TypeId::numeric && child.type != referenced.type;
    const bool moments =
        category(child.type.id) == Category::datetime && child.type.id != referenced.type.id;
    if (numeric || moments || has_many_forms(child.type) || has_many_forms(referenced.type) ||
        data::form_of(child.type) != data::form_of(referenced.type)) {
      return binding_.missing("a foreign key between these types", location);
    }
  }
  return {};
}

Result<void> TableEditor::add_foreign_key(const PgQuery__Constraint& constraint,
                                          const std::string& column_name) {
  const int location = constraint.location;
  if (constraint.n_fk_del_set_cols > 0) return binding_.missing("SET NULL (columns)", location);
  data::ForeignKey key;
  std::vector<std::string> names = grammar::names_of(GRAMMAR_LIST(constraint, fk_attrs));
  if (names.empty()) names.push_back(column_name);
  for (const std::string& name : names) {
    const data::Column* found = table_.column(name);
    if (found == nullptr) {
      return sql_error(
          "42703", "column \"" + name + "\" referenced in foreign key constraint does not exist");
    }
    key.columns.push_back(found->number);
  }
  if (*constraint.fk_matchtype == 'f' && names.size() > 1) {
    return binding_.missing("MATCH FULL", location);
  }
  SPAR_ASSIGN(const data::Table* parent, parent_of(constraint));
  key.parent = parent->id;
  SPAR_ASSIGN(key.parent_columns, parent_columns(constraint, *parent));
  if (key.columns.size() != key.parent_columns.size()) {
    return sql_error("42830",
                     "number of referencing and referenced columns for foreign key disagree");
  }
  SPAR_ASSIGN(key.name,
              constraint_name(constraint, choose_constraint_name(table_, key.columns, "fkey")));
  SPAR_TRY(check_types(key, *parent, location));
  key.on_delete = action(constraint.fk_del_action);
  key.on_update = action(constraint.fk_upd_action);
  key.deferrable = constraint.deferrable;
  key.initially_deferred = constraint.initdeferred;
  key.id = ids_.take();
  key.validated = !has_rows_ || !constraint.skip_validation;
  if (has_rows_ && key.validated) verify_foreign_key(key);
  table_.foreign_keys.push_back(std::move(key));
  return {};
}

void TableEditor::verify_foreign_key(const data::ForeignKey& key) {
  std::string present, matching;
  for (std::size_t i = 0; i < key.columns.size(); ++i) {
    const std::string child = "a.c" + std::to_string(key.columns[i]);
    present += (present.empty() ? "" : " AND ") + child + " IS NOT NULL";
    matching +=
        (matching.empty() ? "" : " AND ") + child + "=b.c" + std::to_string(key.parent_columns[i]);
  }
  Error error = sql_error("23503", "insert or update on table \"" + table_.name +
                                       "\" violates foreign key constraint \"" + key.name + "\"")
                    .error();
  error.schema = table_.schema;
  error.table = table_.name;
  error.constraint = key.name;
  verify_.push_back({"SELECT 1 FROM " + physical() + " AS a WHERE " + present +
                         " AND NOT EXISTS (SELECT 1 FROM t" + std::to_string(key.parent.value) +
                         " AS b WHERE " + matching + ") LIMIT 1",
                     std::move(error)});
}

}  // namespace spar::query::bind
