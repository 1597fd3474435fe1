#include "query/bind/dependents.h"

#include <algorithm>

#include "query/bind/sequence.h"
#include "query/bind/sequence_call.h"

namespace spar::query::bind {
namespace {

std::string_view kind_of(const data::Table& table) {
  if (table.sequence) return "sequence";
  if (table.view) return table.view->materialized ? "materialized view" : "view";
  return "table";
}

}  // namespace

std::string shown_name(const Binding& binding, const data::Table& table) {
  for (const std::string& schema : binding.context().search_path) {
    const data::Table* seen =
        binding.catalogue().table(binding.context().database, schema, table.name);
    if (seen != nullptr) return seen->id == table.id ? table.name : table.schema + "." + table.name;
  }
  return table.schema + "." + table.name;
}

std::string described_object(const Binding& binding, const data::Table& table) {
  return std::string(kind_of(table)) + " " + shown_name(binding, table);
}

std::string Removal::described(const data::Table& table) const {
  return described_object(binding_, table);
}

bool Removal::has(ObjectId id) const {
  return std::ranges::find(doomed_, id, &data::Table::id) != doomed_.end();
}

void Removal::doom(const data::Table& table) {
  if (has(table.id)) return;
  doomed_.push_back(&table);
  named_.push_back(&table);
}

void Removal::doom(const data::Schema& schema) {
  if (std::ranges::find(schemas_, &schema) == schemas_.end()) schemas_.push_back(&schema);
}

void Removal::fall(const data::Table& table, std::string because) {
  if (has(table.id)) return;
  doomed_.push_back(&table);
  cascades_.push_back(described(table));
  reasons_.push_back(described(table) + " depends on " + because);
}

void Removal::look_at(const data::Table& table) {
  for (const data::Table* owned : owned_sequences(binding_.catalogue(), table.id)) {
    if (!has(owned->id)) doomed_.push_back(owned);
  }
  for (const auto& [id, other] : binding_.catalogue().tables()) {
    if (has(id)) continue;
    if (other.view && std::ranges::find(other.view->uses, table.id) != other.view->uses.end()) {
      fall(other, described(table));
      continue;
    }
    for (const data::ForeignKey& key : other.foreign_keys) {
      if (key.parent != table.id) continue;
      losses_.push_back({&other, key.name});
      cascades_.push_back("constraint " + key.name + " on " + described(other));
      reasons_.push_back(cascades_.back() + " depends on " + described(table));
    }
    if (!table.sequence) continue;
    for (const data::Column& column : other.columns) {
      if (!calls_sequence(column, table.id)) continue;
      losses_.push_back({&other, "", column.number});
      cascades_.push_back("default value for column " + column.name + " of " + described(other));
      reasons_.push_back(cascades_.back() + " depends on " + described(table));
    }
  }
}

// The sequence of an identity column goes with its column only.
Result<void> Removal::check_internal(const data::Table& sequence) const {
  if (!sequence.sequence) return {};
  const data::Table* owner = binding_.catalogue().table(sequence.sequence->owner);
  if (owner == nullptr || has(owner->id)) return {};
  const data::Column* column = owner->column(sequence.sequence->owner_column);
  if (column == nullptr || column->sequence != sequence.id) return {};
  const std::string needed = "column " + column->name + " of " + described(*owner);
  Failure failure = sql_error(
      "2BP01", "cannot drop " + described(sequence) + " because " + needed + " requires it");
  failure.error().hint = "You can drop " + needed + " instead.";
  return failure;
}

data::Table& Removal::changed(const data::Table& table) {
  const auto known = std::ranges::find(changed_, table.id, &data::Table::id);
  return known != changed_.end() ? *known : changed_.emplace_back(table);
}

Result<void> Removal::finish(bool cascade, SchemaChange& change) {
  for (const data::Table* table : named_) SPAR_TRY(check_internal(*table));
  for (const data::Schema* schema : schemas_) {
    for (const auto& [id, table] : binding_.catalogue().tables()) {
      const bool inside = table.database == schema->database && table.schema == schema->name;
      const bool owned = table.sequence && table.sequence->owner != ObjectId();
      if (inside && !owned) fall(table, "schema " + schema->name);
    }
  }
  for (std::size_t i = 0; i < doomed_.size(); ++i) look_at(*doomed_[i]);
  // What falls later takes its own losses along.
  std::erase_if(losses_, [&](const Loss& loss) { return has(loss.table->id); });
  if (!reasons_.empty() && !cascade) {
    const bool one = named_.size() + schemas_.size() == 1;
    const std::string what = !one             ? "desired object(s)"
                             : named_.empty() ? "schema " + schemas_.front()->name
                                              : described(*named_.front());
    Failure failure =
        sql_error("2BP01", "cannot drop " + what + " because other objects depend on " +
                               (one ? "it" : "them"));
    for (const std::string& reason : reasons_) {
      failure.error().detail += (failure.error().detail.empty() ? "" : "\n") + reason;
    }
    failure.error().hint = "Use DROP ... CASCADE to drop the dependent objects too.";
    return failure;
  }
  if (cascades_.size() == 1) change.notices.push_back("drop cascades to " + cascades_.front());
  if (cascades_.size() > 1) {
    change.notices.push_back("drop cascades to " + std::to_string(cascades_.size()) +
                             " other objects");
  }
  for (const Loss& loss : losses_) {
    data::Table& kept = changed(*loss.table);
    std::erase_if(kept.foreign_keys, [&](const data::ForeignKey& key) {
      return !loss.constraint.empty() && key.name == loss.constraint;
    });
    for (data::Column& column : kept.columns) {
      if (column.number == loss.column) column.default_sql.reset();
    }
  }
  for (const data::Table& table : changed_) change.changes.push_back(data::put_object(table));
  for (const data::Table* table : doomed_) change.changes.push_back({table->id, {}});
  for (const data::Schema* schema : schemas_) change.changes.push_back({schema->id, {}});
  return {};
}

}  // namespace spar::query::bind
