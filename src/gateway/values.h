// gateway/values.h: values between the wire's two formats and their storage form.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/datum.h"
#include "data/text_format.h"
#include "data/type.h"
#include "gateway/wire/encoder.h"
#include "gateway/wire/messages.h"

namespace spar::gateway {

// What a Bind says of its parameters: one format for all, or one each.
struct BoundParameters {
  std::span<const std::optional<std::string_view>> values;
  std::span<const std::int16_t> formats;
};

// 08P01 for a wrong number of formats, 22023 for a format that is neither, and what the type's
// input says.
Result<void> read_parameters(const BoundParameters& bound, std::span<const data::Type> types,
                             const data::TextContext& context, std::vector<data::Datum>& out);

// One format for each of `columns`, or none at all: text.
Result<void> read_formats(std::span<const std::int16_t> codes, std::size_t columns,
                          std::vector<wire::Format>& out);

inline wire::Format format_at(std::span<const wire::Format> formats, std::size_t column) {
  return formats.empty() ? wire::Format::text : formats[column];
}

void write_value(const data::Datum& datum, const data::Type& type, wire::Format format,
                 const data::TextContext& context, wire::Encoder& encoder);

// 22021 with PostgreSQL's words for bytes that are not UTF-8 (or hold a zero).
Result<void> check_utf8(std::string_view text);

}  // namespace spar::gateway
