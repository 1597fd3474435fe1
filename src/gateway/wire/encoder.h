// gateway/wire/encoder.h: what the server says, appended to one growing buffer.
//
// Contract    Each call appends one whole message, save for rows: row_begin(), then for each value
//             null() or value_begin() .. value_end() with the value's bytes appended to out()
//             between, then row_end(). Nothing is allocated per field.
// Source      https://www.postgresql.org/docs/15/protocol-message-formats.html
// Threads     Value type; no synchronisation.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "data/type.h"
#include "gateway/wire/messages.h"

namespace spar::gateway::wire {

struct ColumnDescription {
  std::string_view name;
  std::uint32_t table = 0;
  std::int16_t number = 0;
  data::Type type;
  Format format = Format::text;
  std::int32_t typmod = -1;
};

enum class Severity { fatal, error, warning, notice };

class Encoder {
 public:
  explicit Encoder(Bytes& out) : out_(out) {}
  Bytes& out() { return out_; }

  void authentication_ok();
  void authentication_sasl(std::span<const std::string_view> mechanisms);
  void authentication_sasl_continue(std::string_view data);
  void authentication_sasl_final(std::string_view data);
  void negotiate_protocol_version(std::uint32_t minor,
                                  std::span<const std::string_view> unknown_options);
  void backend_key(std::uint32_t process, std::uint32_t secret);
  void parameter_status(std::string_view name, std::string_view value);
  void ready_for_query(char status) { bytes('Z', {&status, 1}); }

  void parse_complete() { bare('1'); }
  void bind_complete() { bare('2'); }
  void close_complete() { bare('3'); }
  void no_data() { bare('n'); }
  void portal_suspended() { bare('s'); }
  void empty_query_response() { bare('I'); }
  void command_complete(std::string_view tag) { text('C', tag); }
  void parameter_description(std::span<const data::Type> types);
  void row_description(std::span<const ColumnDescription> columns);

  void copy_in_response(std::size_t columns) { copy_response('G', columns); }
  void copy_out_response(std::size_t columns) { copy_response('H', columns); }
  // CopyData: the bytes appended to out() between the two calls.
  void copy_data_begin() { begin('d'); }
  void copy_data_end() { end(); }
  void copy_done() { bare('c'); }

  void error(Severity severity, const Error& error) { report('E', severity, error); }
  void notice(Severity severity, const Error& error) { report('N', severity, error); }

  void row_begin(std::size_t columns) {
    begin('D');
    integer(static_cast<std::int16_t>(columns));
  }
  void row_end() { end(); }
  void null() { integer(std::int32_t{-1}); }
  void value_begin() {
    value_ = out_.size();
    out_.append(4, '\0');
  }
  void value_end() { patch(value_, out_.size() - value_ - 4); }

 private:
  void begin(char type) {
    out_.push_back(type);
    message_ = out_.size();
    out_.append(4, '\0');
  }
  void end() { patch(message_, out_.size() - message_); }
  void patch(std::size_t at, std::size_t size) {
    std::uint32_t big = ByteWriter::byteswapped(static_cast<std::uint32_t>(size));
    std::memcpy(out_.data() + at, &big, sizeof big);
  }
  template <std::integral T>
  void integer(T value) {
    ByteWriter(out_).be(value);
  }
  void string(std::string_view text) {  // a zero inside would end it early
    out_.append(text.substr(0, text.find('\0')));
    out_.push_back('\0');
  }
  void bare(char type) {
    begin(type);
    end();
  }
  void bytes(char type, std::string_view body) {
    begin(type);
    out_.append(body);
    end();
  }
  void text(char type, std::string_view body) {
    begin(type);
    string(body);
    end();
  }
  void field(char name, std::string_view value);
  void authentication(std::int32_t code, std::string_view data);
  void copy_response(char type, std::size_t columns);
  void report(char type, Severity severity, const Error& error);

  Bytes& out_;
  std::size_t message_ = 0;
  std::size_t value_ = 0;
};

}  // namespace spar::gateway::wire
