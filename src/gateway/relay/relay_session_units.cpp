// What is sent around a client's statements, so that what becomes of them can be asked later.
//
// A transaction's id must be known before its COMMIT can happen. PostgreSQL ends the transaction of
// a statement that has none around it before it tells the result, so such a statement, if it may
// write, gets a BEGIN and a COMMIT of ours:
//
//   Query   [BEGIN] Query [transaction id] [Flush], and when that is answered well, [COMMIT] [Sync];
//           its CommandComplete and ReadyForQuery come with those of the Sync
//   batch   [BEGIN] Execute ... [transaction id] [Flush] for its Sync, then [COMMIT] Sync
//
// and ROLLBACK after an error. In a transaction of the client's the question follows the first
// statement that may write, until there is an id.
#include <array>
#include <charconv>
#include <utility>

#include "base/assert.h"
#include "gateway/relay/relay_session.h"

namespace spar::gateway::relay {
namespace {

constexpr std::string_view kFlush("H\0\0\0\4", 5);
constexpr std::string_view kSync("S\0\0\0\4", 5);

// Our portals stay until the transaction ends: each statement has its own.
std::string_view portal_of(Own which) {
  constexpr std::array<std::string_view, 3> kPortals = {"__spar_begin", "__spar_commit",
                                                        "__spar_id"};
  return kPortals[static_cast<std::size_t>(which)];
}

Bytes message(char type, const Bytes& body) {
  Bytes out(1, type);
  ByteWriter(out).be(static_cast<std::uint32_t>(4 + body.size()));
  return out + body;
}

Bytes with_zero(std::string_view text) {
  return Bytes(text) + '\0';
}

}  // namespace

// A statement is about to be sent.
void RelaySession::enter(const Traits& traits, bool simple, Owed& owed, Chunks& to_server) {
  using Verb = Traits::Verb;
  const bool inside = in_transaction();
  const bool mixed = simple && unsynced_;  // an error in the batch would skip what we add
  read_only_ |= traits.read_only;
  if (simple && wrap_ == Wrap::open) {  // a Query ends the batch before it
    wrap_ = Wrap::closing;
    owed.withhold = owed.takes_ready = true;
  }
  owed.commits = left_;
  if (traits.verb != Verb::none) {
    turning_ = true;
    left_ |= !simple && traits.verb != Verb::begin;
    owed.commits |= traits.verb == Verb::mixed && (traits.writes || wrote_);
    rolls_back_ = inside && (traits.verb == Verb::rollback ||
                             (traits.verb == Verb::commit && status_ == 'E'));
    owed.ends = owed.barrier = inside && traits.verb == Verb::commit && !rolls_back_;
    commit_sent_ |= owed.ends;
    if (traits.verb == Verb::begin) begun_ = true;
  } else if (!inside && traits.writes) {
    const bool wraps = limits_.resolves && traits.wraps && !mixed && !(traits.copies_in && !simple);
    if (wraps) {
      wrap_ = simple ? Wrap::closing : Wrap::open;
      run_own(Own::begin, {}, to_server);
      owed.withhold = owed.takes_ready = simple;
    } else {
      owed.commits = true;
    }
  }
  commits_ |= owed.commits;
  if (!traits.writes || owed.commits) return;
  wrote_ = true;
  batch_copies_in_ |= traits.copies_in;
  probe_due_ = limits_.resolves && xid_ == 0;
  // The answer waits for that to the question.
  if (simple && !mixed && probe_due_ && !traits.copies_in && status_ != 'E' &&
      traits.verb == Verb::none) {
    owed.withhold = owed.takes_ready = true;
  }
}

// After a Query was sent.
void RelaySession::end_query(const Owed& owed, const Traits& traits, Chunks& to_server) {
  batch_copies_in_ = false;
  if (!owed.takes_ready || traits.copies_in) return;
  if (probe_due_) send_probe(to_server);
  if (wrap_ != Wrap::none) return say_flush(to_server);
  send({.what = Expect::sync, .swallow = true, .takes_ready = true}, kSync, to_server);
}

// Invariant I5.
bool RelaySession::may_commit(bool in_batch, Chunks& to_server) {
  if (!wrote_ || !in_transaction() || status_ == 'E') return true;
  if (probe_due_) {
    send_probe(to_server);
    if (!in_batch) send({.what = Expect::sync, .swallow = true}, kSync, to_server);
  }
  if (!owes_results()) return true;
  if (in_batch) say_flush(to_server);
  return false;
}

bool RelaySession::owes_results() const {
  for (std::size_t i = 0; i < owed_.size(); ++i) {
    const Expect what = owed_.at(i).what;
    if (what == Expect::query || what == Expect::execute || what == Expect::sync ||
        what == Expect::function) {
      return true;
    }
  }
  return false;
}

void RelaySession::run_own(Own which, Owed owed, Chunks& to_server) {
  const StatementPtr& statement = book_.own(which);
  const Bytes portal = with_zero(portal_of(which));
  provide_named(statement, to_server, owed.probe);
  owed.swallow = true;
  owed.what = Expect::bind;
  send_copy(owed, message('B', portal + with_zero(statement->server_name) + Bytes(6, '\0')),
            to_server, statement);
  owed.what = Expect::execute;
  owed.barrier = false;
  send_copy(owed, message('E', portal + Bytes(4, '\0')), to_server);
  if (!owed.probe) return;
  owed.what = Expect::close;  // a portal that could still be asked forbids COPY ... WITH (FREEZE)
  send_copy(owed, message('C', 'P' + portal), to_server);
}

void RelaySession::send_probe(Chunks& to_server) {
  probe_due_ = false;
  run_own(Own::transaction_id, {.probe = true}, to_server);
}

void RelaySession::say_flush(Chunks& to_server) {
  more(kFlush, to_server);
}

// A batch has ended that has our BEGIN in it: its Sync is sent later.
void RelaySession::close_wrap(Chunks& to_server) {
  batch_copies_in_ = false;
  wrap_ = Wrap::closing;
  if (skipping_) return leave_wrap(to_server);
  if (probe_due_) send_probe(to_server);
  say_flush(to_server);
}

void RelaySession::advance_wrap(Chunks& to_server) {
  if (wrap_ != Wrap::closing || !owed_.empty() || recovering_) return;
  if (skipping_ && unsynced_) {  // a Query that the server ignores has not ended the batch
    wrap_ = Wrap::open;
    batch_open_ = true;
    return;
  }
  if (skipping_ || status_ == 'E') return leave_wrap(to_server);
  if (probe_due_) {  // COPY: it could not be asked before
    send_probe(to_server);
    return say_flush(to_server);
  }
  wrap_ = Wrap::closed;
  commit_sent_ = true;
  run_own(Own::commit, {.ends = true, .barrier = true}, to_server);
  send({.what = Expect::sync}, kSync, to_server);
}

// The statement has failed, and the client was told.
void RelaySession::leave_wrap(Chunks& to_server) {
  wrap_ = Wrap::closed;
  ended_ = true;
  if (skipping_) send({.what = Expect::sync, .swallow = true}, kSync, to_server);
  skipping_ = false;
  Bytes rollback;
  append_query("ROLLBACK", rollback);
  send_copy({.what = Expect::query, .swallow = true, .takes_ready = true}, rollback, to_server);
}

// The client has been told that it is in no transaction.
void RelaySession::end_transaction(std::uint32_t step) {
  if (!all_answered() || batch_open_) {
    if (!journal_.overflowed()) journal_.drop_through(step);
    start_settings_ = settings_;  // of what is left in the journal
    start_holds_ = holds_;
    return;
  }
  forget_transaction();
}

void RelaySession::forget_transaction() {
  journal_.clear();
  returned_.clear();
  wrap_ = Wrap::none;
  left_ = commits_ = begun_ = rolls_back_ = ended_ = wrote_ = probe_due_ = commit_sent_ =
      read_only_ = lost_copy_ = false;
  xid_ = 0;
  full_disk_ = false;
  withheld_.clear();
  divergence_.clear();
}

void RelaySession::hear_probe(const Frame& frame) {
  // One column of text: count, length, digits.
  constexpr std::size_t kHead = 2 + 4;
  if (!frame.whole() || frame.body().size() <= kHead) return;
  const std::string_view digits = frame.body().substr(kHead);
  (void)std::from_chars(digits.data(), digits.data() + digits.size(), xid_);
}

}  // namespace spar::gateway::relay
