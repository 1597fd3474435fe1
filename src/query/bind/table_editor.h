// query/bind/table_editor.h: one table under construction or alteration.
//
// Contract    Works on a copy of the table. Constraints on a table that may hold rows also give the
//             queries that find rows which break them.
#pragma once

#include "query/bind/query.h"
#include "query/bind/schema.h"

namespace spar::query::bind {

// Ids for what a statement makes, from the catalogue's next one on.
class IdSource {
 public:
  explicit IdSource(ObjectId first) : next_(first.value) {}
  ObjectId take() { return ObjectId(next_++); }

 private:
  std::uint32_t next_;
};

class TableEditor {
 public:
  TableEditor(Binding& binding, data::Table table, bool has_rows, IdSource& ids)
      : binding_(binding), table_(std::move(table)), has_rows_(has_rows), ids_(ids) {}

  const data::Table& table() const { return table_; }
  data::Table& table() { return table_; }
  std::vector<SchemaChange::Verify>& verify() { return verify_; }

  // LIKE table INCLUDING ...: its columns now, its indexes with put_like_indexes().
  Result<void> add_like(const PgQuery__TableLikeClause& clause);
  // The column without its constraints; constraints() adds them.
  Result<void> add_column(const PgQuery__ColumnDef& definition);
  Result<void> add_column_constraints(const PgQuery__ColumnDef& definition);
  Result<void> add_constraint(const PgQuery__Constraint& constraint, const std::string& column);
  Result<void> verify_check(const data::Check& check);
  void verify_foreign_key(const data::ForeignKey& key);
  Result<void> set_default(data::Column& column, const grammar::Node* expression);
  void set_not_null(data::Column& column);
  Result<data::Column*> column(const std::string& name, int location = -1);
  // GENERATED ... AS IDENTITY, `options` of its sequence.
  Result<void> add_identity(data::Column& column, bool always, grammar::Nodes options);
  // Those that serial and identity columns need, and their first rows.
  const std::vector<data::Table>& sequences() const { return sequences_; }
  void put_sequences(SchemaChange& change) const;

  // Of a table that has rows: what they get in a new column, and a column of another type.
  Result<void> fill_column(const data::Column& column);
  Result<void> change_type(const std::string& name, const PgQuery__ColumnDef& definition);
  Result<void> put_rewrites(SchemaChange& change);

 private:
  Result<void> add_generated(data::Column& column, const PgQuery__Constraint& constraint);
  Result<void> check_generating(ScalarRef scalar, const data::Column& column);
  Result<NamespaceItem*> row();
  Result<ScalarRef> first_value(const data::Column& column);
  Result<void> convert_default(data::Column& column, const Type& type);
  bool is_indexed(data::ColumnNumber number) const;
  Result<const data::Table*> own_sequence(const data::Column& column, grammar::Nodes options);
  Result<void> add_key(const PgQuery__Constraint& constraint, const std::string& column);
  Result<std::vector<data::ColumnNumber>> key_columns(const PgQuery__Constraint& constraint,
                                                      const std::string& column);
  Result<void> add_check(const PgQuery__Constraint& constraint);
  Result<void> add_foreign_key(const PgQuery__Constraint& constraint, const std::string& column);
  Result<const data::Table*> parent_of(const PgQuery__Constraint& constraint);
  Result<std::vector<data::ColumnNumber>> parent_columns(const PgQuery__Constraint& constraint,
                                                         const data::Table& parent);
  Result<void> check_types(const data::ForeignKey& key, const data::Table& parent, int location);
  Result<std::string> constraint_name(const PgQuery__Constraint& constraint, std::string chosen);
  std::string physical() const { return "t" + std::to_string(table_.id.value); }

  Binding& binding_;
  data::Table table_;
  bool has_rows_;
  IdSource& ids_;
  std::vector<SchemaChange::Verify> verify_;
  std::vector<data::Table> sequences_;
  std::optional<BoundTable> row_;  // as it was before
  std::vector<algebra::Assignment> rewrites_;
};

// ALTER COLUMN ... ADD, SET or DROP of its identity; what it does to sequences goes to `change`.
class IdentityChange {
 public:
  IdentityChange(Binding& binding, TableEditor& editor, SchemaChange& change)
      : binding_(binding), editor_(editor), change_(change) {}
  Result<void> add(const std::string& name, const PgQuery__Constraint& constraint);
  Result<void> set(const std::string& name, grammar::Nodes options);
  Result<void> drop(const std::string& name, bool missing_ok);

 private:
  Binding& binding_;
  TableEditor& editor_;
  SchemaChange& change_;
};

// PostgreSQL's makeObjectName and its search for a free one: "t_a_b_key", "t_a_b_key1", ...
std::string choose_relation_name(const Binding& binding, const data::Table& table,
                                 const std::vector<data::ColumnNumber>& columns,
                                 std::string_view label);
std::string choose_index_name(const Binding& binding, const data::Table& table,
                              const std::string& columns);
std::string choose_sequence_name(const Binding& binding, const data::Table& table,
                                 const std::string& column, const std::vector<data::Table>& made);
std::string choose_constraint_name(const data::Table& table,
                                   const std::vector<data::ColumnNumber>& columns,
                                   std::string_view label);
// Whether a table, an index or a key of that name is in the table's database.
bool relation_exists(const Binding& binding, const data::Table& beside, std::string_view name);

// 42809 for a sequence or a view.
Result<void> must_be_table(const data::Table& table);
// 0A000: a view keeps the names of what it reads.
Result<void> must_not_be_viewed(const Binding& binding, const data::Table& table);

Result<void> check_index_type(const data::Column& column);
// That no two rows are equal in these columns.
SchemaChange::Verify verify_unique(const data::Table& table, const std::string& name,
                                   const std::vector<data::ColumnNumber>& columns);

}  // namespace spar::query::bind
