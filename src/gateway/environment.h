// gateway/environment.h: what a session takes from the world around it, so that tests can give it.
#pragma once

#include <functional>

#include "base/time.h"

namespace spar::gateway {

struct Environment {
  std::function<Timestamp()> now;
  std::function<double()> random;  // in [0, 1)
};

Environment system_environment();

}  // namespace spar::gateway
