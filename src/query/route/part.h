// query/route/part.h: how a Part grows while its statement is read.
#pragma once

#include <string_view>

#include "query/route/route.h"

namespace spar::query::route {

// The first reason found is the one that is kept.
inline void need_primary(Part& part, Reason reason, std::string_view cause = {}) {
  if (part.reason == Reason::none) {
    part.reason = reason;
    part.cause = cause;
  }
  part.site = Site::primary;
}

inline void may_write(Part& part, Reason reason, std::string_view cause = {}) {
  need_primary(part, reason, cause);
  part.writes = true;
}

// Code that may do anything.
inline void may_do_anything(Part& part, Reason reason, std::string_view cause = {}) {
  may_write(part, reason, cause);
  part.opaque = true;
}

}  // namespace spar::query::route
