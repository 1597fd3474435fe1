// gateway/copy_reader.h: a COPY FROM STDIN's data to rows, text and csv, as PostgreSQL reads them.
//
// Contract    feed() data in any pieces, then finish(); rows that are complete are appended to the
//             vector given. Null is what equals the format's null text, unquoted.
// Errors      22P04, 22021, and what a type's input says, with PostgreSQL's context line:
//             COPY t, line 3, column b: "x".
// Threads     Value type; no synchronisation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/datum.h"
#include "data/text_format.h"
#include "gateway/copy_lines.h"
#include "query/statement.h"

namespace spar::gateway {

class CopyReader {
 public:
  struct Options {
    std::string table_name;
    data::TextContext text;
    std::uint64_t line_bytes_max = 64u << 20;
  };
  // `copy` outlives the reader.
  CopyReader(const query::CopyIn& copy, Options options);

  Result<void> feed(std::string_view bytes, std::vector<data::Row>& rows);
  Result<void> finish(std::vector<data::Row>& rows);

 private:
  struct Field {
    std::string text;
    bool null = false;
  };
  Result<void> read_lines(std::vector<data::Row>& rows);
  Result<data::Row> read_row(std::string_view line);
  Result<void> split_text(std::string_view line);
  Result<void> split_csv(std::string_view line);
  Result<void> unescape(std::string_view raw, std::string& out) const;
  Field& add_field();
  std::string where() const;
  Failure at_line(Failure failure, std::string_view line) const;
  Failure at_column(Failure failure, std::size_t column) const;

  const query::CopyIn& copy_;
  Options options_;
  CopyLines lines_;
  bool header_pending_;
  std::vector<Field> fields_;  // the first field_count_ belong to the current line
  std::size_t field_count_ = 0;
};

}  // namespace spar::gateway
