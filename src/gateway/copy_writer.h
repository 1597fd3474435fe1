// gateway/copy_writer.h: rows as lines of COPY TO STDOUT, text and csv, as PostgreSQL writes them.
#pragma once

#include <string>
#include <string_view>

#include "data/datum.h"
#include "data/text_format.h"
#include "query/statement.h"

namespace spar::gateway {

class CopyWriter {
 public:
  // Both outlive the writer.
  CopyWriter(const query::CopyOut& copy, const data::TextContext& context)
      : copy_(copy), context_(context) {}

  void header(std::string& out);
  void row(const data::Row& row, std::string& out);

 private:
  void field(std::string_view text, std::string& out) const;
  void text_field(std::string_view text, std::string& out) const;
  void csv_field(std::string_view text, std::string& out) const;
  bool needs_quotes(std::string_view text) const;

  const query::CopyOut& copy_;
  const data::TextContext& context_;
  std::string value_;
};

}  // namespace spar::gateway
