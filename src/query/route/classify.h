// query/route/classify.h: a statement's route from its parse tree.
//
// Contract    classify() reads one statement's raw tree, never its text, and asks `objects` about
//             every function, operator, type and relation in it. What it cannot vouch for is on the
//             primary, writes, and is opaque.
// Invariants  I1 Site::any: the statement runs in a READ ONLY transaction, answers on a standby
//                that has replayed the same log what it answers on the primary, and leaves nothing
//                in the session but Part::settings.
//             I2 Of equal trees but for constants the parts are equal, unless template_key()
//                excludes the statement.
// Not seen    Triggers and rules of tables that are written, default expressions, and what a
//             function does against its own declaration of volatility. currval() and lastval() go
//             to the primary, but to a server connection that nextval() did not pin.
// Threads     Pure functions.
#pragma once

#include <span>

#include "query/route/objects.h"
#include "query/route/route.h"
#include "query/statement.h"

namespace spar::query::route {

Part classify(const ParsedStatement& statement, const Objects& objects);
Route classify_all(std::span<const ParsedStatement> statements, const Objects& objects);

}  // namespace spar::query::route
