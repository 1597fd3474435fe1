// Window functions. SQLite's own where they agree with PostgreSQL's.

#include <algorithm>

#include "data/calendar.h"
#include "query/dialect/literal.h"
#include "query/dialect/writer.h"

namespace spar::query::dialect {

using algebra::FrameEnd;
using algebra::FrameMode;
using algebra::WindowCall;
using algebra::WindowSpec;

namespace {

// Whether the scalar is the same for all rows of a statement.
bool fixed(ScalarRef scalar) {
  if (algebra::as_column(scalar)) return false;
  if (std::holds_alternative<algebra::Subquery>(scalar->body)) return false;
  bool all = true;
  algebra::for_each_operand(*scalar, [&](ScalarRef operand) { all = all && fixed(operand); });
  return all;
}

std::optional<std::int64_t> integer_constant(ScalarRef scalar) {
  const algebra::Constant* constant = algebra::as_constant(scalar);
  const auto* value = constant ? std::get_if<std::int64_t>(&constant->value) : nullptr;
  return value ? std::optional(*value) : std::nullopt;
}

constexpr std::int64_t kDayMicroseconds = 86'400'000'000;

}  // namespace

Result<Block> Writer::window(RelationRef relation, const algebra::Window& node) {
  SPAR_ASSIGN(Block made, block(node.input));
  if (made.phase >= Phase::grouped) {
    SPAR_ASSIGN(made, wrapped(made));
  }
  std::vector<std::pair<ColumnId, std::string>> named;
  for (const WindowCall& call : node.calls) {
    SPAR_ASSIGN(std::string text, window_call(call));
    named.emplace_back(call.column, std::move(text));
  }
  for (auto& [column, sql] : named) names_[column.value] = std::move(sql);
  made.columns = relation->columns;
  made.phase = Phase::windowed;
  return made;
}

Result<std::string> Writer::window_call(const WindowCall& call) {
  SPAR_ASSIGN(const std::string over, over_text(call.window));
  if (!call.aggregate) return window_function(call, over);
  algebra::AggregateCall plain{call.column, call.operation, call.arguments, false, call.filter};
  aggregate_suffix_ = "_over";
  Result<std::string> text = aggregate_body(plain);
  aggregate_suffix_ = "";
  if (!text) return text;
  if (call.filter != nullptr) {
    SPAR_ASSIGN(const Sql filter, scalar(call.filter));
    *text += " FILTER (WHERE " + filter.text + ")";
  }
  *text += over;
  if (call.operation != "min" && call.operation != "max") return text;
  return to_numeric(*text, call.arguments[0]->type, arena_.info(call.column).type);
}

Result<std::string> Writer::window_function(const WindowCall& call, const std::string& over) {
  const std::string name(call.operation);
  if (call.operation == "lag" || call.operation == "lead") return lag_or_lead(call, over);
  if (call.operation == "ntile" && !fixed(call.arguments[0])) {
    return not_supported("ntile() of a column");
  }
  if (call.operation != "ntile" && call.operation != "nth_value") {
    SPAR_ASSIGN(const std::string arguments, list(call.arguments));
    return name + "(" + arguments + ")" + over;
  }
  std::string before;
  if (call.operation == "nth_value") {
    SPAR_ASSIGN(const Sql value, scalar(call.arguments[0]));
    before = value.text + ",";
  }
  const ScalarRef number = call.arguments.back();
  if (integer_constant(number).value_or(0) > 0) {
    return name + "(" + before + std::to_string(*integer_constant(number)) + ")" + over;
  }
  const bool tiles = call.operation == "ntile";
  SPAR_ASSIGN(const std::string n, atom(number));
  SPAR_ASSIGN(
      const std::string raise,
      function("spar_raise", {quoted(tiles ? "22014" : "22016"),
                              quoted("argument of " + name + " must be greater than zero")}));
  return "CASE WHEN " + n + " IS NULL THEN NULL ELSE " + name + "(" + before + "CASE WHEN " + n +
         "<1 THEN " + raise + " ELSE coalesce(" + n + ",1) END)" + over + " END";
}

// SQLite's lag() does not look ahead for a negative offset, its lead() does look back; a null
// offset gives them the default, and PostgreSQL null.
Result<std::string> Writer::lag_or_lead(const WindowCall& call, const std::string& over) {
  SPAR_ASSIGN(const Sql value, scalar(call.arguments[0]));
  const std::string name(call.operation);
  if (call.arguments.size() == 1) return name + "(" + value.text + ")" + over;
  SPAR_ASSIGN(const std::string offset, atom(call.arguments[1]));
  std::string otherwise;
  if (call.arguments.size() == 3) {
    SPAR_ASSIGN(const Sql given, scalar(call.arguments[2]));
    otherwise = "," + given.text;
  }
  if (integer_constant(call.arguments[1]).value_or(-1) >= 0) {
    return name + "(" + value.text + "," + offset + otherwise + ")" + over;
  }
  const std::string sign = call.operation == "lag" ? "-" : "";
  return "CASE WHEN " + offset + " IS NULL THEN NULL ELSE lead(" + value.text + "," + sign + "(" +
         offset + ")" + otherwise + ")" + over + " END";
}

Result<std::string> Writer::over_text(const WindowSpec& spec) {
  std::string text;
  for (const ScalarRef item : spec.partition) {
    SPAR_ASSIGN(const Sql sql, scalar(item));
    text += (text.empty() ? "PARTITION BY " : ",") + key_of(sql.text, item->type);
  }
  const bool measured = spec.mode == FrameMode::range && (spec.start.offset || spec.finish.offset);
  bool first = true;
  for (const algebra::SortKey& key : spec.order) {
    SPAR_ASSIGN(const Sql sql, scalar(key.expression));
    std::string item = key_of(sql.text, key.expression->type);
    if (measured && key.expression->type.id == TypeId::date) {
      item = sql.at(Binding::atom) + "*" + std::to_string(kDayMicroseconds);
    }
    text += first ? (text.empty() ? "ORDER BY " : " ORDER BY ") : ",";
    text += item + order_suffix(key);
    first = false;
  }
  if (spec.framed) {
    SPAR_ASSIGN(const std::string frame, frame_text(spec));
    text += (text.empty() ? "" : " ") + frame;
  }
  return " OVER (" + text + ")";
}

namespace {

std::string_view mode_word(FrameMode mode) {
  return mode == FrameMode::rows ? "ROWS" : mode == FrameMode::groups ? "GROUPS" : "RANGE";
}

std::string_view end_word(FrameEnd end) {
  switch (end) {
    case FrameEnd::unbounded_preceding:
      return "UNBOUNDED PRECEDING";
    case FrameEnd::preceding:
      return " PRECEDING";
    case FrameEnd::current_row:
      return "CURRENT ROW";
    case FrameEnd::following:
      return " FOLLOWING";
    case FrameEnd::unbounded_following:
      return "UNBOUNDED FOLLOWING";
  }
  return "";
}

std::string_view exclusion_words(algebra::FrameExclusion exclusion) {
  switch (exclusion) {
    case algebra::FrameExclusion::none:
      return "";
    case algebra::FrameExclusion::current_row:
      return " EXCLUDE CURRENT ROW";
    case algebra::FrameExclusion::group:
      return " EXCLUDE GROUP";
    case algebra::FrameExclusion::ties:
      return " EXCLUDE TIES";
  }
  return "";
}

}  // namespace

Result<std::string> Writer::frame_text(const WindowSpec& spec) {
  const auto bound = [&](const algebra::FrameBound& at, bool outwards) -> Result<std::string> {
    std::string text;
    if (at.offset != nullptr) {
      SPAR_ASSIGN(text, spec.mode == FrameMode::range
                            ? range_offset(at.offset, spec.order.front().expression, outwards)
                            : plain_offset(at.offset));
    }
    return text + std::string(end_word(at.end));
  };
  SPAR_ASSIGN(const std::string start, bound(spec.start, spec.start.end == FrameEnd::preceding));
  SPAR_ASSIGN(const std::string finish, bound(spec.finish, spec.finish.end == FrameEnd::following));
  return std::string(mode_word(spec.mode)) + " BETWEEN " + start + " AND " + finish +
         std::string(exclusion_words(spec.exclusion));
}

// SQLite takes literals and parameters only, and refuses those that are negative or null itself.
Result<std::string> Writer::plain_offset(ScalarRef offset) {
  const bool parameter = std::holds_alternative<algebra::Parameter>(offset->body);
  if (parameter || algebra::as_constant(offset) != nullptr) return atom(offset);
  return not_supported("a frame offset that is computed");
}

// In the unit of the order column's storage form. A distance between whole units that is at most
// 1.5 is at most 1, one that is at least 1.5 is at least 2: `outwards` says which of them is meant.
Result<std::string> Writer::range_offset(ScalarRef offset, ScalarRef key, bool outwards) {
  const std::string column = data::type_name(key->type);
  const Failure refusal = not_supported("RANGE with such an offset over " + column);
  const TypeId type = key->type.id;
  if (type != TypeId::numeric && offset->type.id != TypeId::interval) {
    return plain_offset(offset);
  }
  const algebra::Constant* constant = algebra::as_constant(offset);
  if (constant == nullptr || type == TypeId::interval) return refusal;
  const std::string must = "invalid preceding or following size in window function";
  if (type == TypeId::numeric) {
    if (!data::is_scaled(key->type)) return refusal;
    const auto scaled =
        on_scale(constant->value, offset->type, data::numeric_shape(key->type)->scale);
    if (!scaled) return refusal;
    if (scaled->floor < 0) return sql_error("22013", must);
    return std::to_string(scaled->floor + (!scaled->exact && !outwards ? 1 : 0));
  }
  const data::Interval span = data::interval_from_blob(std::get<data::Blob>(constant->value).bytes);
  std::int64_t total = span.micros;
  if (type != TypeId::time) {  // a time's offset is the interval's own time of day
    if (span.months != 0) return not_supported("RANGE with an offset of months");
    if (__builtin_add_overflow(span.days * kDayMicroseconds, total, &total)) return refusal;
  }
  if (total < 0) return sql_error("22013", must);
  return std::to_string(total);
}

}  // namespace spar::query::dialect
