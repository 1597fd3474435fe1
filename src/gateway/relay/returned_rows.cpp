#include "gateway/relay/returned_rows.h"

#include <algorithm>
#include <utility>

namespace spar::gateway::relay {
namespace {

std::string_view take_text(std::string_view& in) {
  const std::string_view text = in.substr(0, in.find('\0'));
  in.remove_prefix(std::min(in.size(), text.size() + 1));
  return text;
}

}  // namespace

void ReturnedRows::describe(std::string_view row_description) {
  constexpr std::size_t kFixed = 4 + 2 + 4 + 2 + 4 + 2;  // behind a column's name
  columns_.clear();
  ByteReader head(row_description);
  const auto count = head.be<std::uint16_t>();
  std::string_view in = row_description.substr(std::min<std::size_t>(2, row_description.size()));
  for (std::uint16_t i = 0; i < count && in.size() > kFixed; ++i) {
    Column column{.name = std::string(take_text(in))};
    ByteReader fixed(in.substr(0, kFixed));
    (void)fixed.be<std::uint32_t>();  // table
    (void)fixed.be<std::uint16_t>();
    column.type = fixed.be<std::uint32_t>();
    (void)fixed.be<std::uint16_t>();  // size
    (void)fixed.be<std::uint32_t>();
    column.format = fixed.be<std::uint16_t>();
    if (!fixed.ok()) return columns_.clear();
    columns_.push_back(std::move(column));
    in.remove_prefix(kFixed);
  }
}

void ReturnedRows::add(std::string_view data_row) {
  bytes_ += data_row.size();
  rows_.emplace_back(data_row);
}

std::optional<std::string> ReturnedRows::text_of(std::size_t column, std::string_view value) const {
  constexpr std::uint32_t kInt8 = 20, kInt2 = 21, kInt4 = 23;
  std::uint16_t format = columns_[column].format;
  if (formats_.size() == 1) format = formats_[0];
  if (column < formats_.size()) format = formats_[column];
  if (format == 0) return std::string(value);
  ByteReader in(value);
  switch (columns_[column].type) {
    case kInt2:
      return std::to_string(static_cast<std::int16_t>(in.be<std::uint16_t>()));
    case kInt4:
      return std::to_string(static_cast<std::int32_t>(in.be<std::uint32_t>()));
    case kInt8:
      return std::to_string(static_cast<std::int64_t>(in.be<std::uint64_t>()));
    default:
      return std::nullopt;
  }
}

std::optional<ReturnedValues> ReturnedRows::rows() const {
  ReturnedValues out;
  for (const std::string& row : rows_) {
    ByteReader in(row);
    const auto count = in.be<std::uint16_t>();
    if (!in.ok() || count != columns_.size()) return std::nullopt;
    std::vector<std::optional<std::string>>& values = out.emplace_back();
    for (std::size_t i = 0; i < count; ++i) {
      const auto size = in.be<std::uint32_t>();
      constexpr std::uint32_t kNull = 0xffffffff;
      if (size == kNull) {
        values.emplace_back();
        continue;
      }
      const std::string_view value = in.raw(size);
      std::optional<std::string> text = in.ok() ? text_of(i, value) : std::nullopt;
      if (!text) return std::nullopt;
      values.push_back(std::move(text));
    }
  }
  return out;
}

std::optional<std::string> ReturnedRows::explicit_body(const ExplicitValues& make) const {
  if (!make || !finished_ || columns_.empty() || rows_.empty()) return std::nullopt;
  const std::optional<ReturnedValues> values = rows();
  if (!values) return std::nullopt;
  std::vector<std::string> names;
  for (const Column& column : columns_) names.push_back(column.name);
  const std::string_view sql = std::string_view(body_).substr(0, body_.find('\0'));
  std::optional<std::string> text = make(sql, names, *values);
  if (!text) return std::nullopt;
  return *text + body_.substr(sql.size());
}

std::optional<std::vector<std::uint16_t>> result_formats(std::string_view bind) {
  (void)take_text(bind);  // portal
  (void)take_text(bind);  // statement
  ByteReader in(bind);
  for (auto formats = in.be<std::uint16_t>(); formats > 0 && in.ok(); --formats) {
    (void)in.be<std::uint16_t>();
  }
  for (auto values = in.be<std::uint16_t>(); values > 0 && in.ok(); --values) {
    const auto size = in.be<std::uint32_t>();
    if (size != 0xffffffff) (void)in.raw(size);
  }
  std::vector<std::uint16_t> out;
  for (auto formats = in.be<std::uint16_t>(); formats > 0 && in.ok(); --formats) {
    out.push_back(in.be<std::uint16_t>());
  }
  return in.ok() ? std::optional(out) : std::nullopt;
}

}  // namespace spar::gateway::relay
