// What the server says: which answer it is, whether the client gets it, and what it ends.
#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "gateway/relay/relay_session.h"

namespace spar::gateway::relay {
namespace {

Failure out_of_turn(char type) {
  return failure(Code::invalid, std::string("the server answered out of turn: ") + type, "08P01");
}

// Where the warning comes from that a commit did not wait for its followers, whatever its language.
constexpr std::string_view kSyncWait("RSyncRepWaitForLSN\0", 19);
constexpr std::string_view kReadOnly("default_transaction_read_only\0on\0", 33);

// The connection must be given up; the session goes on elsewhere.
Failure lost(std::string_view sqlstate) {
  return failure(Code::copy_lost, "the connection to the server was lost", sqlstate);
}

constexpr std::string_view kRepeatAtOnce = "40001";

bool is_fatal(std::string_view body) {
  return body.contains(std::string_view("VFATAL\0", 7)) ||
         body.contains(std::string_view("VPANIC\0", 7));
}

// What a copy says and a primary would not: a conflict with what it has to apply, something that it
// cannot do while it follows; or that it ends.
bool fails_a_copy(std::string_view body) {
  constexpr std::array<std::string_view, 5> kStates = {"40001", "40P01", "25006", "0A000", "55000"};
  return is_fatal(body) || std::ranges::find(kStates, error_field(body, 'C')) != kStates.end();
}

constexpr std::string_view kStalePlan("RRevalidateCachedQuery\0", 23);

std::string describe_error(std::string_view body) {
  return std::string(error_field(body, 'C')) + " " + std::string(error_field(body, 'M'));
}

// An error that names the client's statement in the place of ours.
Bytes with_name(std::string_view body, std::string_view ours, std::string_view theirs) {
  const std::size_t at = body.find(ours);
  Bytes changed(body);
  if (at != std::string_view::npos) changed.replace(at, ours.size(), theirs);
  Bytes out("E");
  ByteWriter(out).be(static_cast<std::uint32_t>(4 + changed.size()));
  return out + changed;
}

}  // namespace

Result<void> RelaySession::server_said(std::string_view& in, Chunks& to_server, Chunks& to_client) {
  SPAR_ASSERT(server_ != nullptr);
  for (;;) {
    SPAR_ASSIGN(std::optional<Frame> frame, from_server_.next(in));
    if (!frame) break;
    if (is_lost(*frame) || meets_full_disk(*frame)) {
      return lost(server_->copy ? kRepeatAtOnce : error_field(frame->body(), 'C'));
    }
    if (repeats(*frame)) {
      passes_server_ = false;
    } else if (frame->begins) {
      SPAR_ASSIGN(passes_server_, passes(*frame, to_client));
    }
    if (passes_server_) to_client.borrow(frame->bytes);
    if (frame->ends) SPAR_TRY(account(*frame, to_client));
    if (diverged_) return lost(kRepeatAtOnce);
  }
  advance_replay(to_server, to_client);
  advance_wrap(to_server);
  return {};
}

// Whether the message is part of an answer that the client has heard on another connection.
bool RelaySession::repeats(const Frame& frame) {
  if (owed_.empty() || std::string_view("NSAZ").contains(frame.type)) return false;
  const Owed& front = owed_.front();
  Step* step = front.step == 0 ? nullptr : journal_.find(front.step);
  if (step == nullptr) return false;
  if (front.probe && frame.type == 'D') hear_probe(frame);
  now_.add(frame);
  if (recovering_ && frame.type == 'E' && frame.whole()) {
    repeat_error_ = describe_error(frame.body());
  }
  if (step->swallow) return false;
  const Digest& now = now_.digest();
  if (now.messages > step->seen.messages ||
      (!now_.between() && now.messages == step->seen.messages)) {
    if (step->done) diverge(*step);
    if (now_.between()) step->seen = now;
    hear_returned(front, *step, frame);
    return step->done;
  }
  if (now.messages == step->seen.messages && now != step->seen) diverge(*step);
  return true;
}

void RelaySession::diverge(const Step& step) {
  if (std::exchange(diverged_, true)) return;
  divergence_ = repeat_error_.empty() ? "It was told other rows or another count."
                                      : "Repeated, it failed: " + repeat_error_;
  if (step.what != Expect::query) return;
  constexpr std::size_t kShownMax = 200;
  const std::string_view sql = journal_.message(step).substr(kFrameHeader, kShownMax);
  divergence_ = "Statement: " + std::string(sql.substr(0, sql.find('\0'))) + "\n" + divergence_;
}

// What the server says when it goes, is fenced, or cannot vouch for a commit.
bool RelaySession::is_lost(const Frame& frame) const {
  if (!frame.whole()) return false;
  const std::string_view body = frame.body();
  if (frame.type == 'N') {
    const bool unsure = body.contains(kSyncWait) && (commit_sent_ || recovering_);
    return unsure || error_field(body, 'C') == "57P02";  // another of its processes has crashed
  }
  if (frame.type == 'S') return body == kReadOnly && !sets_read_only_ && !cleaning_;
  if (frame.type != 'E' || cleaning_) return false;
  if (server_->copy && fails_a_copy(frame.body())) return true;
  if (error_field(body, 'V') == "PANIC") return true;  // a full disk, say: it ends as a whole
  const std::string_view state = error_field(body, 'C');
  if (is_fatal(body)) return state == "57P01" || state == "57P02" || state == "57P03";
  return state == "25006" && !read_only_ && !sets_read_only_;
}

// The next server may have room: asked once more, when there has been time to elect one.
bool RelaySession::meets_full_disk(const Frame& frame) {
  if (frame.type != 'E' || !frame.whole() || cleaning_ || full_disk_ || owed_.empty()) return false;
  if (error_field(frame.body(), 'C') != kDiskFull || is_fatal(frame.body())) return false;
  const bool repeatable = limits_.resolves && start_holds_ == 0 && !journal_.empty() &&
                          !journal_.overflowed() && !may_have_committed();
  return full_disk_ = repeatable;
}

Result<bool> RelaySession::passes(const Frame& frame, Chunks& to_client) {
  switch (frame.type) {
    case 'A':
      return true;
    case 'N':
      return notice_passes() && !stays_behind(frame);
    case 'S':
      if (!frame.whole()) return out_of_turn('S');
      return parameter_passes(frame.body()) && !repeated() && !stays_behind(frame);
    case 'E':
      return error_passes(frame, to_client);
    case 'Z':
      return owed_.empty() ? Result<bool>(out_of_turn('Z')) : ready_passes(to_client);
    default:
      if (owed_.empty()) return out_of_turn(frame.type);
      return answer_passes(frame, to_client);
  }
}

bool RelaySession::notice_passes() {
  if (owed_.empty()) return true;
  const Owed& front = owed_.front();
  if (front.what == Expect::internal || (front.swallow && front.takes_ready)) return false;
  Step* step = journal_.find(front.step);
  if (step == nullptr) return !recovering_;
  if (++notices_now_ <= step->notices || (recovering_ && step->done)) return false;
  step->notices = notices_now_;
  return true;
}

// Behind a CommandComplete that waits.
bool RelaySession::stays_behind(const Frame& frame) {
  if (withheld_.empty() || !frame.whole()) return false;
  withheld_ += frame.bytes;
  return true;
}

bool RelaySession::answer_passes(const Frame& frame, Chunks& to_client) {
  const Owed& front = owed_.front();
  if (front.swallow) return false;
  if (!front.withhold) return true;
  to_client.copy(withheld_);  // it was not the last
  withheld_.clear();
  if (frame.type != 'C' || !frame.whole()) return true;
  withheld_ = frame.bytes;
  return false;
}

bool RelaySession::ready_passes(Chunks& to_client) {
  const Owed& front = owed_.front();
  if (const Step* step = journal_.find(front.step); step != nullptr && step->done) return false;
  if (front.takes_ready != front.swallow) return false;
  to_client.copy(withheld_);
  withheld_.clear();
  return true;
}

Result<bool> RelaySession::error_passes(const Frame& frame, Chunks& to_client) {
  heard_fatal_ |= is_fatal(frame.body());
  // A table has changed below a shared statement: whoever uses it next prepares it anew.
  if (frame.body().contains(kStalePlan)) server_->statements.clear();
  if (owed_.empty()) return true;  // a last word
  if (const auto refusal = refusal_in(frame.body())) {
    write_error(*refusal, to_client);
    return false;
  }
  const Owed& front = owed_.front();
  if (front.what == Expect::internal) return Failure(read_server_error(frame.body()));
  if (front.what == Expect::query) to_client.copy(withheld_);
  withheld_.clear();
  if (front.swallow && front.probe && status_ == 'E') return false;  // it was told already
  const bool refuses_commit = front.ends && !repeated();  // a deferred constraint: told like any
  if (front.swallow && recovering_ && !refuses_commit) {
    if (!fails_) {
      const Step* step = journal_.find(front.step);
      diverge(step != nullptr ? *step : Step{});
    }
    return false;
  }
  if (!front.undo || undo_.front().kind != Undo::Kind::duplicate) return true;
  if (!frame.body().contains(std::string_view("C42P05\0", 7))) return true;
  to_client.copy(with_name(frame.body(), kTakenName, undo_.front().name));
  return false;
}

// A setting changed: by the client's statement, or because we repeat it here (then the client knows
// it already, unless the server spells it differently).
bool RelaySession::parameter_passes(std::string_view body) {
  const std::size_t zero = body.find('\0');
  const std::string name = lower_case(body.substr(0, zero));
  const std::string_view rest = zero == body.npos ? "" : body.substr(zero + 1);
  if (cleaning_) return false;
  if (!is_settable(name)) return true;
  const std::string_view value = rest.substr(0, rest.find('\0'));
  // Then what texts mean is not what the scanner reads: nothing that follows can be known.
  if (name == "standard_conforming_strings") standard_strings_ = value != "off";
  if (!standard_strings_) holds_ |= query::kHoldUnknown;
  std::string statement = SessionSettings::statement(name, value);
  const std::string* normal = server_->defaults->find(name);
  const bool is_normal = normal != nullptr && *normal == statement;
  if (!owed_.empty() && owed_.front().what == Expect::internal) {
    const std::string* known = settings_->find(name);
    if (is_normal || (known != nullptr && *known == statement)) return false;
  }
  if (is_normal && startup_->find(name) == nullptr) statement.clear();
  settings_ = SessionSettings::with(settings_, name, std::move(statement));
  return true;
}

Result<void> RelaySession::account(const Frame& frame, Chunks& to_client) {
  switch (frame.type) {
    case 'Z':
      return on_ready(frame, to_client);
    case 'C':
      return on_complete(frame, to_client);
    case 'E':
      on_error();
      return {};
    case '1':
      return answered({Expect::parse}, to_client);
    case '2':
      return answered({Expect::bind}, to_client);
    case '3':
      return answered({Expect::close}, to_client);
    case 'n':
      return answered({Expect::describe_statement, Expect::describe_portal}, to_client);
    case 'T':
      if (owed_.front().what == Expect::query || owed_.front().what == Expect::internal) return {};
      return answered({Expect::describe_statement, Expect::describe_portal}, to_client);
    case 's':
    case 'I':
      return on_complete(frame, to_client);
    case 'G':
      on_copy_in();
      return {};
    case 'K':
    case 'R':
    case 'W':
      return out_of_turn(frame.type);
    default:
      return {};
  }
}

// The front of what is owed is done.
void RelaySession::pop_owed() {
  const Owed owed = owed_.pop();
  if (owed.undo) (void)undo_.pop();
  if (owed.effects) (void)effects_.pop();
  step_done(owed);
}

void RelaySession::step_done(const Owed& owed) {
  Step* step = owed.step == 0 ? nullptr : journal_.find(owed.step);
  if (step != nullptr) {
    if (step->done) --verify_left_;
    if (owed.returns != 0 && owed.what != Expect::bind && owed.what != Expect::describe_portal) {
      if (auto kept = returned_.find(owed.returns); kept != returned_.end()) kept->second.finish();
    }
    if (!step->swallow && now_.digest().messages < step->seen.messages) diverge(*step);
    step->done = true;
  }
  notices_now_ = 0;
  now_.restart();
  repeat_error_.clear();
}

bool RelaySession::repeated() {
  if (!recovering_ || owed_.empty()) return false;
  const Step* step = journal_.find(owed_.front().step);
  return step != nullptr && step->done;
}

Result<void> RelaySession::answered(std::initializer_list<Expect> expected, Chunks& to_client) {
  const bool right = std::ranges::find(expected, owed_.front().what) != expected.end();
  if (!right) return out_of_turn('?');
  pop_owed();
  answer_known(to_client);
  return {};
}

// Answers what we answer ourselves, once all before it is answered.
void RelaySession::answer_known(Chunks& to_client) {
  while (!owed_.empty()) {
    const Expect what = owed_.front().what;
    if (what != Expect::known && what != Expect::copy_end) return;
    if (what == Expect::known && !owed_.front().swallow) {
      to_client.copy(std::string_view("1\0\0\0\4", 5));
    }
    pop_owed();
  }
}

Result<void> RelaySession::on_complete(const Frame& frame, Chunks& to_client) {
  const Owed& front = owed_.front();
  if (frame.type == 'C' && !repeated()) {
    const std::string_view tag = frame.body().substr(0, frame.body().find('\0'));
    if (tag == "COMMIT") commit_changes();
    if (tag == "ROLLBACK") changes_.clear();
    ended_ |= front.ends;
  }
  if (front.what == Expect::query || front.what == Expect::internal) return {};
  if (front.what != Expect::execute) return out_of_turn(frame.type);
  if (front.effects && frame.type != 'I') apply(*effects_.front());  // also of the first rows
  pop_owed();
  answer_known(to_client);
  return {};
}

Result<void> RelaySession::on_ready(const Frame& frame, Chunks& to_client) {
  const Owed front = owed_.front();
  const bool ends = front.what == Expect::query || front.what == Expect::sync ||
                    front.what == Expect::function || front.what == Expect::internal;
  if (!ends || !frame.whole() || frame.body().size() != 1) return out_of_turn('Z');
  if (front.effects) {
    const query::SessionEffects& effects = *effects_.front();
    if (!failed_) apply(effects);
    if (failed_ && !effects.single) holds_ |= query::kHoldUnknown;
  }
  if (front.what == Expect::internal && !cleaning_) server_->must_reset = false;
  const bool told = passes_server_;
  pop_owed();
  status_ = frame.body()[0];
  failed_ = false;
  copy_in_ = false;
  answer_known(to_client);  // an end of COPY data that came too late is no more owed
  if (status_ == 'I' && front.what != Expect::internal) {
    commit_changes();
    set_in_transaction_ = false;
    if (all_answered() && !batch_open_) portals_.clear();
  }
  if (front.what == Expect::query && wrap_ == Wrap::closing) unsynced_ = false;
  if (told) told_ready(front.step);
  return {};
}

void RelaySession::told_ready(std::uint32_t step) {
  told_status_ = status_;
  if (all_answered()) {
    turning_ = begun_ = false;
    unsynced_ &= batch_open_;
    // What was to end the transaction was ignored by the server, if it goes on.
    if (status_ != 'I') commit_sent_ = rolls_back_ = left_ = false;
  }
  if (status_ == 'I') end_transaction(step);
}

bool RelaySession::all_answered() const {
  return owed_.empty() && !(recovering_ && resend_next_ < journal_.end());
}

void RelaySession::on_error() {
  if (owed_.empty()) return;
  failed_ = true;
  copy_in_ = false;
  if (status_ == 'I') changes_.clear();
  if (owed_.front().ends && !repeated()) {  // refused
    ended_ = true;
    commit_sent_ = false;
  }
  const Expect what = owed_.front().what;
  if (what != Expect::query && what != Expect::sync && what != Expect::function) skip_to_sync();
}

// The server ignores what was sent after the message that failed, up to the next Sync.
void RelaySession::skip_to_sync() {
  std::vector<Undo> undone;
  while (!owed_.empty() && owed_.front().what != Expect::sync) {
    if (owed_.front().undo) undone.push_back(undo_.pop());
    if (owed_.front().effects) (void)effects_.pop();
    const Owed owed = owed_.pop();
    probe_due_ |= owed.probe && xid_ == 0;
    step_done(owed);
  }
  if (owed_.empty()) skip_resends(undone);
  for (auto entry = undone.rbegin(); entry != undone.rend(); ++entry) undo(*entry);
  skipping_ = owed_.empty();
}

// The server takes COPY data now, and ignores Sync until the data end: also those that were sent
// before the client could know.
void RelaySession::on_copy_in() {
  copy_in_ = true;
  std::size_t i = 1;
  while (i < owed_.size()) {
    const Expect what = owed_.at(i).what;
    if (what != Expect::sync && what != Expect::copy_end) return;
    if (Step* step = journal_.find(owed_.at(i).step)) {
      if (step->done) --verify_left_;
      step->done = true;
      if (what == Expect::sync) step->what = Expect::nothing;
    }
    owed_.erase(i);
    if (what == Expect::copy_end) {
      copy_in_ = false;
      return;
    }
    batch_open_ = owed_.front().what == Expect::execute;
  }
}

}  // namespace spar::gateway::relay
