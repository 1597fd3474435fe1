#include "gateway/wire/encoder.h"

namespace spar::gateway::wire {
namespace {

constexpr std::int32_t kAuthenticationOk = 0;
constexpr std::int32_t kAuthenticationSasl = 10;
constexpr std::int32_t kAuthenticationSaslContinue = 11;
constexpr std::int32_t kAuthenticationSaslFinal = 12;

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::fatal:
      return "FATAL";
    case Severity::error:
      return "ERROR";
    case Severity::warning:
      return "WARNING";
    case Severity::notice:
      return "NOTICE";
  }
  return "ERROR";
}

}  // namespace

void Encoder::authentication(std::int32_t code, std::string_view data) {
  begin('R');
  integer(code);
  out_.append(data);
  end();
}

void Encoder::authentication_ok() {
  authentication(kAuthenticationOk, {});
}

void Encoder::authentication_sasl(std::span<const std::string_view> mechanisms) {
  begin('R');
  integer(kAuthenticationSasl);
  for (std::string_view mechanism : mechanisms) string(mechanism);
  out_.push_back('\0');
  end();
}

void Encoder::authentication_sasl_continue(std::string_view data) {
  authentication(kAuthenticationSaslContinue, data);
}

void Encoder::authentication_sasl_final(std::string_view data) {
  authentication(kAuthenticationSaslFinal, data);
}

void Encoder::negotiate_protocol_version(std::uint32_t minor,
                                         std::span<const std::string_view> unknown_options) {
  begin('v');
  integer(minor);
  integer(static_cast<std::int32_t>(unknown_options.size()));
  for (std::string_view option : unknown_options) string(option);
  end();
}

void Encoder::backend_key(std::uint32_t process, std::uint32_t secret) {
  begin('K');
  integer(process);
  integer(secret);
  end();
}

void Encoder::parameter_status(std::string_view name, std::string_view value) {
  begin('S');
  string(name);
  string(value);
  end();
}

void Encoder::parameter_description(std::span<const data::Type> types) {
  begin('t');
  integer(static_cast<std::int16_t>(types.size()));
  for (const data::Type& type : types) integer(static_cast<std::uint32_t>(type.id));
  end();
}

void Encoder::row_description(std::span<const ColumnDescription> columns) {
  begin('T');
  integer(static_cast<std::int16_t>(columns.size()));
  for (const ColumnDescription& column : columns) {
    string(column.name);
    integer(column.table);
    integer(column.number);
    integer(static_cast<std::uint32_t>(column.type.id));
    integer(static_cast<std::int16_t>(data::typlen(column.type.id)));
    integer(column.typmod);
    integer(static_cast<std::int16_t>(column.format));
  }
  end();
}

void Encoder::copy_response(char type, std::size_t columns) {
  begin(type);
  out_.push_back('\0');  // the whole copy is text
  integer(static_cast<std::int16_t>(columns));
  for (std::size_t i = 0; i < columns; ++i) integer(static_cast<std::int16_t>(Format::text));
  end();
}

void Encoder::field(char name, std::string_view value) {
  if (value.empty()) return;
  out_.push_back(name);
  string(value);
}

void Encoder::report(char type, Severity severity, const Error& error) {
  begin(type);
  field('S', name_of(severity));
  field('V', name_of(severity));
  field('C', error.sqlstate);
  field('M', error.message.empty() ? std::string_view("unknown error") : error.message);
  field('D', error.detail);
  field('H', error.hint);
  if (error.position > 0) field('P', std::to_string(error.position));
  field('W', error.context);
  field('s', error.schema);
  field('t', error.table);
  field('c', error.column);
  field('n', error.constraint);
  out_.push_back('\0');
  end();
}

}  // namespace spar::gateway::wire
