// Any text through the lexer, the template and the router: PostgreSQL's scanner cuts what the lexer
// accepts in the same places, comments and white space leave the key alone, and what the router
// remembers of all texts before is what a fresh look at this one gives.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "query/parse/limits.h"
#include "query/route/classify.h"
#include "query/route/router.h"
#include "tests/unit/query/route/test_objects.h"
#include "tests/unit/query/route/token_check.h"

namespace spar::query::route {
namespace {

void check(bool holds, const char* what, std::string_view text) {
  if (holds) return;
  std::fprintf(stderr, "%s\n%.*s\n", what, static_cast<int>(text.size()), text.data());
  std::abort();
}

Router& router() {
  static Router* kRouter = new Router(std::make_shared<test::TestObjects>(), {.seed = 1});
  return *kRouter;
}

void check_route(std::string_view text) {
  const auto parsed = parse(text, {});
  if (!parsed) return;
  const Route fresh = classify_all(*parsed, test::TestObjects());
  const Route& known = router().route(text);
  check(known == fresh, (describe(known) + " | " + describe(fresh)).c_str(), text);
}

}  // namespace
}  // namespace spar::query::route

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace spar::query::route;
  const std::string text(reinterpret_cast<const char*>(data), size);
  template_key(text, {.standard_conforming_strings = false});
  const auto key = template_key(text, {});
  if (key) {
    check(template_key(" /* x */\t" + text, {}) == key, "a comment before it counts", text);
    check(template_key(text + "\n--x", {}) == key, "a comment behind it counts", text);
  }
  if (!spar::query::grammar::check_encoding(text)) return 0;
  const std::string difference = test::check_tokens(text).difference;
  check(difference.empty(), difference.c_str(), text);
  check_route(text);
  return 0;
}
