// The sequences of serial and identity columns.

#include "query/bind/sequence.h"
#include "query/bind/table_editor.h"

namespace spar::query::bind {

Result<const data::Table*> TableEditor::own_sequence(const data::Column& column,
                                                     grammar::Nodes options) {
  // SEQUENCE NAME is what dumps give to keep the name.
  std::string name;
  std::vector<grammar::Node*> rest;
  for (grammar::Node* node : options) {
    if (std::string_view(node->def_elem->defname) == "sequence_name") {
      name = grammar::last_name(GRAMMAR_LIST(*node->def_elem->arg->list, items));
    } else {
      rest.push_back(node);
    }
  }
  data::Sequence sequence;
  sequence.type = column.type;
  SPAR_ASSIGN(const SequenceOptions read, read_sequence_options(binding_, rest, sequence, true));
  if (read.owner) return not_supported("OWNED BY of an identity column");
  sequence.owner = table_.id;
  sequence.owner_column = column.number;
  data::Table made = sequence_table(sequence);
  made.id = ids_.take();
  made.database = table_.database;
  made.schema = table_.schema;
  made.name = name.empty() ? choose_sequence_name(binding_, table_, column.name, sequences_) : name;
  if (!name.empty() && relation_exists(binding_, table_, name)) {
    return sql_error("42P07", "relation \"" + name + "\" already exists");
  }
  return &sequences_.emplace_back(std::move(made));
}

Result<void> TableEditor::add_identity(data::Column& column, bool always, grammar::Nodes options) {
  const TypeId type = column.type.id;
  if (type != TypeId::int2 && type != TypeId::int4 && type != TypeId::int8) {
    return sql_error("22023", "identity column type must be smallint, integer, or bigint");
  }
  SPAR_ASSIGN(const data::Table* sequence, own_sequence(column, options));
  column.identity = always ? data::Identity::always : data::Identity::by_default;
  column.sequence = sequence->id;
  return {};
}

namespace {

Failure not_identity(const data::Column& column, const data::Table& table) {
  return sql_error("55000", "column \"" + column.name + "\" of relation \"" + table.name +
                                "\" is not an identity column");
}

}  // namespace

Result<void> IdentityChange::add(const std::string& name, const PgQuery__Constraint& constraint) {
  SPAR_ASSIGN(data::Column * column, editor_.column(name));
  const std::string shown = "column \"" + name + "\" of relation \"" + editor_.table().name + "\" ";
  if (!column->not_null) {
    return sql_error("55000", shown + "must be declared NOT NULL before identity can be added");
  }
  if (column->identity != data::Identity::none) {
    return sql_error("55000", shown + "is already an identity column");
  }
  if (column->default_sql) return sql_error("55000", shown + "already has a default value");
  return editor_.add_identity(*column, *constraint.generated_when == 'a',
                              GRAMMAR_LIST(constraint, options));
}

Result<void> IdentityChange::set(const std::string& name, grammar::Nodes options) {
  SPAR_ASSIGN(data::Column * column, editor_.column(name));
  if (column->identity == data::Identity::none) return not_identity(*column, editor_.table());
  std::vector<grammar::Node*> rest;
  for (grammar::Node* node : options) {
    if (std::string_view(node->def_elem->defname) != "generated") {
      rest.push_back(node);
      continue;
    }
    const bool always = node->def_elem->arg->integer->ival == 'a';
    column->identity = always ? data::Identity::always : data::Identity::by_default;
  }
  const data::Table* known = binding_.catalogue().table(column->sequence);
  if (rest.empty()) return {};
  if (known == nullptr) return not_supported("SET of an identity that is new");
  data::Table sequence = *known;
  SPAR_ASSIGN(const SequenceOptions read,
              read_sequence_options(binding_, rest, *sequence.sequence, false));
  change_.changes.push_back(data::put_object(sequence));
  if (read.restart) change_.writes.push_back(restarted(sequence, *read.restart));
  for (SchemaChange::Verify& verify : verify_bounds(sequence)) {
    change_.verify.push_back(std::move(verify));
  }
  return {};
}

Result<void> IdentityChange::drop(const std::string& name, bool missing_ok) {
  SPAR_ASSIGN(data::Column * column, editor_.column(name));
  if (column->identity == data::Identity::none) {
    Failure failure = not_identity(*column, editor_.table());
    if (!missing_ok) return failure;
    change_.notices.push_back(failure.error().message + ", skipping");
    return {};
  }
  change_.changes.push_back({column->sequence, {}});
  column->identity = data::Identity::none;
  column->sequence = {};
  return {};
}

void TableEditor::put_sequences(SchemaChange& change) const {
  for (const data::Table& sequence : sequences_) {
    change.changes.push_back(data::put_object(sequence));
    change.writes.push_back(first_row(sequence));
  }
}

}  // namespace spar::query::bind
