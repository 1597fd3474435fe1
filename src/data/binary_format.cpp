#include "data/binary_format.h"

#include <bit>
#include <cmath>
#include <limits>

#include "base/bytes.h"
#include "data/array.h"
#include "data/calendar.h"
#include "data/characters.h"
#include "data/decimal.h"
#include "data/jsonb.h"
#include "data/numeric_wire.h"
#include "data/string_text.h"

namespace spar::data {
namespace {

constexpr std::size_t kNameBytesMax = 63;
constexpr char kJsonbVersion = 1;

Failure malformed() {
  return sql_error("22P03", "incorrect binary data format");
}

Failure out_of_range(std::string_view what) {
  return sql_error("22008", std::string(what) + " out of range");
}

// ---- out

void put_integer(std::int64_t value, const Type& type, std::string& out) {
  ByteWriter writer(out);
  switch (type.id) {
    case TypeId::boolean:
      return writer.be(static_cast<std::uint8_t>(value != 0));
    case TypeId::int2:
      return writer.be(static_cast<std::int16_t>(value));
    case TypeId::int4:
    case TypeId::date:
      return writer.be(static_cast<std::int32_t>(value));
    case TypeId::oid:
      return writer.be(static_cast<std::uint32_t>(value));
    case TypeId::numeric: {
      const auto shape = numeric_shape(type);
      return write_numeric(Decimal(static_cast<long>(value), shape ? shape->scale : 0), out);
    }
    default:
      writer.be(value);
  }
}

void put_real(double value, TypeId id, std::string& out) {
  if (id == TypeId::float4) {
    return ByteWriter(out).be(std::bit_cast<std::uint32_t>(static_cast<float>(value)));
  }
  ByteWriter(out).be(std::bit_cast<std::uint64_t>(value));
}

void put_blob(std::string_view bytes, const Type& type, std::string& out) {
  if (type.id == TypeId::numeric) {
    if (auto decimal = Decimal::from_blob(bytes)) return write_numeric(*decimal, out);
  }
  if (type.id != TypeId::interval) {
    out.append(bytes);
    return;
  }
  const Interval interval = interval_from_blob(bytes);
  ByteWriter writer(out);
  writer.be(interval.micros);
  writer.be(interval.days);
  writer.be(interval.months);
}

// ---- in

template <class Integer>
Result<std::int64_t> take(std::string_view bytes) {
  if (bytes.size() != sizeof(Integer)) return malformed();
  return static_cast<std::int64_t>(ByteReader(bytes).be<Integer>());
}

Result<Datum> take_real(std::string_view bytes, TypeId id) {
  const bool single = id == TypeId::float4;
  if (bytes.size() != (single ? 4U : 8U)) return malformed();
  ByteReader reader(bytes);
  const double value = single ? std::bit_cast<float>(reader.be<std::uint32_t>())
                              : std::bit_cast<double>(reader.be<std::uint64_t>());
  if (std::isnan(value)) return not_supported("NaN in type " + type_name({id, -1}));
  return value;
}

Result<Datum> take_date(std::string_view bytes) {
  SPAR_ASSIGN(const std::int64_t days, take<std::int32_t>(bytes));
  if (is_finite_date(days) && (days < kDateMin || days > kDateMax)) return out_of_range("date");
  return days;
}

Result<Datum> take_time(std::string_view bytes, int typmod) {
  SPAR_ASSIGN(const std::int64_t micros, take<std::int64_t>(bytes));
  if (micros < 0 || micros > kMicrosPerDay) return out_of_range("time");
  return round_to_digits(micros, typmod);
}

Result<Datum> take_timestamp(std::string_view bytes, int typmod) {
  SPAR_ASSIGN(const std::int64_t micros, take<std::int64_t>(bytes));
  if (!is_finite_timestamp(micros)) return micros;
  if (micros < kTimestampMin || micros > kTimestampMax) return out_of_range("timestamp");
  return round_to_digits(micros, typmod);
}

Result<Datum> take_interval(std::string_view bytes) {
  if (bytes.size() != kIntervalSize) return malformed();
  ByteReader reader(bytes);
  Interval interval;
  interval.micros = reader.be<std::int64_t>();
  interval.days = reader.be<std::int32_t>();
  interval.months = reader.be<std::int32_t>();
  return Datum(Blob{interval_to_blob(interval)});
}

Result<Datum> take_numeric(std::string_view bytes, const Type& type) {
  SPAR_ASSIGN(const Decimal decimal, read_numeric(bytes));
  const auto shape = numeric_shape(type);
  if (!shape) return Datum(Blob{decimal.to_blob()});
  if (is_scaled(type)) return decimal.to_scaled(*shape);
  SPAR_ASSIGN(const Decimal fitting, decimal.with_shape(*shape));
  return Datum(Blob{fitting.to_blob()});
}

Result<Datum> take_characters(std::string_view bytes, const Type& type) {
  switch (type.id) {
    case TypeId::varchar:
    case TypeId::bpchar:
      return fit_characters(bytes, type, Fit::assignment);
    case TypeId::name:
      return Datum(std::string(bytes.substr(0, prefix_within(bytes, kNameBytesMax))));
    case TypeId::character:
      if (bytes.size() != 1) return malformed();
      return Datum(parse_char(bytes));
    case TypeId::jsonb: {  // a version, then the text
      if (bytes.empty() || bytes[0] != kJsonbVersion) {
        return sql_error("XX000", "unsupported jsonb version number");
      }
      SPAR_ASSIGN(std::string normal, normal_jsonb(bytes.substr(1)));
      return Datum(std::move(normal));
    }
    case TypeId::json:
      SPAR_TRY(check_json(bytes));
      [[fallthrough]];
    default:
      return Datum(std::string(bytes));
  }
}

}  // namespace

void format_binary(const Datum& datum, const Type& type, std::string& out) {
  if (const auto* integer = std::get_if<std::int64_t>(&datum)) {
    put_integer(*integer, type, out);
  } else if (const auto* real = std::get_if<double>(&datum)) {
    put_real(*real, type.id, out);
  } else if (const auto* text = std::get_if<std::string>(&datum)) {
    if (type.id == TypeId::bpchar) return format_bpchar(*text, type, out);
    if (type.id == TypeId::jsonb) out += kJsonbVersion;
    out.append(*text);
  } else if (const auto* blob = std::get_if<Blob>(&datum)) {
    if (is_array(type.id)) return format_array_binary(blob->bytes, type, out);
    put_blob(blob->bytes, type, out);
  }
}

Result<Datum> parse_binary(std::string_view bytes, const Type& type) {
  if (is_array(type.id)) return parse_array_binary(bytes, type);
  switch (type.id) {
    case TypeId::boolean: {
      SPAR_ASSIGN(const std::int64_t value, take<std::uint8_t>(bytes));
      return std::int64_t{value != 0};
    }
    case TypeId::int2:
      return take<std::int16_t>(bytes);
    case TypeId::int4:
      return take<std::int32_t>(bytes);
    case TypeId::int8:
      return take<std::int64_t>(bytes);
    case TypeId::oid:
      return take<std::uint32_t>(bytes);
    case TypeId::float4:
    case TypeId::float8:
      return take_real(bytes, type.id);
    case TypeId::numeric:
      return take_numeric(bytes, type);
    case TypeId::date:
      return take_date(bytes);
    case TypeId::time:
      return take_time(bytes, type.typmod);
    case TypeId::timestamp:
    case TypeId::timestamptz:
      return take_timestamp(bytes, type.typmod);
    case TypeId::interval:
      return take_interval(bytes);
    case TypeId::uuid:
      if (bytes.size() != 16) return malformed();
      [[fallthrough]];
    case TypeId::bytea:
      return Datum(Blob{std::string(bytes)});
    default:
      return take_characters(bytes, type);
  }
}

}  // namespace spar::data
