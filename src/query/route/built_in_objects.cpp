#include <algorithm>
#include <array>
#include <span>

#include "query/route/objects.h"

namespace spar::query::route {
namespace {

struct Function {
  std::string_view name;
  std::uint8_t arguments_min, arguments_max;  // 255: variadic
  Volatility volatility;
};
struct Named {
  std::string_view name;
  Volatility volatility;
};
enum class Kind : std::uint8_t { table, view };
struct Relation {
  std::string_view schema, name;
  Kind kind;
};

constexpr Volatility I = Volatility::immutable, S = Volatility::stable, V = Volatility::volatile_;
constexpr Kind Table = Kind::table, View = Kind::view;
#include "query/route/pg_catalog.inc"

constexpr std::string_view kPgCatalog = "pg_catalog";

// Reviewed: the views of pg_catalog that show the same on every copy, as they read nothing but
// tables (and, of the time zones, what PostgreSQL's packages install). All others show the state
// of one server. information_schema has only views of the first kind.
constexpr std::array<std::string_view, 17> kViewsOfTables = {"pg_group",
                                                             "pg_indexes",
                                                             "pg_matviews",
                                                             "pg_policies",
                                                             "pg_publication_tables",
                                                             "pg_roles",
                                                             "pg_rules",
                                                             "pg_shadow",
                                                             "pg_stats",
                                                             "pg_stats_ext",
                                                             "pg_stats_ext_exprs",
                                                             "pg_tables",
                                                             "pg_timezone_abbrevs",
                                                             "pg_timezone_names",
                                                             "pg_user",
                                                             "pg_user_mappings",
                                                             "pg_views"};
static_assert(std::ranges::is_sorted(kViewsOfTables));
static_assert(std::ranges::is_sorted(kFunctions, {}, &Function::name));
static_assert(std::ranges::is_sorted(kOperators, {}, &Named::name));
static_assert(std::ranges::is_sorted(kTypes, {}, &Named::name));

bool in_pg_catalog(ObjectName name) {
  return name.schema.empty() || name.schema == kPgCatalog;
}

Volatility find(std::span<const Named> table, ObjectName name) {
  if (!in_pg_catalog(name)) return Volatility::unknown;
  const auto at = std::ranges::lower_bound(table, name.name, {}, &Named::name);
  return at != table.end() && at->name == name.name ? at->volatility : Volatility::unknown;
}

}  // namespace

FunctionFacts BuiltInObjects::function(ObjectName name, std::size_t arguments) const {
  FunctionFacts facts;
  if (!in_pg_catalog(name)) return facts;
  for (const Function& function :
       std::ranges::equal_range(kFunctions, name.name, {}, &Function::name)) {
    const bool variadic = function.arguments_max == 255;
    if (arguments < function.arguments_min) continue;
    if (!variadic && arguments > function.arguments_max) continue;
    facts.volatility =
        facts.built_in ? std::max(facts.volatility, function.volatility) : function.volatility;
    facts.built_in = true;
  }
  return facts;
}

Volatility BuiltInObjects::operation(ObjectName name) const {
  return find(kOperators, name);
}

Volatility BuiltInObjects::type(ObjectName name) const {
  return find(kTypes, name);
}

RelationKind BuiltInObjects::relation(ObjectName name) const {
  const std::string_view schema = name.schema.empty() ? kPgCatalog : name.schema;
  for (const Relation& relation :
       std::ranges::equal_range(kRelations, schema, {}, &Relation::schema)) {
    if (relation.name != name.name) continue;
    const bool reads = relation.kind == Kind::table || schema != kPgCatalog ||
                       std::ranges::binary_search(kViewsOfTables, name.name);
    return reads ? RelationKind::reads : RelationKind::node;
  }
  return RelationKind::unknown;
}

}  // namespace spar::query::route
