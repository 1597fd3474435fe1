#include <algorithm>

#include "query/bind/generated.h"
#include "query/bind/sequence.h"
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
        SPAR_TRY(must_not_be_viewed(binding_, before_));
        return editor_.change_type(command.name, *command.def->column_def);
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ChangeOwner:
        return not_supported("ALTER ... OWNER");
      case PG_QUERY__ALTER_TABLE_TYPE__AT_AddIdentity:
        return identity_.add(command.name, *command.def->constraint);
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetIdentity:
        return identity_.set(command.name, GRAMMAR_LIST(*command.def->list, items));
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DropIdentity:
        return identity_.drop(command.name, command.missing_ok);
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ValidateConstraint:
        return validate(command.name);
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DropExpression:
        return drop_expression(command);
      default:
        return not_supported("this form of ALTER TABLE");
    }
  }

  Result<SchemaChange> finish() {
    for (const data::Table& table : others_) change_.changes.push_back(data::put_object(table));
    change_.changes.push_back(data::put_object(editor_.table()));
    editor_.put_sequences(change_);
    SPAR_TRY(editor_.put_rewrites(change_));
    for (SchemaChange::Verify& verify : editor_.verify()) {
      change_.verify.push_back(std::move(verify));
    }
    return std::move(change_);
  }

 private:
  Result<void> add_column(const PgQuery__AlterTableCmd& command) {
    const PgQuery__ColumnDef& definition = *command.def->column_def;
    if (command.missing_ok && editor_.table().column(definition.colname) != nullptr) {
      change_.notices.push_back("column \"" + std::string(definition.colname) +
                                "\" of relation \"" + before_.name + "\" already exists, skipping");
      return {};
    }
    SPAR_TRY(check_views());
    SPAR_TRY(editor_.add_column(definition));
    const std::size_t checked = editor_.verify().size();
    SPAR_TRY(editor_.add_column_constraints(definition));
    const data::Column& column = editor_.table().columns.back();
    const bool has_value =
        column.default_sql || column.generated_sql || column.identity != data::Identity::none;
    if (has_value) return editor_.fill_column(column);
    // Null in all rows: only NOT NULL can be against it, and says so with one row.
    editor_.verify().resize(checked);
    if (!column.not_null) return {};
    Error error = sql_error("23502", "column \"" + column.name + "\" of relation \"" +
                                         before_.name + "\" contains null values")
                      .error();
    editor_.verify().push_back(
        {"SELECT 1 FROM t" + std::to_string(before_.id.value) + " LIMIT 1", std::move(error)});
    return {};
  }

  // A view keeps its text: * and NATURAL in it would see the new column.
  Result<void> check_views() const {
    for (const auto& [id, other] : binding_.catalogue().tables()) {
      if (!other.view || !uses_table(*other.view)) continue;
      const std::string& text = other.view->query_sql;
      const bool open =
          text.find('*') != std::string::npos || text.find("NATURAL") != std::string::npos;
      if (open) return not_supported("ADD COLUMN on what a view with * reads");
    }
    return {};
  }
  bool uses_table(const data::View& view) const {
    return std::ranges::find(view.uses, before_.id) != view.uses.end();
  }

  static bool uses(const std::vector<ColumnNumber>& columns, ColumnNumber number) {
    return std::ranges::find(columns, number) != columns.end();
  }

  // Whether anything outside of the table needs the column.
  bool is_referenced(ColumnNumber number) {
    for (const data::Table* other : binding_.catalogue().referencing(before_.id)) {
      for (const data::ForeignKey& key : other->foreign_keys) {
        if (key.parent == before_.id && uses(key.parent_columns, number)) return true;
      }
    }
    return false;
  }

  Result<void> drop_column(const PgQuery__AlterTableCmd& command) {
    const std::string name = command.name;
    data::Table& table = editor_.table();
    const data::Column* found = table.column(name);
    if (found == nullptr && command.missing_ok) {
      change_.notices.push_back("column \"" + name + "\" of relation \"" + table.name +
                                "\" does not exist, skipping");
      return {};
    }
    SPAR_TRY(editor_.column(name));
    SPAR_TRY(must_not_be_viewed(binding_, before_));
    const ColumnNumber number = found->number;
    const bool is_new = before_.column(number) == nullptr;
    if (is_referenced(number) || table.identity_column == number || is_new ||
        table.columns.size() == 1) {
      return not_supported(
          "DROP COLUMN of a key that others reference, of the primary key made with its table, or "
          "of the only column,");
    }
    for (const data::Column& other : table.columns) {
      if (!other.generated_sql || other.number == number) continue;
      SPAR_ASSIGN(const auto used, columns_mentioned(binding_, table, *other.generated_sql));
      if (uses(used, number)) return not_supported("DROP COLUMN used by a generated column");
    }
    std::vector<data::Check> kept;
    for (data::Check& check : table.checks) {
      SPAR_ASSIGN(const auto used, columns_mentioned(binding_, table, check.expression_sql));
      if (!uses(used, number)) kept.push_back(std::move(check));
    }
    table.checks = std::move(kept);
    table.last_number = static_cast<ColumnNumber>(table.next_number() - 1);
    std::erase_if(table.keys, [&](const data::Key& key) { return uses(key.columns, number); });
    std::erase_if(table.foreign_keys,
                  [&](const data::ForeignKey& key) { return uses(key.columns, number); });
    for (const data::Index& index : table.indexes) {
      const bool by_text = index.predicate_sql ||
                           std::ranges::any_of(index.columns, [](const data::IndexColumn& column) {
                             return column.expression_sql.has_value();
                           });
      if (by_text) return not_supported("DROP COLUMN on a table with a partial index");
    }
    std::erase_if(table.indexes, [&](const data::Index& index) {
      return std::ranges::find(index.columns, number, &data::IndexColumn::number) !=
             index.columns.end();
    });
    for (const data::Table* owned : owned_sequences(binding_.catalogue(), table.id, number)) {
      change_.changes.push_back({owned->id, {}});
    }
    std::erase_if(table.comments,
                  [&](const data::Comment& comment) { return comment.column == number; });
    std::erase_if(table.columns,
                  [&](const data::Column& column) { return column.number == number; });
    return {};
  }

  // What was said of rows that were there before a NOT VALID constraint is looked at now.
  Result<void> validate(const std::string& name) {
    data::Table& table = editor_.table();
    const auto check = std::ranges::find(table.checks, name, &data::Check::name);
    if (check != table.checks.end()) {
      if (!check->validated) SPAR_TRY(editor_.verify_check(*check));
      check->validated = true;
      return {};
    }
    const auto key = std::ranges::find(table.foreign_keys, name, &data::ForeignKey::name);
    if (key != table.foreign_keys.end()) {
      if (!key->validated) editor_.verify_foreign_key(*key);
      key->validated = true;
      return {};
    }
    const bool is_key = std::ranges::find(table.keys, name, &data::Key::name) != table.keys.end();
    if (is_key) {
      return sql_error("42809", "constraint \"" + name + "\" of relation \"" + table.name +
                                    "\" is not a foreign key or check constraint");
    }
    return sql_error(
        "42704", "constraint \"" + name + "\" of relation \"" + table.name + "\" does not exist");
  }

  Result<void> drop_expression(const PgQuery__AlterTableCmd& command) {
    SPAR_ASSIGN(data::Column * column, editor_.column(command.name));
    if (column->generated_sql) {
      column->generated_sql.reset();
      return {};
    }
    const std::string message = "column \"" + column->name + "\" of relation \"" + before_.name +
                                "\" is not a stored generated column";
    if (!command.missing_ok) return sql_error("55000", message);
    change_.notices.push_back(message + ", skipping");
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
    change_.notices.push_back(message + ", skipping");
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
    const std::string shown =
        "column \"" + column->name + "\" of relation \"" + before_.name + "\" ";
    if (column->identity != data::Identity::none) {
      Failure failure = sql_error("42601", shown + "is an identity column");
      if (command.def == nullptr) {
        failure.error().hint = "Use ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY instead.";
      }
      return failure;
    }
    if (column->generated_sql) {
      Failure failure = sql_error("42601", shown + "is a generated column");
      if (command.def == nullptr) {
        failure.error().hint = "Use ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION instead.";
      }
      return failure;
    }
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
    if (column->identity != data::Identity::none) {
      return sql_error("42601", "column \"" + column->name + "\" of relation \"" + before_.name +
                                    "\" is an identity column");
    }
    column->not_null = false;
    return {};
  }

  Binding& binding_;
  const data::Table& before_;
  IdSource ids_;
  TableEditor editor_;
  std::vector<data::Table> others_;
  SchemaChange change_;
  IdentityChange identity_{binding_, editor_, change_};
};

SchemaChange skipped(const PgQuery__RangeVar& relation) {
  SchemaChange change;
  change.notices.push_back("relation \"" + std::string(relation.relname) +
                           "\" does not exist, skipping");
  return change;
}

}  // namespace

namespace {

Result<void> may_be_altered(const data::Table& table, const PgQuery__AlterTableStmt& statement) {
  if (table.is_plain()) return {};
  const bool adds = statement.n_cmds > 0 && statement.cmds[0]->alter_table_cmd->subtype ==
                                                PG_QUERY__ALTER_TABLE_TYPE__AT_AddColumn;
  if (!adds) return not_supported("ALTER TABLE of a view or sequence");
  return sql_error(
      "42809", "ALTER action ADD COLUMN cannot be performed on relation \"" + table.name + "\"");
}

}  // namespace

Result<SchemaChange> alter_table(Binding& binding, const PgQuery__AlterTableStmt& statement) {
  if (statement.objtype != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE) {
    return not_supported("ALTER of this kind of object");
  }
  SPAR_ASSIGN(const data::Table* present, binding.find_table(*statement.relation));
  if (present == nullptr && statement.missing_ok) return skipped(*statement.relation);
  SPAR_ASSIGN(const data::Table* table, binding.named_table(*statement.relation));
  SPAR_TRY(may_be_altered(*table, statement));
  Alteration alteration(binding, *table);
  for (const Node* node : GRAMMAR_LIST(statement, cmds)) {
    SPAR_TRY(alteration.run(*node->alter_table_cmd));
  }
  return alteration.finish();
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
  const auto renamed = [&](std::string& sql) -> Result<void> {
    SPAR_ASSIGN(sql, with_renamed_column(sql, from, to));
    return {};
  };
  for (data::Check& check : table.checks) SPAR_TRY(renamed(check.expression_sql));
  for (data::Column& other : table.columns) {
    if (other.generated_sql) SPAR_TRY(renamed(*other.generated_sql));
  }
  for (data::Index& index : table.indexes) {
    if (index.predicate_sql) SPAR_TRY(renamed(*index.predicate_sql));
    for (data::IndexColumn& part : index.columns) {
      if (part.expression_sql) SPAR_TRY(renamed(*part.expression_sql));
    }
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
  SPAR_TRY(must_not_be_viewed(binding, table));
  switch (statement.rename_type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
      if (!table.sequence) return sql_error("42809", "\"" + table.name + "\" is not a sequence");
      [[fallthrough]];
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
      if (relation_exists(binding, table, to)) {
        return sql_error("42P07", "relation \"" + to + "\" already exists");
      }
      table.name = to;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN:
      SPAR_TRY(must_be_table(table));
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
