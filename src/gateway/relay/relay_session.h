// gateway/relay/relay_session.h: one client's conversation over server connections that it borrows.
//
// Contract    Bytes of the client go in, bytes for the server come out, and the other way round;
//             rows are passed on unread. client_said() stops with `needs_server` when what comes
//             next wants a connection: attach() one, then go on with the same input. It stops with
//             `needs_answers` when what a name means depends on answers that are still owed: go on
//             after server_said(). When may_release() says so, the connection can be given to
//             another session: what this one has set and prepared is repeated on the next it gets,
//             before its messages.
//             Where the session has asked for it (spar.read), a connection to a copy will do for a
//             read: wants_copy(). It stops with `needs_primary` when what comes next cannot be
//             answered there, and all before it is answered: release() the connection, or lose() it
//             where may_release() forbids that, and go on.
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
//             I4 The journal holds all that was sent since the client was last told that it is in
//                no transaction, or has overflowed.
//             I5 A COMMIT of a transaction that may have written is sent when the transaction's id
//                is known, or that it has none, and nothing else is owed.
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
#include "gateway/relay/reading.h"
#include "gateway/relay/returned_rows.h"
#include "gateway/relay/server_login.h"
#include "gateway/relay/session_settings.h"
#include "gateway/relay/statement_book.h"
#include "gateway/relay/transaction_journal.h"

namespace spar::gateway::relay {

inline constexpr std::string_view kReadOnlySetting = "default_transaction_read_only";
inline constexpr std::string_view kDiskFull = "53100";

// What is known of one server connection, whoever uses it.
struct ServerSide {
  explicit ServerSide(std::size_t prepared_max) : statements(prepared_max) {}

  SettingsPtr defaults = SessionSettings::none();  // what it reported at its login
  SettingsPtr settings = SessionSettings::none();  // what sessions have set since
  bool must_reset = false;                         // `settings` is not all: RESET ALL first
  ServerStatements statements;
  BackendKey key;
  bool copy = false;  // answers reads only
};

struct SessionLimits {
  FrameLimits frames;
  std::size_t statements_max = 10'000;        // prepared by one client
  std::size_t unnamed_bytes_max = 64u << 10;  // of an unnamed statement kept between batches
  // What is kept to repeat a transaction; one that needs more fails with its connection (40001).
  std::size_t journal_bytes_max = 1u << 20;
  bool resolves = false;                            // somebody can say what became of a transaction
  const ExplicitValues* explicit_values = nullptr;  // outlives the session
};

// What became of a transaction whose connection was lost.
enum class Outcome : std::uint8_t { committed, not_committed, unknown };

class RelaySession {
 public:
  enum class Progress { read, needs_server, needs_primary, needs_answers, farewell };
  enum class Loss : std::uint8_t {
    none,          // go on with the client's input
    needs_server,  // attach() one
    in_doubt,      // ask what became of transaction in_doubt(), then resolved()
    end,           // fate() says why
  };

  RelaySession(StatementBook& book, SettingsPtr startup, const SessionLimits& limits = {});

  Result<Progress> client_said(std::string_view& in, Chunks& to_server, Chunks& to_client);
  Result<void> server_said(std::string_view& in, Chunks& to_server, Chunks& to_client);

  // Repeats on `server` what the session has set, and what it had under way when it lost its last
  // one: with `told_only`, no more than what its client was told of, until repeat_rest().
  // REQUIRES: not attached.
  void attach(ServerSide& server, Chunks& to_server, Chunks& to_client, bool told_only = false);
  void repeat_rest(Chunks& to_server, Chunks& to_client);
  bool told_only() const { return told_only_; }
  // What its client was told of is not on the new server yet, or must not be.
  bool repeats_told() const { return recovering_ && (server_ == nullptr || verify_left_ > 0); }
  bool attached() const { return server_ != nullptr; }
  bool may_release() const { return is_idle() && holds_ == 0; }
  void release();                // REQUIRES: may_release(), or is_idle() after clean_up()
  Loss lose(Chunks& to_client);  // the connection is gone
  // After `needs_server`. Nothing: it must be the primary's.
  const ReadSettings* wants_copy() const { return wants_copy_ ? &read_settings_ : nullptr; }
  // Whether its reads may go elsewhere, from now on.
  bool reads_elsewhere();
  std::uint64_t in_doubt() const { return xid_; }
  Loss resolved(Outcome outcome, Chunks& to_client);
  const Error& fate() const { return fate_; }

  // Attached, and the server has answered everything and waits for a statement.
  bool is_idle() const;
  bool owed() const { return !owed_.empty(); }
  char status() const { return status_; }  // of ReadyForQuery: I, T, E
  std::uint8_t holds() const { return holds_; }
  bool heard_fatal() const { return heard_fatal_; }
  bool recovering() const { return recovering_ && !begun_here_; }
  bool lost_copy() const { return lost_copy_; }  // what it repeats has only read

  // The client is gone and the server has answered: brings the connection back to what a new one
  // is. False: it cannot, the connection must be closed.
  bool clean_up(Chunks& to_server);

  static void write_fatal(const Error& error, Chunks& to_client);

 private:
  struct Owed {
    Expect what = Expect::query;
    bool swallow = false;       // nobody asked: the answer is not passed on
    bool undo = false;          // has an entry in undo_
    bool effects = false;       // has an entry in effects_
    bool takes_ready = false;   // ReadyForQuery is passed on with `swallow`, and not without
    bool withhold = false;      // the last CommandComplete waits for the next ReadyForQuery
    bool probe = false;         // for the transaction's id
    bool commits = false;       // Step's
    bool ends = false;          // Step's
    bool barrier = false;       // Step's
    std::uint32_t returns = 0;  // Step's
    std::uint32_t step = 0;     // in the journal; 0: it must not be repeated
  };
  struct Undo {
    enum class Kind : std::uint8_t { parsed, known, injected, closed, duplicate };
    Kind kind = Kind::parsed;
    std::string name;
    StatementPtr statement;
  };
  struct Pending {  // what was owed when the connection was lost
    Owed owed;
    std::optional<Undo> undo;
    EffectsPtr effects;
  };
  struct Portal {
    EffectsPtr effects;
    Traits traits;
    std::uint32_t returns = 0;
  };
  enum class Wrap : std::uint8_t {
    none,
    open,     // our BEGIN is sent, the client's Sync has not come
    closing,  // it has; COMMIT is sent when all is answered
    closed,   // COMMIT or ROLLBACK is sent
  };
  struct Change {  // of a setting, until its transaction ends; no name: of all
    std::string name;
    std::string statement;
  };

  // relay_session.cpp: what the client says.
  bool needs_server(const Frame& frame, Chunks& to_client);
  bool needs_answers(char type) const;
  bool unsettled() const;
  bool waits_for_unit(char type) const;
  // False: not now; answers must come first.
  Result<bool> client_frame(const Frame& frame, Chunks& to_server, Chunks& to_client);
  bool on_query(const Frame& frame, Chunks& to_server);
  void on_describe(const Frame& frame, Chunks& to_server);
  void on_close(const Frame& frame, Chunks& to_server);
  bool on_execute(const Frame& frame, Chunks& to_server);
  void on_sync(const Frame& frame, Chunks& to_server);
  void on_function(const Frame& frame, Chunks& to_server);
  void on_copy_end(const Frame& frame, Chunks& to_server);
  void repeat_settings(Chunks& to_server);
  void expect(Owed owed);
  // A message that is repeated when the connection is lost; more() adds to it.
  void send(Owed owed, std::string_view message, Chunks& to_server,
            const StatementPtr& statement = nullptr);
  void more(std::string_view message, Chunks& to_server);
  void send_copy(Owed owed, const Bytes& message, Chunks& to_server,
                 const StatementPtr& statement = nullptr);
  std::uint32_t note(const Owed& owed, std::string_view message, const StatementPtr& statement);

  // relay_session_prepared.cpp: statements with names.
  Result<void> on_parse(const Frame& frame, Chunks& to_server, Chunks& to_client);
  Result<void> parse_named(std::string_view name, std::string_view body, Chunks& to_server,
                           Chunks& to_client);
  bool can_answer_parse() const;
  void parse_twice(std::string_view name, std::string_view body, Chunks& to_server);
  void on_bind(const Frame& frame, Chunks& to_server);
  void set_portal(std::string_view name, Portal portal);
  StatementPtr provide(std::string_view name, Chunks& to_server);
  void provide_named(const StatementPtr& statement, Chunks& to_server, bool probe = false);
  void make_place(const StatementPtr& statement, Chunks& to_server);
  void provide_unnamed(Chunks& to_server);
  std::string server_name(std::string_view name) const;
  std::optional<std::string> without_our_name(const EffectsPtr& effects, bool query,
                                              Chunks& to_server);
  void undo(const Undo& entry);

  // relay_session_answers.cpp: what the server says.
  Result<bool> passes(const Frame& frame, Chunks& to_client);
  bool notice_passes();
  bool stays_behind(const Frame& frame);
  bool answer_passes(const Frame& frame, Chunks& to_client);
  bool ready_passes(Chunks& to_client);
  bool repeats(const Frame& frame);
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
  bool is_lost(const Frame& frame) const;
  bool meets_full_disk(const Frame& frame);
  void step_done(const Owed& owed);
  void diverge(const Step& step);
  bool repeated();
  bool all_answered() const;
  void told_ready(std::uint32_t step);

  // relay_session_units.cpp: what is sent around a client's statements.
  bool in_transaction() const { return status_ != 'I' || begun_ || wrap_ != Wrap::none; }
  void enter(const Traits& traits, bool simple, Owed& owed, Chunks& to_server);
  void end_query(const Owed& owed, const Traits& traits, Chunks& to_server);
  bool may_commit(bool in_batch, Chunks& to_server);
  bool owes_results() const;
  void run_own(Own which, Owed owed, Chunks& to_server);
  void send_probe(Chunks& to_server);
  void say_flush(Chunks& to_server);
  void close_wrap(Chunks& to_server);
  void leave_wrap(Chunks& to_server);
  void advance_wrap(Chunks& to_server);
  void end_transaction(std::uint32_t step);
  void forget_transaction();
  void hear_probe(const Frame& frame);

  // relay_session_continuity.cpp: after a connection was lost.
  void take_pending();
  Loss decide(Chunks& to_client);
  bool may_have_committed();
  Loss under_way(Chunks& to_client);
  Loss end_with(Error error);
  void answer_failed(Chunks& to_client);
  static void write_error(const Error& error, Chunks& to_client);
  void finish(std::string_view tag, Chunks& to_client);
  bool finish_one(const Owed& owed, std::string_view tag, Chunks& to_client);
  void begin_replay(Chunks& to_server, Chunks& to_client);
  void advance_replay(Chunks& to_server, Chunks& to_client);
  bool must_wait(const Step& step) const;
  void skip_resends(std::vector<Undo>& undone);
  void resend(std::uint32_t number, Chunks& to_server);
  void stand_failed(Chunks& to_server);
  Traits::Verb bound_verb(const Frame& frame) const;
  bool refuses(const Frame& frame, Chunks& to_server, Chunks& to_client);

  // relay_session_returning.cpp: INSERT ... RETURNING.
  std::uint32_t keep_returned(const Traits& traits, std::string_view body);
  void keep_bound(std::uint32_t key, const Frame& frame, const StatementPtr& statement);
  void hear_returned(const Owed& owed, const Step& step, const Frame& frame);
  Bytes repeated_message(std::uint32_t number, Chunks& to_server);
  Bytes bind_explicit(std::string_view bind, std::string_view body, Chunks& to_server);

  // relay_session_reading.cpp: what may be read elsewhere.
  bool begins_here(const Frame& frame, Chunks& to_client);
  Progress after_begin(std::string_view in);
  void choose_server(const Framer& at, std::string_view unit);
  bool fits_copy(const Frame& frame, const Framer& at, std::string_view unit);
  bool only_reads(Framer framer, std::string_view unit);
  bool reads(const Traits& traits, bool& inside) const;
  bool read_only_by_default() const;

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
  bool batch_open_ = false;    // extended messages were sent, and no Sync or Query after them
  bool unsynced_ = false;      // an error in them would make the server ignore what comes
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

  // The unit under way: a Query, or all messages up to a Sync; and its transaction.
  Wrap wrap_ = Wrap::none;
  bool begun_ = false;        // a BEGIN of the client's is sent
  bool turning_ = false;      // what was sent may begin or end a transaction
  bool rolls_back_ = false;   // what ends it is ROLLBACK
  bool left_ = false;         // what ends the transaction is in a batch that goes on
  bool commits_ = false;      // one of the statements does, as Step says
  bool ended_ = false;        // COMMIT or ROLLBACK was answered, ReadyForQuery was not
  bool wrote_ = false;        // it may have
  bool probe_due_ = false;    // it may have since its id was asked for
  bool commit_sent_ = false;  // and not refused
  bool batch_copies_in_ = false;
  bool standard_strings_ = true;
  bool read_only_ = false;       // the client asked for it, in this transaction
  bool sets_read_only_ = false;  // or for later ones
  std::uint64_t xid_ = 0;        // 0: none that is known
  char told_status_ = 'I';       // of the last ReadyForQuery that the client got
  Bytes withheld_;

  TransactionJournal journal_;
  std::map<std::uint32_t, ReturnedRows> returned_;          // by Step::returns
  std::map<std::uint64_t, std::string> described_inserts_;  // RowDescription by statement
  DigestReader now_;                                        // of the answer under way
  std::uint16_t notices_now_ = 0;
  SettingsPtr start_settings_;
  std::uint8_t start_holds_ = 0;
  bool unnamed_noted_ = false;   // the journal prepares the unnamed statement
  bool touches_server_ = false;  // what was done changed what the connection has
  bool recovering_ = false;      // lost its connection, and is not where it was yet
  bool full_disk_ = false;       // one was met in this transaction
  bool diverged_ = false;        // an answer differs from what the client was told
  std::string divergence_;       // and how, for the client
  std::string repeat_error_;     // what the step under way failed with, if it did
  bool fails_ = false;           // the next connection gets a failed transaction, no replay
  std::uint32_t resend_next_ = 0;
  std::size_t verify_left_ = 0;  // answers to be compared
  bool told_only_ = false;       // what is not answered yet must wait
  std::vector<Pending> pending_;

  SettingsPtr read_settings_of_;  // what read_settings_ were read from
  ReadSettings read_settings_;
  bool wants_copy_ = false;
  bool begun_here_ = false;       // no server has been told of the BEGIN
  bool lost_copy_ = false;        // in this unit or transaction: the primary goes on with it
  std::optional<Error> refusal_;  // of the next statement
  Error fate_;

  SettingsPtr startup_;
  SettingsPtr settings_;
  std::vector<Change> changes_;
  std::map<std::string, StatementPtr, std::less<>> names_;
  std::map<std::string, Portal, std::less<>> portals_;  // with effects or traits that matter
  std::string unnamed_;                                 // a Parse's body behind its name
  EffectsPtr unnamed_effects_;
  Traits unnamed_traits_;
};

}  // namespace spar::gateway::relay
