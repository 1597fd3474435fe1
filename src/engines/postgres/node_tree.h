// engines/postgres/node_tree.h: what an expression or query in PostgreSQL's catalogues uses.
//
// The server stores the query of a view, a policy's condition, a domain's check as the text of its
// node tree. It names objects by number, takes no lock to be read (pg_get_viewdef() waits behind
// ALTER TABLE), and shows what pg_depend does not: uses of what PostgreSQL brings.
//
// Contract    read_node_tree() lists the objects used, sorted and once each. Kinds of nodes that
//             nobody has reviewed, row locks, queries that are no SELECT, and text that is no node
//             tree give `unreviewed`: take such a tree for one that writes.
// Invariants  A name in the tree, whatever it spells, can add to the answer, never hide from it.
// Threads     Pure.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace spar::engines::postgres {

using Oid = StrongId<struct OidTag, std::uint32_t>;
inline constexpr Oid kFirstOfUsers{16384};  // FirstNormalObjectId: smaller ones came by initdb

struct TreeUse {
  std::vector<Oid> functions, operators, relations, types;
  bool system_column = false;
  bool unreviewed = false;
};

TreeUse read_node_tree(std::string_view text);

}  // namespace spar::engines::postgres
