// gateway/copy_lines.h: the lines of a COPY FROM STDIN, out of data in any pieces.
//
// Contract    feed() data, then next() until it gives nothing; close() says that no more will come.
//             A line is whole: newlines inside a CSV quote, or behind a backslash, belong to it.
//             The first line end seen (\n, \r or \r\n) is the one of the whole file. The line \.
//             ends the data, and what follows is dropped.
// Errors      22P04 for a line end of another kind; 54000 for a line longer than the limit.
// Threads     Value type; no synchronisation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "query/statement.h"

namespace spar::gateway {

class CopyLines {
 public:
  CopyLines(const query::CopyFormat& format, std::uint64_t line_bytes_max)
      : format_(format), line_bytes_max_(line_bytes_max) {}

  void feed(std::string_view bytes);
  void close() { closed_ = true; }

  // Valid until the next call.
  Result<std::optional<std::string_view>> next();

  std::uint64_t number() const { return number_; }  // of the last line, 1 for the first
  bool ended() const { return ended_; }

 private:
  enum class LineEnd { unknown, newline, carriage_return, both };
  struct Found {
    std::size_t end;   // of the line's text
    std::size_t next;  // where the following line begins
  };
  Result<std::optional<Found>> find_end();
  Result<std::optional<Found>> line_end_at(std::size_t at);
  bool inside_quote(char c);
  Failure wrong_end(bool newline) const;

  query::CopyFormat format_;
  std::uint64_t line_bytes_max_;
  std::string buffer_;
  std::size_t begin_ = 0;    // of the current line
  std::size_t scanned_ = 0;  // everything before it is known to be no line end
  bool quoted_ = false;      // csv: at scanned_
  bool escaped_ = false;
  LineEnd line_end_ = LineEnd::unknown;
  std::uint64_t number_ = 0;
  std::uint64_t inner_newlines_ = 0;
  bool closed_ = false;
  bool ended_ = false;
};

}  // namespace spar::gateway
