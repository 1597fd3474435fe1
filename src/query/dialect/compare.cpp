// Comparisons, between equal storage forms and so that indexes can be used.

#include "data/array.h"
#include "data/decimal.h"
#include "query/dialect/literal.h"
#include "query/dialect/writer.h"

namespace spar::query::dialect {
namespace {

bool is_integer(TypeId type) {
  return type == TypeId::int2 || type == TypeId::int4 || type == TypeId::int8;
}

// A value that is an integer times 10^-scale, without the cast to numeric around it.
struct ScaledValue {
  ScalarRef base;
  int scale;
};
std::optional<ScaledValue> as_scaled(ScalarRef scalar) {
  const auto* cast = std::get_if<algebra::Cast>(&scalar->body);
  if (cast != nullptr && scalar->type == Type{TypeId::numeric, -1})
    return as_scaled(cast->argument);
  if (algebra::as_constant(scalar) != nullptr) return std::nullopt;
  if (is_integer(scalar->type.id)) return ScaledValue{scalar, 0};
  if (!data::is_scaled(scalar->type)) return std::nullopt;
  return ScaledValue{scalar, data::numeric_shape(scalar->type)->scale};
}

bool is_numeric(ScalarRef scalar) {
  return scalar->type.id == TypeId::numeric;
}

// Constants that a scaled integer can be compared with.
std::optional<Scaled> constant_on(ScalarRef scalar, int scale) {
  const algebra::Constant* constant = algebra::as_constant(scalar);
  if (constant == nullptr || data::is_null(constant->value)) return std::nullopt;
  if (!is_numeric(scalar) && !is_integer(scalar->type.id)) return std::nullopt;
  return on_scale(constant->value, scalar->type, scale);
}

// false, and null where the operand is null.
Sql never(const std::string& operand) {
  return {operand + "<>" + operand, Binding::comparison};
}
Sql always(const std::string& operand) {
  return {operand + "=" + operand, Binding::comparison};
}

Sql compared(const std::string& left, Comparison comparison, const std::string& right) {
  return {left + std::string(algebra::symbol(comparison)) + right, Binding::comparison};
}

Sql compared_with(const std::string& left, Comparison comparison, const Scaled& right) {
  if (!right.exact) {
    switch (comparison) {
      case Comparison::equal:
        return never(left);
      case Comparison::not_equal:
        return always(left);
      case Comparison::less:
      case Comparison::less_equal:
        comparison = Comparison::less_equal;
        break;
      case Comparison::greater:
      case Comparison::greater_equal:
        comparison = Comparison::greater;
        break;
    }
  }
  return compared(left, comparison, literal(right.floor));
}

}  // namespace

// numeric against numeric, where both are integers on one scale.
Result<std::optional<Sql>> Writer::compare_scaled(Comparison comparison, ScalarRef left,
                                                  ScalarRef right) {
  const std::optional<ScaledValue> a = as_scaled(left), b = as_scaled(right);
  if (a && b) {
    if (a->scale != b->scale) return std::optional<Sql>();
    SPAR_ASSIGN(const Sql x, scalar(a->base));
    SPAR_ASSIGN(const Sql y, scalar(b->base));
    return std::optional(compared(x.at(Binding::bits), comparison, y.at(Binding::bits)));
  }
  if (!a && !b) return std::optional<Sql>();
  const std::optional<Scaled> constant =
      a ? constant_on(right, a->scale) : constant_on(left, b->scale);
  if (!constant) return std::optional<Sql>();
  SPAR_ASSIGN(const Sql value, scalar(a ? a->base : b->base));
  const Comparison facing = a ? comparison : algebra::commute(comparison);
  return std::optional(compared_with(value.at(Binding::bits), facing, *constant));
}

bool needs_key(const Type& type) {
  if (data::array_needs_key(type.id) || type.id == TypeId::jsonb) return true;
  return type.id == TypeId::interval || (type.id == TypeId::numeric && !data::is_scaled(type)) ||
         (type.id == TypeId::bpchar && type.typmod < 0);
}

std::string key_of(const std::string& sql, const Type& type) {
  if (!needs_key(type)) return sql;
  if (type.id == TypeId::jsonb) return "spar_jsonb_key(" + sql + ")";
  if (data::is_array(type.id)) {
    return "spar_array_key(" + sql + "," + std::to_string(static_cast<std::uint32_t>(type.id)) +
           ")";
  }
  if (type.id == TypeId::bpchar) return "rtrim(" + sql + ",' ')";
  return (type.id == TypeId::interval ? "spar_interval_key(" : "spar_numeric_key(") + sql + ")";
}

// The value, or the key it is compared by. `decimal`: a numeric in decimal form in any case.
Result<std::string> Writer::comparable(ScalarRef value, bool decimal) {
  const Type type = decimal ? Type{TypeId::numeric, -1} : value->type;
  const algebra::Constant* constant = algebra::as_constant(value);
  const auto* blob = constant ? std::get_if<data::Blob>(&constant->value) : nullptr;
  if (blob != nullptr && type.id == TypeId::numeric) {
    return literal(data::Blob{std::string(data::numeric_key(blob->bytes))});
  }
  if (decimal) {
    SPAR_ASSIGN(const std::string text, argument(value));
    return key_of(text, type);
  }
  SPAR_ASSIGN(const Sql sql, scalar(value));
  // A constant of char was read without its blanks.
  if (!needs_key(type) || (constant != nullptr && type.id == TypeId::bpchar)) {
    return sql.at(Binding::bits);
  }
  return key_of(sql.text, type);
}

Result<std::pair<std::string, std::string>> Writer::operands(ScalarRef left, ScalarRef right) {
  const bool decimal = is_numeric(left) && left->type != right->type;
  SPAR_ASSIGN(std::string a, comparable(left, decimal));
  SPAR_ASSIGN(std::string b, comparable(right, decimal));
  return std::pair(std::move(a), std::move(b));
}

Result<Sql> Writer::compare(Comparison comparison, ScalarRef left, ScalarRef right) {
  if (is_numeric(left) && is_numeric(right)) {
    SPAR_ASSIGN(std::optional<Sql> scaled, compare_scaled(comparison, left, right));
    if (scaled) return std::move(*scaled);
  }
  SPAR_ASSIGN(const auto both, operands(left, right));
  return compared(both.first, comparison, both.second);
}

Result<Sql> Writer::distinct_from(const algebra::DistinctFrom& test) {
  SPAR_ASSIGN(const auto both, operands(test.left, test.right));
  const std::string_view is = test.negated ? " IS " : " IS NOT ";
  return Sql{both.first + std::string(is) + both.second, Binding::comparison};
}

Result<Sql> Writer::in_list(const algebra::InList& test) {
  const std::string_view in = test.negated ? " NOT IN (" : " IN (";
  const std::optional<ScaledValue> scaled =
      is_numeric(test.needle) ? as_scaled(test.needle) : std::nullopt;
  if (scaled) {
    std::string items;
    bool all = true;
    for (const ScalarRef item : test.list) {
      const std::optional<Scaled> constant = constant_on(item, scaled->scale);
      all = all && constant.has_value();
      if (!all) break;
      if (!constant->exact) continue;  // no such value on this scale
      items += (items.empty() ? "" : ",") + literal(constant->floor);
    }
    SPAR_ASSIGN(const Sql needle, scalar(scaled->base));
    const std::string left = needle.at(Binding::bits);
    if (all && items.empty()) return test.negated ? always(left) : never(left);
    if (all) return Sql{left + std::string(in) + items + ")", Binding::comparison};
  }
  SPAR_ASSIGN(const std::string needle, comparable(test.needle, false));
  std::string items;
  for (const ScalarRef item : test.list) {
    SPAR_ASSIGN(const std::string text, comparable(item, false));
    items += (items.empty() ? "" : ",") + text;
  }
  return Sql{needle + std::string(in) + items + ")", Binding::comparison};
}

}  // namespace spar::query::dialect
