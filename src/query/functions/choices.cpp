// Functions that choose among their arguments, and the one that never gives a value.
#include "data/calendar.h"
#include "query/functions/arguments.h"
#include "query/functions/families.h"

namespace spar::query::functions {
namespace {

bool less(const Datum& a, const Datum& b) {
  const auto* x = std::get_if<std::int64_t>(&a);
  const auto* y = std::get_if<std::int64_t>(&b);
  const bool mixed = a.index() != b.index();
  if (mixed && x != nullptr && std::holds_alternative<double>(b)) {
    return static_cast<double>(*x) < std::get<double>(b);
  }
  if (mixed && y != nullptr && std::holds_alternative<double>(a)) {
    return std::get<double>(a) < static_cast<double>(*y);
  }
  return a < b;
}

// The first of those that no other one beats.
template <class Beats>
Datum best(Arguments arguments, Beats beats) {
  const Datum* chosen = nullptr;
  for (const Datum& argument : arguments) {
    if (data::is_null(argument)) continue;
    if (chosen == nullptr || beats(argument, *chosen)) chosen = &argument;
  }
  return chosen == nullptr ? Datum{} : *chosen;
}

// Intervals and numerics without a scale are compared by their keys: equal ones differ as bytes.
bool shorter(const Datum& a, const Datum& b) {
  const auto key = [](const Datum& datum) {
    return data::interval_key(data::interval_from_blob(std::get<data::Blob>(datum).bytes));
  };
  return key(a) < key(b);
}
bool smaller(const Datum& a, const Datum& b) {
  return data::numeric_key(std::get<data::Blob>(a).bytes) <
         data::numeric_key(std::get<data::Blob>(b).bytes);
}
template <bool (*before)(const Datum&, const Datum&)>
Result<Datum> greatest_by_key(Arguments arguments) {
  return best(arguments, [](const Datum& a, const Datum& b) { return before(b, a); });
}
template <bool (*before)(const Datum&, const Datum&)>
Result<Datum> least_by_key(Arguments arguments) {
  return best(arguments, before);
}

Result<Datum> greatest(Arguments arguments) {
  return best(arguments, [](const Datum& a, const Datum& b) { return less(b, a); });
}

Result<Datum> least(Arguments arguments) {
  return best(arguments, less);
}

Result<Datum> raise(Arguments arguments) {
  return sql_error(text_at(arguments, 0), std::string(text_at(arguments, 1)));
}

constexpr ScalarEntry kEntries[] = {
    {"spar_greatest_interval", -1, true, greatest_by_key<shorter>},
    {"spar_least_interval", -1, true, least_by_key<shorter>},
    {"spar_greatest_numeric", -1, true, greatest_by_key<smaller>},
    {"spar_least_numeric", -1, true, least_by_key<smaller>},
    {"spar_greatest", -1, true, greatest},
    {"spar_least", -1, true, least},
    {"spar_raise", 2, false, raise},
};

}  // namespace

std::span<const ScalarEntry> choice_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
