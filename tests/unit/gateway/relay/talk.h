// A session machine, a client and connections, as readable lines.
#pragma once

#include <gtest/gtest.h>

#include "gateway/relay/relay_session.h"
#include "gateway/wire/encoder.h"
#include "tests/unit/gateway/client_bytes.h"
#include "tests/unit/gateway/server_bytes.h"

namespace spar::gateway::relay {

using test::be16;
using test::be32;
using test::message;
using test::query;
using test::text;

inline std::string parse(std::string_view name, std::string_view sql) {
  return message('P', text(name) + text(sql) + be16(0));
}
inline std::string bind(std::string_view name, std::string_view portal = "") {
  return message('B', text(portal) + text(name) + be16(0) + be16(0) + be16(0));
}
inline std::string describe(std::string_view name) {
  return message('D', "S" + text(name));
}
inline std::string close(std::string_view name) {
  return message('C', "S" + text(name));
}
inline std::string execute(std::string_view portal = "") {
  return message('E', text(portal) + be32(0));
}
inline const std::string kSync = message('S', "");
inline const std::string kFlush = message('H', "");

inline std::string bare(std::string_view types) {
  std::string out;
  for (char type : types) out += message(type, "");
  return out;
}
inline std::string complete(std::string_view tag) {
  return message('C', text(tag));
}
inline std::string ready(char status = 'I') {
  return message('Z', std::string(1, status));
}
inline std::string error(std::string_view sqlstate = "XX000", std::string_view more = "") {
  return message('E', text("SERROR") + text("VERROR") + text("C" + std::string(sqlstate)) +
                          text("Mwrong") + std::string(more) + '\0');
}
inline std::string parameter(std::string_view name, std::string_view value) {
  return message('S', text(name) + text(value));
}

// Messages of a client as "Q select 1 | P name text | B portal name | ...".
inline std::string describe_client(std::string_view bytes) {
  std::string out;
  while (bytes.size() >= 5) {
    std::size_t size = 1 + ByteReader(bytes.substr(1)).be<std::uint32_t>();
    EXPECT_LE(size, bytes.size());
    std::string body(bytes.substr(5, size - 5));
    const char type = bytes[0];
    if (!out.empty()) out += " | ";
    out += type;
    int strings = type == 'P' || type == 'B' ? 2 : std::string_view("SHcdX").contains(type) ? 0 : 1;
    std::size_t at = 0;
    for (int i = 0; i < strings; ++i) {
      std::string one = body.substr(at, body.find('\0', at) - at);
      out += " " + (one.empty() ? "-" : one);
      at += one.size() + 1;
    }
    bytes.remove_prefix(std::min(size, bytes.size()));
  }
  EXPECT_TRUE(bytes.empty());
  return out;
}

inline std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += (out.empty() ? "" : " | ") + line;
  return out;
}

// A session, and connections it can be given.
class Talk {
 public:
  explicit Talk(StatementBook& book, SettingsPtr startup = SessionSettings::none(),
                const SessionLimits& limits = {})
      : session(book, std::move(startup), limits) {}

  // What the server gets for it.
  std::string say(std::string bytes) {
    input_ += bytes;
    Chunks to_server, to_client;
    std::string_view in = input_;
    auto progress = session.client_said(in, to_server, to_client);
    EXPECT_TRUE(progress) << (progress ? "" : progress.error().message);
    if (progress) last = *progress;
    return take(in, to_server, to_client);
  }
  std::string attach(ServerSide& server) {
    Chunks to_server, to_client;
    session.attach(server, to_server, to_client);
    to_client.append_to(heard_);
    Bytes repeated;
    to_server.append_to(repeated);
    std::string more = say("");
    std::string first = describe_client(repeated);
    return first.empty() || more.empty() ? first + more : first + " | " + more;
  }
  // What the client gets for it, with what it got since the last time.
  std::string hear(std::string_view bytes) {
    Chunks to_server, to_client;
    auto done = session.server_said(bytes, to_server, to_client);
    lost = !done && done.error().code == Code::copy_lost;
    EXPECT_TRUE(done || lost) << (done ? "" : done.error().message);
    EXPECT_TRUE(bytes.empty() || lost);
    to_client.append_to(heard_);
    Bytes sent;
    to_server.append_to(sent);
    asked = describe_client(sent);
    return joined(test::describe_server(std::exchange(heard_, {})));
  }

  // The connection is gone; what the client hears at once.
  std::string lose() {
    Chunks to_client;
    loss = session.lose(to_client);
    to_client.append_to(heard_);
    return joined(test::describe_server(std::exchange(heard_, {})));
  }
  std::string resolve(Outcome outcome) {
    Chunks to_client;
    loss = session.resolved(outcome, to_client);
    to_client.append_to(heard_);
    return joined(test::describe_server(std::exchange(heard_, {})));
  }

  RelaySession session;
  RelaySession::Loss loss = RelaySession::Loss::none;
  std::string asked;  // of the server, for what it said last
  bool lost = false;  // and the connection must be given up
  RelaySession::Progress last = RelaySession::Progress::read;

 private:
  std::string take(std::string_view in, const Chunks& to_server, const Chunks& to_client) {
    Bytes sent;
    to_server.append_to(sent);
    to_client.append_to(heard_);
    input_ = std::string(in);
    return describe_client(sent);
  }
  std::string input_;
  Bytes heard_;
};

}  // namespace spar::gateway::relay
