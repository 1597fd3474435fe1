// Any text through parse() and analyze(): never a crash, and what is accepted is SQL that SQLite
// compiles.
#include <cstdio>
#include <cstdlib>

#include "tests/unit/query/support/mini_server.h"

namespace {

using spar::query::Plan;
using spar::query::test::MiniServer;

MiniServer& server() {
  static MiniServer* kServer = [] {
    auto* made = new MiniServer;
    const auto result = made->run(
        "create table a(id int primary key, x int, t text, n numeric(10,2), d date, ts "
        "timestamptz);"
        "create table b(id int8, f float8, m numeric, v varchar(5), c char(4), k bool, iv interval,"
        " primary key (id, v));"
        "create table c(a int references a, u uuid, y bytea, s int2 default 3, r float4)");
    if (!result) std::abort();
    return made;
  }();
  return *kServer;
}

// Limits of SQLite's that a statement may run into.
bool is_limit(std::string_view message) {
  for (const std::string_view known :
       {"parser stack overflow", "too many", "Expression tree is too large", "too large", "too big",
        "at most 64 tables", "out of memory"}) {
    if (message.find(known) != std::string_view::npos) return true;
  }
  return false;
}

void compile(const Plan& plan) {
  sqlite3_stmt* prepared = nullptr;
  const int code = sqlite3_prepare_v2(server().handle(), plan.sql.c_str(), -1, &prepared, nullptr);
  sqlite3_finalize(prepared);
  if (code == SQLITE_OK || is_limit(sqlite3_errmsg(server().handle()))) return;
  std::fprintf(stderr, "SQLite: %s\n%s\n", sqlite3_errmsg(server().handle()), plan.sql.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& statement : server().analyze_all(text)) {
    if (const auto* plan = std::get_if<Plan>(&statement->body)) compile(*plan);
    if (const auto* in = std::get_if<spar::query::CopyIn>(&statement->body)) compile(in->insert);
    if (const auto* out = std::get_if<spar::query::CopyOut>(&statement->body)) {
      compile(out->select);
    }
  }
  return 0;
}
