// server/config_reader.h: typed values out of a TOML table, with the place of every mistake.
//
// Contract    A Reader keeps the first mistake; every call after it gives the default, so that the
//             schema in config.cpp reads as one list of keys. error() is asked once, at the end.
// Threads     One thread.
// Not here    Which keys exist and what they mean (config.cpp).
#pragma once

#include <toml++/toml.h>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace spar::server {

// `file:line:column: message`, with what is allowed as the hint.
// The file's text as a table; Code::invalid in the form of config_mistake().
Result<toml::table> parse_toml(std::string_view text, const std::string& file);
Error config_mistake(const std::string& file, const toml::source_position& place,
                     const std::string& message, const std::string& allowed);

struct IntegerRange {
  std::int64_t low, high;
};

class Reader {
 public:
  using Names = std::initializer_list<std::string_view>;

  explicit Reader(std::string file) : file_(std::move(file)) {}

  bool ok() const { return !error_; }
  const std::optional<Error>& error() const { return error_; }
  const std::string& file() const { return file_; }

  void mistake(const toml::node& at, const std::string& message, const std::string& allowed);
  void mistake(const toml::source_position& at, const std::string& message,
               const std::string& allowed);
  std::string place(const toml::table& table, std::string_view key) const;  // file:line:column

  void check_keys(const toml::table& table, std::string_view what, Names allowed);

  // The value of `key`; `fallback` when it is absent, or nothing at all when it is required.
  std::string text(const toml::table& table, std::string_view key, std::string_view fallback);
  std::string required_text(const toml::table& table, std::string_view what, std::string_view key);
  // A name for people and files: letters, digits, `_` and `-`, at most 63.
  std::string required_name(const toml::table& table, std::string_view what);
  std::size_t choice(const toml::table& table, std::string_view key, Names allowed,
                     std::size_t fallback);
  std::int64_t integer(const toml::table& table, std::string_view key, IntegerRange range,
                       std::int64_t fallback);
  // A number of bytes or a text such as "64MiB".
  std::uint64_t bytes(const toml::table& table, std::string_view key, IntegerRange range,
                      std::uint64_t fallback);
  // A text such as "500ms", "10s", "5min", "1h".
  std::chrono::milliseconds duration(const toml::table& table, std::string_view key,
                                     IntegerRange range_ms, std::chrono::milliseconds fallback);
  // The absolute path of a file or directory.
  std::string required_path(const toml::table& table, std::string_view what, std::string_view key);
  std::vector<std::string> texts(const toml::table& table, std::string_view key);
  // A table that may be absent, and the tables of [[key]].
  const toml::table* child(const toml::table& table, std::string_view key);
  std::vector<const toml::table*> children(const toml::table& table, std::string_view key);

 private:
  void wrong_type(const toml::node& node, std::string_view key, std::string_view expected);

  std::string file_;
  std::optional<Error> error_;
};

// A path as the file means it: relative ones start at its directory; no slash at the end.
std::string absolute_from(const std::string& file, const std::string& path);

// "a, b or c"
std::string enumerate(Reader::Names names);

}  // namespace spar::server
