// query/route/reviewed.h: what somebody read PostgreSQL's documentation and source for.
//
// Contract    Lists of names of pg_catalog and of settings, with the reason beside each list. A
//             name that is missing costs a trip to the primary or a pinned session, never a wrong
//             answer: except in node_function() and runs_other_queries(), which list what pg_proc
//             calls stable.
#pragma once

#include <string_view>

namespace spar::query::route {

// Volatile, but writes nothing, and answers on a standby as well as on the primary.
bool is_harmless(std::string_view function);
// Answers about the server that runs it, or fails on a standby.
bool is_node_function(std::string_view function);
// Stable, yet runs what its arguments name: a view with a volatile function in it, for one.
bool runs_other_queries(std::string_view function);
// Takes an advisory lock that outlives its transaction.
bool takes_session_lock(std::string_view function);

// A setting that Spar can put in place on another server: no privilege needed, no effect but on
// the session, and SET there gives what SET gave here. Lower case.
bool is_tracked(std::string_view setting);
// What SHOW answers alike everywhere: tracked settings, the transaction's, and constants.
bool is_shown_alike(std::string_view setting);
// A list of names, which SET writes into the setting in double quotes.
bool is_list_of_names(std::string_view setting);

}  // namespace spar::query::route
