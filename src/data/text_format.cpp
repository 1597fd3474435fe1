#include "data/text_format.h"

#include "data/array.h"
#include "data/characters.h"
#include "data/datetime_text.h"
#include "data/decimal.h"
#include "data/jsonb.h"
#include "data/number_text.h"
#include "data/string_text.h"

namespace spar::data {
namespace {

constexpr std::size_t kNameBytesMax = 63;

void format_integer_form(std::int64_t value, const Type& type, const TextContext& context,
                         std::string& out) {
  switch (type.id) {
    case TypeId::boolean:
      return out.push_back(value != 0 ? 't' : 'f');
    case TypeId::date:
      return format_date(value, out);
    case TypeId::time:
      return format_time(value, out);
    case TypeId::timestamp:
      return format_timestamp(value, out);
    case TypeId::timestamptz:
      return format_timestamptz(value, context, out);
    case TypeId::numeric:
      if (is_scaled(type)) return format_scaled(value, numeric_shape(type)->scale, out);
      [[fallthrough]];
    default:
      format_integer(value, out);
  }
}

void format_blob_form(std::string_view bytes, const Type& type, std::string& out) {
  if (type.id == TypeId::numeric) {
    if (auto decimal = Decimal::from_blob(bytes)) return decimal->append_to(out);
  }
  if (type.id == TypeId::uuid && bytes.size() == 16) return format_uuid(bytes, out);
  if (type.id == TypeId::interval && bytes.size() == 16) return format_interval(bytes, out);
  format_bytea(bytes, out);
}

Result<Datum> as_blob(Result<std::string> bytes) {
  SPAR_ASSIGN(std::string value, std::move(bytes));
  return Datum(Blob{std::move(value)});
}

Result<Datum> parse_characters(std::string_view text, const Type& type) {
  switch (type.id) {
    case TypeId::varchar:
    case TypeId::bpchar:
      return fit_characters(text, type, Fit::assignment);
    case TypeId::name:
      return Datum(std::string(text.substr(0, prefix_within(text, kNameBytesMax))));
    case TypeId::character:
      return Datum(parse_char(text));
    case TypeId::jsonb: {
      SPAR_ASSIGN(std::string normal, normal_jsonb(text));
      return Datum(std::move(normal));
    }
    case TypeId::json:
      SPAR_TRY(check_json(text));
      [[fallthrough]];
    default:
      return Datum(std::string(text));
  }
}

}  // namespace

void format_text(const Datum& datum, const Type& type, const TextContext& context,
                 std::string& out) {
  if (const auto* integer = std::get_if<std::int64_t>(&datum)) {
    format_integer_form(*integer, type, context, out);
  } else if (const auto* real = std::get_if<double>(&datum)) {
    format_real(*real, type.id, out);
  } else if (const auto* text = std::get_if<std::string>(&datum)) {
    if (type.id == TypeId::bpchar) return format_bpchar(*text, type, out);
    out.append(*text);
  } else if (const auto* blob = std::get_if<Blob>(&datum)) {
    if (is_array(type.id)) return format_array(blob->bytes, type, context, out);
    format_blob_form(blob->bytes, type, out);
  }
}

Result<Datum> parse_text(std::string_view text, const Type& type, const TextContext& context) {
  if (is_array(type.id)) return parse_array(text, type, context);
  switch (type.id) {
    case TypeId::boolean:
      return parse_boolean(text);
    case TypeId::int2:
    case TypeId::int4:
    case TypeId::int8:
    case TypeId::oid:
      return parse_integer(text, type.id);
    case TypeId::float4:
    case TypeId::float8:
      return parse_real(text, type.id);
    case TypeId::numeric:
      return parse_numeric(text, type);
    case TypeId::bytea:
      return as_blob(parse_bytea(text));
    case TypeId::uuid:
      return as_blob(parse_uuid(text));
    case TypeId::date:
      return parse_date(text);
    case TypeId::time:
      return parse_time(text, type.typmod);
    case TypeId::timestamp:
      return parse_timestamp(text, type.typmod);
    case TypeId::timestamptz:
      return parse_timestamptz(text, type.typmod, context);
    case TypeId::interval:
      return as_blob(parse_interval(text, type.typmod));
    default:
      return parse_characters(text, type);
  }
}

}  // namespace spar::data
