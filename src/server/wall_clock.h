// server/wall_clock.h: the time of day, for people and for what clients are told; nothing is decided
// by it.
#pragma once

#include "base/time.h"

namespace spar::server {

Timestamp wall_clock_now();

}  // namespace spar::server
