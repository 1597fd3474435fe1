#include "gateway/copy_lines.h"

namespace spar::gateway {

void CopyLines::feed(std::string_view bytes) {
  if (ended_) return;
  buffer_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  buffer_ += bytes;
}

Result<std::optional<std::string_view>> CopyLines::next() {
  if (ended_) return std::nullopt;
  SPAR_ASSIGN(std::optional<Found> found, find_end());
  if (!found && closed_ && begin_ < buffer_.size()) {
    found = Found{.end = buffer_.size(), .next = buffer_.size()};
  }
  if (!found) {
    if (buffer_.size() - begin_ <= line_bytes_max_) return std::nullopt;
    return sql_error("54000", "a line of the data is too long");
  }
  std::string_view line = std::string_view(buffer_).substr(begin_, found->end - begin_);
  begin_ = scanned_ = found->next;
  quoted_ = escaped_ = false;
  number_ += 1 + inner_newlines_;
  inner_newlines_ = 0;
  if (line != "\\.") return line;
  ended_ = true;
  return std::nullopt;
}

// Keeps track of a CSV quote; true while line ends belong to the data.
bool CopyLines::inside_quote(char c) {
  const bool separate_escape = format_.escape != format_.quote;
  if (quoted_ && separate_escape && c == format_.escape) escaped_ = !escaped_;
  if (c == format_.quote && !escaped_) quoted_ = !quoted_;
  if (c != format_.escape || !separate_escape) escaped_ = false;
  return quoted_;
}

Result<std::optional<CopyLines::Found>> CopyLines::find_end() {
  for (; scanned_ < buffer_.size(); ++scanned_) {
    const char c = buffer_[scanned_];
    if (format_.csv) {
      if (inside_quote(c)) {
        if (c == '\n') ++inner_newlines_;
        continue;
      }
    } else if (c == '\\') {
      if (scanned_ + 1 == buffer_.size()) return std::nullopt;  // what follows decides
      if (buffer_[++scanned_] == '\n') ++inner_newlines_;
      continue;
    }
    if (c == '\n' || c == '\r') {
      SPAR_ASSIGN(std::optional<Found> found, line_end_at(scanned_));
      return found;
    }
  }
  return std::nullopt;
}

Result<std::optional<CopyLines::Found>> CopyLines::line_end_at(std::size_t at) {
  const bool newline = buffer_[at] == '\n';
  if (!newline && at + 1 == buffer_.size() && !closed_) return std::nullopt;
  const bool pair = !newline && at + 1 < buffer_.size() && buffer_[at + 1] == '\n';
  const LineEnd kind = newline ? LineEnd::newline : pair ? LineEnd::both : LineEnd::carriage_return;
  if (line_end_ == LineEnd::unknown) line_end_ = kind;
  if (kind != line_end_) return wrong_end(newline);
  return Found{.end = at, .next = at + (pair ? 2 : 1)};
}

Failure CopyLines::wrong_end(bool newline) const {
  const std::string name = newline ? "newline" : "carriage return";
  Failure out =
      sql_error("22P04", (format_.csv ? "unquoted " : "literal ") + name + " found in data");
  out.error().hint = format_.csv ? "Use quoted CSV field to represent " + name + "."
                                 : std::string("Use \"") + (newline ? "\\n" : "\\r") +
                                       "\" to represent " + name + ".";
  return out;
}

}  // namespace spar::gateway
