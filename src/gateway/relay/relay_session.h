// gateway/relay/relay_session.h: one client's conversation over server connections that it borrows.
//
// Contract    Bytes of the client go in, bytes for the server come out, and the other way round;
//             rows are passed on unread. client_said() stops with `needs_server` when what comes
//             next wants a connection: attach() one, then go on with the same input. It stops with
//             `needs_answers` when what a name means depends on answers that are still owed: go on
//             after server_said(). When may_release() says so, the connection can be given to
//             another session: what this one has set and prepared is repeated on the next it gets,
//             before its messages.
// Errors      client_said(), server_said(): the conversation cannot go on; both connections must be
//             closed, and the client told why (write_fatal).
// Threads     Value type; no synchronisation. Outlives neither its book nor, while attached, its
//             ServerSide.
// Invariants  I1 `owed_` lists, in order, what the server will answer to what was sent; nothing
//                else is taken from it than notices, parameters and a last word.
//             I2 A connection is released only when no answer is owed, no transaction and no
//                unfinished batch is open, and nothing holds the session to it (holds()).
//             I3 `names_` is what the client's names mean if all of the open batch succeeds; when
//                the server skips messages after an error, `undo_` takes back what they had
//                changed. A batch is sent only when the names that earlier ones changed are
//                settled.
// Not here    Which connection and when (pool.h, loop.h); logins; cancel requests.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "gateway/relay/chunks.h"
#include "gateway/relay/fifo.h"
#include "gateway/relay/frames.h"
#include "gateway/relay/server_login.h"
#include "gateway/relay/session_settings.h"
#include "gateway/relay/statement_book.h"

namespace spar::gateway::relay {

// What is known of one server connection, whoever uses it.
struct ServerSide {
  explicit ServerSide(std::size_t prepared_max) : statements(prepared_max) {}

  SettingsPtr defaults = SessionSettings::none();  // what it reported at its login
  SettingsPtr settings = SessionSettings::none();  // what sessions have set since
  bool must_reset = false;                         // `settings` is not all: RESET ALL first
  ServerStatements statements;
  BackendKey key;
};

struct SessionLimits {
  FrameLimits frames;
  std::size_t statements_max = 10'000;        // prepared by one client
  std::size_t unnamed_bytes_max = 64u << 10;  // of an unnamed statement kept between batches
};

class RelaySession {
 public:
  enum class Progress { read, needs_server, needs_answers, farewell };

  RelaySession(StatementBook& book, SettingsPtr startup, const SessionLimits& limits = {});

  Result<Progress> client_said(std::string_view& in, Chunks& to_server, Chunks& to_client);
  Result<void> server_said(std::string_view& in, Chunks& to_client);

  // Repeats on `server` what the session has set. REQUIRES: not attached.
  void attach(ServerSide& server, Chunks& to_server);
  bool attached() const { return server_ != nullptr; }
  bool may_release() const { return is_idle() && holds_ == 0; }
  void release();  // REQUIRES: may_release(), or is_idle() after clean_up()
  void lose();     // the connection is gone

  // Attached, and the server has answered everything and waits for a statement.
  bool is_idle() const;
  bool owed() const { return !owed_.empty(); }
  char status() const { return status_; }  // of ReadyForQuery: I, T, E
  std::uint8_t holds() const { return holds_; }
  bool heard_fatal() const { return heard_fatal_; }

  // The client is gone and the server has answered: brings the connection back to what a new one
  // is. False: it cannot, the connection must be closed.
  bool clean_up(Chunks& to_server);

  static void write_fatal(const Error& error, Chunks& to_client);

 private:
  enum class Expect : std::uint8_t {
    query,
    parse,
    bind,
    describe_statement,
    describe_portal,
    execute,
    close,
    sync,
    function,
    copy_end,  // no answer: where the client ended COPY data before it was asked for them
    known,     // a Parse that the connection needs not see: we answer it
    internal,  // a query of our own
  };
  struct Owed {
    Expect what = Expect::query;
    bool swallow = false;  // nobody asked: the answer is not passed on
    bool undo = false;     // has an entry in undo_
    bool effects = false;  // has an entry in effects_
  };
  struct Undo {
    enum class Kind : std::uint8_t { parsed, known, injected, closed, duplicate };
    Kind kind = Kind::parsed;
    std::string name;
    StatementPtr statement;
  };
  struct Change {  // of a setting, until its transaction ends; no name: of all
    std::string name;
    std::string statement;
  };

  // relay_session.cpp: what the client says.
  bool needs_server(const Frame& frame, Chunks& to_client);
  bool needs_answers(char type) const;
  Result<void> client_frame(const Frame& frame, Chunks& to_server, Chunks& to_client);
  void on_query(const Frame& frame, Chunks& to_server);
  void on_describe(const Frame& frame, Chunks& to_server);
  void on_close(const Frame& frame, Chunks& to_server);
  void on_execute(const Frame& frame, Chunks& to_server);
  void on_sync(const Frame& frame, Chunks& to_server);
  void on_copy_end(const Frame& frame, Chunks& to_server);
  void expect(Owed owed);

  // relay_session_prepared.cpp: statements with names.
  Result<void> on_parse(const Frame& frame, Chunks& to_server, Chunks& to_client);
  Result<void> parse_named(std::string_view name, std::string_view body, Chunks& to_server,
                           Chunks& to_client);
  bool can_answer_parse() const;
  void parse_twice(std::string_view name, std::string_view body, Chunks& to_server);
  void on_bind(const Frame& frame, Chunks& to_server);
  EffectsPtr provide(std::string_view name, Chunks& to_server);
  void provide_named(const StatementPtr& statement, Chunks& to_server);
  void make_place(const StatementPtr& statement, Chunks& to_server);
  void provide_unnamed(Chunks& to_server);
  std::string server_name(std::string_view name) const;
  std::optional<std::string> without_our_name(const EffectsPtr& effects, bool query,
                                              Chunks& to_server);
  void undo(const Undo& entry);

  // relay_session_answers.cpp: what the server says.
  Result<bool> passes(const Frame& frame, Chunks& to_client);
  Result<bool> error_passes(const Frame& frame, Chunks& to_client);
  bool parameter_passes(std::string_view body);
  Result<void> account(const Frame& frame, Chunks& to_client);
  Result<void> answered(std::initializer_list<Expect> expected, Chunks& to_client);
  Result<void> on_ready(const Frame& frame, Chunks& to_client);
  Result<void> on_complete(const Frame& frame, Chunks& to_client);
  void on_error();
  void on_copy_in();
  void skip_to_sync();
  void pop_owed();
  void answer_known(Chunks& to_client);

  // relay_session_effects.cpp: what statements leave behind.
  void expect_effects(Owed& owed, const EffectsPtr& effects);
  void apply(const query::SessionEffects& effects);
  void apply(const query::SessionEffect& effect);
  void reset_setting(const std::string& name);
  void discard_all();
  void commit_changes();

  StatementBook& book_;
  SessionLimits limits_;
  ServerSide* server_ = nullptr;
  Framer client_;
  Framer from_server_;
  char status_ = 'I';
  std::uint8_t holds_ = 0;
  bool drops_client_ = false;  // the message under way is not sent on
  bool passes_server_ = true;  // the message under way is sent on
  bool batch_open_ = false;    // extended messages were sent, and no Sync after them
  bool skipping_ = false;      // the server ignores all up to a Sync that has not been sent
  bool copy_in_ = false;       // the server takes COPY data
  bool failed_ = false;        // an error since the last ReadyForQuery
  bool set_in_transaction_ = false;
  bool unnamed_here_ = false;  // this connection's unnamed statement is ours
  bool cleaning_ = false;
  bool heard_fatal_ = false;
  Fifo<Owed> owed_;
  Fifo<Undo> undo_;
  Fifo<EffectsPtr> effects_;
  SettingsPtr startup_;
  SettingsPtr settings_;
  std::vector<Change> changes_;
  std::map<std::string, StatementPtr, std::less<>> names_;
  std::map<std::string, EffectsPtr, std::less<>> portals_;  // only those with effects
  std::string unnamed_;                                     // a Parse's body behind its name
  EffectsPtr unnamed_effects_;
};

}  // namespace spar::gateway::relay
