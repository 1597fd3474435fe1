#include <pg_query.h>

#include <algorithm>

#include "query/parse/limits.h"
#include "query/parse/tree.h"
#include "query/statement.h"

namespace spar::query {
namespace grammar {
namespace {

void* allocate_node(void* memory, std::size_t size) {
  return static_cast<std::pmr::memory_resource*>(memory)->allocate(size);
}
void keep_node(void*, void*) {}  // the whole Source goes at once

Failure syntax_error(const PgQueryError& error) {
  const bool frame = std::string_view(error.message).starts_with("frame ");
  return sql_error(frame ? "42P20" : "42601", error.message, std::max(error.cursorpos, 0));
}

Result<std::shared_ptr<const Source>> run_grammar(std::string_view sql) {
  auto source = std::make_shared<Source>();
  source->text = std::string(sql);
  PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(source->text.c_str());
  const std::unique_ptr<PgQueryProtobufParseResult, void (*)(PgQueryProtobufParseResult*)> guard(
      &parsed, [](PgQueryProtobufParseResult* p) { pg_query_free_protobuf_parse_result(*p); });
  if (parsed.error != nullptr) return syntax_error(*parsed.error);
  ProtobufCAllocator allocator{allocate_node, keep_node, &source->memory};
  source->result = pg_query__parse_result__unpack(
      &allocator, parsed.parse_tree.len, reinterpret_cast<const uint8_t*>(parsed.parse_tree.data));
  if (source->result == nullptr) return sql_error("54001", "the parse tree is too deep");
  return source;
}

}  // namespace

int position(const Source& source, int location) {
  if (location < 0) return 0;
  const std::string_view before =
      std::string_view(source.text).substr(0, static_cast<std::size_t>(location));
  return 1 + static_cast<int>(std::ranges::count_if(
                 before, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace grammar

Result<std::vector<ParsedStatement>> parse(std::string_view sql, const ParseLimits& limits) {
  SPAR_TRY(grammar::check_encoding(sql));
  SPAR_TRY(grammar::check_limits(sql, limits));
  SPAR_ASSIGN(std::shared_ptr<const grammar::Source> source, grammar::run_grammar(sql));
  std::vector<ParsedStatement> statements;
  statements.reserve(source->result->n_stmts);
  for (std::size_t i = 0; i < source->result->n_stmts; ++i) {
    statements.emplace_back(std::make_shared<ParsedStatement::Tree>(
        ParsedStatement::Tree{source, source->result->stmts[i]->stmt}));
  }
  return statements;
}

}  // namespace spar::query
