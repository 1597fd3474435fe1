// query/replay/insert_text.h: where the parts of an INSERT stand in its text.
//
// Contract    find_parts() follows the tokens of `text` (PostgreSQL's own, route/lexer.h) from the
//             target's name on. Nothing for a text whose tokens it cannot follow, so that who edits
//             it gives up. Offsets are bytes.
// Threads     Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace spar::query::replay {

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct InsertText {
  std::size_t target_end = 0;                // behind the name and alias
  std::optional<std::size_t> columns_close;  // the ) of the column list
  enum class Source { values, default_values, select } source = Source::values;
  Span source_text;  // from VALUES, DEFAULT or SELECT to before ON CONFLICT or RETURNING
  struct Row {
    std::vector<Span> items;
    std::size_t close = 0;  // its )
  };
  std::vector<Row> rows;       // of VALUES
  std::vector<Span> excluded;  // words behind `excluded.` after the source; empty: all of it
};

// `target` is where the target's name begins, `has_columns` whether a column list follows.
std::optional<InsertText> find_parts(std::string_view text, std::size_t target, bool has_columns);

}  // namespace spar::query::replay
