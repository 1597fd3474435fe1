// After the connection of a session was lost: what its client is told, and how it goes on.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "gateway/relay/relay_session.h"
#include "gateway/wire/encoder.h"

namespace spar::gateway::relay {
namespace {

constexpr std::string_view kRetry = "Repeat the transaction.";

Error with_hint(Failure failure, std::string_view hint) {
  Error error = std::move(failure.error());
  error.hint = hint;
  return error;
}

Error unknown_outcome() {
  return with_hint(failure(Code::unknown_outcome,
                           "the connection to the server was lost; whether the statement took "
                           "effect is not known",
                           "08007"),
                   "Connect again, and look at the data before repeating it.");
}

Error held_elsewhere(std::uint8_t holds) {
  return with_hint(failure(Code::copy_lost,
                           "the connection to the server was lost, and with it what no other "
                           "server has of this session: " +
                               query::describe_holds(holds),
                           "08006"),
                   "Connect again.");
}

Error cut_row() {
  return with_hint(
      failure(Code::copy_lost, "the connection to the server was lost in the middle of a long row",
              "08006"),
      "Connect again, and repeat the statement.");
}

Error not_repeatable(bool diverged, std::string_view divergence) {
  Error error = with_hint(
      sql_error("40001", diverged ? "the server was lost, and the next one answers otherwise "
                                    "than the transaction has seen"
                                  : "the server was lost, and the transaction is too large to "
                                    "be repeated on the next one"),
      kRetry);
  error.detail = divergence;
  return error;
}

void write_ready(char status, Chunks& to_client) {
  Bytes out;
  wire::Encoder(out).ready_for_query(status);
  to_client.copy(out);
}

}  // namespace

void RelaySession::write_error(const Error& error, Chunks& to_client) {
  Bytes out;
  wire::Encoder(out).error(wire::Severity::error, error);
  to_client.copy(out);
}

RelaySession::Loss RelaySession::lose(Chunks& to_client) {
  lost_copy_ |= server_->copy;
  wants_copy_ = false;
  server_ = nullptr;
  told_only_ = false;
  from_server_ = Framer(Side::server, limits_.frames);
  take_pending();
  if (!now_.between() && passes_server_) return end_with(cut_row());
  return decide(to_client);
}

// What is still owed to the client, with what it would change, in order.
void RelaySession::take_pending() {
  std::vector<Pending> pending;
  while (!owed_.empty()) {
    Pending one{.owed = owed_.pop(), .undo = {}, .effects = {}};
    if (one.owed.undo) one.undo = undo_.pop();
    if (one.owed.effects) one.effects = effects_.pop();
    const Step* step = journal_.find(one.owed.step);
    const bool noted = step != nullptr
                           ? !step->done
                           : journal_.overflowed() && one.owed.swallow == one.owed.takes_ready &&
                                 one.owed.what != Expect::internal;
    if (noted) pending.push_back(std::move(one));
  }
  for (Pending& one : pending_) pending.push_back(std::move(one));  // not asked again yet
  pending_ = std::move(pending);
}

RelaySession::Loss RelaySession::decide(Chunks& to_client) {
  if (journal_.empty() && pending_.empty() && told_status_ == 'I') {
    return holds_ == 0 ? Loss::none : end_with(held_elsewhere(holds_));
  }
  std::size_t results = 0;
  if (may_have_committed()) return end_with(unknown_outcome());
  for (const Pending& one : pending_) {
    results += one.owed.what == Expect::query || one.owed.what == Expect::execute;
  }
  const bool leaves = ended_ || (rolls_back_ && results <= 1 && !recovering_);
  if (leaves) {
    finish("ROLLBACK", to_client);
    return holds_ == 0 ? Loss::none : end_with(held_elsewhere(holds_));
  }
  if (commit_sent_ && wrote_ && !mutant(Mutant::replay_unresolved)) {
    if (!limits_.resolves) return end_with(unknown_outcome());
    if (xid_ != 0) return Loss::in_doubt;
  }
  return under_way(to_client);
}

// Until its unit has been answered to the end.
bool RelaySession::may_have_committed() {
  if (journal_.overflowed()) return commits_;
  for (std::uint32_t i = journal_.begin(); i < journal_.end(); ++i) {
    if (journal_.at(i).commits) return true;
  }
  return false;
}

// Nothing of it has happened: it can be repeated, or must fail.
RelaySession::Loss RelaySession::under_way(Chunks& to_client) {
  if (start_holds_ != 0) return end_with(held_elsewhere(start_holds_));
  recovering_ = true;
  if (!diverged_ && !journal_.overflowed() && !fails_) return Loss::needs_server;
  if (!fails_) answer_failed(to_client);
  return recovering_ ? Loss::needs_server : Loss::none;
}

RelaySession::Loss RelaySession::resolved(Outcome outcome, Chunks& to_client) {
  switch (outcome) {
    case Outcome::committed:
      finish("COMMIT", to_client);
      return holds_ == 0 ? Loss::none : end_with(held_elsewhere(holds_));
    case Outcome::not_committed:
      return under_way(to_client);
    case Outcome::unknown:
      break;
  }
  return end_with(unknown_outcome());
}

RelaySession::Loss RelaySession::end_with(Error error) {
  fate_ = std::move(error);
  return Loss::end;
}

// The transaction has failed: so says the answer to each unit that waits for one, or to the next
// statement. A new connection is needed only where the client must end the transaction itself.
void RelaySession::answer_failed(Chunks& to_client) {
  const Error error = not_repeatable(diverged_, std::exchange(divergence_, {}));
  bool inside = told_status_ != 'I' || begun_;
  for (auto one = pending_.rbegin(); one != pending_.rend(); ++one) {
    if (one->undo) undo(*one->undo);
  }
  bool told = pending_.empty() && batch_open_ && !skipping_;
  if (told) write_error(error, to_client);
  if (pending_.empty() && !batch_open_) refusal_ = error;
  for (const Pending& one : pending_) {
    const Owed& owed = one.owed;
    if (!std::exchange(told, true)) write_error(error, to_client);
    inside = inside && !owed.ends;  // whatever a COMMIT answers, its transaction is over
    const bool ends_unit =
        owed.what == Expect::query || owed.what == Expect::sync || owed.what == Expect::function;
    if (!ends_unit || owed.takes_ready != owed.swallow) continue;
    write_ready(inside ? 'E' : 'I', to_client);
    told = false;
  }
  const char status = inside ? 'E' : 'I';
  if (told && wrap_ >= Wrap::closing) {
    write_ready(status, to_client);
    told = false;
  }
  batch_open_ = skipping_ = told || (skipping_ && batch_open_);
  drops_client_ = !client_.between();
  pending_.clear();
  changes_.clear();
  copy_in_ = failed_ = diverged_ = turning_ = set_in_transaction_ = false;
  settings_ = start_settings_;
  status_ = told_status_ = status;
  recovering_ = fails_ = inside;
  verify_left_ = 0;
  forget_transaction();
  if (inside) journal_.give_up();
}

// The transaction is over, as its server would have said.
void RelaySession::finish(std::string_view tag, Chunks& to_client) {
  bool told = false;
  for (const Pending& one : pending_) told |= finish_one(one.owed, tag, to_client);
  if (wrap_ != Wrap::none && !told) {
    to_client.copy(withheld_);
    write_ready('I', to_client);
  }
  if (tag == "COMMIT") {
    commit_changes();
  } else {
    changes_.clear();
  }
  pending_.clear();
  status_ = told_status_ = 'I';
  recovering_ = fails_ = diverged_ = false;
  batch_open_ = skipping_ = turning_ = failed_ = set_in_transaction_ = false;
  portals_.clear();
  forget_transaction();
}

// Whether that tells the client that the server is ready.
bool RelaySession::finish_one(const Owed& owed, std::string_view tag, Chunks& to_client) {
  const Step* step = journal_.find(owed.step);
  const bool fresh = step == nullptr || step->seen.messages == 0;
  Bytes out;
  wire::Encoder encoder(out);
  if (!owed.swallow) {
    switch (owed.what) {
      case Expect::parse:
      case Expect::known:
        encoder.parse_complete();
        break;
      case Expect::bind:
        out += std::string_view("2\0\0\0\4", 5);
        break;
      case Expect::close:
        encoder.close_complete();
        break;
      case Expect::describe_statement:
        if (fresh) encoder.parameter_description({});
        encoder.no_data();
        break;
      case Expect::describe_portal:
        encoder.no_data();
        break;
      case Expect::query:
      case Expect::execute:
        if (fresh && !ended_) encoder.command_complete(tag);
        break;
      default:
        break;
    }
  }
  const bool ends_unit = owed.what == Expect::query || owed.what == Expect::sync;
  const bool ready = ends_unit && owed.takes_ready == owed.swallow;
  if (ready) {
    to_client.copy(withheld_);
    encoder.ready_for_query('I');
  }
  to_client.copy(out);
  return ready;
}

void RelaySession::begin_replay(Chunks& to_server, Chunks& to_client) {
  status_ = 'I';
  failed_ = skipping_ = copy_in_ = ended_ = commit_sent_ = false;
  xid_ = 0;
  now_ = DigestReader();
  notices_now_ = 0;
  resend_next_ = journal_.begin();
  verify_left_ = 0;
  for (std::uint32_t i = journal_.begin(); i < journal_.end(); ++i) {
    const Step& step = journal_.at(i);
    verify_left_ += step.done && step.what != Expect::nothing;
  }
  advance_replay(to_server, to_client);
}

// Asks again up to the next barrier that must wait.
void RelaySession::advance_replay(Chunks& to_server, Chunks& to_client) {
  if (!recovering_) return;
  if (fails_) {
    if (owed_.empty()) recovering_ = fails_ = false;
    return;
  }
  while (resend_next_ < journal_.end()) {
    answer_known(to_client);  // also before a barrier: the server's next answer is not to it
    if (journal_.at(resend_next_).barrier && !owed_.empty()) {
      return to_server.copy(std::string_view("H\0\0\0\4", 5));
    }
    if (unsettled()) return;
    if (must_wait(journal_.at(resend_next_))) {
      if (!owed_.empty()) to_server.copy(std::string_view("H\0\0\0\4", 5));
      return;
    }
    resend(resend_next_++, to_server);
  }
  answer_known(to_client);
  if (verify_left_ > 0) return;
  recovering_ = false;
  unnamed_here_ = unnamed_noted_;
  if (!touches_server_) return;
  server_->must_reset = true;
  server_->statements.clear();
}

// Else it might take what others were told of, which is still to be repeated: a sequence's number.
bool RelaySession::must_wait(const Step& step) const {
  return told_only_ && !step.done && step.what != Expect::nothing;
}

void RelaySession::repeat_rest(Chunks& to_server, Chunks& to_client) {
  told_only_ = false;
  advance_replay(to_server, to_client);
}

// The server ignores what is not repeated yet, up to the next Sync.
void RelaySession::skip_resends(std::vector<Undo>& undone) {
  while (recovering_ && resend_next_ < journal_.end()) {
    Step& step = journal_.at(resend_next_);
    if (step.what == Expect::sync) return;
    if (!pending_.empty() && pending_.front().owed.step == resend_next_) {
      if (pending_.front().undo) undone.push_back(std::move(*pending_.front().undo));
      pending_.erase(pending_.begin());
    }
    if (step.done && step.what != Expect::nothing) --verify_left_;
    if (step.seen.messages > 0) diverge(step);
    step.done = true;
    ++resend_next_;
  }
}

void RelaySession::resend(std::uint32_t number, Chunks& to_server) {
  const Step& step = journal_.at(number);
  Owed owed{.what = step.what,
            .swallow = step.swallow,
            .takes_ready = step.takes_ready,
            .withhold = step.withhold,
            .probe = step.probe,
            .commits = step.commits,
            .ends = step.ends,
            .barrier = step.barrier,
            .returns = step.returns,
            .step = number};
  if (!pending_.empty() && pending_.front().owed.step == number) {
    Pending one = std::move(pending_.front());
    pending_.erase(pending_.begin());
    owed.undo = one.undo.has_value();
    owed.effects = one.effects != nullptr;
    if (one.undo) undo_.push(std::move(*one.undo));
    if (one.effects) effects_.push(std::move(one.effects));
  }
  commit_sent_ |= step.ends && !step.done;
  skipping_ &= step.what != Expect::sync;
  if (step.statement != nullptr && step.what == Expect::parse) {
    make_place(step.statement, to_server);  // also one that is there: it may have to fail
    if (!std::exchange(owed.undo, true)) {
      undo_.push({.kind = Undo::Kind::injected, .statement = step.statement});
    }
  } else if (step.statement != nullptr) {
    provide_named(step.statement, to_server, step.probe);
  }
  if (owed.what == Expect::known) {
    owed.swallow |= step.done;
  } else {
    const Bytes other = step.returns == number ? repeated_message(number, to_server) : Bytes();
    to_server.copy(other.empty() ? journal_.message(step) : std::string_view(other));
  }
  if (owed.what != Expect::nothing) expect(owed);
}

// The connection gets a transaction that has failed, for the client to end.
void RelaySession::stand_failed(Chunks& to_server) {
  for (std::string_view sql :
       {"BEGIN", "ROLLBACK TO SAVEPOINT \"spar: the transaction could not be repeated\""}) {
    Bytes message;
    append_query(sql, message);
    to_server.copy(message);
    expect({.what = Expect::query, .swallow = true});
  }
}

// In a transaction that has failed without the client knowing: its next statement tells it.
bool RelaySession::refuses(const Frame& frame, Chunks& to_server, Chunks& to_client) {
  using Verb = Traits::Verb;
  if (!refusal_ || !frame.begins || !std::string_view("QPBDCEF").contains(frame.type)) return false;
  Verb verb = Verb::none;
  if (frame.type == 'Q' || frame.type == 'P') {
    std::string_view text = frame.body();
    if (frame.type == 'P') text.remove_prefix(std::min(text.size(), text.find('\0') + 1));
    verb = book_.traits(text.substr(0, text.find('\0')), standard_strings_).verb;
  } else if (frame.type == 'B') {
    verb = bound_verb(frame);
  }
  const Error error = *std::exchange(refusal_, std::nullopt);
  if (verb == Verb::rollback) return false;
  write_error(error, to_client);
  if (verb == Verb::commit) {  // which would end it without an error
    Bytes rollback;
    append_query("ROLLBACK", rollback);
    to_server.copy(rollback);
    expect({.what = Expect::query, .swallow = true, .takes_ready = frame.type == 'Q'});
    turning_ = true;
  } else if (frame.type == 'Q') {
    write_ready('E', to_client);
  }
  if (frame.type != 'Q') skipping_ = batch_open_ = true;
  return true;
}

Traits::Verb RelaySession::bound_verb(const Frame& frame) const {
  const std::string_view body = frame.body();
  const std::size_t start = body.find('\0') + 1;
  const std::string_view name = body.substr(start, body.find('\0', start) - start);
  if (name.empty()) return unnamed_traits_.verb;
  auto known = names_.find(name);
  return known == names_.end() ? Traits::Verb::none : known->second->traits.verb;
}

}  // namespace spar::gateway::relay
