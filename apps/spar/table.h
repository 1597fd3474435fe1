// spar/table.h: text in columns that line up, also with letters of more than one byte.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace spar::app {

class Table {
 public:
  explicit Table(std::vector<std::string> headings) { rows_.push_back(std::move(headings)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print(std::ostream& out) const;  // two spaces between columns, none at the end of a line

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace spar::app
