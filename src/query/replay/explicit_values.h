// query/replay/explicit_values.h: an INSERT again, with the values that it had made up.
//
// A client that was told "your row has id 7" must find id 7 after its transaction was repeated on
// another server, whose sequences and clocks say something else.
//
// Contract    with_explicit_values() takes the text of one INSERT ... RETURNING and its answer as
//             text, and gives a text that asks for the same rows: columns that were returned but
//             not given, given as DEFAULT, or given by an expression that calls functions and holds
//             no parameter, are given with the returned values, as literals whose type the column
//             decides, under OVERRIDING SYSTEM VALUE. All else stays as it was written; $n keep
//             their numbers. Nothing when it cannot be done truthfully; the text as it was when
//             nothing was made up that was returned.
//             Covers VALUES of one row and of many, DEFAULT VALUES, and SQLAlchemy's
//             INSERT ... SELECT p0::t, ... FROM (VALUES (..., 0), ...) AS s(p0, ..., n) ORDER BY n,
//             which becomes VALUES. RETURNING of plain columns, qualified or renamed, and `*`.
//             ON CONFLICT DO UPDATE unless it reads a bound column from `excluded`.
// Not here    What was not returned is made up anew. Triggers run again, on the values that they
//             gave: who replays compares the answers.
//             Sequences: the ids do not come from them the second time, and a server that never heard
//             of them would give them again. With Sequences::move_past the text calls nextval() until
//             the column's sequence (pg_get_serial_sequence) is past the id, at most 100,000
//             times: what the insert's own rights allow. A default from a sequence that the column
//             does not own is not seen.
// REQUIRES    standard_conforming_strings on (route/legacy_strings.h otherwise).
// Threads     Pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spar::query::replay {

using AnsweredRows = std::vector<std::vector<std::optional<std::string>>>;  // nothing: NULL

// What a catalogue knows of the table, where it matters.
struct TableColumns {
  std::vector<std::string> in_order = {};   // for an INSERT without column list that returns no *
  std::vector<std::string> generated = {};  // GENERATED ... STORED: never given, computed alike
};

enum class Sequences { leave, move_past };

// `returned_names` are those of the answer's columns.
std::optional<std::string> with_explicit_values(std::string_view sql,
                                                std::span<const std::string> returned_names,
                                                const AnsweredRows& rows,
                                                const TableColumns& table = {},
                                                Sequences sequences = Sequences::leave);

// Whether the answer is worth keeping: false when with_explicit_values() would give nothing or the
// text itself whatever the answer. A look at the words, without allocation; may be true for nothing.
bool may_return_inserted(std::string_view sql);

}  // namespace spar::query::replay
