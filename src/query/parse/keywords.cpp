#include "query/parse/keywords.h"

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <string>

namespace spar::query::grammar {

bool is_reserved_word(std::string_view word) {
  PgQueryScanResult scanned = pg_query_scan(std::string(word).c_str());
  bool reserved = false;
  if (scanned.error == nullptr) {
    PgQuery__ScanResult* tokens = pg_query__scan_result__unpack(
        nullptr, scanned.pbuf.len, reinterpret_cast<const std::uint8_t*>(scanned.pbuf.data));
    if (tokens != nullptr && tokens->n_tokens == 1) {
      const auto kind = tokens->tokens[0]->keyword_kind;
      reserved = kind != PG_QUERY__KEYWORD_KIND__NO_KEYWORD &&
                 kind != PG_QUERY__KEYWORD_KIND__UNRESERVED_KEYWORD;
    }
    if (tokens != nullptr) pg_query__scan_result__free_unpacked(tokens, nullptr);
  }
  pg_query_free_scan_result(scanned);
  return reserved;
}

}  // namespace spar::query::grammar
