// tests/support/answers.h: statements with what PostgreSQL 15 answered (tests/conformance).
//
// Contract    A file holds statements, each ending with a semicolon at the end of a line, and behind
//             each its answer in lines that begin with "= ": "OK" and the rows as psql -At shows
//             them, or "SQLSTATE@position message" and "HINT ...". record.py writes them.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace spar::test {

struct Recorded {
  std::string statement;
  std::vector<std::string> answer;
  int line = 0;
};

inline std::vector<Recorded> recorded_answers(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<Recorded> all;
  std::string line;
  bool in_answer = true;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.starts_with("= ")) {
      all.back().answer.push_back(line.substr(2));
      in_answer = true;
    } else if (in_answer) {
      all.push_back({line + "\n", {}, number});
      in_answer = false;
    } else if (!line.empty()) {
      all.back().statement += line + "\n";
    }
  }
  return all;
}

// Rows in any order where the statement asks for none.
inline bool same_answer(const std::string& statement, std::vector<std::string> want,
                        std::vector<std::string> got) {
  const bool ordered = statement.find("order by") != std::string::npos;
  if (!ordered && want.front().starts_with("OK")) {
    std::ranges::sort(want);
    std::ranges::sort(got);
  }
  return got == want;
}

inline std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// Chinook's script without its CREATE DATABASE and \connect; "" when it is not there.
inline std::string chinook_script() {
  const char* named = std::getenv("SPAR_SHARED");
  const std::filesystem::path folder =
      named != nullptr ? std::filesystem::path(named)
                       : std::filesystem::path(__FILE__).parent_path() / "../../../shared";
  std::ifstream file(folder / "data/chinook/Chinook_PostgreSql.sql");
  std::string sql;
  for (std::string line; std::getline(file, line);) {
    const bool database = line.find("DATABASE") != std::string::npos || line.starts_with("\\c");
    if (!database) sql += line + "\n";
  }
  return sql;
}

}  // namespace spar::test
