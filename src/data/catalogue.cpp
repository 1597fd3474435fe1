#include "data/catalogue.h"

#include <algorithm>

namespace spar::data {

const Column* Table::column(std::string_view column_name) const {
  auto found = std::find_if(columns.begin(), columns.end(),
                            [&](const Column& column) { return column.name == column_name; });
  return found == columns.end() ? nullptr : &*found;
}

const Column* Table::column(ColumnNumber number) const {
  auto found = std::find_if(columns.begin(), columns.end(),
                            [&](const Column& column) { return column.number == number; });
  return found == columns.end() ? nullptr : &*found;
}

const Key* Table::primary_key() const {
  auto found = std::find_if(keys.begin(), keys.end(), [](const Key& key) { return key.primary; });
  return found == keys.end() ? nullptr : &*found;
}

ColumnNumber Table::next_number() const {
  ColumnNumber last = last_number;
  for (const Column& column : columns) last = std::max(last, column.number);
  return static_cast<ColumnNumber>(last + 1);
}

ObjectId object_id(const Object& object) {
  return std::visit([](const auto& value) { return value.id; }, object);
}

ObjectChange put_object(const Object& object) {
  return {object_id(object), encode_object(object)};
}

const Database* Catalogue::database(std::string_view name) const {
  for (const auto& [id, database] : databases_) {
    if (database.name == name) return &database;
  }
  return nullptr;
}

const Database* Catalogue::database(ObjectId id) const {
  auto found = databases_.find(id);
  return found == databases_.end() ? nullptr : &found->second;
}

const Table* Catalogue::table(ObjectId database, std::string_view schema,
                              std::string_view name) const {
  auto found = by_name_.find(NameView{database, schema, name});
  return found == by_name_.end() ? nullptr : table(found->second);
}

const Table* Catalogue::table(ObjectId id) const {
  auto found = tables_.find(id);
  return found == tables_.end() ? nullptr : &found->second;
}

bool Catalogue::has_schema(ObjectId database, std::string_view name) const {
  if (name == "public") return true;
  return std::any_of(schemas_.begin(), schemas_.end(), [&](const auto& entry) {
    return entry.second.database == database && entry.second.name == name;
  });
}

std::vector<const Table*> Catalogue::referencing(ObjectId parent) const {
  std::vector<const Table*> found;
  for (const auto& [id, table] : tables_) {
    bool refers = std::any_of(table.foreign_keys.begin(), table.foreign_keys.end(),
                              [&](const ForeignKey& key) { return key.parent == parent; });
    if (refers) found.push_back(&table);
  }
  return found;
}

void Catalogue::claim(ObjectId id) {
  if (id >= next_id_) next_id_ = ObjectId(id.value + 1);
}

void Catalogue::put(Object object) {
  if (auto* database = std::get_if<Database>(&object)) {
    claim(database->id);
    databases_[database->id] = std::move(*database);
    return;
  }
  if (auto* schema = std::get_if<Schema>(&object)) {
    claim(schema->id);
    schemas_[schema->id] = std::move(*schema);
    return;
  }
  Table& table = std::get<Table>(object);
  erase(table.id);
  claim(table.id);
  for (const Key& key : table.keys) claim(key.id);
  for (const ForeignKey& key : table.foreign_keys) claim(key.id);
  for (const Check& check : table.checks) claim(check.id);
  for (const Index& index : table.indexes) claim(index.id);
  by_name_[{table.database, table.schema, table.name}] = table.id;
  tables_[table.id] = std::move(table);
}

void Catalogue::erase(ObjectId id) {
  databases_.erase(id);
  schemas_.erase(id);
  auto found = tables_.find(id);
  if (found == tables_.end()) return;
  const Table& table = found->second;
  auto name = by_name_.find(NameView{table.database, table.schema, table.name});
  // Two tables may swap names in one change: the name can be another's by now.
  if (name != by_name_.end() && name->second == id) by_name_.erase(name);
  tables_.erase(found);
}

Result<std::shared_ptr<const Catalogue>> Catalogue::apply(
    const std::vector<ObjectChange>& changes) const {
  auto after = std::make_shared<Catalogue>(*this);
  for (const ObjectChange& change : changes) {
    if (!change.body) after->erase(change.id);
  }
  for (const ObjectChange& change : changes) {
    if (!change.body) continue;
    SPAR_ASSIGN(Object object, decode_object(*change.body));
    if (object_id(object) != change.id) {
      return failure(Code::corrupt, "a catalogue object carries another id than its change");
    }
    after->put(std::move(object));
  }
  ++after->version_;
  return after;
}

Result<std::shared_ptr<const Catalogue>> Catalogue::load(const std::vector<Bytes>& bodies,
                                                         std::uint64_t version, ObjectId next_id) {
  auto catalogue = std::make_shared<Catalogue>();
  for (const Bytes& body : bodies) {
    SPAR_ASSIGN(Object object, decode_object(body));
    catalogue->put(std::move(object));
  }
  catalogue->version_ = version;
  catalogue->next_id_ = std::max(catalogue->next_id_, next_id);
  return catalogue;
}

}  // namespace spar::data
