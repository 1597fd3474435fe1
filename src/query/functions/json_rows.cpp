// Values as JSON, JSON as rows, and JSON put together.
#include <algorithm>
#include <array>
#include <cmath>

#include "data/characters.h"
#include "data/jsonb.h"
#include "data/text_format.h"
#include "query/functions/accumulate.h"
#include "query/functions/array_items.h"
#include "query/functions/families.h"
#include "query/functions/json_text.h"
#include "query/functions/rows.h"

namespace spar::query::functions {
namespace {

using data::TypeId;

// ---- values as JSON

void put_element(const Datum& value, const data::Type& type, std::string& out);

// The dimensions of an array from `depth` on.
void put_level(const data::Array& array, const data::Type& element, std::size_t depth,
               std::size_t& next, std::string& out) {
  out += '[';
  for (std::int32_t i = 0; i < array.dimensions[depth].length; ++i) {
    if (i > 0) out += ',';
    if (depth + 1 < array.dimensions.size()) {
      put_level(array, element, depth + 1, next, out);
    } else {
      put_element(array.elements[next++], element, out);
    }
  }
  out += ']';
}

void put_element(const Datum& value, const data::Type& type, std::string& out) {
  if (data::is_null(value)) {
    out += "null";
    return;
  }
  std::string text;
  data::format_text(value, type, {}, text);
  switch (type.id) {
    case TypeId::boolean:
      out += text == "t" ? "true" : "false";
      return;
    case TypeId::json:
    case TypeId::jsonb:
      out += text;
      return;
    case TypeId::int2:
    case TypeId::int4:
    case TypeId::int8:
    case TypeId::numeric:
    case TypeId::float4:
    case TypeId::float8:
      if (text.find_first_not_of("+-.e0123456789") == std::string::npos) {
        out += text;
        return;
      }
      break;
    case TypeId::timestamp:
    case TypeId::timestamptz: {
      const bool finite = text.find(' ') != std::string::npos;
      if (finite) text[text.find(' ')] = 'T';
      // The zone has hours and minutes here.
      const std::size_t sign = text.find_last_of("+-");
      const bool zoned = finite && type.id == TypeId::timestamptz && sign != std::string::npos;
      const std::size_t tail = text.ends_with(" BC") ? 3 : 0;
      if (zoned && text.size() - tail - sign == 3) text.insert(text.size() - tail, ":00");
      break;
    }
    default:
      break;
  }
  data::append_json_string(text, out);
}

data::Type type_at(Arguments arguments, std::size_t i) {
  return {static_cast<TypeId>(integer_at(arguments, i)),
          static_cast<std::int32_t>(integer_at(arguments, i + 1))};
}

// spar_json_of(value, type, typmod): null for null
Result<Datum> json_of(Arguments arguments) {
  const data::Type type = type_at(arguments, 1);
  std::string text;
  if (!null_at(arguments, 0) && data::is_array(type.id)) {
    SPAR_ASSIGN(const data::Array array, array_at(arguments, 0));
    std::size_t next = 0;
    if (array.dimensions.empty()) return Datum(std::string("[]"));
    put_level(array, data::element_type(type), 0, next, text);
  } else {
    put_element(arguments[0], type, text);
  }
  return Datum(std::move(text));
}

Result<Datum> jsonb_of(Arguments arguments) {
  SPAR_ASSIGN(const Datum json, json_of(arguments));
  SPAR_ASSIGN(std::string text, data::normal_jsonb(std::get<std::string>(json)));
  return Datum(std::move(text));
}

// ---- objects and arrays put together; keys as texts, values as JSON

Failure null_key(std::size_t argument) {
  Failure failure = sql_error("22023", "argument " + std::to_string(argument) + " cannot be null");
  failure.error().hint = "Object keys should be text.";
  return failure;
}

Result<Datum> build_object(Arguments arguments) {
  std::string text = "{";
  for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
    if (null_at(arguments, i)) return null_key(i + 1);
    if (i > 0) text += ", ";
    data::append_json_string(text_at(arguments, i), text);
    text += " : ";
    text += text_at(arguments, i + 1);
  }
  return Datum(text + "}");
}
Result<Datum> build_array(Arguments arguments) {
  std::string text = "[";
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (i > 0) text += ", ";
    text += text_at(arguments, i);
  }
  return Datum(text + "]");
}
template <Result<Datum> (*build)(Arguments)>
Result<Datum> normal(Arguments arguments) {
  if (build == build_object) {
    for (std::size_t i = 0; i < arguments.size(); i += 2) {
      if (null_at(arguments, i)) {
        return sql_error("22023", "argument " + std::to_string(i + 1) + ": key must not be null");
      }
    }
  }
  SPAR_ASSIGN(const Datum json, build(arguments));
  SPAR_ASSIGN(std::string text, data::normal_jsonb(std::get<std::string>(json)));
  return Datum(std::move(text));
}

Result<Datum> aggregate_key(Arguments arguments) {
  if (null_at(arguments, 0)) return sql_error("22023", "field name must not be null");
  return arguments[0];
}

// ---- rows

Failure wrong_kind(std::string_view function, std::string_view what) {
  return sql_error("22023", "cannot " + std::string(function) + " " + std::string(what));
}

enum class Give { value, text };

Result<Datum> given(std::string_view value, Give give) {
  if (give == Give::value) return Datum(std::string(value));
  SPAR_ASSIGN(std::optional<std::string> text, json_as_text(value));
  return text ? Datum(std::move(*text)) : Datum{};
}

template <bool binary, Give give>
Result<Datum> elements(Arguments arguments) {
  const std::string_view text = text_at(arguments, 0);
  const char kind = json_kind(text);
  const std::string name = give == Give::text ? "json_array_elements_text" : "json_array_elements";
  if (kind == '{') {
    return binary ? wrong_kind("extract elements from", "an object")
                  : sql_error("22023", "cannot call " + name + " on a non-array");
  }
  if (kind != '[') {
    return binary ? wrong_kind("extract elements from", "a scalar")
                  : sql_error("22023", "cannot call " + name + " on a scalar");
  }
  RowList rows;
  for (const std::string_view piece : json_items(text)) {
    SPAR_ASSIGN(const Datum value, given(piece, give));
    rows.add(value);
  }
  return rows.finish();
}

template <bool binary, Give give>
Result<Datum> each(Arguments arguments) {
  const std::string_view text = text_at(arguments, 0);
  const char kind = json_kind(text);
  const std::string name = give == Give::text ? "_each_text" : "_each";
  if (kind != '{') {
    if (binary) return sql_error("22023", "cannot call jsonb" + name + " on a non-object");
    return sql_error("22023", kind == '[' ? "cannot deconstruct an array as an object"
                                          : "cannot deconstruct a scalar");
  }
  SPAR_ASSIGN(const std::vector<JsonPiece> members, json_members(text));
  RowList rows;
  for (const JsonPiece& member : members) {
    SPAR_ASSIGN(Datum value, given(member.value, give));
    const std::array<Datum, 2> row = {Datum(member.key), std::move(value)};
    rows.add_row(row);
  }
  return rows.finish();
}

template <bool binary>
Result<Datum> keys(Arguments arguments) {
  const std::string_view text = text_at(arguments, 0);
  const char kind = json_kind(text);
  const std::string name = binary ? "jsonb_object_keys" : "json_object_keys";
  if (kind == '[') return sql_error("22023", "cannot call " + name + " on an array");
  if (kind != '{') return sql_error("22023", "cannot call " + name + " on a scalar");
  SPAR_ASSIGN(const std::vector<JsonPiece> members, json_members(text));
  RowList rows;
  for (const JsonPiece& member : members) rows.add(Datum(member.key));
  return rows.finish();
}

// ---- aggregates

class Items : public Accumulator {
 public:
  Result<void> step(Arguments arguments) override {
    const std::string_view item = text_at(arguments, 0);
    if (arguments.size() > 1 && text_.size() > 1)
      text_ += ", \n ";
    else if (text_.size() > 1)
      text_ += ", ";
    text_ += item;
    return {};
  }
  Result<Datum> finish() override {
    if (text_.size() == 1) return Datum{};
    return Datum(text_ + "]");
  }

 private:
  std::string text_ = "[";
};

class Members : public Accumulator {
 public:
  Result<void> step(Arguments arguments) override {
    text_ += text_.size() > 1 ? ", " : " ";
    data::append_json_string(text_at(arguments, 0), text_);
    text_ += " : ";
    text_ += text_at(arguments, 1);
    return {};
  }
  Result<Datum> finish() override {
    if (text_.size() == 1) return Datum{};
    return Datum(text_ + " }");
  }

 private:
  std::string text_ = "{";
};

template <class Json>
class Normal : public Json {
 public:
  Result<Datum> finish() override {
    SPAR_ASSIGN(const Datum json, Json::finish());
    if (data::is_null(json)) return json;
    SPAR_ASSIGN(std::string text, data::normal_jsonb(std::get<std::string>(json)));
    return Datum(std::move(text));
  }
};

// Of arrays with one element each: what spar_array() made of a value, null or not.
class ArrayItems : public Accumulator {
 public:
  Result<void> step(Arguments arguments) override {
    SPAR_ASSIGN(data::Array one, array_at(arguments, 0));
    elements_.push_back(std::move(one.elements.at(0)));
    return {};
  }
  Result<Datum> finish() override {
    if (elements_.empty()) return Datum{};
    return array_datum(data::Array::list(std::move(elements_)));
  }

 private:
  std::vector<Datum> elements_;
};

constexpr ScalarEntry kEntries[] = {
    {"spar_json_of", 3, true, json_of},
    {"spar_jsonb_of", 3, true, jsonb_of},
    {"spar_to_json", 3, false, json_of},
    {"spar_to_jsonb", 3, false, jsonb_of},
    {"spar_json_build_object", -1, true, build_object},
    {"spar_json_build_array", -1, true, build_array},
    {"spar_jsonb_build_object", -1, true, normal<build_object>},
    {"spar_jsonb_build_array", -1, true, normal<build_array>},
    {"spar_json_key", 1, true, aggregate_key},
    {"spar_rows_json_elements", 1, false, elements<false, Give::value>},
    {"spar_rows_jsonb_elements", 1, false, elements<true, Give::value>},
    {"spar_rows_json_element_texts", 1, false, elements<false, Give::text>},
    {"spar_rows_jsonb_element_texts", 1, false, elements<true, Give::text>},
    {"spar_rows_json_each", 1, false, each<false, Give::value>},
    {"spar_rows_jsonb_each", 1, false, each<true, Give::value>},
    {"spar_rows_json_each_text", 1, false, each<false, Give::text>},
    {"spar_rows_jsonb_each_text", 1, false, each<true, Give::text>},
    {"spar_rows_json_keys", 1, false, keys<false>},
    {"spar_rows_jsonb_keys", 1, false, keys<true>},
};

constexpr AggregateEntry kAggregates[] = {
    {"spar_json_agg", 1, make<Items>},
    {"spar_json_agg", 2, make<Items>},
    {"spar_jsonb_agg", 1, make<Normal<Items>>},
    {"spar_json_object_agg", 2, make<Members>},
    {"spar_jsonb_object_agg", 2, make<Normal<Members>>},
    {"spar_array_agg", 1, make<ArrayItems>},
};

}  // namespace

std::span<const ScalarEntry> json_row_scalars() {
  return kEntries;
}

std::span<const AggregateEntry> collecting_aggregates() {
  return kAggregates;
}

}  // namespace spar::query::functions
