// A small language for session tests, understood without any grammar:
//   rows N                  a SELECT of N rows (id int4, name text)
//   value $1 [, $2]         a SELECT of its parameters (int4, text)
//   insert N                a DML of N rows, without result;  insert N returning  with them
//   broken | badfinish      run() fails with 22012; finish() and commit() will fail with 40001
//   slow                    a SELECT that runs until cancelled
//   create NAME             a schema change with a notice; `create database X` alone only
//   copy in [csv] | copy out [csv]   of t (a int4, b text)
//   begin, commit, rollback, savepoint S, release S, rollback to S, set A B, set local A B,
//   reset A, show A, discard all, vacuum, prepare N STATEMENT, execute N ARGUMENT...,
//   deallocate N|all
//   what?                   42601 from the grammar;  missing  42P01 at position 8 from the analysis
#pragma once

#include "gateway/language.h"

namespace spar::gateway::test {

Language fake_language();

}  // namespace spar::gateway::test
