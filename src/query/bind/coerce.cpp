#include "query/bind/coerce.h"

#include <algorithm>

#include "data/array.h"
#include "data/text_format.h"
#include "query/bind/operators.h"
#include "query/bind/zone.h"

namespace spar::query::bind {
namespace {

using algebra::Cast;
using algebra::Constant;
using data::Datum;

bool is_text(TypeId type) {
  return type == TypeId::unknown || type == TypeId::text || type == TypeId::varchar;
}

// Whether the text form of `from` is what the input function of `to` would be given.
bool folds(TypeId from, TypeId to) {
  using enum TypeId;
  if (is_text(from)) return true;
  const bool number = from == int2 || from == int4 || from == int8 || from == numeric;
  if (number) return category(to) == Category::number || is_text(to);
  const bool moment = from == date || from == timestamp || from == timestamptz;
  return moment && (category(to) == Category::datetime || is_text(to));
}

void keep_characters(std::string& text, std::size_t count) {
  std::size_t at = 0;
  const auto continues = [&] { return (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80; };
  while (at < text.size() && count > 0) {
    ++at;
    while (at < text.size() && continues()) ++at;
    --count;
  }
  text.resize(at);
}

class Coercion {
 public:
  Coercion(Binding& binding, Type target, CastContext context, int location)
      : binding_(binding), target_(target), context_(context), location_(location) {}

  Result<ScalarRef> run(ScalarRef scalar) {
    if (scalar->type == target_) return scalar;
    if (scalar->type.id == TypeId::unknown) return from_unknown(scalar);
    if (!can_cast(scalar->type.id, target_.id, context_)) return refuse(scalar->type.id);
    if (const Constant* constant = algebra::as_constant(scalar)) {
      SPAR_ASSIGN(std::optional<Datum> value, fold(*constant, scalar));
      if (value) return make_constant(binding_, std::move(*value), target_, scalar->location);
    }
    return cast(scalar);
  }

 private:
  Failure refuse(TypeId from) const {
    return binding_.error(
        "42846", "cannot cast type " + name_of(from) + " to " + name_of(target_.id), location_);
  }
  ScalarRef cast(ScalarRef scalar) {
    return binding_.arena().scalar(Cast{scalar, context_ == CastContext::explicit_}, target_,
                                   scalar->location);
  }
  Result<ScalarRef> from_unknown(ScalarRef scalar) {
    if (const auto* parameter = std::get_if<algebra::Parameter>(&scalar->body)) {
      SPAR_TRY(binding_.decide_parameter(parameter->number, target_.id, scalar->location));
      const Type bare{target_.id, -1};
      const ScalarRef typed = binding_.arena().scalar(*parameter, bare, scalar->location);
      return target_.typmod < 0 ? typed : cast(typed);
    }
    const Constant* constant = algebra::as_constant(scalar);
    if (constant == nullptr) return cast(scalar);
    SPAR_ASSIGN(std::optional<Datum> value, fold(*constant, scalar));
    if (!value) return refuse(TypeId::unknown);
    return make_constant(binding_, std::move(*value), target_, scalar->location);
  }

  // The constant in the target type, or nothing when that is left to the executor.
  Result<std::optional<Datum>> fold(const Constant& constant, ScalarRef scalar) {
    if (data::is_null(constant.value)) return std::optional<Datum>(Datum{});
    const TypeId from = scalar->type.id;
    if (!folds(from, target_.id)) return std::optional<Datum>();
    std::string text = text_of(constant.value, scalar->type);
    Type type = target_;
    const TypeId element = data::element_of(type.id);
    const bool cut_elements = (element == TypeId::varchar || element == TypeId::bpchar) &&
                              type.typmod >= 0 && context_ == CastContext::explicit_;
    if (cut_elements) return cut_array(text);
    const bool sized = type.id == TypeId::varchar || type.id == TypeId::bpchar;
    if (sized && type.typmod >= 0 && context_ == CastContext::explicit_) {
      keep_characters(text, static_cast<std::size_t>(type.typmod - 4));
      type.typmod = -1;
    }
    Result<Datum> value = data::parse_text(text, type, binding_.context().text);
    if (value) return std::optional<Datum>(std::move(*value));
    if (!is_text(from)) return std::optional<Datum>();  // such as 3.5 to integer: rounds
    Failure failure(std::move(value.error()));
    // What is too long or too large for the modifier only is no error of the literal itself.
    const Type bare{type.id, -1};
    const bool itself =
        type == bare || !data::parse_text(text, bare, binding_.context().text).has_value();
    if (itself) failure.error().position = binding_.position(scalar->location);
    return failure;
  }
  // An array literal cast to varchar(n)[] or char(n)[]: what is too long is cut.
  Result<std::optional<Datum>> cut_array(const std::string& text) const {
    SPAR_ASSIGN(const Datum parsed,
                data::parse_text(text, Type{target_.id, -1}, binding_.context().text));
    SPAR_ASSIGN(data::Array array, data::array_from_blob(std::get<data::Blob>(parsed).bytes));
    for (Datum& element : array.elements) {
      auto* characters = std::get_if<std::string>(&element);
      if (characters == nullptr) continue;
      keep_characters(*characters, static_cast<std::size_t>(target_.typmod - 4));
      if (data::element_of(target_.id) == TypeId::bpchar) {
        characters->resize(characters->find_last_not_of(' ') + 1);
      }
    }
    return std::optional<Datum>(data::Blob{data::array_to_blob(array)});
  }
  std::string text_of(const Datum& value, const Type& type) const {
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    std::string text;
    data::format_text(value, type, binding_.context().text, text);
    return text;
  }

  Binding& binding_;
  Type target_;
  CastContext context_;
  int location_;
};

}  // namespace

Result<ScalarRef> coerce(Binding& binding, ScalarRef scalar, Type target, CastContext context,
                         int location) {
  if (target.id == TypeId::unknown) return scalar;
  if (location < 0) location = scalar->location;
  return Coercion(binding, target, context, location).run(scalar);
}

Result<ScalarRef> coerce_unknown(Binding& binding, ScalarRef scalar) {
  if (scalar->type.id != TypeId::unknown) return scalar;
  return coerce(binding, scalar, Type{TypeId::text, -1}, CastContext::implicit);
}

Result<ScalarRef> coerce_argument(Binding& binding, ScalarRef scalar, TypeId wanted,
                                  std::string_view what) {
  if (!can_cast(scalar->type.id, wanted, CastContext::assignment) ||
      (wanted == TypeId::boolean && scalar->type.id != wanted &&
       scalar->type.id != TypeId::unknown)) {
    return binding.error("42804",
                         "argument of " + std::string(what) + " must be type " + name_of(wanted) +
                             ", not type " + name_of(scalar->type.id),
                         scalar->location);
  }
  return coerce(binding, scalar, Type{wanted, -1}, CastContext::assignment);
}

Result<ScalarRef> coerce_assignment(Binding& binding, ScalarRef scalar,
                                    const data::Column& column) {
  if (!can_cast(scalar->type.id, column.type.id, CastContext::assignment)) {
    Failure failure =
        binding.error("42804",
                      "column \"" + column.name + "\" is of type " + name_of(column.type.id) +
                          " but expression is of type " + name_of(scalar->type.id),
                      scalar->location);
    failure.error().hint = "You will need to rewrite or cast the expression.";
    return failure;
  }
  return coerce(binding, scalar, column.type, CastContext::assignment);
}

Result<Type> coerce_to_common(Binding& binding, std::vector<ScalarRef>& scalars,
                              std::string_view what) {
  std::vector<Candidate> candidates;
  candidates.reserve(scalars.size());
  for (const ScalarRef scalar : scalars) candidates.push_back({scalar->type, 0});
  Result<Type> type = common_type(candidates, what);
  if (!type) {  // again, for the position: counting characters is not free
    for (std::size_t i = 0; i < scalars.size(); ++i) {
      candidates[i].position = binding.position(scalars[i]->location);
    }
    return common_type(candidates, what);
  }
  for (ScalarRef& scalar : scalars) {
    SPAR_ASSIGN(scalar, coerce(binding, scalar, *type, CastContext::implicit));
  }
  return *type;
}

namespace {

std::optional<algebra::Comparison> comparison_of(std::string_view operation) {
  using enum algebra::Comparison;
  for (const algebra::Comparison c : {equal, not_equal, less, less_equal, greater, greater_equal}) {
    if (algebra::symbol(c) == operation) return c;
  }
  return std::nullopt;
}

// What the operator wants of an operand: keeps a type modifier where the type fits already.
Result<ScalarRef> operand(Binding& binding, ScalarRef scalar, TypeId wanted) {
  if (scalar->type.id == wanted) return scalar;
  return coerce(binding, scalar, Type{wanted, -1}, CastContext::implicit);
}

}  // namespace

Result<ScalarRef> make_operator(Binding& binding, std::string_view name, ScalarRef left,
                                ScalarRef right, int location) {
  SPAR_ASSIGN(const Operator* found,
              binding.located(resolve_operator(name, left->type.id, right->type.id), location));
  const Operator& op = *found;
  const bool unify = op.compared_as != TypeId::none;
  SPAR_ASSIGN(left, operand(binding, left, op.operands[0]));
  SPAR_ASSIGN(right, operand(binding, right, op.operands[1]));
  if (unify) {
    SPAR_ASSIGN(left, operand(binding, left, op.compared_as));
    SPAR_ASSIGN(right, operand(binding, right, op.compared_as));
  }
  if (const auto comparison = comparison_of(op.operation)) {
    return make_boolean(binding, algebra::Compare{*comparison, left, right}, left->location);
  }
  const Type result{op.result, -1};
  const ScalarRef both[] = {left, right};
  SPAR_ASSIGN(const auto local,
              in_session_zone(binding, op.operation, both, result, left->location));
  if (local) return *local;
  return binding.arena().scalar(algebra::Call{op.operation, {left, right}}, result, left->location);
}

Result<ScalarRef> make_prefix_operator(Binding& binding, std::string_view name, ScalarRef operand_,
                                       int location) {
  SPAR_ASSIGN(const Operator* found,
              binding.located(resolve_operator(name, TypeId::none, operand_->type.id), location));
  SPAR_ASSIGN(const ScalarRef converted, operand(binding, operand_, found->operands[1]));
  if (found->operation == "plus") return converted;
  return binding.arena().scalar(algebra::Call{found->operation, {converted}},
                                Type{found->result, -1}, location);
}

ScalarRef make_constant(Binding& binding, data::Datum value, Type type, int location) {
  return binding.arena().scalar(Constant{std::move(value)}, type, location);
}

ScalarRef make_boolean(Binding& binding, algebra::Scalar::Body body, int location) {
  return binding.arena().scalar(std::move(body), Type{TypeId::boolean, -1}, location);
}

ScalarRef make_and(Binding& binding, ScalarRef left, ScalarRef right) {
  if (left == nullptr || right == nullptr) return left == nullptr ? right : left;
  return make_boolean(binding, algebra::Logic{true, {left, right}}, left->location);
}

}  // namespace spar::query::bind
