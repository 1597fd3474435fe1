// engines/postgres/conninfo.h: a copy's address: libpq's connection string, taken apart.
//
// Contract    Keeps keywords with values, in libpq's order, no defaults. parse() never repeats what
//             it was given in an error: a mistyped string may hold a password anywhere.
//             text() can be parsed again whatever the values hold, and shows the password;
//             without_password() is for arguments, logs and people.
// Threads     Value type.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace spar::engines::postgres {

class Conninfo {
 public:
  // keyword = value ..., or postgresql://...
  static Result<Conninfo> parse(const std::string& text);

  std::string get(std::string_view keyword) const;  // "" when it is not there
  // Where it is reached: a numeric address, or the directory of a socket.
  std::string place() const;
  // As its certificate and what is shown of it name it.
  std::string named_host() const;
  void set(std::string keyword, std::string value);  // "" takes it away
  std::string text() const;
  std::string without_password() const;
  const std::vector<std::pair<std::string, std::string>>& values() const { return values_; }

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

}  // namespace spar::engines::postgres
