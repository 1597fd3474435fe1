#include "query/bind/operators.h"

#include <algorithm>
#include <array>
#include <vector>

#include "query/bind/resolve.h"
#include "query/bind/routine_rows.h"

namespace spar::query::bind {
namespace {

using enum TypeId;

constexpr Operator kOperators[] = {
    {"+", {interval, interval}, interval, "interval_add"},
    {"+", {date, int4}, date, "date_add"},
    {"+", {int4, date}, date, "date_add_swapped"},
    {"+", {date, interval}, timestamp, "date_add_interval"},
    {"+", {interval, date}, timestamp, "date_add_interval_swapped"},
    {"+", {timestamp, interval}, timestamp, "timestamp_add_interval"},
    {"+", {interval, timestamp}, timestamp, "timestamp_add_interval_swapped"},
    {"+", {timestamptz, interval}, timestamptz, "timestamp_add_interval"},
    {"+", {interval, timestamptz}, timestamptz, "timestamp_add_interval_swapped"},
    {"-", {interval, interval}, interval, "interval_sub"},
    {"-", {date, int4}, date, "date_sub_days"},
    {"-", {date, date}, int4, "date_sub"},
    {"-", {date, interval}, timestamp, "date_sub_interval"},
    {"-", {timestamp, interval}, timestamp, "timestamp_sub_interval"},
    {"-", {timestamptz, interval}, timestamptz, "timestamp_sub_interval"},
    {"-", {timestamp, timestamp}, interval, "timestamp_sub"},
    {"-", {timestamptz, timestamptz}, interval, "timestamp_sub"},
    {"-", {none, interval}, interval, "interval_neg"},
    {"*", {interval, float8}, interval, "interval_mul"},
    {"*", {float8, interval}, interval, "interval_mul_swapped"},
    {"/", {interval, float8}, interval, "interval_div"},
    {"^", {float8, float8}, float8, "power"},
    {"^", {numeric, numeric}, numeric, "power"},
    {"&", {int2, int2}, int2, "bit_and"},
    {"&", {int4, int4}, int4, "bit_and"},
    {"&", {int8, int8}, int8, "bit_and"},
    {"|", {int2, int2}, int2, "bit_or"},
    {"|", {int4, int4}, int4, "bit_or"},
    {"|", {int8, int8}, int8, "bit_or"},
    {"~", {none, int2}, int2, "bit_not"},
    {"~", {none, int4}, int4, "bit_not"},
    {"~", {none, int8}, int8, "bit_not"},
    {"||", {text, text}, text, "concat_operator"},
    {"||", {bytea, bytea}, bytea, "concat_bytes"},
};

constexpr TypeId kIntegers[] = {int2, int4, int8};
constexpr TypeId kReals[] = {float4, float8};
constexpr TypeId kMoments[] = {date, timestamp, timestamptz};
constexpr TypeId kStrings[] = {text, bpchar, name};
constexpr std::array<std::string_view, 6> kComparisons = {"=", "<>", "<", "<=", ">", ">="};

struct Symbol {
  std::string_view name, operation;
};
constexpr Symbol kArithmetic[] = {{"+", "add"}, {"-", "sub"}, {"*", "mul"}, {"/", "div"}};
constexpr Symbol kSigns[] = {{"-", "neg"}, {"+", "plus"}, {"@", "abs"}};
constexpr Symbol kMatches[] = {{"~~", "like"},        {"!~~", "not_like"},  {"~~*", "ilike"},
                               {"!~~*", "not_ilike"}, {"~", "regex"},       {"!~", "not_regex"},
                               {"~*", "iregex"},      {"!~*", "not_iregex"}};

class Table {
 public:
  Table() : rows_(std::begin(kOperators), std::end(kOperators)) {
    arithmetic();
    comparisons();
    add_bit_operators(rows_);
    add_moment_operators(rows_);
    add_array_operators(rows_);
    add_json_operators(rows_);
    for (const Symbol& match : kMatches) {
      for (const TypeId type : kStrings) {
        rows_.push_back({match.name, {type, text}, boolean, match.operation});
      }
    }
    std::ranges::sort(rows_, {}, &Operator::name);
  }
  std::span<const Operator> named(std::string_view name_wanted) const {
    return std::ranges::equal_range(rows_, name_wanted, {}, &Operator::name);
  }

 private:
  static TypeId wider(TypeId a, TypeId b, TypeId least, TypeId middle, TypeId most) {
    if (a == most || b == most) return most;
    return a == middle || b == middle ? middle : least;
  }
  void family(const Symbol& symbol, std::span<const TypeId> types) {
    for (const TypeId a : types) {
      for (const TypeId b : types) {
        const TypeId result = category(a) == Category::number && types.size() == 3
                                  ? wider(a, b, int2, int4, int8)
                                  : (a == b ? a : float8);
        rows_.push_back({symbol.name, {a, b}, result, symbol.operation});
      }
    }
  }
  void arithmetic() {
    for (const Symbol& symbol : kArithmetic) {
      family(symbol, kIntegers);
      family(symbol, kReals);
      rows_.push_back({symbol.name, {numeric, numeric}, numeric, symbol.operation});
    }
    for (const TypeId type : {int2, int4, int8, numeric}) {
      rows_.push_back({"%", {type, type}, type, "mod"});
    }
    for (const Symbol& sign : kSigns) {
      for (const TypeId type : {int2, int4, int8, float4, float8, numeric}) {
        rows_.push_back({sign.name, {none, type}, type, sign.operation});
      }
    }
  }
  void comparison(TypeId a, TypeId b, TypeId as = none) {
    for (const std::string_view symbol : kComparisons) {
      rows_.push_back({symbol, {a, b}, boolean, symbol, as});
    }
  }
  void comparisons() {
    for (const TypeId type :
         {boolean, bytea, character, oid, text, bpchar, time, interval, numeric, uuid, name}) {
      comparison(type, type);
    }
    comparison(name, text);
    comparison(text, name);
    for (const TypeId a : kIntegers) {
      for (const TypeId b : kIntegers) comparison(a, b);
    }
    for (const TypeId a : kReals) {
      for (const TypeId b : kReals) comparison(a, b);
    }
    for (const TypeId a : kMoments) {
      for (const TypeId b : kMoments) comparison(a, b, wider(a, b, date, timestamp, timestamptz));
    }
  }

  std::vector<Operator> rows_;
};

const Table& table() {
  static const Table kTable;
  return kTable;
}

Failure missing(std::string_view name_wanted, TypeId left, TypeId right, Failing why) {
  std::string shown = left == none ? "" : name_of(left) + " ";
  shown += std::string(name_wanted) + " " + name_of(right);
  if (why == Failing::ambiguous) {
    Failure failure = sql_error("42725", "operator is not unique: " + shown);
    failure.error().hint =
        "Could not choose a best candidate operator. You might need to add explicit type casts.";
    return failure;
  }
  Failure failure = sql_error("42883", "operator does not exist: " + shown);
  failure.error().hint = left == none ? "No operator matches the given name and argument type. "
                                        "You might need to add an explicit type cast."
                                      : "No operator matches the given name and argument types. "
                                        "You might need to add explicit type casts.";
  return failure;
}

}  // namespace

Result<const Operator*> resolve_operator(std::string_view name_wanted, TypeId left, TypeId right) {
  if (name_wanted == "!=") name_wanted = "<>";
  const bool prefix = left == none;
  std::vector<std::span<const TypeId>> candidates;
  std::vector<const Operator*> operators;
  for (const Operator& entry : table().named(name_wanted)) {
    if ((entry.operands[0] == none) != prefix) continue;
    // Arrays are meant only where there is one.
    const bool arrays = data::is_array(entry.operands[0]) || data::is_array(entry.operands[1]);
    const bool given = data::is_array(left) || data::is_array(right);
    if (arrays && !given && name_wanted == "||") continue;
    operators.push_back(&entry);
    candidates.push_back(std::span(entry.operands).subspan(prefix ? 1 : 0));
  }
  TypeId given[2] = {left, right};
  if (!prefix && left == unknown && right != unknown) given[0] = right;
  if (!prefix && right == unknown && left != unknown) given[1] = left;
  for (const Operator* entry : operators) {  // a literal is first taken for the other side's type
    if (entry->operands[1] == given[1] && (prefix || entry->operands[0] == given[0])) return entry;
  }
  const TypeId original[2] = {left, right};
  const auto best = best_overload(std::span(original).subspan(prefix ? 1 : 0), candidates);
  if (!best) return missing(name_wanted, left, right, best.error());
  return operators[*best];
}

bool is_comparable(TypeId type) {
  return type != json && type != json_array && type != void_;
}

}  // namespace spar::query::bind
