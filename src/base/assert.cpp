#include "base/assert.h"

#include <cstdlib>
#include <string>

#include "base/log.h"

namespace spar {

void assertion_failed(const char* expression, const char* file, int line) {
  log_error("base", std::string("broken invariant: ") + expression + " at " + file + ":" +
                        std::to_string(line));
  std::abort();
}

}  // namespace spar
