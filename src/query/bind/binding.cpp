#include "query/bind/binding.h"

#include <algorithm>

namespace spar::query::bind {
namespace {

bool is_system_schema(std::string_view schema) {
  return schema == "pg_catalog" || schema == "information_schema" || schema == "pg_toast";
}

std::string shown(const PgQuery__RangeVar& name) {
  const std::string schema = name.schemaname;
  return schema.empty() ? name.relname : schema + "." + name.relname;
}

}  // namespace

Result<std::string> Binding::schema_for(const PgQuery__RangeVar& name) const {
  const std::string_view database = name.catalogname;
  if (!database.empty() && database != context_.database_name) {
    return error("0A000",
                 "cross-database references are not implemented: \"" + std::string(database) + "." +
                     shown(name) + "\"",
                 name.location);
  }
  const std::string_view schema = name.schemaname;
  if (is_system_schema(schema))
    return missing("a change of schema " + std::string(schema), name.location);
  if (schema.starts_with("pg_temp")) return missing("a temporary table", name.location);
  if (schema.empty()) {
    std::optional<std::string> current = current_schema();
    if (current) return std::move(*current);
    return error("3F000", "no schema has been selected to create in", name.location);
  }
  if (catalogue_.has_schema(context_.database, schema)) return std::string(schema);
  return error("3F000", "schema \"" + std::string(schema) + "\" does not exist", name.location);
}

std::optional<std::string> Binding::current_schema() const {
  for (const std::string& name : search_path()) {
    if (catalogue_.has_schema(context_.database, name)) return name;
  }
  return std::nullopt;
}

Result<const data::Table*> Binding::find_table(const std::vector<std::string>& names) const {
  std::string catalogue = names.size() > 2 ? names[names.size() - 3] : "";
  std::string schema = names.size() > 1 ? names[names.size() - 2] : "";
  std::string relation = names.empty() ? "" : names.back();
  PgQuery__RangeVar name = PG_QUERY__RANGE_VAR__INIT;
  name.catalogname = catalogue.data();
  name.schemaname = schema.data();
  name.relname = relation.data();
  name.location = -1;
  const bool known = schema.empty() || is_system_schema(schema) || schema.starts_with("pg_temp") ||
                     catalogue_.has_schema(context_.database, schema);
  if (!known) return sql_error("3F000", "schema \"" + schema + "\" does not exist");
  return find_table(name);
}

Result<const data::Table*> Binding::find_table(const PgQuery__RangeVar& name) const {
  const std::string_view schema = name.schemaname;
  const std::string_view database = name.catalogname;
  if (!database.empty() && database != context_.database_name) {
    SPAR_TRY(schema_for(name));
  }
  if (is_system_schema(schema)) {
    return missing("the system catalogue " + shown(name), name.location);
  }
  if (!schema.empty()) return catalogue_.table(context_.database, schema, name.relname);
  for (const std::string& candidate : search_path()) {
    const data::Table* found = catalogue_.table(context_.database, candidate, name.relname);
    if (found != nullptr) return found;
  }
  return nullptr;
}

Result<const data::Table*> Binding::table(const PgQuery__RangeVar& name) {
  SPAR_ASSIGN(const data::Table* found, find_table(name));
  if (found == nullptr) {
    if (std::string_view(name.relname).starts_with("pg_")) {
      return missing("the system catalogue " + shown(name), name.location);
    }
    return error("42P01", "relation \"" + shown(name) + "\" does not exist", name.location);
  }
  uses(found->id);
  return found;
}

Result<const data::Table*> Binding::named_table(const PgQuery__RangeVar& name) {
  Result<const data::Table*> found = table(name);
  if (!found) found.error().position = 0;
  return found;
}

void Binding::uses(ObjectId table) {
  if (std::ranges::find(tables_, table) == tables_.end()) tables_.push_back(table);
  if (view_depth_ > 0 || std::ranges::find(direct_, table) != direct_.end()) return;
  direct_.push_back(table);
}

Result<data::Type> Binding::parameter_type(int number, int location) {
  if (number < 1 || number > kParametersMax) {
    return error("42P02", "there is no parameter $" + std::to_string(number), location);
  }
  const auto index = static_cast<std::size_t>(number - 1);
  if (index >= parameters_.size()) parameters_.resize(index + 1);
  data::Type type = parameters_[index];
  if (type.id == TypeId::none) type.id = TypeId::unknown;
  return type;
}

Result<void> Binding::decide_parameter(int number, TypeId type, int location) {
  data::Type& slot = parameters_[static_cast<std::size_t>(number - 1)];
  const bool open = slot.id == TypeId::none || slot.id == TypeId::unknown;
  if (open) slot = data::Type{type, -1};
  if (slot.id == type) return {};
  Failure failure = error(
      "42P08", "inconsistent types deduced for parameter $" + std::to_string(number), location);
  failure.error().detail = name_of(slot.id) + " versus " + name_of(type);
  return failure;
}

Result<std::vector<data::Type>> Binding::parameters() const {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i].id != TypeId::none && parameters_[i].id != TypeId::unknown) continue;
    return sql_error("42P18",
                     "could not determine data type of parameter $" + std::to_string(i + 1));
  }
  return parameters_;
}

}  // namespace spar::query::bind
