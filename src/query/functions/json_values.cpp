// Operators and functions of json and jsonb. Both are texts, a jsonb in its normal form.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "data/characters.h"
#include "data/jsonb.h"
#include "data/number_text.h"
#include "data/text_format.h"
#include "query/functions/array_items.h"
#include "query/functions/families.h"
#include "query/functions/json_text.h"

namespace spar::query::functions {
namespace {

using data::Json;

Datum text_datum(std::string_view text) {
  return std::string(text);
}
Result<Json> json_at(Arguments arguments, std::size_t i) {
  return data::parse_json(text_at(arguments, i));
}
Datum jsonb_datum(const Json& value) {
  return data::jsonb_text(value);
}

// ---- access

Result<Datum> shown(std::optional<std::string_view> piece, bool as_text) {
  if (!piece) return Datum{};
  if (!as_text) return text_datum(*piece);
  SPAR_ASSIGN(std::optional<std::string> text, json_as_text(*piece));
  return text ? Datum(std::move(*text)) : Datum{};
}

template <bool as_text>
Result<Datum> member(Arguments arguments) {
  SPAR_ASSIGN(const auto piece, json_member(text_at(arguments, 0), text_at(arguments, 1)));
  return shown(piece, as_text);
}
template <bool as_text>
Result<Datum> item(Arguments arguments) {
  return shown(json_item(text_at(arguments, 0), integer_at(arguments, 1)), as_text);
}

std::optional<std::int64_t> index_of(std::string_view step) {
  std::int32_t index = 0;
  const char* start = step.data();
  const char* end = start + step.size();
  while (start < end && data::is_blank(*start)) ++start;
  if (start < end && *start == '+') ++start;
  const auto read = std::from_chars(start, end, index);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return index;
}

template <bool as_text>
Result<Datum> path(Arguments arguments) {
  SPAR_ASSIGN(const data::Array steps, array_at(arguments, 1));
  std::optional<std::string_view> piece = data::trim_blanks(text_at(arguments, 0));
  for (const Datum& step : steps.elements) {
    if (data::is_null(step)) return Datum{};
    const std::string& name = std::get<std::string>(step);
    if (json_kind(*piece) == '[') {
      const auto index = index_of(name);
      piece = index ? json_item(*piece, *index) : std::nullopt;
    } else {
      SPAR_ASSIGN(piece, json_member(*piece, name));
    }
    if (!piece) return Datum{};
  }
  return shown(piece, as_text);
}

// ---- what there is

Result<Datum> type_of(Arguments arguments) {
  switch (json_kind(text_at(arguments, 0))) {
    case '{':
      return text_datum("object");
    case '[':
      return text_datum("array");
    case '"':
      return text_datum("string");
    case '0':
      return text_datum("number");
    case 'n':
      return text_datum("null");
    default:
      return text_datum("boolean");
  }
}

Result<Datum> array_length(Arguments arguments) {
  const char kind = json_kind(text_at(arguments, 0));
  if (kind == '{') return sql_error("22023", "cannot get array length of a non-array");
  if (kind != '[') return sql_error("22023", "cannot get array length of a scalar");
  return static_cast<std::int64_t>(json_items(text_at(arguments, 0)).size());
}

bool equal(const Json& a, const Json& b) {
  return data::jsonb_key(a) == data::jsonb_key(b);
}

bool contains(const Json& a, const Json& b) {
  if (b.kind == Json::object) {
    return a.kind == Json::object && std::ranges::all_of(b.members, [&](const auto& wanted) {
             const Json* own = a.member(wanted.first);
             if (own == nullptr || own->kind != wanted.second.kind) return false;
             return own->is_scalar() ? equal(*own, wanted.second) : contains(*own, wanted.second);
           });
  }
  if (b.kind == Json::array) {
    return a.kind == Json::array && std::ranges::all_of(b.items, [&](const Json& wanted) {
             return std::ranges::any_of(a.items, [&](const Json& own) {
               if (own.kind != wanted.kind) return false;
               return own.is_scalar() ? equal(own, wanted) : contains(own, wanted);
             });
           });
  }
  // A scalar alone is an array of one, which an array may contain.
  if (a.kind == Json::array) {
    return std::ranges::any_of(
        a.items, [&](const Json& own) { return own.kind == b.kind && equal(own, b); });
  }
  return a.kind == b.kind && equal(a, b);
}

Result<Datum> contains_jsonb(Arguments arguments) {
  SPAR_ASSIGN(const Json a, json_at(arguments, 0));
  SPAR_ASSIGN(const Json b, json_at(arguments, 1));
  return std::int64_t{contains(a, b)};
}

bool has_key(const Json& value, std::string_view key) {
  if (value.kind == Json::object) return value.member(key) != nullptr;
  if (value.kind == Json::string) return value.text == key;
  return value.kind == Json::array && std::ranges::any_of(value.items, [&](const Json& own) {
           return own.kind == Json::string && own.text == key;
         });
}
Result<Datum> exists(Arguments arguments) {
  SPAR_ASSIGN(const Json value, json_at(arguments, 0));
  return std::int64_t{has_key(value, text_at(arguments, 1))};
}
template <bool all>
Result<Datum> exist(Arguments arguments) {
  SPAR_ASSIGN(const Json value, json_at(arguments, 0));
  SPAR_ASSIGN(const data::Array keys, array_at(arguments, 1));
  for (const Datum& key : keys.elements) {
    if (data::is_null(key)) continue;
    if (has_key(value, std::get<std::string>(key)) != all) return std::int64_t{!all};
  }
  return std::int64_t{all};
}

// ---- changes

Result<Datum> concatenate(Arguments arguments) {
  SPAR_ASSIGN(Json a, json_at(arguments, 0));
  SPAR_ASSIGN(Json b, json_at(arguments, 1));
  if (a.kind == Json::object && b.kind == Json::object) {
    std::ranges::move(b.members, std::back_inserter(a.members));
    data::normalize_members(a);
    return jsonb_datum(a);
  }
  Json made{.kind = Json::array};
  for (Json* part : {&a, &b}) {
    if (part->kind == Json::array) {
      std::ranges::move(part->items, std::back_inserter(made.items));
    } else {
      made.items.push_back(std::move(*part));
    }
  }
  return jsonb_datum(made);
}

Failure cannot_delete(std::string_view from) {
  return sql_error("22023", "cannot delete from " + std::string(from));
}

void erase_key(Json& value, std::string_view key) {
  std::erase_if(value.members, [&](const auto& m) { return m.first == key; });
  std::erase_if(value.items,
                [&](const Json& own) { return own.kind == Json::string && own.text == key; });
}
Result<Datum> erase_member(Arguments arguments) {
  SPAR_ASSIGN(Json value, json_at(arguments, 0));
  if (value.is_scalar()) return cannot_delete("scalar");
  erase_key(value, text_at(arguments, 1));
  return jsonb_datum(value);
}
Result<Datum> erase_members(Arguments arguments) {
  SPAR_ASSIGN(Json value, json_at(arguments, 0));
  SPAR_ASSIGN(const data::Array keys, array_at(arguments, 1));
  if (value.is_scalar()) return cannot_delete("scalar");
  for (const Datum& key : keys.elements) {
    if (!data::is_null(key)) erase_key(value, std::get<std::string>(key));
  }
  return jsonb_datum(value);
}
Result<Datum> erase_item(Arguments arguments) {
  SPAR_ASSIGN(Json value, json_at(arguments, 0));
  if (value.is_scalar()) return cannot_delete("scalar");
  if (value.kind == Json::object) return cannot_delete("object using integer index");
  const auto count = static_cast<std::int64_t>(value.items.size());
  std::int64_t index = integer_at(arguments, 1);
  if (index < 0) index += count;
  if (index >= 0 && index < count) value.items.erase(value.items.begin() + index);
  return jsonb_datum(value);
}

enum class Change { put, put_new, erase, insert_before, insert_after };

// jsonb_set, jsonb_insert and #-: one walk along the path.
class Changer {
 public:
  Changer(const std::vector<Datum>& path, Change change, const Json& value)
      : path_(path), change_(change), value_(value) {}

  Result<void> run(Json& at, std::size_t depth) {
    if (at.is_scalar()) return {};
    if (data::is_null(path_[depth])) {
      return sql_error("22004",
                       "path element at position " + std::to_string(depth + 1) + " is null");
    }
    const std::string& step = std::get<std::string>(path_[depth]);
    const bool last = depth + 1 == path_.size();
    return at.kind == Json::object ? member(at, step, depth, last) : item(at, step, depth, last);
  }

 private:
  Result<void> member(Json& at, const std::string& key, std::size_t depth, bool last) {
    const auto found =
        std::ranges::find_if(at.members, [&](const auto& m) { return m.first == key; });
    if (found == at.members.end()) {
      const bool adds = change_ == Change::put_new || change_ == Change::insert_before ||
                        change_ == Change::insert_after;
      if (!last || !adds) return {};
      at.members.emplace_back(key, value_);
      data::normalize_members(at);
      return {};
    }
    if (!last) return run(found->second, depth + 1);
    if (change_ == Change::insert_before || change_ == Change::insert_after) {
      Failure failure = sql_error("22023", "cannot replace existing key");
      failure.error().hint = "Try using the function jsonb_set to replace key value.";
      return failure;
    }
    if (change_ == Change::erase) {
      at.members.erase(found);
    } else {
      found->second = value_;
    }
    return {};
  }
  Result<void> item(Json& at, const std::string& step, std::size_t depth, bool last) {
    const auto given = index_of(step);
    if (!given) {
      return sql_error("22P02", "path element at position " + std::to_string(depth + 1) +
                                    " is not an integer: \"" + step + "\"");
    }
    const auto count = static_cast<std::int64_t>(at.items.size());
    std::int64_t index = *given < 0 ? *given + count : *given;
    const bool inside = index >= 0 && index < count;
    if (!last)
      return inside ? run(at.items[static_cast<std::size_t>(index)], depth + 1) : Result<void>();
    if (change_ == Change::erase) {
      if (inside) at.items.erase(at.items.begin() + index);
      return {};
    }
    if (inside && (change_ == Change::put || change_ == Change::put_new)) {
      at.items[static_cast<std::size_t>(index)] = value_;
      return {};
    }
    if (change_ == Change::put) return {};
    if (!inside) index = index < 0 ? 0 : count;
    if (inside && change_ == Change::insert_after) ++index;
    at.items.insert(at.items.begin() + index, value_);
    return {};
  }

  const std::vector<Datum>& path_;
  Change change_;
  const Json& value_;
};

Result<Datum> changed(Arguments arguments, Change change, const Json& value) {
  SPAR_ASSIGN(Json whole, json_at(arguments, 0));
  SPAR_ASSIGN(const data::Array steps, array_at(arguments, 1));
  if (steps.dimensions.size() > 1) return sql_error("2202E", "wrong number of array subscripts");
  if (whole.is_scalar()) {
    return sql_error("22023", change == Change::erase ? "cannot delete path in scalar"
                                                      : "cannot set path in scalar");
  }
  const bool only_old = change == Change::put && whole.items.empty() && whole.members.empty();
  if (steps.elements.empty() || only_old) return jsonb_datum(whole);
  SPAR_TRY(Changer(steps.elements, change, value).run(whole, 0));
  return jsonb_datum(whole);
}
Result<Datum> set(Arguments arguments) {
  SPAR_ASSIGN(const Json value, json_at(arguments, 2));
  return changed(arguments, integer_at(arguments, 3) != 0 ? Change::put_new : Change::put, value);
}
Result<Datum> insert(Arguments arguments) {
  SPAR_ASSIGN(const Json value, json_at(arguments, 2));
  const bool after = integer_at(arguments, 3) != 0;
  return changed(arguments, after ? Change::insert_after : Change::insert_before, value);
}
Result<Datum> erase_path(Arguments arguments) {
  return changed(arguments, Change::erase, Json());
}

void strip(Json& value) {
  std::erase_if(value.members, [](const auto& m) { return m.second.kind == Json::null; });
  for (auto& member : value.members) strip(member.second);
  for (Json& own : value.items) strip(own);
}
Result<Datum> strip_nulls(Arguments arguments) {
  SPAR_ASSIGN(Json value, json_at(arguments, 0));
  strip(value);
  return jsonb_datum(value);
}

void pretty(const Json& value, std::size_t depth, std::string& out) {
  const auto line = [&](std::size_t level) { out += '\n' + std::string(level * 4, ' '); };
  if (value.is_scalar()) return data::append_jsonb(value, out);
  const bool object = value.kind == Json::object;
  out += object ? '{' : '[';
  bool first = true;
  const auto next = [&] {
    if (!first) out += ',';
    first = false;
    line(depth + 1);
  };
  for (const auto& [key, member] : value.members) {
    next();
    data::append_json_string(key, out);
    out += ": ";
    pretty(member, depth + 1, out);
  }
  for (const Json& own : value.items) {
    next();
    pretty(own, depth + 1, out);
  }
  line(depth);
  out += object ? '}' : ']';
}
Result<Datum> pretty_text(Arguments arguments) {
  SPAR_ASSIGN(const Json value, json_at(arguments, 0));
  std::string text;
  pretty(value, 0, text);
  return Datum(std::move(text));
}

// ---- casts

Result<Datum> to_numeric(Arguments arguments) {
  const std::string_view text = text_at(arguments, 0);
  if (json_kind(text) != '0') {
    SPAR_ASSIGN(const Datum kind, type_of(arguments));
    const std::string& name = std::get<std::string>(kind);
    const std::string shown = name == "array" || name == "object" || name == "null"
                                  ? name == "null" ? "jsonb null" : "jsonb array or object"
                                  : "jsonb " + name;
    const std::string exact = name == "array"    ? "jsonb array"
                              : name == "object" ? "jsonb object"
                                                 : shown;
    return sql_error("22023",
                     "cannot cast " + exact + " to type " + std::string(text_at(arguments, 1)));
  }
  SPAR_ASSIGN(const data::Decimal value, data::Decimal::parse(text));
  return numeric_datum(value);
}
Result<Datum> to_boolean(Arguments arguments) {
  const std::string_view text = text_at(arguments, 0);
  if (text == "true" || text == "false") return std::int64_t{text == "true"};
  SPAR_ASSIGN(const Datum kind, type_of(arguments));
  return sql_error("22023",
                   "cannot cast jsonb " + std::get<std::string>(kind) + " to type boolean");
}

Result<Datum> key(Arguments arguments) {
  SPAR_ASSIGN(std::string bytes, data::jsonb_key(text_at(arguments, 0)));
  return Datum(data::Blob{std::move(bytes)});
}

constexpr ScalarEntry kEntries[] = {
    {"spar_json_member", 2, false, member<false>},
    {"spar_json_member_text", 2, false, member<true>},
    {"spar_json_item", 2, false, item<false>},
    {"spar_json_item_text", 2, false, item<true>},
    {"spar_json_path", 2, false, path<false>},
    {"spar_json_path_text", 2, false, path<true>},
    {"spar_json_typeof", 1, false, type_of},
    {"spar_json_array_length", 1, false, array_length},
    {"spar_jsonb_contains", 2, false, contains_jsonb},
    {"spar_jsonb_exists", 2, false, exists},
    {"spar_jsonb_exists_any", 2, false, exist<false>},
    {"spar_jsonb_exists_all", 2, false, exist<true>},
    {"spar_jsonb_concat", 2, false, concatenate},
    {"spar_jsonb_erase_member", 2, false, erase_member},
    {"spar_jsonb_erase_members", 2, false, erase_members},
    {"spar_jsonb_erase_item", 2, false, erase_item},
    {"spar_jsonb_erase_path", 2, false, erase_path},
    {"spar_jsonb_set", 4, false, set},
    {"spar_jsonb_insert", 4, false, insert},
    {"spar_jsonb_strip_nulls", 1, false, strip_nulls},
    {"spar_jsonb_pretty", 1, false, pretty_text},
    {"spar_jsonb_to_numeric", 2, false, to_numeric},
    {"spar_jsonb_to_bool", 1, false, to_boolean},
    {"spar_jsonb_key", 1, false, key},
};

}  // namespace

std::span<const ScalarEntry> json_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
