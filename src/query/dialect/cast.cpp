// Casts, as changes of the storage form. A cast that changes nothing but the type's name vanishes.

#include "query/dialect/literal.h"
#include "query/dialect/writer.h"

namespace spar::query::dialect {
namespace {

using enum TypeId;

std::string number(int value) {
  return std::to_string(value);
}
std::string oid_of(const Type& type) {
  return std::to_string(static_cast<std::uint32_t>(type.id));
}

bool is_string(TypeId type) {
  return type == text || type == varchar || type == bpchar || type == name || type == unknown;
}
bool is_integer(TypeId type) {
  return type == int2 || type == int4 || type == int8 || type == TypeId::oid;
}
bool is_real(TypeId type) {
  return type == float4 || type == float8;
}
bool is_moment(TypeId type) {
  return type == date || type == time || type == timestamp || type == timestamptz;
}

bool is_plain_text(TypeId type) {
  return type == text || type == varchar;
}

// Whether an array's elements are the same in both types.
bool same_elements(const Type& from, const Type& to) {
  const TypeId a = data::element_of(from.id), b = data::element_of(to.id);
  const bool fits = to.typmod < 0 || to.typmod == from.typmod;
  if (a == b) return fits;
  return fits && ((is_plain_text(a) && is_plain_text(b)) ||
                  (a == int2 && (b == int4 || b == int8)) || (a == int4 && b == int8));
}

// Whether the elements' text forms are what their casts would give.
bool casts_by_text(const Type& from, const Type& to) {
  if (same_elements(from, to)) return true;
  const TypeId a = data::element_of(from.id), b = data::element_of(to.id);
  const bool sized = to.typmod >= 0 && (is_string(b) || is_moment(b));
  if (sized) return false;
  if (is_plain_text(a)) return true;
  const bool exact = a == int2 || a == int4 || a == int8;
  if (exact && (b == numeric || b == float8)) return to.typmod < 0;
  return is_plain_text(b) && a != boolean && a != bpchar && a != name;
}

int width(TypeId type) {
  switch (type) {
    case int2:
      return 2;
    case int4:
      return 4;
    default:
      return 8;
  }
}

}  // namespace

// numeric in decimal form -> numeric in the form and with the modifier of `to`; or from scaled.
std::string Writer::to_numeric(const std::string& value, const Type& from, const Type& to) {
  const auto a = data::numeric_shape(from), b = data::numeric_shape(to);
  const bool scaled_from = data::is_scaled(from), scaled_to = data::is_scaled(to);
  if (from == to) return value;
  if (scaled_from && scaled_to && a->scale == b->scale && b->precision >= a->precision) {
    return value;
  }
  std::string decimal = value;
  if (scaled_from) decimal = "spar_scaled_to_numeric(" + value + "," + number(a->scale) + ")";
  if (!b) return decimal;
  const std::string_view shape = scaled_to ? "spar_numeric_to_scaled(" : "spar_numeric_typmod(";
  return std::string(shape) + decimal + "," + number(b->precision) + "," + number(b->scale) + ")";
}

// Through PostgreSQL's text form: right for every pair of types, and slow.
std::string Writer::by_text(const std::string& value, const Type& from, const Type& to) {
  std::string shown = is_string(from.id) ? value
                                         : "spar_format(" + value + "," + oid_of(from) + "," +
                                               number(from.typmod) + ")";
  if (is_string(to.id)) return shown;
  return "spar_parse(" + shown + "," + oid_of(to) + "," + number(to.typmod) + ")";
}

Result<std::string> Writer::to_integer(const std::string& value, const Type& from, const Type& to) {
  const std::string suffix = to.id == TypeId::oid ? "int8" : "int" + number(width(to.id));
  if (from.id == boolean) return value;
  if (from.id == numeric) {
    const std::string decimal = to_numeric(value, from, Type{numeric, -1});
    return function("spar_numeric_to_" + suffix, {decimal});
  }
  if (is_real(from.id)) return function("spar_float8_to_" + suffix, {value});
  if (!is_integer(from.id)) return by_text(value, from, to);
  if (to.id != TypeId::oid && width(from.id) > width(to.id)) {
    return function("spar_int_to_" + suffix, {value});
  }
  return value;
}

Result<std::string> Writer::to_number(const std::string& value, const Type& from, const Type& to) {
  const Type decimal{numeric, -1};
  if (is_string(from.id)) return by_text(value, from, to);
  if (is_integer(to.id)) return to_integer(value, from, to);
  if (to.id == numeric) {
    if (from.id == numeric) return to_numeric(value, from, to);
    if (is_integer(from.id)) {
      return to_numeric("spar_int_to_numeric(" + value + ")", decimal, to);
    }
    if (is_real(from.id)) {
      const std::string_view name_ =
          from.id == float8 ? "spar_float8_to_numeric" : "spar_float4_to_numeric";
      SPAR_ASSIGN(const std::string made, function(name_, {value}));
      return to_numeric(made, decimal, to);
    }
    return by_text(value, from, to);
  }
  const std::string_view real = to.id == float8 ? "float8" : "float4";
  if (from.id == numeric) {
    return function("spar_numeric_to_" + std::string(real), {to_numeric(value, from, decimal)});
  }
  std::string wide = is_integer(from.id) ? "CAST(" + value + " AS REAL)" : value;
  if (!is_integer(from.id) && !is_real(from.id)) return by_text(value, from, to);
  if (to.id == float8 || from.id == float4) return wide;
  return function("spar_float8_to_float4", {wide});
}

std::string Writer::to_text(const std::string& value, const Type& from) {
  if (is_integer(from.id)) return "CAST(" + value + " AS TEXT)";
  if (from.id == boolean) {
    return "CASE " + value + " WHEN 1 THEN 'true' WHEN 0 THEN 'false' END";
  }
  return by_text(value, from, Type{TypeId::text, -1});
}

// Length of varchar and char, precision of times.
std::string Writer::sized(std::string value, const Type& from, const Type& to, bool is_explicit) {
  if (to.id == bpchar || to.id == varchar) {
    const bool fits = from.id == to.id && from.typmod >= 0 && from.typmod <= to.typmod;
    if (to.typmod >= 0 && !fits) {
      return "spar_" + std::string(to.id == bpchar ? "bpchar(" : "varchar(") + value + "," +
             number(to.typmod - 4) + "," + (is_explicit ? "1" : "0") + ")";
    }
    if (to.id == bpchar && from.id != bpchar) return "rtrim(" + value + ",' ')";
    return value;
  }
  const bool precise = to.typmod >= 0 && to.typmod < 6 && to.typmod != from.typmod;
  if (is_moment(to.id) && precise) {
    return "spar_timestamp_typmod(" + value + "," + number(to.typmod) + ")";
  }
  return value;
}

// What timestamptz must be moved by to become local time: an interval constant, or nothing.
std::string Writer::zone_shift() const {
  if (options_.text.is_utc()) return "";
  const auto shift = data::parse_text(options_.text.time_zone, Type{interval, -1}, options_.text);
  return shift ? literal(*shift) : "";
}

Result<std::string> Writer::to_moment(const std::string& value, const Type& from, const Type& to) {
  const std::string shift = zone_shift();
  std::string moment = value;
  if (from.id == timestamptz && to.id != timestamptz && !shift.empty()) {
    moment = "spar_timestamp_add_interval(" + value + "," + shift + ")";
  }
  if (from.id == date && to.id != date) moment = "spar_date_to_timestamp(" + value + ")";
  if (from.id == time || to.id == time) {
    if (from.id == to.id) return moment;
    if (from.id == interval) return function("spar_interval_to_time", {value});
    if (to.id == interval) return by_text(value, from, to);
    return function("spar_timestamp_to_time", {moment});
  }
  if (to.id == date && from.id != date) return function("spar_timestamp_to_date", {moment});
  if (to.id == timestamptz && from.id != timestamptz && !shift.empty()) {
    moment = "spar_timestamp_sub_interval(" + moment + "," + shift + ")";
  }
  return moment;
}

// A jsonb scalar as a number or boolean.
Result<Sql> Writer::jsonb_cast(const std::string& value, const Type& to) {
  if (to.id == boolean) {
    SPAR_ASSIGN(std::string made, function("spar_jsonb_to_bool", {value}));
    return Sql{std::move(made)};
  }
  const std::string name = quoted(data::type_name({to.id, -1}));
  SPAR_ASSIGN(const std::string number, function("spar_jsonb_to_numeric", {value, name}));
  SPAR_ASSIGN(std::string made, to_number(number, Type{numeric, -1}, to));
  return Sql{std::move(made)};
}

Result<Sql> Writer::cast(ScalarRef scalar_, const algebra::Cast& cast) {
  const Type& from = cast.argument->type;
  const Type& to = scalar_->type;
  SPAR_ASSIGN(Sql argument, scalar(cast.argument));
  const std::string& value = argument.text;
  const auto changed = [&](std::string made) {
    return made == value ? Sql{std::move(made), argument.binding} : Sql{std::move(made)};
  };
  if (data::is_array(from.id) && data::is_array(to.id)) {
    const auto shape = data::numeric_shape({numeric, to.typmod});
    if (from.id == TypeId::numeric_array && from.id == to.id && shape) {
      SPAR_ASSIGN(std::string made, function("spar_array_shape", {value, number(shape->precision),
                                                                  number(shape->scale)}));
      return Sql{std::move(made)};
    }
    if (!casts_by_text(from, to)) {
      return not_supported("a cast from " + data::type_name(from) + " to " + data::type_name(to));
    }
    if (same_elements(from, to)) return argument;
    return Sql{by_text(value, from, to)};
  }
  if (from.id == TypeId::jsonb && !is_string(to.id) && to.id != TypeId::json) {
    return jsonb_cast(value, to);
  }
  if (to.id == TypeId::jsonb && from.id == TypeId::json)
    return Sql{by_text(value, Type{TypeId::text, -1}, to)};
  if (to.id == TypeId::json && from.id == TypeId::jsonb) return argument;
  const bool zoned = from.id == timestamptz || from.id == TypeId::timestamptz_array;
  if (zoned && is_string(to.id) && !zone_shift().empty()) {  // functions know no session's zone
    return not_supported("timestamptz as text in a time zone other than UTC");
  }
  if (is_string(to.id)) {
    std::string shown = is_string(from.id) ? value : to_text(value, from);
    if (from.id == bpchar) {
      shown = key_of(value, from);
      if (to.id == bpchar && to.typmod < 0) {
        SPAR_ASSIGN(shown, with_blanks(value, from));
      }
    }
    return changed(sized(std::move(shown), from, to, cast.is_explicit));
  }
  if (to.id == numeric || is_integer(to.id) || is_real(to.id)) {
    SPAR_ASSIGN(std::string made, to_number(value, from, to));
    return changed(std::move(made));
  }
  if (is_moment(to.id) && (is_moment(from.id) || from.id == interval)) {
    SPAR_ASSIGN(std::string made, to_moment(value, from, to));
    return changed(sized(std::move(made), from, to, cast.is_explicit));
  }
  if (to.id == boolean && is_integer(from.id)) {
    SPAR_ASSIGN(std::string made, function("spar_int_to_bool", {value}));
    return Sql{std::move(made)};
  }
  if (from.id == to.id) return argument;
  return Sql{by_text(value, from, to)};
}

}  // namespace spar::query::dialect
