// gateway/relay/statement_traits.h: what continuity must know of a text before it is sent.
//
// Contract    Says what a text may do, the worst when in doubt.
// Threads     Values and a pure function.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
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
  bool writes = false;       // may
  bool wraps = false;        // may run in a transaction block that we begin
  bool copies_in = false;    // COPY ... FROM STDIN
  bool returns = false;      // one INSERT ... RETURNING
  bool read_only = false;    // refuses writes in this transaction, or in later ones
  bool anywhere = false;     // any copy that is fresh enough answers alike, and nothing stays there
  bool ours = false;         // goes to the server as stand_in()
  bool plain_begin = false;  // one BEGIN that leaves open whether it will write
};

Traits traits_of(const query::route::Route& route, std::string_view sql);

// The tag that a server gives to a plain BEGIN.
std::string_view begin_tag(std::string_view sql);

// What a server is asked instead of a text that has to do with our own settings: SHOW spar.position,
// or a value that we do not take, which the server then refuses.
std::string stand_in(const query::route::Route& route);
// Where the server's error is the answer to such a text: what the client is told.
std::optional<Error> refusal_in(std::string_view error_message);

}  // namespace spar::gateway::relay
