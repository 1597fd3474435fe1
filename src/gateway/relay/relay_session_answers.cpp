// What the server says: which answer it is, whether the client gets it, and what it ends.
#include <algorithm>

#include "base/assert.h"
#include "gateway/relay/relay_session.h"

namespace spar::gateway::relay {
namespace {

Failure out_of_turn(char type) {
  return failure(Code::invalid, std::string("the server answered out of turn: ") + type, "08P01");
}

constexpr std::string_view kStalePlan("RRevalidateCachedQuery\0", 23);

bool is_fatal(std::string_view body) {
  return body.contains(std::string_view("VFATAL\0", 7)) ||
         body.contains(std::string_view("VPANIC\0", 7));
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

Result<void> RelaySession::server_said(std::string_view& in, Chunks& to_client) {
  SPAR_ASSERT(server_ != nullptr);
  for (;;) {
    SPAR_ASSIGN(std::optional<Frame> frame, from_server_.next(in));
    if (!frame) return {};
    if (frame->begins) {
      SPAR_ASSIGN(passes_server_, passes(*frame, to_client));
    }
    if (passes_server_) to_client.borrow(frame->bytes);
    if (frame->ends) SPAR_TRY(account(*frame, to_client));
  }
}

Result<bool> RelaySession::passes(const Frame& frame, Chunks& to_client) {
  switch (frame.type) {
    case 'A':
      return true;
    case 'N':
      return owed_.empty() || owed_.front().what != Expect::internal;
    case 'S':
      if (!frame.whole()) return out_of_turn('S');
      return parameter_passes(frame.body());
    case 'E':
      return error_passes(frame, to_client);
    default:
      if (owed_.empty()) return out_of_turn(frame.type);
      return !owed_.front().swallow;
  }
}

Result<bool> RelaySession::error_passes(const Frame& frame, Chunks& to_client) {
  heard_fatal_ |= is_fatal(frame.body());
  // A table has changed below a shared statement: whoever uses it next prepares it anew.
  if (frame.body().contains(kStalePlan)) server_->statements.clear();
  if (owed_.empty()) return true;  // a last word
  const Owed& front = owed_.front();
  if (front.what == Expect::internal) return Failure(read_server_error(frame.body()));
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
  if (name == "standard_conforming_strings" && value == "off") holds_ |= query::kHoldUnknown;
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
    if (what == Expect::known) to_client.copy(std::string_view("1\0\0\0\4", 5));
    pop_owed();
  }
}

Result<void> RelaySession::on_complete(const Frame& frame, Chunks& to_client) {
  const Owed& front = owed_.front();
  if (!changes_.empty() && frame.type == 'C') {
    const std::string_view tag = frame.body().substr(0, frame.body().find('\0'));
    if (tag == "COMMIT") commit_changes();
    if (tag == "ROLLBACK") changes_.clear();
  }
  if (front.what == Expect::query || front.what == Expect::internal) return {};
  if (front.what != Expect::execute) return out_of_turn(frame.type);
  if (front.effects && frame.type == 'C') apply(*effects_.front());
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
  pop_owed();
  status_ = frame.body()[0];
  failed_ = false;
  copy_in_ = false;
  if (status_ == 'I') {
    commit_changes();
    set_in_transaction_ = false;
    portals_.clear();
  }
  answer_known(to_client);
  return {};
}

void RelaySession::on_error() {
  if (owed_.empty()) return;
  failed_ = true;
  copy_in_ = false;
  if (status_ == 'I') changes_.clear();
  const Expect what = owed_.front().what;
  if (what != Expect::query && what != Expect::sync && what != Expect::function) skip_to_sync();
}

// The server ignores what was sent after the message that failed, up to the next Sync.
void RelaySession::skip_to_sync() {
  std::vector<Undo> undone;
  while (!owed_.empty() && owed_.front().what != Expect::sync) {
    if (owed_.front().undo) undone.push_back(undo_.pop());
    if (owed_.front().effects) (void)effects_.pop();
    (void)owed_.pop();
  }
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
    owed_.erase(i);
    if (what == Expect::copy_end) {
      copy_in_ = false;
      return;
    }
    batch_open_ = owed_.front().what == Expect::execute;
  }
}

}  // namespace spar::gateway::relay
