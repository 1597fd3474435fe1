// A session on the fake backend, spoken to in bytes and answering in readable lines.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/session.h"
#include "gateway/wire/decoder.h"
#include "tests/unit/gateway/client_bytes.h"
#include "tests/unit/gateway/fake_backend.h"
#include "tests/unit/gateway/fake_language.h"
#include "tests/unit/gateway/server_bytes.h"

namespace spar::gateway::test {

using Lines = std::vector<std::string>;

class TalkingSession : public Sink {
 public:
  explicit TalkingSession(Limits limits = {}) : decoder_({.message_bytes_max = 1u << 20}) {
    limits.message_bytes_max = 1u << 20;
    decoder_.enter(wire::Decoder::Phase::session);
    FakeBackends backends;
    record = backends.record;
    session_ = std::make_unique<Session>(
        Session::Setup{.identity = {.user = "app", .database = "shop", .process = 7, .secret = 9},
                       .backend = backends.open("shop", "app").value(),
                       .settings = Settings("app", limits),
                       .limits = limits,
                       .language = fake_language()},
        *this);
    session_->greet({});
    greeting = take();
  }

  Result<void> send(std::string_view bytes) override {
    if (gone) return failure(Code::io, "gone");
    sent_ += bytes;
    return {};
  }

  // Everything that reaches the client for these bytes.
  Lines say(std::string_view bytes) {
    decoder_.feed(bytes);
    while (true) {
      auto message = decoder_.next();
      if (!message || !*message) break;
      closed = session_->handle(**message) == Session::After::close;
      if (closed) break;
    }
    return take();
  }
  Lines ask(std::string_view sql) { return say(query(sql)); }
  Lines take() { return describe_server(std::exchange(sent_, {})); }
  // What the backend was asked since the last time.
  Lines calls() { return std::exchange(record->calls, {}); }

  Session& session() { return *session_; }
  void close() { session_.reset(); }

  std::shared_ptr<BackendRecord> record;
  Lines greeting;
  bool closed = false;
  bool gone = false;

 private:
  wire::Decoder decoder_;
  std::string sent_;
  std::unique_ptr<Session> session_;
};

// The messages of the extended protocol.
inline std::string parse(std::string_view name, std::string_view sql) {
  return message('P', text(name) + text(sql) + be16(0));
}
inline std::string bind(std::string_view portal, std::string_view statement,
                        const std::vector<std::string>& values = {},
                        std::uint16_t result_format = 0, std::uint16_t parameter_format = 0) {
  std::string body = text(portal) + text(statement) + be16(1) + be16(parameter_format) +
                     be16(static_cast<std::uint16_t>(values.size()));
  for (const std::string& value : values) {
    body += be32(static_cast<std::uint32_t>(value.size())) + value;
  }
  return message('B', body + be16(1) + be16(result_format));
}
inline std::string describe_statement(std::string_view name) {
  return message('D', "S" + text(name));
}
inline std::string describe_portal(std::string_view name) {
  return message('D', "P" + text(name));
}
inline std::string execute(std::string_view portal = "", std::uint32_t rows_max = 0) {
  return message('E', text(portal) + be32(rows_max));
}
inline std::string close_statement(std::string_view name) {
  return message('C', "S" + text(name));
}
inline std::string close_portal(std::string_view name) {
  return message('C', "P" + text(name));
}
inline std::string sync() {
  return message('S', "");
}
inline std::string flush() {
  return message('H', "");
}
inline std::string copy_data(std::string_view bytes) {
  return message('d', bytes);
}
inline std::string copy_done() {
  return message('c', "");
}

}  // namespace spar::gateway::test
