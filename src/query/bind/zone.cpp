#include "query/bind/zone.h"

#include <algorithm>
#include <array>
#include <vector>

#include "data/characters.h"

namespace spar::query::bind {
namespace {

using enum TypeId;

bool is_one_of(std::string_view operation, std::span<const std::string_view> names) {
  return std::ranges::find(names, operation) != names.end();
}

std::optional<std::string> lower_constant(ScalarRef scalar) {
  const algebra::Constant* constant = algebra::as_constant(scalar);
  const auto* text = constant == nullptr ? nullptr : std::get_if<std::string>(&constant->value);
  if (text == nullptr) return std::nullopt;
  return data::lower_case(*text);
}

// Whether local time says it: not the zone itself, which a timestamp has none of.
bool is_local(std::string_view operation, std::span<const ScalarRef> arguments) {
  if (operation == "to_char") {
    const auto pattern = lower_constant(arguments[1]);
    return pattern && !pattern->contains("tz") && !pattern->contains("of");
  }
  if (operation == "extract" || operation == "date_part") {
    const auto field = lower_constant(arguments[0]);
    return field && !field->starts_with("timezone");
  }
  return true;
}

}  // namespace

Result<std::optional<ScalarRef>> in_session_zone(Binding& binding, std::string_view operation,
                                                 std::span<const ScalarRef> arguments,
                                                 const Type& result, int location) {
  constexpr std::array<std::string_view, 8> kDepends = {"timestamp_add_interval",
                                                        "timestamp_add_interval_swapped",
                                                        "timestamp_sub_interval",
                                                        "date_trunc",
                                                        "extract",
                                                        "date_part",
                                                        "to_char",
                                                        "age"};
  constexpr std::array<std::string_view, 2> kMade = {"spar_to_timestamp_by_pattern",
                                                     "spar_make_timestamptz"};
  if (binding.context().text.is_utc()) return std::nullopt;
  constexpr const char* kElsewhere = "this function in a time zone other than UTC";
  const bool with_zone = operation == "spar_make_timestamptz" && arguments.size() > 6;
  if (is_one_of(operation, kMade) && !with_zone) return binding.missing(kElsewhere, location);
  const auto zoned = [](ScalarRef argument) { return argument->type.id == timestamptz; };
  if (!is_one_of(operation, kDepends) || std::ranges::none_of(arguments, zoned)) {
    return std::nullopt;
  }
  const bool seconds = operation == "extract" || operation == "date_part";
  if (seconds && lower_constant(arguments[0]) == "epoch") return std::nullopt;
  if (!is_local(operation, arguments)) return binding.missing(kElsewhere, location);
  std::vector<ScalarRef> local(arguments.begin(), arguments.end());
  for (ScalarRef& argument : local) {
    if (!zoned(argument)) continue;
    SPAR_ASSIGN(argument, coerce(binding, argument, Type{timestamp, -1}, CastContext::explicit_));
  }
  const bool back = result.id == timestamptz;
  const ScalarRef made = binding.arena().scalar(algebra::Call{operation, std::move(local)},
                                                back ? Type{timestamp, -1} : result, location);
  if (!back) return made;
  SPAR_ASSIGN(const ScalarRef moment, coerce(binding, made, result, CastContext::explicit_));
  return moment;
}

}  // namespace spar::query::bind
