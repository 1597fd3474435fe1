#include "agent/postgres_tools.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "storage/disk.h"

namespace spar::agent {
namespace {

constexpr const char* kPrograms[] = {"initdb",    "postgres",       "pg_basebackup",
                                     "pg_rewind", "pg_controldata", "psql"};

std::string first_missing(const PostgresTools& tools) {
  for (const char* name : kPrograms) {
    if (::access(tools.program(name).c_str(), X_OK) != 0) return tools.program(name);
  }
  return "";
}

Failure not_installed(const std::string& what) {
  Failure missing = failure(Code::unavailable, what);
  missing.error().hint =
      "install the packages postgresql-15 and postgresql-client-15, or say in "
      "which directory the programs are";
  return missing;
}

int number(const std::string& text) {
  int value = -1;
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  return parsed.ptr == text.data() + text.size() ? value : -1;
}

}  // namespace

std::vector<std::string> newest_first(const std::vector<std::string>& names) {
  std::vector<std::string> versions;
  std::ranges::copy_if(names, std::back_inserter(versions),
                       [](const std::string& name) { return number(name) >= 0; });
  std::ranges::sort(versions, std::greater(), number);
  return versions;
}

Result<PostgresTools> find_postgres_tools(const std::string& bin, const std::string& installed) {
  if (!bin.empty()) {
    PostgresTools tools{bin};
    std::string missing = first_missing(tools);
    return missing.empty() ? Result<PostgresTools>(tools) : not_installed(missing + " is missing");
  }
  auto names = storage::make_posix_disk()->list(installed);
  for (const std::string& version : newest_first(names.value_or(std::vector<std::string>{}))) {
    PostgresTools tools{installed + "/" + version + "/bin"};
    if (first_missing(tools).empty()) return tools;
  }
  return not_installed("PostgreSQL's programs are not in " + installed);
}

}  // namespace spar::agent
