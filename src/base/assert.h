// base/assert.h: SPAR_ASSERT is on in every build: a broken invariant ends the process, and
// failover does its job. Never for bad input.
#pragma once

namespace spar {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);
}

#define SPAR_ASSERT(expression) \
  ((expression) ? (void)0 : ::spar::assertion_failed(#expression, __FILE__, __LINE__))
