// query/functions/families.h: the tables that the registry is put together from, one a file.
#pragma once

#include <span>

#include "query/functions/registry.h"

namespace spar::query::functions {}  // namespace spar::query::functions
