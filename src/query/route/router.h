// query/route/router.h: a query string in, its route out.
//
// Contract    route() looks the text up by its template, else by its exact bytes, else parses and
//             classifies it and remembers the outcome. What cannot be parsed has a route too
//             (route.h: unparsed). The reference is valid until the next call of a member that is
//             not const. On a hit nothing is allocated.
//             One Router for one database, and for sessions whose search paths `objects` covers.
// REQUIRES    objects.h and lexer.h (Encoding).
// Threads     One at a time. A worker with its own Router needs no lock.
#pragma once

#include <memory>
#include <string_view>

#include "query/route/objects.h"
#include "query/route/route_cache.h"
#include "query/statement.h"

namespace spar::query::route {

struct RouterOptions {
  std::uint64_t seed = 0;  // template_key.h: random, and secret
  ParseLimits limits = {};
};

// Each text is counted once.
struct RouterCounts {
  std::uint64_t template_hits = 0;
  std::uint64_t exact_hits = 0;
  std::uint64_t misses = 0;     // parsed
  std::uint64_t unparsed = 0;   // of the misses
  std::uint64_t too_large = 0;  // of the misses: not remembered
  friend bool operator==(const RouterCounts&, const RouterCounts&) = default;
};

class Router {
 public:
  Router(std::shared_ptr<const Objects> objects, const RouterOptions& options)
      : objects_(std::move(objects)), options_(options) {}

  // `standard_strings`: the session's standard_conforming_strings.
  const Route& route(std::string_view text, bool standard_strings = true);

  // The catalogues say something else: routes of another epoch are forgotten.
  void renew(std::shared_ptr<const Objects> objects, std::uint64_t epoch);

  const RouterCounts& counts() const { return counts_; }
  std::size_t cached() const { return cache_.size(); }

 private:
  const Route& miss(std::string_view text, const KeyOptions& options,
                    const std::optional<TemplateKey>& key);

  std::shared_ptr<const Objects> objects_;
  RouterOptions options_;
  RouteCache cache_;
  RouterCounts counts_;
  Route last_;  // one that is too large for the cache
};

}  // namespace spar::query::route
