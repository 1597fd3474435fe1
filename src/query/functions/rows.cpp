#include "query/functions/rows.h"

#include <bit>
#include <cstdio>

#include "data/calendar.h"
#include "data/characters.h"
#include "query/functions/arguments.h"
#include "query/functions/date_series.h"
#include "query/functions/families.h"
#include "query/functions/limits.h"
#include "query/functions/split_text.h"

namespace spar::query::functions {
namespace {

void put_hexadecimal(std::string_view bytes, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
}

void put_json_text(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 32) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", byte);
      out += escape;
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

void RowList::separate() {
  if (text_.size() > 1) text_ += ',';
}

void RowList::put(const Datum& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    text_ += std::to_string(*integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    char packed[24];
    std::snprintf(packed, sizeof packed, "\"r%016llx\"",
                  static_cast<unsigned long long>(std::bit_cast<std::uint64_t>(*real)));
    text_ += packed;
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    put_json_text(*text, text_);
  } else if (const auto* blob = std::get_if<data::Blob>(&value)) {
    text_ += "\"b";
    put_hexadecimal(blob->bytes, text_);
    text_ += '"';
  } else {
    text_ += "null";
  }
}

void RowList::add(const Datum& value) {
  separate();
  put(value);
}

void RowList::add_row(std::span<const Datum> values) {
  separate();
  text_ += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text_ += ',';
    put(values[i]);
  }
  text_ += ']';
}

bool RowList::full() const {
  return text_.size() > kResultBytesMax;
}

Result<Datum> RowList::finish() {
  if (full()) return sql_error("54000", "a set-returning function gives too many rows");
  text_ += ']';
  return Datum(std::move(text_));
}

namespace {

Result<Datum> unpack(Arguments arguments) {
  const std::string_view packed = text_at(arguments, 0);
  std::string bytes;
  for (std::size_t i = 1; i + 1 < packed.size(); i += 2) {
    bytes += static_cast<char>(data::hex_value(packed[i]) << 4 | data::hex_value(packed[i + 1]));
  }
  if (packed.empty() || packed[0] != 'r') return Datum(data::Blob{std::move(bytes)});
  std::uint64_t bits = 0;
  for (const char c : bytes) bits = bits << 8 | static_cast<unsigned char>(c);
  return std::bit_cast<double>(bits);
}

// string_to_table(text, delimiter[, what stands for null])
Result<Datum> split(Arguments arguments) {
  RowList rows;
  if (null_at(arguments, 0)) return rows.finish();
  split_text(arguments, [&](const Datum& piece) { rows.add(piece); });
  return rows.finish();
}

Result<Datum> numeric_series(Arguments arguments) {
  SPAR_ASSIGN(data::Decimal value, numeric_at(arguments, 0));
  SPAR_ASSIGN(const data::Decimal last, numeric_at(arguments, 1));
  SPAR_ASSIGN(const data::Decimal step, numeric_at(arguments, 2));
  if (step.sign() == 0) return sql_error("22023", "step size cannot equal zero");
  RowList rows;
  while (data::compare(value, last) * step.sign() <= 0 && !rows.full()) {
    rows.add(numeric_datum(value));
    SPAR_ASSIGN(value, data::add(value, step));
  }
  return rows.finish();
}

Result<Datum> moment_series(Arguments arguments) {
  std::int64_t value = integer_at(arguments, 0);
  const std::int64_t last = integer_at(arguments, 1);
  const data::Interval step = data::interval_from_blob(blob_at(arguments, 2));
  const std::string zero = data::interval_key({}), key = data::interval_key(step);
  if (key == zero) return sql_error("22023", "step size cannot equal zero");
  RowList rows;
  while ((key > zero ? value <= last : value >= last) && !rows.full()) {
    rows.add(value);
    SPAR_ASSIGN(value, moment_plus(value, step));
    if (!data::is_finite_timestamp(value)) break;
  }
  return rows.finish();
}

constexpr ScalarEntry kEntries[] = {
    {"spar_unpack", 1, false, unpack},
    {"spar_rows_split", 2, true, split},
    {"spar_rows_split", 3, true, split},
    {"spar_rows_series_numeric", 3, false, numeric_series},
    {"spar_rows_series_moment", 3, false, moment_series},
};

}  // namespace

std::span<const ScalarEntry> row_scalars() {
  return kEntries;
}

}  // namespace spar::query::functions
