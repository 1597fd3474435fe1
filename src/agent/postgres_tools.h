// agent/postgres_tools.h: where PostgreSQL's own programs are.
//
// Contract    All programs that PostgresServer uses are in `bin`. Code::unavailable names what is
//             missing and says how to install it.
// Threads     Value type.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace spar::agent {

struct PostgresTools {
  std::string bin;  // a directory
  std::string program(const std::string& name) const { return bin + "/" + name; }
};

// In `bin`, or, when that is empty, in the newest version under `installed`.
Result<PostgresTools> find_postgres_tools(const std::string& bin = "",
                                          const std::string& installed = "/usr/lib/postgresql");

// The names that are whole numbers, the greatest first.
std::vector<std::string> newest_first(const std::vector<std::string>& names);

}  // namespace spar::agent
