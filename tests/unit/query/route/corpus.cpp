#include "tests/unit/query/route/corpus.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace spar::query::route::test {
namespace {

namespace fs = std::filesystem;

fs::path source_root() {
  return fs::path(__FILE__).parent_path().parent_path().parent_path().parent_path().parent_path();
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// As answers_test.cpp reads them: a statement's lines, then its answer's, which begin with "= ".
void add_recorded(const fs::path& path, std::vector<std::string>& all) {
  std::ifstream file(path);
  bool in_answer = true;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("= ")) {
      in_answer = true;
    } else if (in_answer) {
      all.push_back(line);
      in_answer = false;
    } else {
      all.back() += "\n" + line;
    }
  }
}

constexpr const char* kHard[] = {
    "SELECT 'it''s', E'it\\'s \\\\', e'', B'01', b'', X'1f', x'', N'n', n'n', U&'d', u&'d'",
    "SELECT 'a'\n'b', 'a' -- comment\n  'b', 'a' -- c\n -- d\n 'b', E'a'\n'b\\''",
    "SELECT 'a' /* no */\n'b'",
    "SELECT 'a' 'b'",
    "SELECT $$a'b$$, $x$ $$ $y$ $x$, $Tag_1$ $tag_1$ $Tag_1$, a$b$c, $1, $12+$3, 1$$x$$",
    "SELECT \"a\"\"b\", \"A b\", \"select\", \"-- no\", \"/* no\"",
    "SELECT 1, 1., .5, 1.5, 1e5, 1.e5, .5e-3, 1E+10, 12345678901, 2147483647, 2147483648, 007",
    "SELECT 1.5.6, a.b.c, a.*, x[1:2], x[:], x[1..2], f(a => 1), f(a := 2), a.5",
    "SELECT 1--2\n+/* /* nested */ */3, 4 /**/ - /***/ -5, 6-/**/-7, -8, - -9, +-+10, 2*-1, 2/-1",
    "SELECT a<=b, a<>b, a!=b, a>=b, a=-1, a=+-1, a<-b, a@-1, a@>b, a<@b, a->b, a->>b, a#>>b, a||b",
    "SELECT a*/*c*/b, a+--c\nb, a@/*c*/b, a^-1, a%-1, a!~*b, ~1, |/ 2, @ -1, a ?| b, a ? b, a&-1",
    "SELECT a::int, a :: text[], (a)::numeric(10,2), ARRAY[1,2]::int8[], '{1}'::int[]",
    "SELECT interval '1 day', date'2020-01-01', time with time zone '1:00', int2 '1'",
    "BEGIN; SELECT 1; COMMIT;;",
    ";",
    "",
    "  -- nothing\n /* at all */ ",
    "SELECT\t1\r\n,\f2 -- ends with a carriage return\r+3",
    "SELECT größe, 中文 AS \"😀\", 'é'",
    "SELECT E'\\x41', E'\\101', E'\\u0041', E'\\n\\t\\'', U&'\\0041', U&'!0041' UESCAPE '!'",
    "SELECT U&\"\\0041\", U & 'x', u&1",
    "SELECT 0x1F, 1_000, 1e, 1abc, $1a, 1.5e+, \"\", $, \\, {}, #, \v, $abc, $a",
    "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN RETURN 1; END $f$",
    "COMMIT AND CHAIN",
    "SELECT a operator(pg_catalog.+) b, a <-> b, a <#> b",
};

}  // namespace

const std::vector<std::string>& corpus() {
  static const std::vector<std::string> kAll = [] {
    std::vector<std::string> all(std::begin(kHard), std::end(kHard));
    const fs::path tests = source_root() / "tests";
    for (const auto& entry : fs::directory_iterator(tests / "conformance")) {
      if (entry.path().extension() == ".answers") add_recorded(entry.path(), all);
    }
    for (const auto& entry : fs::directory_iterator(tests / "fuzz/corpus/sql")) {
      all.push_back(read_file(entry.path()));
    }
    all.push_back(read_file(tests / "integration/chinook_queries.sql"));
    return all;
  }();
  return kAll;
}

std::vector<std::string> chinook() {
  const char* shared = std::getenv("SPAR_SHARED");
  const fs::path folder =
      shared != nullptr ? fs::path(shared) : source_root().parent_path() / "shared";
  std::ifstream file(folder / "data/chinook/Chinook_PostgreSql.sql");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

}  // namespace spar::query::route::test
