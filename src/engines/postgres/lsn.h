// engines/postgres/lsn.h: PostgreSQL's own positions: a byte in the write-ahead log, a timeline,
// a transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace spar::engines::postgres {

using Lsn = StrongId<struct LsnTag>;
using TimelineId = StrongId<struct TimelineTag, std::uint32_t>;
using Xid = StrongId<struct XidTag>;  // 64 bits: with its wrap-arounds counted (xid8)

std::string to_string(Lsn lsn);  // "16/B374D848"
std::optional<Lsn> parse_lsn(std::string_view text);

}  // namespace spar::engines::postgres
