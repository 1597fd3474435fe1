// query/bind/routine_rows.h: rows of the tables of functions and operators, by families.
//
// Contract    An operation that begins with "spar_" is called by that name (query/functions/).
#pragma once

#include <vector>

#include "query/bind/operators.h"
#include "query/bind/routines.h"

namespace spar::query::bind {

void add_text_routines(std::vector<Routine>& rows);
void add_number_routines(std::vector<Routine>& rows);
void add_regex_routines(std::vector<Routine>& rows);
void add_moment_routines(std::vector<Routine>& rows);

void add_bit_operators(std::vector<Operator>& rows);
void add_moment_operators(std::vector<Operator>& rows);
void add_array_operators(std::vector<Operator>& rows);
void add_json_operators(std::vector<Operator>& rows);
void add_json_routines(std::vector<Routine>& rows);

}  // namespace spar::query::bind
