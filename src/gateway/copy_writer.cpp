#include "gateway/copy_writer.h"

#include <algorithm>

namespace spar::gateway {
namespace {

// The letter after the backslash; 0 for a character that stands for itself.
char escape_letter(char c) {
  switch (c) {
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '\v':
      return 'v';
    case '\\':
      return '\\';
    default:
      return 0;
  }
}

}  // namespace

void CopyWriter::header(std::string& out) {
  bool first = true;
  for (const query::OutputColumn& column : copy_.select.output) {
    if (!first) out += copy_.format.delimiter;
    first = false;
    field(column.name, out);
  }
  out += '\n';
}

void CopyWriter::row(const data::Row& row, std::string& out) {
  for (std::size_t i = 0; i < copy_.select.output.size(); ++i) {
    if (i > 0) out += copy_.format.delimiter;
    if (data::is_null(row[i])) {
      out += copy_.format.null_text;
      continue;
    }
    value_.clear();
    data::format_text(row[i], copy_.select.output[i].type, context_, value_);
    field(value_, out);
  }
  out += '\n';
}

void CopyWriter::field(std::string_view text, std::string& out) const {
  copy_.format.csv ? csv_field(text, out) : text_field(text, out);
}

void CopyWriter::text_field(std::string_view text, std::string& out) const {
  for (char c : text) {
    char letter = escape_letter(c);
    if (c == copy_.format.delimiter) letter = c == '\t' ? 't' : c;
    if (letter != 0) out += '\\';
    out += letter != 0 ? letter : c;
  }
}

bool CopyWriter::needs_quotes(std::string_view text) const {
  if (text == copy_.format.null_text) return true;
  if (text == "\\." && copy_.select.output.size() == 1) return true;
  return std::ranges::any_of(text, [&](char c) {
    return c == copy_.format.delimiter || c == copy_.format.quote || c == '\n' || c == '\r';
  });
}

void CopyWriter::csv_field(std::string_view text, std::string& out) const {
  if (!needs_quotes(text)) {
    out += text;
    return;
  }
  out += copy_.format.quote;
  for (char c : text) {
    if (c == copy_.format.quote || c == copy_.format.escape) out += copy_.format.escape;
    out += c;
  }
  out += copy_.format.quote;
}

}  // namespace spar::gateway
