// Calls: the algebra's operations as SQLite's operators and the functions of query/functions/.

#include <algorithm>
#include <array>
#include <set>

#include "data/array.h"
#include "query/dialect/literal.h"
#include "query/dialect/writer.h"
#include "query/functions/registry.h"
#include "query/functions/sequences.h"

namespace spar::query::dialect {
namespace {

std::string_view suffix(TypeId type) {
  switch (type) {
    case TypeId::int2:
      return "int2";
    case TypeId::int4:
      return "int4";
    case TypeId::int8:
      return "int8";
    case TypeId::numeric:
      return "numeric";
    default:
      return "float8";
  }
}

std::string oid(const Type& type) {
  return std::to_string(static_cast<std::uint32_t>(type.id));
}

template <std::size_t N>
bool among(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// spar_<operation>_<type of the result>
constexpr std::array<std::string_view, 16> kTyped = {
    "add",   "sub",  "mul",   "div",  "mod",  "neg",   "abs", "round",
    "trunc", "ceil", "floor", "sign", "sqrt", "power", "exp", "ln"};
// spar_<operation>, the same arguments
constexpr std::array<std::string_view, 39> kPlain = {"once",
                                                     "nextval",
                                                     "setval",
                                                     "currval",
                                                     "lastval",
                                                     "upper",
                                                     "lower",
                                                     "initcap",
                                                     "char_length",
                                                     "octet_length",
                                                     "position",
                                                     "left",
                                                     "right",
                                                     "repeat",
                                                     "reverse",
                                                     "replace",
                                                     "split_part",
                                                     "ascii",
                                                     "chr",
                                                     "md5",
                                                     "concat",
                                                     "concat_ws",
                                                     "greatest",
                                                     "least",
                                                     "age",
                                                     "make_date",
                                                     "to_date",
                                                     "to_timestamp",
                                                     "interval_add",
                                                     "interval_sub",
                                                     "interval_neg",
                                                     "interval_mul",
                                                     "timestamp_add_interval",
                                                     "timestamp_sub_interval",
                                                     "timestamp_sub",
                                                     "date_sub",
                                                     "bit_and",
                                                     "bit_or",
                                                     "bit_not"};
// spar_<operation>(field or value, ..., oid of the value)
constexpr std::array<std::string_view, 3> kByType = {"extract", "date_part", "date_trunc"};

struct Swapped {
  std::string_view operation, function;
};
constexpr Swapped kSwapped[] = {{"date_add_swapped", "spar_date_add"},
                                {"timestamp_add_interval_swapped", "spar_timestamp_add_interval"},
                                {"interval_mul_swapped", "spar_interval_mul"},
                                {"time_add_interval_swapped", "spar_time_add_interval"},
                                {"jsonb_contained_swapped", "spar_jsonb_contains"},
                                {"date_add_time_swapped", "spar_date_add_time"}};

const std::set<std::string_view>& known_functions() {
  static const std::set<std::string_view> kNames = [] {
    std::set<std::string_view> names;
    for (const auto& entry : functions::scalars()) names.insert(entry.name);
    for (const auto& entry : functions::sequence_functions()) names.insert(entry.name);
    return names;
  }();
  return kNames;
}

}  // namespace

namespace {

struct Pattern {
  std::string_view operation, function;
  bool negated;
};
constexpr Pattern kPatterns[] = {
    {"like", "spar_like", false},    {"not_like", "spar_like", true},
    {"ilike", "spar_ilike", false},  {"not_ilike", "spar_ilike", true},
    {"regex", "spar_regex", false},  {"not_regex", "spar_regex", true},
    {"iregex", "spar_regex", false}, {"not_iregex", "spar_regex", true}};

// Patterns and octet_length() see the blanks of char(n).
bool sees_blanks(const algebra::Call& call) {
  if (call.arguments.empty() || call.arguments[0]->type.id != TypeId::bpchar) return false;
  return call.operation == "octet_length" ||
         std::ranges::find(kPatterns, call.operation, &Pattern::operation) != std::end(kPatterns);
}

}  // namespace

// Default deny: what the registry does not have cannot be called.
Result<std::string> Writer::function(std::string_view name,
                                     const std::vector<std::string>& arguments) {
  if (!known_functions().contains(name)) {
    const std::string_view bare = name.starts_with("spar_") ? name.substr(5) : name;
    return not_supported("function " + std::string(bare));
  }
  std::string text(name);
  text += '(';
  for (std::size_t i = 0; i < arguments.size(); ++i) text += (i == 0 ? "" : ",") + arguments[i];
  return text + ")";
}

Result<std::vector<std::string>> Writer::arguments(const algebra::Call& call) {
  // greatest and least compare values in their storage form: no change of form.
  const bool stored = call.operation == "once" || call.operation == "greatest" ||
                      call.operation == "least" || call.operation == "output" || sees_blanks(call);
  std::vector<std::string> texts;
  for (const ScalarRef item : call.arguments) {
    if (stored) {
      SPAR_ASSIGN(const Sql sql, scalar(item));
      texts.push_back(sql.text);
    } else {
      SPAR_ASSIGN(std::string text, argument(item));
      texts.push_back(std::move(text));
    }
  }
  return texts;
}

namespace {

// a + b - c as its operands and "+-", innermost last; no more than one call of SQLite's takes.
struct Chain {
  std::string symbols;
  std::vector<ScalarRef> operands;
};
Chain chain_of(ScalarRef value) {
  constexpr std::size_t kOperandsMax = 120;
  constexpr std::string_view kWords[] = {"add", "sub", "mul", "div", "mod"};
  constexpr std::string_view kSymbols = "+-*/%";
  Chain chain;
  const data::Type type = value->type;
  while (chain.operands.size() < kOperandsMax) {
    const auto* call = std::get_if<algebra::Call>(&value->body);
    if (call == nullptr || call->arguments.size() != 2 || value->type != type) break;
    const auto word = std::ranges::find(kWords, call->operation);
    if (word == std::end(kWords)) break;
    chain.symbols += kSymbols[static_cast<std::size_t>(word - kWords)];
    chain.operands.push_back(call->arguments[1]);
    value = call->arguments[0];
  }
  chain.operands.push_back(value);
  return chain;
}

}  // namespace

// A chain of calls inside each other as one call; nothing where it is short enough as it is.
Result<std::optional<Sql>> Writer::chain(ScalarRef value) {
  constexpr std::size_t kShort = 8;
  Chain chain = chain_of(value);
  if (chain.symbols.size() <= kShort) return std::optional<Sql>();
  std::ranges::reverse(chain.symbols);
  std::ranges::reverse(chain.operands);
  std::vector<std::string> texts{quoted(suffix(value->type.id)), quoted(chain.symbols)};
  for (const ScalarRef operand : chain.operands) {
    SPAR_ASSIGN(std::string text, argument(operand));
    texts.push_back(std::move(text));
  }
  SPAR_ASSIGN(std::string text, function("spar_chain", texts));
  return std::optional(Sql{std::move(text)});
}

Result<Sql> Writer::arithmetic(ScalarRef value, const algebra::Call& call) {
  SPAR_ASSIGN(std::optional<Sql> chained, chain(value));
  if (chained) return std::move(*chained);
  SPAR_ASSIGN(std::vector<std::string> operands, arguments(call));
  const TypeId result = value->type.id;
  const bool digits = result == TypeId::numeric && operands.size() == 1 &&
                      (call.operation == "round" || call.operation == "trunc");
  if (digits) operands.emplace_back("0");
  const std::string name =
      "spar_" + std::string(call.operation) + "_" + std::string(suffix(result));
  SPAR_ASSIGN(std::string text, function(name, operands));
  return Sql{std::move(text)};
}

// char(n) is stored without the blanks that its length says it has.
Result<std::string> Writer::with_blanks(const std::string& text, const Type& type) {
  if (type.typmod < 0) return text;
  return function("spar_rpad", {text, std::to_string(type.typmod - 4), quoted(" ")});
}

// Operations that need more than a name.
Result<std::optional<Sql>> Writer::special(const algebra::Call& call,
                                           const std::vector<std::string>& a) {
  const std::string_view operation = call.operation;
  const auto made = [&](Result<std::string> text) -> Result<std::optional<Sql>> {
    if (!text) return Failure(std::move(text.error()));
    return std::optional(Sql{std::move(*text)});
  };
  for (const Swapped& swapped : kSwapped) {
    if (swapped.operation == operation) return made(function(swapped.function, {a[1], a[0]}));
  }
  if (operation.starts_with("array_")) {
    const TypeId element = data::element_of(call.arguments[0]->type.id);
    const std::string type = std::to_string(static_cast<std::uint32_t>(element));
    if (operation == "array_contained") {
      return made(function("spar_array_contains", {a[1], a[0], type}));
    }
    return made(function("spar_" + std::string(operation), {a[0], a[1], type}));
  }
  if (operation == "greatest" || operation == "least") {
    const TypeId type = call.arguments[0]->type.id;
    if (type == TypeId::numeric && needs_key(call.arguments[0]->type)) {
      return made(function("spar_" + std::string(operation) + "_numeric", a));
    }
    if (type == TypeId::interval) {
      return made(function("spar_" + std::string(operation) + "_interval", a));
    }
    if (type == TypeId::jsonb || data::is_array(type)) {
      const bool plain = data::is_array(type) && !data::array_needs_key(type);
      if (!plain)
        return not_supported(std::string(operation) + "() of " + data::type_name({type, -1}));
    }
  }
  if (operation == "date_add") return made(function("spar_date_add", {a[0], a[1]}));
  if (operation == "date_sub_days") {
    SPAR_ASSIGN(const std::string days, function("spar_neg_int4", {a[1]}));
    return made(function("spar_date_add", {a[0], days}));
  }
  if (operation == "date_add_interval" || operation == "date_sub_interval") {
    SPAR_ASSIGN(const std::string moment, function("spar_date_to_timestamp", {a[0]}));
    const bool adds = operation == "date_add_interval";
    return made(function(adds ? "spar_timestamp_add_interval" : "spar_timestamp_sub_interval",
                         {moment, a[1]}));
  }
  if (operation == "date_add_interval_swapped") {
    SPAR_ASSIGN(const std::string moment, function("spar_date_to_timestamp", {a[1]}));
    return made(function("spar_timestamp_add_interval", {moment, a[0]}));
  }
  if (operation == "output") {
    if (call.arguments[0]->type.id == TypeId::bpchar) {
      return made(with_blanks(a[0], call.arguments[0]->type));
    }
    return made("CASE " + a[0] + " WHEN 1 THEN 't' WHEN 0 THEN 'f' END");
  }
  if (operation == "interval_div") {
    SPAR_ASSIGN(const std::string factor, function("spar_div_float8", {"1.0", a[1]}));
    return made(function("spar_interval_mul", {a[0], factor}));
  }
  if (operation == "substring") {
    return made(function(a.size() == 3 ? "spar_substring" : "spar_substring2", a));
  }
  if (operation == "btrim" || operation == "ltrim" || operation == "rtrim") {
    return made(
        function("spar_" + std::string(operation), {a[0], a.size() == 2 ? a[1] : quoted(" ")}));
  }
  if (operation == "lpad" || operation == "rpad") {
    return made(function("spar_" + std::string(operation),
                         {a[0], a[1], a.size() == 3 ? a[2] : quoted(" ")}));
  }
  if (operation == "to_char") {
    const ScalarRef shown = call.arguments[0];
    const Type type{shown->type.id == TypeId::int4 ? TypeId::int8 : shown->type.id, -1};
    return made(function("spar_to_char", {a[0], oid(type), a[1]}));
  }
  if (among(kByType, operation)) {
    return made(
        function("spar_" + std::string(operation), {a[0], a[1], oid(call.arguments[1]->type)}));
  }
  return std::optional<Sql>();
}

Result<Sql> Writer::call(ScalarRef value, const algebra::Call& call) {
  if (among(kTyped, call.operation)) return arithmetic(value, call);
  if (call.operation == "concat_operator") {
    SPAR_ASSIGN(const Sql left, scalar(call.arguments[0]));
    SPAR_ASSIGN(const Sql right, scalar(call.arguments[1]));
    return Sql{left.at(Binding::concat) + "||" + right.at(Binding::atom), Binding::concat};
  }
  SPAR_ASSIGN(std::vector<std::string> a, arguments(call));
  if (sees_blanks(call)) {
    SPAR_ASSIGN(a[0], with_blanks(a[0], call.arguments[0]->type));
  }
  for (const Pattern& pattern : kPatterns) {
    if (pattern.operation != call.operation) continue;
    if (pattern.function == "spar_regex") {
      a.emplace_back(call.operation.ends_with("iregex") ? "1" : "0");
    } else if (a.size() == 2) {
      a.push_back(quoted("\\"));
    }
    SPAR_ASSIGN(std::string text, function(pattern.function, a));
    if (!pattern.negated) return Sql{std::move(text)};
    return Sql{"NOT " + text, Binding::not_};
  }
  if (call.operation == "concat_bytes") return Sql{"CAST((" + a[0] + ")||(" + a[1] + ") AS BLOB)"};
  if (call.operation.starts_with("spar_")) {
    SPAR_ASSIGN(std::string direct, function(call.operation, a));
    return Sql{std::move(direct)};
  }
  SPAR_ASSIGN(std::optional<Sql> found, special(call, a));
  if (found) return std::move(*found);
  if (!among(kPlain, call.operation)) {
    return not_supported("operation " + std::string(call.operation));
  }
  SPAR_ASSIGN(std::string text, function("spar_" + std::string(call.operation), a));
  return Sql{std::move(text)};
}

}  // namespace spar::query::dialect
