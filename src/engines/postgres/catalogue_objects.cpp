#include "engines/postgres/catalogue_objects.h"

#include <algorithm>
#include <optional>

namespace spar::engines::postgres {

using query::route::FunctionFacts;
using query::route::ObjectName;
using query::route::RelationKind;
using query::route::Volatility;

namespace {

template <class Value>
void sort(std::vector<Named<Value>>& names) {
  std::ranges::sort(names, {}, &Named<Value>::name);
  names.shrink_to_fit();
}

// Calls `visit(value)` for everything that `name` can mean.
template <class Value, class Visit>
void for_each(const std::vector<Named<Value>>& names, ObjectName name, const Visit& visit) {
  for (const auto& each : std::ranges::equal_range(
           names, name.name, {}, [](const auto& named) { return std::string_view(named.name); })) {
    if (name.schema.empty() || name.schema == each.schema) visit(each.value);
  }
}

// The worst of what was found, whatever was not.
class Worst {
 public:
  explicit Worst(Volatility built_in) {
    if (built_in != Volatility::unknown) add(built_in);
  }
  void add(Volatility found) { worst_ = std::max(worst_.value_or(found), found); }
  Volatility get() const { return worst_.value_or(Volatility::unknown); }

 private:
  std::optional<Volatility> worst_;
};

}  // namespace

CatalogueObjects::CatalogueObjects(CatalogueNames names) : names_(std::move(names)) {
  sort(names_.functions);
  sort(names_.operators);
  sort(names_.types);
  sort(names_.relations);
}

FunctionFacts CatalogueObjects::function(ObjectName name, std::size_t arguments) const {
  FunctionFacts facts = built_in_.function(name, arguments);
  Worst worst(facts.volatility);
  for_each(names_.functions, name, [&](const FunctionEntry& function) {
    if (arguments < function.arguments_min || arguments > function.arguments_max) return;
    worst.add(function.volatility);
    facts.built_in = false;
  });
  facts.volatility = worst.get();
  return facts;
}

Volatility CatalogueObjects::operation(ObjectName name) const {
  Worst worst(built_in_.operation(name));
  for_each(names_.operators, name, [&](Volatility volatility) { worst.add(volatility); });
  return worst.get();
}

Volatility CatalogueObjects::type(ObjectName name) const {
  Worst worst(built_in_.type(name));
  for_each(names_.types, name, [&](Volatility volatility) { worst.add(volatility); });
  for_each(names_.relations, name, [&](const RelationEntry& entry) { worst.add(entry.row); });
  return worst.get();
}

// `unknown` is the smallest, so the greatest is the worst of those found.
RelationKind CatalogueObjects::relation(ObjectName name) const {
  RelationKind worst = built_in_.relation(name);
  for_each(names_.relations, name,
           [&](const RelationEntry& entry) { worst = std::max(worst, entry.kind); });
  return worst;
}

}  // namespace spar::engines::postgres
