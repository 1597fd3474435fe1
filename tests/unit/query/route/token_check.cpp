#include "tests/unit/query/route/token_check.h"

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <algorithm>
#include <regex>
#include <vector>

#include "query/route/lexer.h"

namespace spar::query::route::test {
namespace {

struct Cut {
  std::size_t begin = 0, end = 0;
  friend bool operator==(const Cut&, const Cut&) = default;
};
using Cuts = std::vector<Cut>;

class Recorder {
 public:
  explicit Recorder(std::string_view text) : text_(text) {}
  bool word(const char* b, const char* e) { return add(b, e); }
  bool national(const char* b, const char* e) { return add(b, e); }
  bool quoted(const char* b, const char* e) { return add(b, e); }
  bool parameter(const char* b, const char* e) { return add(b, e); }
  bool literal(Literal, const char* b, const char* e) { return add(b, e); }
  bool operation(const char* b, const char* e) { return add(b, e); }
  bool punctuation(const char* b, const char* e) { return add(b, e); }
  Cuts cuts;

 private:
  bool add(const char* begin, const char* end) {
    cuts.push_back({static_cast<std::size_t>(begin - text_.data()),
                    static_cast<std::size_t>(end - text_.data())});
    return true;
  }
  std::string_view text_;
};

std::optional<Cuts> ours(std::string_view text) {
  Recorder recorder(text);
  if (!Lexer<Recorder>(text, true, recorder).run()) return std::nullopt;
  return recorder.cuts;
}

std::optional<Cuts> postgres(const std::string& text) {
  PgQueryScanResult scanned = pg_query_scan(text.c_str());
  std::optional<Cuts> cuts;
  if (scanned.error == nullptr) {
    cuts.emplace();
    PgQuery__ScanResult* result = pg_query__scan_result__unpack(
        nullptr, scanned.pbuf.len, reinterpret_cast<const uint8_t*>(scanned.pbuf.data));
    for (std::size_t i = 0; i < result->n_tokens; ++i) {
      const PgQuery__ScanToken& token = *result->tokens[i];
      if (token.token == PG_QUERY__TOKEN__SQL_COMMENT ||
          token.token == PG_QUERY__TOKEN__C_COMMENT) {
        continue;
      }
      cuts->push_back({static_cast<std::size_t>(token.start), static_cast<std::size_t>(token.end)});
    }
    pg_query__scan_result__free_unpacked(result, nullptr);
  }
  pg_query_free_scan_result(scanned);
  return cuts;
}

// libpg_query makes tokens of comments, and so does not join 'a' -- comment
// 'b' into one string as PostgreSQL does (seen on 15.20).
bool joins_over_comment(const std::string& text, const Cuts& mine) {
  static const std::regex kJoined("'[ \\t\\r\\n\\f]*--");
  return std::ranges::any_of(mine, [&](const Cut& cut) {
    const std::string token = text.substr(cut.begin, cut.end - cut.begin);
    return token.ends_with('\'') && std::regex_search(token, kJoined);
  });
}

std::string print(const Cuts& cuts) {
  std::string out;
  for (const Cut& cut : cuts)
    out += std::to_string(cut.begin) + '-' + std::to_string(cut.end) + ' ';
  return out;
}

}  // namespace

TokenCheck check_tokens(const std::string& text) {
  const std::optional<Cuts> mine = ours(text);
  if (!mine) return {};
  TokenCheck check{.accepted = true};
  if (joins_over_comment(text, *mine)) return check;
  std::optional<Cuts> theirs = postgres(text);
  if (!theirs) {
    check.difference = "PostgreSQL refuses it";
    return check;
  }
  for (std::size_t i = 0; i < std::min(mine->size(), theirs->size()); ++i) {
    Cut& cut = (*theirs)[i];
    if (cut.begin == cut.end) cut.end = (*mine)[i].end;  // libpg_query's U&'..' has no length
  }
  if (*theirs != *mine)
    check.difference = "PostgreSQL: " + print(*theirs) + "\nours: " + print(*mine);
  return check;
}

}  // namespace spar::query::route::test
