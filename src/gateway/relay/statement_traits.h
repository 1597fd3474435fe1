// gateway/relay/statement_traits.h: what continuity must know of a text before it is sent.
//
// Contract    Says what a text may do, the worst when in doubt.
// Threads     Values and a pure function.
#pragma once

#include <cstdint>
#include <string_view>

#include "query/route/route.h"

namespace spar::gateway::relay {

struct Traits {
  enum class Verb : std::uint8_t {
    none,  // the session is in a transaction after it if it was before, unless it fails
    begin,
    commit,
    rollback,
    mixed,  // anything: several of these in one text, two-phase commit, what cannot be read
  };
  Verb verb = Verb::none;
  bool writes = false;     // may
  bool wraps = false;      // may run in a transaction block that we begin
  bool copies_in = false;  // COPY ... FROM STDIN
  bool returns = false;    // one INSERT ... RETURNING
  bool read_only = false;  // refuses writes in this transaction, or in later ones
};

Traits traits_of(const query::route::Route& route, std::string_view sql);

}  // namespace spar::gateway::relay
