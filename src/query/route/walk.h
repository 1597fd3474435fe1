// query/route/walk.h: what the expressions and subqueries of a statement demand.
//
// Contract    walk(part, tree, objects) visits every node of a raw parse tree and adds to `part`
//             what it demands of a server and leaves in a session. Nodes of a kind that is not
//             reviewed here demand the primary. Iterative: the depth of a tree costs heap, not
//             stack. find_temporary() only looks for temporary objects: for commands, whose
//             expressions run on the primary in any case.
// Invariants  Nothing of an A_Const but its presence counts, other than in arguments of
//             set_config() and current_setting() (template_key.h).
#pragma once

#include <span>

#include "query/parse/nodes.h"
#include "query/route/objects.h"
#include "query/route/part.h"

namespace spar::query::route {

void walk(Part& part, const grammar::Node* tree, const Objects& objects);
void find_temporary(Part& part, const grammar::Node* tree);

// Of a possibly qualified name: the last two.
ObjectName object_name(grammar::Nodes names);
bool is_temporary_schema(std::string_view schema);

}  // namespace spar::query::route
