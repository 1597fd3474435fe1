#include "gateway/relay/relay_session.h"

#include "base/assert.h"
#include "gateway/wire/encoder.h"

namespace spar::gateway::relay {

RelaySession::RelaySession(StatementBook& book, SettingsPtr startup, const SessionLimits& limits)
    : book_(book),
      limits_(limits),
      client_(Side::client, limits.frames),
      from_server_(Side::server, limits.frames),
      startup_(startup),
      settings_(std::move(startup)) {}

void RelaySession::write_fatal(const Error& error, Chunks& to_client) {
  Bytes out;
  wire::Encoder(out).error(wire::Severity::fatal, error);
  to_client.copy(out);
}

void RelaySession::attach(ServerSide& server, Chunks& to_server) {
  SPAR_ASSERT(server_ == nullptr && owed_.empty());
  server_ = &server;
  unnamed_here_ = false;
  std::string sql;
  if (server.must_reset) {
    const std::string rest =
        settings_difference(SessionSettings::none(), settings_, *server.defaults);
    sql = "RESET ALL" + (rest.empty() ? "" : "; " + rest);
  } else if (server.settings != settings_) {
    sql = settings_difference(server.settings, settings_, *server.defaults);
  }
  if (sql.empty()) return;
  server.must_reset = true;  // until it is done, nobody knows
  Bytes message;
  append_query(sql, message);
  to_server.copy(message);
  expect({.what = Expect::internal, .swallow = true});
}

bool RelaySession::is_idle() const {
  return server_ != nullptr && owed_.empty() && status_ == 'I' && !batch_open_ && !skipping_ &&
         !copy_in_ && client_.between() && from_server_.between();
}

void RelaySession::release() {
  SPAR_ASSERT(is_idle());
  server_->settings = settings_;
  server_ = nullptr;
}

void RelaySession::lose() {
  server_ = nullptr;
  owed_.clear();
  undo_.clear();
  effects_.clear();
}

bool RelaySession::clean_up(Chunks& to_server) {
  if (server_ == nullptr || !owed_.empty() || batch_open_ || skipping_ || copy_in_ ||
      !client_.between() || !from_server_.between()) {
    return false;
  }
  auto say = [&](std::string_view sql) {
    Bytes message;
    append_query(sql, message);
    to_server.copy(message);
    expect({.what = Expect::internal, .swallow = true});
  };
  if (status_ != 'I') say("ROLLBACK");
  changes_.clear();
  if (holds_ == 0) return true;
  say("DISCARD ALL");
  cleaning_ = true;
  settings_ = SessionSettings::none();
  server_->must_reset = false;
  server_->statements.clear();
  return true;
}

Result<RelaySession::Progress> RelaySession::client_said(std::string_view& in, Chunks& to_server,
                                                         Chunks& to_client) {
  for (;;) {
    const Framer before = client_;
    const std::string_view all = in;
    SPAR_ASSIGN(std::optional<Frame> frame, client_.next(in));
    if (!frame) return Progress::read;
    if (!frame->begins) {
      if (!drops_client_) to_server.borrow(frame->bytes);
      continue;
    }
    if (frame->type == 'X') return Progress::farewell;
    drops_client_ = false;
    if (server_ == nullptr && needs_server(*frame, to_client)) {
      client_ = before;
      in = all;
      return Progress::needs_server;
    }
    if (server_ == nullptr || (skipping_ && frame->type != 'S')) {
      drops_client_ = true;
      continue;
    }
    if (!(undo_.empty() && effects_.empty()) && needs_answers(frame->type)) {
      client_ = before;
      in = all;
      return Progress::needs_answers;
    }
    SPAR_TRY(client_frame(*frame, to_server, to_client));
  }
}

// Without a connection: what only ends something that is over gets its answer here.
bool RelaySession::needs_server(const Frame& frame, Chunks& to_client) {
  switch (frame.type) {
    case 'S':
      to_client.copy(std::string_view("Z\0\0\0\5I", 6));
      return false;
    case 'H':
    case 'd':
    case 'c':
    case 'f':
      return false;
    default:
      return true;
  }
}

// Whether a batch that has ended, and is not answered, changes what the message may refer to.
bool RelaySession::needs_answers(char type) const {
  if (!std::string_view("QPBDC").contains(type)) return false;
  bool changes = false;
  for (std::size_t i = 0; i < owed_.size(); ++i) {
    const Owed& owed = owed_.at(i);
    changes |= owed.undo || owed.effects;
    if (changes && (owed.what == Expect::sync || owed.what == Expect::query)) return true;
  }
  return false;
}

void RelaySession::expect(Owed owed) {
  owed_.push(owed);
}

Result<void> RelaySession::client_frame(const Frame& frame, Chunks& to_server, Chunks& to_client) {
  switch (frame.type) {
    case 'Q':
      on_query(frame, to_server);
      return {};
    case 'P':
      batch_open_ = true;
      return on_parse(frame, to_server, to_client);
    case 'B':
      batch_open_ = true;
      on_bind(frame, to_server);
      return {};
    case 'D':
      batch_open_ = true;
      on_describe(frame, to_server);
      return {};
    case 'C':
      batch_open_ = true;
      on_close(frame, to_server);
      return {};
    case 'E':
      batch_open_ = true;
      on_execute(frame, to_server);
      return {};
    case 'S':
      on_sync(frame, to_server);
      return {};
    case 'F':
      expect({.what = Expect::function});
      to_server.borrow(frame.bytes);
      return {};
    case 'c':
    case 'f':
      on_copy_end(frame, to_server);
      return {};
    default:  // Flush, CopyData
      to_server.borrow(frame.bytes);
      return {};
  }
}

void RelaySession::on_query(const Frame& frame, Chunks& to_server) {
  const std::string_view body = frame.body();
  const std::string_view sql = body.substr(0, body.find('\0'));
  const EffectsPtr effects = book_.effects(sql);
  const std::optional<std::string> other = without_our_name(effects, true, to_server);
  Owed owed{.what = Expect::query};
  expect_effects(owed, effects);
  expect(owed);
  batch_open_ = false;  // a Query ends what came before it
  unnamed_.clear();
  if (!other) return to_server.borrow(frame.bytes);
  Bytes message;
  append_query(*other, message);
  to_server.copy(message);
}

void RelaySession::on_execute(const Frame& frame, Chunks& to_server) {
  Owed owed{.what = Expect::execute};
  if (!portals_.empty()) {
    const std::string_view body = frame.body();
    auto portal = portals_.find(body.substr(0, body.find('\0')));
    if (portal != portals_.end()) expect_effects(owed, portal->second);
  }
  expect(owed);
  to_server.borrow(frame.bytes);
}

void RelaySession::on_sync(const Frame& frame, Chunks& to_server) {
  to_server.borrow(frame.bytes);
  if (copy_in_) return;  // the server ignores it
  batch_open_ = false;
  skipping_ = false;
  expect({.what = Expect::sync});
}

void RelaySession::on_copy_end(const Frame& frame, Chunks& to_server) {
  to_server.borrow(frame.bytes);
  if (copy_in_) {
    copy_in_ = false;
  } else if (!owed_.empty()) {
    expect({.what = Expect::copy_end});
  }
}

}  // namespace spar::gateway::relay
