// query/bind/zone.h: functions of timestamptz in a session whose time zone is an offset from UTC.
//
// Contract    Functions know no session. What depends on its zone is put in terms of local time: the
//             argument cast to timestamp, the result cast back. What cannot be is 0A000.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "query/bind/coerce.h"

namespace spar::query::bind {

// The call that stands for it; nothing: it does not depend on the zone, or the zone is UTC.
Result<std::optional<ScalarRef>> in_session_zone(Binding& binding, std::string_view operation,
                                                 std::span<const ScalarRef> arguments,
                                                 const Type& result, int location);

}  // namespace spar::query::bind
