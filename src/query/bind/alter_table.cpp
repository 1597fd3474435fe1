#include <algorithm>

#include "query/bind/table_editor.h"

namespace spar::query::bind {
namespace {

using data::ColumnNumber;
using grammar::Node;

class Alteration {
 public:
  Alteration(Binding& binding, const data::Table& before)
      : binding_(binding),
        before_(before),
        ids_(binding.catalogue().next_id()),
        editor_(binding, before, true, ids_) {}

  Result<void> run(const PgQuery__AlterTableCmd& command) {
    switch (command.subtype) {
      case PG_QUERY__ALTER_TABLE_TYPE__AT_AddColumn:
        return add_column(command);
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DropColumn:
        return drop_column(command);
      case PG_QUERY__ALTER_TABLE_TYPE__AT_AddConstraint:
        return editor_.add_constraint(*command.def->constraint, "");
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DropConstraint:
        return drop_constraint(command);
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ColumnDefault:
        return change_default(command);
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetNotNull:
        return set_not_null(command);
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DropNotNull:
        return drop_not_null(command);
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetRelOptions:
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ResetRelOptions:
        return {};
      case PG_QUERY__ALTER_TABLE_TYPE__AT_AlterColumnType:
        return not_supported("ALTER COLUMN TYPE");
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ChangeOwner:
        return not_supported("ALTER ... OWNER");
      case PG_QUERY__ALTER_TABLE_TYPE__AT_AddIdentity:
        return not_supported("an identity column");
      default:
        return not_supported("this form of ALTER TABLE");
    }
  }

  SchemaChange finish(std::vector<std::string> notices) {
    SchemaChange change;
    for (const data::Table& table : others_) change.changes.push_back(data::put_object(table));
    change.changes.push_back(data::put_object(editor_.table()));
    change.notices = std::move(notices);
    change.verify = std::move(editor_.verify());
    return change;
  }
  std::vector<std::string>& notices() { return notices_; }

 private:
  Result<void> add_column(const PgQuery__AlterTableCmd& command) {
    const PgQuery__ColumnDef& definition = *command.def->column_def;
    if (command.missing_ok && editor_.table().column(definition.colname) != nullptr) {
      notices_.push_back("column \"" + std::string(definition.colname) + "\" of relation \"" +
                         before_.name + "\" already exists, skipping");
      return {};
    }
    SPAR_TRY(editor_.add_column(definition));
    const std::size_t checked = editor_.verify().size();
    SPAR_TRY(editor_.add_column_constraints(definition));
    const data::Column& column = editor_.table().columns.back();
    // Rows that exist have no place for the column yet: it is null in all of them.
    std::vector<SchemaChange::Verify>& verify = editor_.verify();
    const bool needs_empty = column.not_null || column.default_sql || verify.size() > checked;
    verify.resize(checked);
    if (!needs_empty) return {};
    Error error =
        column.default_sql
            ? not_supported("ADD COLUMN with a default, on a table that has rows,").error()
            : sql_error("23502", "column \"" + column.name + "\" of relation \"" + before_.name +
                                     "\" contains null values")
                  .error();
    verify.push_back(
        {"SELECT 1 FROM t" + std::to_string(before_.id.value) + " LIMIT 1", std::move(error)});
    return {};
  }

  static bool uses(const std::vector<ColumnNumber>& columns, ColumnNumber number) {
    return std::ranges::find(columns, number) != columns.end();
  }

  // Whether anything that stays would lose its column.
  bool is_needed(ColumnNumber number) {
    const data::Table& table = editor_.table();
    if (!table.checks.empty() || table.identity_column == number) return true;
    for (const data::Table* other : binding_.catalogue().referencing(table.id)) {
      for (const data::ForeignKey& key : other->foreign_keys) {
        if (key.parent == table.id && uses(key.parent_columns, number)) return true;
      }
    }
    return false;
  }

  Result<void> drop_column(const PgQuery__AlterTableCmd& command) {
    const std::string name = command.name;
    data::Table& table = editor_.table();
    const data::Column* found = table.column(name);
    if (found == nullptr && command.missing_ok) {
      notices_.push_back("column \"" + name + "\" of relation \"" + table.name +
                         "\" does not exist, skipping");
      return {};
    }
    SPAR_TRY(editor_.column(name));
    const ColumnNumber number = found->number;
    // The highest number would be given out again.
    const bool last = std::ranges::all_of(
        table.columns, [&](const data::Column& other) { return other.number <= number; });
    if (is_needed(number) || last) {
      return not_supported(
          "DROP COLUMN of the last column, of a key that others reference, or on "
          "a table with CHECK constraints,");
    }
    std::erase_if(table.keys, [&](const data::Key& key) { return uses(key.columns, number); });
    std::erase_if(table.foreign_keys,
                  [&](const data::ForeignKey& key) { return uses(key.columns, number); });
    std::erase_if(table.indexes, [&](const data::Index& index) {
      return std::ranges::find(index.columns, number, &data::IndexColumn::number) !=
             index.columns.end();
    });
    std::erase_if(table.columns,
                  [&](const data::Column& column) { return column.number == number; });
    return {};
  }

  Result<void> drop_constraint(const PgQuery__AlterTableCmd& command) {
    const std::string name = command.name;
    data::Table& table = editor_.table();
    const auto is = [&](const auto& item) { return item.name == name; };
    const auto key = std::ranges::find_if(table.keys, is);
    if (key != table.keys.end()) return drop_key(*key, command);
    if (std::erase_if(table.foreign_keys, is) + std::erase_if(table.checks, is) > 0) return {};
    const std::string message =
        "constraint \"" + name + "\" of relation \"" + table.name + "\" does not exist";
    if (!command.missing_ok) return sql_error("42704", message);
    notices_.push_back(message + ", skipping");
    return {};
  }

  Result<void> drop_key(const data::Key& key, const PgQuery__AlterTableCmd& command) {
    data::Table& table = editor_.table();
    const bool identity = key.columns.size() == 1 && table.identity_column == key.columns[0];
    if (identity) return not_supported("DROP CONSTRAINT of the primary key made with its table");
    const bool cascade = command.behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
    for (const data::Table* other : binding_.catalogue().referencing(table.id)) {
      const auto depends = [&](const data::ForeignKey& reference) {
        return reference.parent == table.id && reference.parent_columns == key.columns;
      };
      const auto found = std::ranges::find_if(other->foreign_keys, depends);
      if (found == other->foreign_keys.end()) continue;
      if (!cascade) {
        Failure failure =
            sql_error("2BP01", "cannot drop constraint " + key.name + " on table " + table.name +
                                   " because other objects depend on it");
        failure.error().detail = "constraint " + found->name + " on table " + other->name +
                                 " depends on index " + key.name;
        failure.error().hint = "Use DROP ... CASCADE to drop the dependent objects too.";
        return failure;
      }
      data::Table& target = other->id == table.id ? table : others_.emplace_back(*other);
      std::erase_if(target.foreign_keys, depends);
    }
    const ObjectId id = key.id;
    std::erase_if(table.keys, [&](const data::Key& item) { return item.id == id; });
    return {};
  }

  Result<void> change_default(const PgQuery__AlterTableCmd& command) {
    SPAR_ASSIGN(data::Column * column, editor_.column(command.name));
    if (command.def != nullptr) return editor_.set_default(*column, command.def);
    column->default_sql.reset();
    return {};
  }
  Result<void> set_not_null(const PgQuery__AlterTableCmd& command) {
    SPAR_ASSIGN(data::Column * column, editor_.column(command.name));
    editor_.set_not_null(*column);
    return {};
  }
  Result<void> drop_not_null(const PgQuery__AlterTableCmd& command) {
    SPAR_ASSIGN(data::Column * column, editor_.column(command.name));
    const data::Key* key = editor_.table().primary_key();
    if (key != nullptr && uses(key->columns, column->number)) {
      return sql_error("42P16", "column \"" + column->name + "\" is in a primary key");
    }
    column->not_null = false;
    return {};
  }

  Binding& binding_;
  const data::Table& before_;
  IdSource ids_;
  TableEditor editor_;
  std::vector<data::Table> others_;
  std::vector<std::string> notices_;
};

SchemaChange skipped(const PgQuery__RangeVar& relation) {
  SchemaChange change;
  change.notices.push_back("relation \"" + std::string(relation.relname) +
                           "\" does not exist, skipping");
  return change;
}

}  // namespace

Result<SchemaChange> alter_table(Binding& binding, const PgQuery__AlterTableStmt& statement) {
  if (statement.objtype != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE) {
    return not_supported("ALTER of this kind of object");
  }
  SPAR_ASSIGN(const data::Table* present, binding.find_table(*statement.relation));
  if (present == nullptr && statement.missing_ok) return skipped(*statement.relation);
  SPAR_ASSIGN(const data::Table* table, binding.named_table(*statement.relation));
  Alteration alteration(binding, *table);
  for (const Node* node : GRAMMAR_LIST(statement, cmds)) {
    SPAR_TRY(alteration.run(*node->alter_table_cmd));
  }
  return alteration.finish(std::move(alteration.notices()));
}

namespace {

Result<void> rename_column(data::Table& table, const std::string& from, const std::string& to) {
  const auto column = std::ranges::find(table.columns, from, &data::Column::name);
  if (column == table.columns.end()) {
    return sql_error("42703", "column \"" + from + "\" does not exist");
  }
  if (table.column(to) != nullptr) {
    return sql_error("42701",
                     "column \"" + to + "\" of relation \"" + table.name + "\" already exists");
  }
  if (!table.checks.empty()) {
    return not_supported("RENAME COLUMN on a table with CHECK constraints");
  }
  column->name = to;
  return {};
}

Result<void> rename_constraint(data::Table& table, const std::string& from, const std::string& to) {
  bool found = false;
  const auto rename = [&](auto& list) {
    for (auto& item : list) {
      if (item.name != from) continue;
      item.name = to;
      found = true;
    }
  };
  rename(table.keys);
  rename(table.foreign_keys);
  rename(table.checks);
  if (found) return {};
  return sql_error("42704",
                   "constraint \"" + from + "\" for table \"" + table.name + "\" does not exist");
}

}  // namespace

Result<SchemaChange> rename_object(Binding& binding, const PgQuery__RenameStmt& statement) {
  const std::string to = statement.newname;
  const bool is_index = statement.rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_INDEX;
  if (is_index || statement.relation == nullptr) return not_supported("ALTER INDEX ... RENAME");
  SPAR_ASSIGN(const data::Table* present, binding.find_table(*statement.relation));
  if (present == nullptr && statement.missing_ok) return skipped(*statement.relation);
  SPAR_ASSIGN(const data::Table* found, binding.named_table(*statement.relation));
  data::Table table = *found;
  switch (statement.rename_type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
      if (relation_exists(binding, table, to)) {
        return sql_error("42P07", "relation \"" + to + "\" already exists");
      }
      table.name = to;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN:
      SPAR_TRY(rename_column(table, statement.subname, to));
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABCONSTRAINT:
      SPAR_TRY(rename_constraint(table, statement.subname, to));
      break;
    default:
      return not_supported("RENAME of this kind of object");
  }
  SchemaChange change;
  change.changes.push_back(data::put_object(table));
  return change;
}

}  // namespace spar::query::bind
