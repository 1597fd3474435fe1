#include "gateway/relay/relay_session.h"

#include "base/assert.h"
#include "gateway/wire/encoder.h"

namespace spar::gateway::relay {

RelaySession::RelaySession(StatementBook& book, SettingsPtr startup, const SessionLimits& limits)
    : book_(book),
      limits_(limits),
      client_(Side::client, limits.frames),
      from_server_(Side::server, limits.frames),
      journal_(limits.journal_bytes_max),
      start_settings_(startup),
      startup_(startup),
      settings_(std::move(startup)) {
  sets_read_only_ = startup_->find(kReadOnlySetting) != nullptr;
}

void RelaySession::write_fatal(const Error& error, Chunks& to_client) {
  Bytes out;
  wire::Encoder(out).error(wire::Severity::fatal, error);
  to_client.copy(out);
}

void RelaySession::attach(ServerSide& server, Chunks& to_server, Chunks& to_client,
                          bool told_only) {
  SPAR_ASSERT(server_ == nullptr && owed_.empty());
  server_ = &server;
  told_only_ = told_only && recovering_ && !fails_;
  unnamed_here_ = begun_here_ = false;
  if (recovering_) settings_ = start_settings_;
  repeat_settings(to_server);
  if (!recovering_) return;
  if (fails_) return stand_failed(to_server);
  begin_replay(to_server, to_client);
}

void RelaySession::repeat_settings(Chunks& to_server) {
  std::string sql;
  if (server_->must_reset) {
    const std::string rest =
        settings_difference(SessionSettings::none(), settings_, *server_->defaults);
    sql = "RESET ALL" + (rest.empty() ? "" : "; " + rest);
  } else if (server_->settings != settings_) {
    sql = settings_difference(server_->settings, settings_, *server_->defaults);
    // Sessions that are alike come to share what they have set.
    if (server_->settings->map() == settings_->map()) settings_ = server_->settings;
  }
  if (sql.empty()) return;
  server_->must_reset = true;  // until it is done, nobody knows
  Bytes message;
  append_query(sql, message);
  to_server.copy(message);
  expect({.what = Expect::internal, .swallow = true});
}

bool RelaySession::is_idle() const {
  return server_ != nullptr && owed_.empty() && status_ == 'I' && !batch_open_ && !skipping_ &&
         !copy_in_ && wrap_ == Wrap::none && !recovering_ && client_.between() &&
         from_server_.between();
}

void RelaySession::release() {
  SPAR_ASSERT(is_idle());
  server_->settings = settings_;
  server_ = nullptr;
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
  if (begun_here_) return after_begin(in);
  if (recovering_) return server_ == nullptr ? Progress::needs_server : Progress::needs_answers;
  for (;;) {
    const Framer before = client_;
    const std::string_view all = in;
    auto again = [&](Progress why) {
      client_ = before;
      in = all;
      return why;
    };
    SPAR_ASSIGN(std::optional<Frame> frame, client_.next(in));
    if (!frame) return Progress::read;
    if (!frame->begins) {
      if (!drops_client_) more(frame->bytes, to_server);
      continue;
    }
    if (frame->type == 'X') return Progress::farewell;
    drops_client_ = skipping_ && frame->type != 'S';
    if (drops_client_) continue;
    if (server_ == nullptr && needs_server(*frame, to_client)) {
      if (begins_here(*frame, to_client)) return after_begin(in);
      choose_server(before, all);
      return again(Progress::needs_server);
    }
    if (server_ != nullptr && server_->copy && !fits_copy(*frame, before, all)) {
      return again(owed_.empty() ? Progress::needs_primary : Progress::needs_answers);
    }
    drops_client_ = server_ == nullptr || refuses(*frame, to_server, to_client);
    if (drops_client_) continue;
    if (needs_answers(frame->type)) return again(Progress::needs_answers);
    SPAR_ASSIGN(const bool sent, client_frame(*frame, to_server, to_client));
    if (!sent) return again(Progress::needs_answers);
  }
}

// Without a connection: what only ends something that is over gets its answer here.
bool RelaySession::needs_server(const Frame& frame, Chunks& to_client) {
  switch (frame.type) {
    case 'S':
      if (told_status_ != 'I') return true;
      skipping_ = batch_open_ = false;
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
  if (waits_for_unit(type)) return true;
  return std::string_view("QPBDC").contains(type) && unsettled();
}

bool RelaySession::unsettled() const {
  if (undo_.empty() && effects_.empty()) return false;
  bool changes = false;
  for (std::size_t i = 0; i < owed_.size(); ++i) {
    const Owed& owed = owed_.at(i);
    changes |= owed.undo || owed.effects;
    if (changes && (owed.what == Expect::sync || owed.what == Expect::query)) return true;
  }
  return false;
}

// What comes after a unit that may begin or end a transaction.
bool RelaySession::waits_for_unit(char type) const {
  const bool open = batch_open_ || wrap_ == Wrap::open;
  if (open || copy_in_ || owed_.empty() || (!turning_ && wrap_ == Wrap::none)) return false;
  return !std::string_view("dcfH").contains(type);
}

void RelaySession::expect(Owed owed) {
  owed_.push(owed);
}

std::uint32_t RelaySession::note(const Owed& owed, std::string_view message,
                                 const StatementPtr& statement) {
  return journal_.push({.what = owed.what,
                        .swallow = owed.swallow,
                        .takes_ready = owed.takes_ready,
                        .withhold = owed.withhold,
                        .probe = owed.probe,
                        .barrier = owed.barrier,
                        .commits = owed.commits,
                        .ends = owed.ends,
                        .returns = owed.returns,
                        .statement = statement},
                       message);
}

void RelaySession::send(Owed owed, std::string_view message, Chunks& to_server,
                        const StatementPtr& statement) {
  owed.step = note(owed, message, statement);
  to_server.borrow(message);
  expect(owed);
}

void RelaySession::send_copy(Owed owed, const Bytes& message, Chunks& to_server,
                             const StatementPtr& statement) {
  owed.step = note(owed, message, statement);
  to_server.copy(message);
  expect(owed);
}

void RelaySession::more(std::string_view message, Chunks& to_server) {
  to_server.borrow(message);
  if (journal_.empty()) {
    (void)note({.what = Expect::nothing}, message, nullptr);
  } else {
    journal_.append(message);
  }
}

Result<bool> RelaySession::client_frame(const Frame& frame, Chunks& to_server, Chunks& to_client) {
  if (journal_.empty()) {
    start_holds_ = holds_;
    start_settings_ = settings_;
    unnamed_noted_ = touches_server_ = false;
  }
  unsynced_ |= std::string_view("PBDCE").contains(frame.type);
  switch (frame.type) {
    case 'Q':
      return on_query(frame, to_server);
    case 'P':
      batch_open_ = true;
      SPAR_TRY(on_parse(frame, to_server, to_client));
      return true;
    case 'B':
      batch_open_ = true;
      on_bind(frame, to_server);
      return true;
    case 'D':
      batch_open_ = true;
      on_describe(frame, to_server);
      return true;
    case 'C':
      batch_open_ = true;
      on_close(frame, to_server);
      return true;
    case 'E':
      batch_open_ = true;
      return on_execute(frame, to_server);
    case 'S':
      on_sync(frame, to_server);
      return true;
    case 'F':
      on_function(frame, to_server);
      return true;
    case 'c':
    case 'f':
      on_copy_end(frame, to_server);
      return true;
    default:  // Flush, CopyData
      more(frame.bytes, to_server);
      return true;
  }
}

bool RelaySession::on_query(const Frame& frame, Chunks& to_server) {
  const std::string_view body = frame.body();
  const std::string_view sql = body.substr(0, body.find('\0'));
  const auto [traits, effects] = book_.judge(sql, standard_strings_);
  if (traits.verb == Traits::Verb::commit && !may_commit(unsynced_, to_server)) return false;
  const std::optional<std::string> other =
      traits.ours ? std::optional(book_.stand_in(sql)) : without_our_name(effects, true, to_server);
  Owed owed{.what = Expect::query};
  enter(traits, true, owed, to_server);
  owed.returns = keep_returned(traits, sql);
  expect_effects(owed, effects);
  batch_open_ = false;  // a Query ends what came before it
  unnamed_.clear();
  unnamed_noted_ = false;
  if (!other) {
    send(owed, frame.bytes, to_server);
  } else {
    Bytes message;
    append_query(*other, message);
    send_copy(owed, message, to_server);
  }
  end_query(owed, traits, to_server);
  return true;
}

bool RelaySession::on_execute(const Frame& frame, Chunks& to_server) {
  Owed owed{.what = Expect::execute};
  const std::string_view body = frame.body();
  auto portal = portals_.empty() ? portals_.end() : portals_.find(body.substr(0, body.find('\0')));
  if (portal == portals_.end()) {
    commits_ |= owed.commits = left_;
  } else {
    const Traits& traits = portal->second.traits;
    if (traits.verb == Traits::Verb::commit && !may_commit(true, to_server)) return false;
    enter(traits, false, owed, to_server);
    owed.returns = portal->second.returns;
    expect_effects(owed, portal->second.effects);
  }
  send(owed, frame.bytes, to_server);
  return true;
}

void RelaySession::on_sync(const Frame& frame, Chunks& to_server) {
  if (copy_in_) return more(frame.bytes, to_server);  // the server ignores it
  batch_open_ = unsynced_ = unnamed_noted_ = false;
  if (wrap_ == Wrap::open) return close_wrap(to_server);
  if (probe_due_ && in_transaction() && status_ != 'E' && !skipping_ && !batch_copies_in_) {
    send_probe(to_server);
  }
  batch_copies_in_ = false;
  skipping_ = false;
  send({.what = Expect::sync}, frame.bytes, to_server);
}

// By its number: what it does cannot be known.
void RelaySession::on_function(const Frame& frame, Chunks& to_server) {
  constexpr Traits kWrites{.writes = true};
  Owed owed{.what = Expect::function};
  enter(kWrites, true, owed, to_server);
  send(owed, frame.bytes, to_server);
  end_query(owed, kWrites, to_server);
}

void RelaySession::on_copy_end(const Frame& frame, Chunks& to_server) {
  if (copy_in_) {
    copy_in_ = false;
    if (Step* step = journal_.find(note({.what = Expect::copy_end}, frame.bytes, nullptr))) {
      step->done = true;
    }
    return to_server.borrow(frame.bytes);
  }
  if (owed_.empty()) return more(frame.bytes, to_server);
  send({.what = Expect::copy_end}, frame.bytes, to_server);
}

}  // namespace spar::gateway::relay
