// query/route/route_cache.h: the routes of the texts seen last, by key.
//
// Contract    At most kRouteCacheSets * kRouteCacheWays routes. A key has kRouteCacheWays places;
//             when all are taken, the first one not found again since the hand came by is given up
//             (CLOCK within a set). find() allocates nothing. What find() and insert() return is
//             valid until the next insert() or begin_epoch().
// Epoch       Routes hold for one state of the schema, functions and so on (objects.h):
//             begin_epoch() with another number forgets all of them.
// Threads     One at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "query/route/limits.h"
#include "query/route/route.h"
#include "query/route/template_key.h"

namespace spar::query::route {

class RouteCache {
 public:
  RouteCache() : sets_(kRouteCacheSets) {}

  const Route* find(const TemplateKey& key);
  // REQUIRES: find(key) found nothing.
  const Route& insert(const TemplateKey& key, Route route);
  void begin_epoch(std::uint64_t epoch);
  std::uint64_t epoch() const { return epoch_; }
  std::size_t size() const { return size_; }

 private:
  struct Set {
    std::array<TemplateKey, kRouteCacheWays> keys;
    std::array<std::unique_ptr<const Route>, kRouteCacheWays> routes;
    std::array<bool, kRouteCacheWays> found = {};  // since the hand came by
    std::size_t hand = 0;
  };
  Set& set_of(const TemplateKey& key) { return sets_[key.high % kRouteCacheSets]; }

  std::vector<Set> sets_;
  std::size_t size_ = 0;
  std::uint64_t epoch_ = 0;
};

}  // namespace spar::query::route
