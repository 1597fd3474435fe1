// query/route/objects.h: what routing asks about a database.
//
// Contract    An Objects answers for one database, from what its catalogues say. Names are as the
//             parse tree has them (folded; schema empty when the text gives none). An answer covers
//             every object that the name can mean: for a name without schema the worst over all
//             schemas that may be on a search path, and over all overloads that accept so many
//             arguments. What is not known is `unknown`, which is routed as if it wrote.
//             When its answers change, the epoch of caches that hold routes changes
//             (route_cache.h).
// Here        BuiltInObjects: what PostgreSQL 15 brings (pg_catalog.inc, from a server's pg_proc,
//             pg_operator, pg_type and pg_class). It knows nothing that a user made, so
//             every user's table, function, type and operator is unknown to it; and it does not
//             know whether a user's overload hides behind a built-in name. One that reads the
//             catalogues of a real database does: engines/postgres/catalogue_objects.h.
// Threads     Pure functions of immutable state.
#pragma once

#include <cstdint>
#include <string_view>

namespace spar::query::route {

enum class Volatility : std::uint8_t { immutable, stable, volatile_, unknown };

struct ObjectName {
  std::string_view schema;
  std::string_view name;
};

struct FunctionFacts {
  Volatility volatility = Volatility::unknown;
  bool built_in = false;  // the name can mean nothing but functions of pg_catalog
};

enum class RelationKind : std::uint8_t {
  unknown,
  reads,   // a table, or a view that reads alike on every copy; no row security that does more
  node,    // answers only or otherwise on one server: pg_stat_activity, an unlogged table (empty
           // on a standby), a sequence (its log runs ahead of its values)
  writes,  // a view or row security with a volatile function in it, a foreign table
};

class Objects {
 public:
  virtual ~Objects() = default;
  virtual FunctionFacts function(ObjectName name, std::size_t arguments) const = 0;
  virtual Volatility operation(ObjectName name) const = 0;
  // Of reading text as that type or converting to it. A domain or a row type is no better than
  // the checks in it.
  virtual Volatility type(ObjectName name) const = 0;
  virtual RelationKind relation(ObjectName name) const = 0;
};

class BuiltInObjects : public Objects {
 public:
  FunctionFacts function(ObjectName name, std::size_t arguments) const override;
  Volatility operation(ObjectName name) const override;
  Volatility type(ObjectName name) const override;
  RelationKind relation(ObjectName name) const override;
};

}  // namespace spar::query::route
