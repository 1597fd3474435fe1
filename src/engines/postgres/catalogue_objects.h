// engines/postgres/catalogue_objects.h: what routing asks, from a database's catalogues.
//
// Contract    load() reads the database of `link` in one snapshot, without a lock that a schema
//             change could hold, and answers by query/route/objects.h: for what PostgreSQL brings
//             together with BuiltInObjects, else for what users and extensions made. fingerprint()
//             is a short text that changes when an answer may: take it before load(), and again
//             every second; when it differs, load anew. Both leave the link's search_path at
//             pg_catalog.
//             A view, and a table with row security, reads as long as nothing in it is volatile or
//             unreviewed (node_tree.h), through views of views; a table is no better than its
//             partitions and children. An aggregate is no better than its functions, a function no
//             better than its default arguments, a type no better than its casts and domain checks.
// Errors      ServerLink's; Code::unavailable when the database has more objects than limits.h
//             allows: all of it belongs on the primary then (an Objects that knows nothing).
// Not seen    Temporary objects: a session that has some is pinned. The body of a function, nor
//             casts that an expression applies without naming the type. What a database superuser
//             changed about PostgreSQL's own functions.
// Threads     The objects are immutable. load() and fingerprint(): one link, one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engines/postgres/server_link.h"
#include "query/route/objects.h"

namespace spar::engines::postgres {

// What users made, by name. A value each for the objects of one name, whatever their schemas.
template <class Value>
struct Named {
  std::string name, schema;
  Value value;
};
struct FunctionEntry {
  std::size_t arguments_min = 0, arguments_max = 0;
  query::route::Volatility volatility = query::route::Volatility::unknown;
};
struct RelationEntry {
  // unknown: no relation that a query may name, only a row type
  query::route::RelationKind kind = query::route::RelationKind::unknown;
  query::route::Volatility row = query::route::Volatility::stable;  // of its row type
};
struct CatalogueNames {
  std::vector<Named<FunctionEntry>> functions;
  std::vector<Named<query::route::Volatility>> operators, types;
  std::vector<Named<RelationEntry>> relations;
};

class CatalogueObjects : public query::route::Objects {
 public:
  static Result<std::shared_ptr<const query::route::Objects>> load(ServerLink& link,
                                                                   Monotonic deadline);
  static Result<std::string> fingerprint(ServerLink& link, Monotonic deadline);

  explicit CatalogueObjects(CatalogueNames names);

  query::route::FunctionFacts function(query::route::ObjectName name,
                                       std::size_t arguments) const override;
  query::route::Volatility operation(query::route::ObjectName name) const override;
  query::route::Volatility type(query::route::ObjectName name) const override;
  query::route::RelationKind relation(query::route::ObjectName name) const override;

 private:
  CatalogueNames names_;  // each sorted by name
  query::route::BuiltInObjects built_in_;
};

}  // namespace spar::engines::postgres
