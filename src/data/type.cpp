#include "data/type.h"

#include <algorithm>
#include <array>
#include <utility>

namespace spar::data {
namespace {

struct Entry {
  TypeId id;
  int length;
  Form form;
  std::string_view name;  // as format_type() writes it, without typmod
};

constexpr Entry kTypes[] = {
    {TypeId::boolean, 1, Form::integer, "boolean"},
    {TypeId::bytea, -1, Form::blob, "bytea"},
    {TypeId::character, 1, Form::text, "\"char\""},
    {TypeId::name, 64, Form::text, "name"},
    {TypeId::int8, 8, Form::integer, "bigint"},
    {TypeId::int2, 2, Form::integer, "smallint"},
    {TypeId::int4, 4, Form::integer, "integer"},
    {TypeId::text, -1, Form::text, "text"},
    {TypeId::oid, 4, Form::integer, "oid"},
    {TypeId::json, -1, Form::text, "json"},
    {TypeId::float4, 4, Form::real, "real"},
    {TypeId::float8, 8, Form::real, "double precision"},
    {TypeId::unknown, -2, Form::text, "unknown"},
    {TypeId::bpchar, -1, Form::text, "character"},
    {TypeId::varchar, -1, Form::text, "character varying"},
    {TypeId::date, 4, Form::integer, "date"},
    {TypeId::time, 8, Form::integer, "time without time zone"},
    {TypeId::timestamp, 8, Form::integer, "timestamp without time zone"},
    {TypeId::timestamptz, 8, Form::integer, "timestamp with time zone"},
    {TypeId::interval, 16, Form::blob, "interval"},
    {TypeId::numeric, -1, Form::blob, "numeric"},
    {TypeId::uuid, 16, Form::blob, "uuid"},
    {TypeId::void_, 4, Form::text, "void"},
    {TypeId::jsonb, -1, Form::text, "jsonb"},
};

constexpr std::pair<TypeId, TypeId> kArrays[] = {
    {TypeId::json, TypeId::json_array},           {TypeId::boolean, TypeId::boolean_array},
    {TypeId::bytea, TypeId::bytea_array},         {TypeId::character, TypeId::character_array},
    {TypeId::name, TypeId::name_array},           {TypeId::int2, TypeId::int2_array},
    {TypeId::int4, TypeId::int4_array},           {TypeId::text, TypeId::text_array},
    {TypeId::bpchar, TypeId::bpchar_array},       {TypeId::varchar, TypeId::varchar_array},
    {TypeId::int8, TypeId::int8_array},           {TypeId::float4, TypeId::float4_array},
    {TypeId::float8, TypeId::float8_array},       {TypeId::oid, TypeId::oid_array},
    {TypeId::timestamp, TypeId::timestamp_array}, {TypeId::date, TypeId::date_array},
    {TypeId::time, TypeId::time_array},           {TypeId::timestamptz, TypeId::timestamptz_array},
    {TypeId::interval, TypeId::interval_array},   {TypeId::numeric, TypeId::numeric_array},
    {TypeId::uuid, TypeId::uuid_array},           {TypeId::jsonb, TypeId::jsonb_array},
};

const Entry* entry_of(TypeId id) {
  auto* found = std::find_if(std::begin(kTypes), std::end(kTypes),
                             [id](const Entry& entry) { return entry.id == id; });
  return found == std::end(kTypes) ? nullptr : found;
}

constexpr std::pair<std::string_view, TypeId> kSpellings[] = {
    {"bool", TypeId::boolean},
    {"boolean", TypeId::boolean},
    {"bytea", TypeId::bytea},
    {"char", TypeId::character},
    {"name", TypeId::name},
    {"int8", TypeId::int8},
    {"bigint", TypeId::int8},
    {"int2", TypeId::int2},
    {"smallint", TypeId::int2},
    {"int4", TypeId::int4},
    {"int", TypeId::int4},
    {"integer", TypeId::int4},
    {"text", TypeId::text},
    {"oid", TypeId::oid},
    {"json", TypeId::json},
    {"jsonb", TypeId::jsonb},
    {"float4", TypeId::float4},
    {"real", TypeId::float4},
    {"float8", TypeId::float8},
    {"double precision", TypeId::float8},
    {"float", TypeId::float8},
    {"unknown", TypeId::unknown},
    {"bpchar", TypeId::bpchar},
    {"character", TypeId::bpchar},
    {"varchar", TypeId::varchar},
    {"character varying", TypeId::varchar},
    {"date", TypeId::date},
    {"time", TypeId::time},
    {"time without time zone", TypeId::time},
    {"timestamp", TypeId::timestamp},
    {"timestamp without time zone", TypeId::timestamp},
    {"timestamptz", TypeId::timestamptz},
    {"timestamp with time zone", TypeId::timestamptz},
    {"interval", TypeId::interval},
    {"numeric", TypeId::numeric},
    {"decimal", TypeId::numeric},
    {"dec", TypeId::numeric},
    {"uuid", TypeId::uuid},
    {"void", TypeId::void_},
};

}  // namespace

Type numeric_type(int precision, int scale) {
  return {TypeId::numeric, ((precision << 16) | (scale & 0x7ff)) + 4};
}

std::optional<NumericShape> numeric_shape(const Type& type) {
  if (type.id != TypeId::numeric || type.typmod < 4) return std::nullopt;
  int packed = type.typmod - 4;
  int scale = ((packed & 0x7ff) ^ 1024) - 1024;  // eleven bits, signed
  return NumericShape{(packed >> 16) & 0xffff, scale};
}

bool is_scaled(const Type& type) {
  auto shape = numeric_shape(type);
  return shape && shape->precision <= kScaledDigitsMax && shape->scale >= 0 &&
         shape->scale <= kScaledDigitsMax;
}

Form form_of(const Type& type) {
  if (is_scaled(type)) return Form::integer;
  if (is_array(type.id)) return Form::blob;
  const Entry* entry = entry_of(type.id);
  return entry == nullptr ? Form::text : entry->form;
}

bool is_type(TypeId id) {
  return entry_of(id) != nullptr || is_array(id);
}

TypeId element_of(TypeId array) {
  for (const auto& [element, id] : kArrays) {
    if (id == array) return element;
  }
  return TypeId::none;
}

TypeId array_of(TypeId element) {
  for (const auto& [id, array] : kArrays) {
    if (id == element) return array;
  }
  return TypeId::none;
}

int typlen(TypeId id) {
  const Entry* entry = entry_of(id);
  return entry == nullptr ? -1 : entry->length;
}

std::string type_name(const Type& type) {
  if (is_array(type.id)) return type_name({element_of(type.id), type.typmod}) + "[]";
  const Entry* entry = entry_of(type.id);
  if (entry == nullptr) return "???";
  std::string name(entry->name);
  if (auto shape = numeric_shape(type)) {
    return name + "(" + std::to_string(shape->precision) + "," + std::to_string(shape->scale) + ")";
  }
  if ((type.id == TypeId::varchar || type.id == TypeId::bpchar) && type.typmod >= 4) {
    return name + "(" + std::to_string(type.typmod - 4) + ")";
  }
  bool timed =
      type.id == TypeId::time || type.id == TypeId::timestamp || type.id == TypeId::timestamptz;
  if (timed && type.typmod >= 0) {
    return name.insert(name.find(' '), "(" + std::to_string(type.typmod) + ")");
  }
  return name;
}

std::optional<TypeId> type_by_name(std::string_view name) {
  for (const auto& [spelling, id] : kSpellings) {
    if (spelling == name) return id;
  }
  return std::nullopt;
}

}  // namespace spar::data
