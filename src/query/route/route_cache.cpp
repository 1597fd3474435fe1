#include "query/route/route_cache.h"

namespace spar::query::route {

const Route* RouteCache::find(const TemplateKey& key) {
  Set& set = set_of(key);
  for (std::size_t way = 0; way < kRouteCacheWays; ++way) {
    if (set.keys[way] != key || set.routes[way] == nullptr) continue;
    set.found[way] = true;
    return set.routes[way].get();
  }
  return nullptr;
}

const Route& RouteCache::insert(const TemplateKey& key, Route route) {
  Set& set = set_of(key);
  while (set.routes[set.hand] != nullptr && set.found[set.hand]) {
    set.found[set.hand] = false;
    set.hand = (set.hand + 1) % kRouteCacheWays;
  }
  const std::size_t way = set.hand;
  set.hand = (set.hand + 1) % kRouteCacheWays;
  if (set.routes[way] == nullptr) ++size_;
  set.keys[way] = key;
  set.routes[way] = std::make_unique<const Route>(std::move(route));
  set.found[way] = false;
  return *set.routes[way];
}

void RouteCache::begin_epoch(std::uint64_t epoch) {
  if (epoch == epoch_) return;
  epoch_ = epoch;
  if (size_ == 0) return;
  for (Set& set : sets_) set = Set();
  size_ = 0;
}

}  // namespace spar::query::route
