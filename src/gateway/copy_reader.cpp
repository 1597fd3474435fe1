#include "gateway/copy_reader.h"

#include "gateway/values.h"

namespace spar::gateway {
namespace {

constexpr std::size_t kShownBytesMax = 100;  // as PostgreSQL's MAX_COPY_DATA_DISPLAY

std::string shown(std::string_view text) {
  if (text.size() <= kShownBytesMax) return std::string(text);
  std::size_t size = kShownBytesMax;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return std::string(text.substr(0, size)) + "...";
}

int octal_of(char c) {
  return c >= '0' && c <= '7' ? c - '0' : -1;
}

int hex_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Up to `digits_max` digits from `at`; `at` moves past them.
template <class DigitOf>
char code_at(std::string_view raw, std::size_t& at, int digits_max, int base, DigitOf digit_of) {
  int value = 0;
  for (int i = 0; i < digits_max && at < raw.size() && digit_of(raw[at]) >= 0; ++i, ++at) {
    value = value * base + digit_of(raw[at]);
  }
  return static_cast<char>(value);
}

char unescaped(char letter) {
  switch (letter) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    default:
      return letter;
  }
}

}  // namespace

CopyReader::CopyReader(const query::CopyIn& copy, Options options)
    : copy_(copy),
      options_(std::move(options)),
      lines_(copy.format, options_.line_bytes_max),
      header_pending_(copy.format.header) {}

Result<void> CopyReader::feed(std::string_view bytes, std::vector<data::Row>& rows) {
  lines_.feed(bytes);
  return read_lines(rows);
}

Result<void> CopyReader::finish(std::vector<data::Row>& rows) {
  lines_.close();
  return read_lines(rows);
}

Result<void> CopyReader::read_lines(std::vector<data::Row>& rows) {
  for (;;) {
    Result<std::optional<std::string_view>> line = lines_.next();
    if (!line) {
      line.error().context =
          "COPY " + options_.table_name + ", line " + std::to_string(lines_.number() + 1);
      return Failure(std::move(line.error()));
    }
    if (!*line) return {};
    if (header_pending_) {
      header_pending_ = false;
      continue;
    }
    SPAR_ASSIGN(data::Row row, read_row(**line));
    rows.push_back(std::move(row));
  }
}

Result<data::Row> CopyReader::read_row(std::string_view line) {
  const std::size_t columns = copy_.types.size();
  if (Result<void> valid = check_utf8(line); !valid) {
    Failure out(std::move(valid.error()));
    out.error().context = where();
    return out;
  }
  Result<void> split = copy_.format.csv ? split_csv(line) : split_text(line);
  if (!split) return at_line(Failure(std::move(split.error())), line);
  if (field_count_ > columns) {
    return at_line(sql_error("22P04", "extra data after last expected column"), line);
  }
  if (field_count_ < columns) {
    return at_line(
        sql_error("22P04", "missing data for column \"" + copy_.column_names[field_count_] + "\""),
        line);
  }
  data::Row row;
  row.reserve(columns);
  for (std::size_t i = 0; i < columns; ++i) {
    if (fields_[i].null) {
      row.emplace_back();
      continue;
    }
    Result<data::Datum> value = data::parse_text(fields_[i].text, copy_.types[i], options_.text);
    if (!value) return at_column(Failure(std::move(value.error())), i);
    row.push_back(std::move(*value));
  }
  return row;
}

CopyReader::Field& CopyReader::add_field() {
  if (field_count_ == fields_.size()) fields_.emplace_back();
  Field& field = fields_[field_count_++];
  field.text.clear();
  field.null = false;
  return field;
}

Result<void> CopyReader::split_text(std::string_view line) {
  field_count_ = 0;
  std::size_t begin = 0;
  for (std::size_t at = 0;; ++at) {
    if (at < line.size() && line[at] == '\\') {
      ++at;
      continue;
    }
    if (at < line.size() && line[at] != copy_.format.delimiter) continue;
    std::string_view raw = line.substr(begin, at - begin);
    Field& field = add_field();
    field.null = raw == copy_.format.null_text;
    if (!field.null) SPAR_TRY(unescape(raw, field.text));
    if (at >= line.size() || field_count_ > copy_.types.size()) return {};
    begin = at + 1;
  }
}

Result<void> CopyReader::unescape(std::string_view raw, std::string& out) const {
  bool coded = false;
  for (std::size_t at = 0; at < raw.size();) {
    std::size_t plain = std::min(raw.find('\\', at), raw.size());
    out += raw.substr(at, plain - at);
    at = plain + 1;
    if (plain == raw.size()) break;
    if (at == raw.size()) {  // a lone backslash at the very end stands for itself
      out += '\\';
      break;
    }
    if (raw[at] == '.') return sql_error("22P04", "end-of-copy marker corrupt");
    const bool hex = raw[at] == 'x' && at + 1 < raw.size() && hex_of(raw[at + 1]) >= 0;
    if (octal_of(raw[at]) >= 0) {
      out += code_at(raw, at, 3, 8, octal_of);
      coded = true;
    } else if (hex) {
      out += code_at(raw, ++at, 2, 16, hex_of);
      coded = true;
    } else {
      out += unescaped(raw[at++]);
    }
  }
  return coded ? check_utf8(out) : Result<void>();
}

Result<void> CopyReader::split_csv(std::string_view line) {
  const query::CopyFormat& format = copy_.format;
  field_count_ = 0;
  Field* field = &add_field();
  bool quoted = false, saw_quote = false;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    const char following = at + 1 < line.size() ? line[at + 1] : '\0';
    if (quoted && c == format.escape && (following == format.quote || following == format.escape) &&
        at + 1 < line.size()) {
      field->text += following;
      ++at;
    } else if (c == format.quote) {
      quoted = !quoted;
      saw_quote = true;
    } else if (c == format.delimiter && !quoted) {
      field->null = !saw_quote && field->text == format.null_text;
      if (field_count_ > copy_.types.size()) return {};
      field = &add_field();
      saw_quote = false;
    } else {
      field->text += c;
    }
  }
  if (quoted) return sql_error("22P04", "unterminated CSV quoted field");
  field->null = !saw_quote && field->text == format.null_text;
  return {};
}

std::string CopyReader::where() const {
  return "COPY " + options_.table_name + ", line " + std::to_string(lines_.number());
}

Failure CopyReader::at_line(Failure failure, std::string_view line) const {
  failure.error().context = where() + ": \"" + shown(line) + "\"";
  return failure;
}

Failure CopyReader::at_column(Failure failure, std::size_t column) const {
  failure.error().context = where() + ", column " + copy_.column_names[column] + ": \"" +
                            shown(fields_[column].text) + "\"";
  return failure;
}

}  // namespace spar::gateway
