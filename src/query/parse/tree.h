// query/parse/tree.h: PostgreSQL's raw parse tree, as libpg_query gives it.
//
// Contract    A Source owns the text and all trees of one query string; a Tree points at one
//             statement of it and keeps it alive. Locations in nodes are byte offsets into the
//             whole string; position() turns them into what an error carries.
// Threads     Immutable once made; share freely.
#pragma once

#include <memory>
#include <memory_resource>
#include <string>

#include <pg_query/pg_query.pb-c.h>

#include "query/statement.h"

namespace spar::query {

namespace grammar {

using Node = PgQuery__Node;

struct Source {
  std::string text;
  std::pmr::monotonic_buffer_resource memory;  // all nodes
  const PgQuery__ParseResult* result = nullptr;
};

// 1-based character of a byte offset, 0 for a location that the grammar did not give.
int position(const Source& source, int location);

}  // namespace grammar

struct ParsedStatement::Tree {
  std::shared_ptr<const grammar::Source> source;
  const grammar::Node* node = nullptr;
};

}  // namespace spar::query
