#include "query/route/router.h"

#include "query/route/classify.h"
#include "query/route/legacy_strings.h"

namespace spar::query::route {
namespace {

std::optional<Route> parsed_route(std::string_view text, const Objects& objects,
                                  const ParseLimits& limits) {
  const auto statements = parse(text, limits);
  if (!statements) return std::nullopt;
  return classify_all(*statements, objects);
}

}  // namespace

const Route& Router::route(std::string_view text, bool standard_strings) {
  const KeyOptions options{.standard_conforming_strings = standard_strings, .seed = options_.seed};
  const std::optional<TemplateKey> key = template_key(text, options);
  if (key) {
    if (const Route* const found = cache_.find(*key)) {
      ++counts_.template_hits;
      return *found;
    }
  }
  return miss(text, options, key);
}

// Also a text with a template may be known by its bytes: one that did not parse.
const Route& Router::miss(std::string_view text, const KeyOptions& options,
                          const std::optional<TemplateKey>& key) {
  const bool exact_fits = text.size() <= kCachedExactBytesMax;
  const TemplateKey exact = exact_fits ? exact_key(text, options) : TemplateKey();
  if (exact_fits) {
    if (const Route* const found = cache_.find(exact)) {
      ++counts_.exact_hits;
      return *found;
    }
  }
  ++counts_.misses;
  std::optional<Route> route;
  if (options.standard_conforming_strings) {
    route = parsed_route(text, *objects_, options_.limits);
  } else if (const std::optional<std::string> rewritten = with_escape_strings(text)) {
    route = parsed_route(*rewritten, *objects_, options_.limits);
  }
  const bool parsed = route.has_value();
  if (!parsed) {
    ++counts_.unparsed;
    route = unparsed_route();
  }
  const bool fits = route->parts.size() <= kCachedPartsMax;
  if (fits && parsed && key) return cache_.insert(*key, std::move(*route));
  if (fits && exact_fits) return cache_.insert(exact, std::move(*route));
  ++counts_.too_large;
  last_ = std::move(*route);
  return last_;
}

void Router::renew(std::shared_ptr<const Objects> objects, std::uint64_t epoch) {
  objects_ = std::move(objects);
  cache_.begin_epoch(epoch);
}

}  // namespace spar::query::route
