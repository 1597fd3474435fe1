#include "gateway/language.h"

namespace spar::gateway {

Language sql_language() {
  return {.parse = query::parse, .analyze = query::analyze};
}

}  // namespace spar::gateway
