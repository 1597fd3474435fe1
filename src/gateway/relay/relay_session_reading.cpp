// What of a session may go to a copy that only answers reads: judged a unit at a time, a Query or all
// messages up to a Sync, before the first of them is sent.
#include <algorithm>
#include <utility>
#include <vector>

#include "gateway/relay/relay_session.h"
#include "gateway/wire/encoder.h"

namespace spar::gateway::relay {
namespace {

// The first two strings of a message.
std::pair<std::string_view, std::string_view> two_strings(std::string_view body) {
  const std::size_t first = body.find('\0');
  if (first == body.npos) return {};
  const std::string_view rest = body.substr(first + 1);
  return {body.substr(0, first), rest.substr(0, rest.find('\0'))};
}

}  // namespace

bool RelaySession::reads_elsewhere() {
  if (read_settings_of_ != settings_) {
    read_settings_of_ = settings_;
    read_settings_ = read_settings(*settings_);
  }
  return read_settings_.mode != ReadMode::strict;
}

// BEGIN does not say yet where its transaction belongs. It is answered here, and sent as what is to
// be repeated when the next message has told.
bool RelaySession::begins_here(const Frame& frame, Chunks& to_client) {
  if (frame.type != 'Q' || told_status_ != 'I' || batch_open_ || lost_copy_ || !journal_.empty() ||
      !reads_elsewhere() || read_only_by_default()) {
    return false;
  }
  const std::string_view body = frame.body(), sql = body.substr(0, body.find('\0'));
  if (!book_.traits(sql, standard_strings_).plain_begin) return false;
  Step* step = journal_.find(note({.what = Expect::query}, frame.bytes, nullptr));
  if (step == nullptr) return journal_.clear(), false;
  Bytes answer;
  wire::Encoder encoder(answer);
  encoder.command_complete(begin_tag(sql));
  std::string_view heard = answer;
  DigestReader digest;
  digest.add(**Framer(Side::server).next(heard));
  step->seen = digest.digest();
  step->done = true;
  encoder.ready_for_query('T');
  to_client.copy(answer);
  start_holds_ = holds_;
  start_settings_ = settings_;
  touches_server_ = unnamed_noted_ = false;
  unnamed_.clear();
  status_ = told_status_ = 'T';
  recovering_ = begun_here_ = true;
  return true;
}

RelaySession::Progress RelaySession::after_begin(std::string_view in) {
  const Result<std::optional<Frame>> frame = Framer(client_).next(in);
  if (frame && !*frame) return Progress::read;
  wants_copy_ = false;
  if (frame && (*frame)->type == 'X') return Progress::farewell;
  if (frame && (*frame)->type == 'Q') {
    const std::string_view body = (*frame)->body();
    const Traits traits = book_.traits(body.substr(0, body.find('\0')), standard_strings_);
    wants_copy_ = traits.read_only && traits.anywhere && traits.verb == Traits::Verb::none;
  }
  return Progress::needs_server;
}

void RelaySession::choose_server(const Framer& at, std::string_view unit) {
  wants_copy_ = reads_elsewhere() && !lost_copy_ && told_status_ == 'I' && only_reads(at, unit);
}

// What is in a batch was judged with its first message.
bool RelaySession::fits_copy(const Frame& frame, const Framer& at, std::string_view unit) {
  if (batch_open_ || skipping_ || copy_in_ || status_ == 'E') return true;
  if (!std::string_view("QPBDCEF").contains(frame.type)) return true;
  if (!in_transaction() && !reads_elsewhere()) return false;
  return only_reads(at, unit);
}

// A batch of which the end has not come yet may hold anything.
bool RelaySession::only_reads(Framer framer, std::string_view unit) {
  bool inside = in_transaction(), first = true;
  std::vector<std::pair<std::string_view, Traits>> parsed;
  auto named = [&](std::string_view name) -> const Traits* {
    for (auto one = parsed.rbegin(); one != parsed.rend(); ++one) {
      if (one->first == name) return &one->second;
    }
    if (name.empty()) return &unnamed_traits_;
    auto known = names_.find(name);
    return known == names_.end() ? nullptr : &known->second->traits;
  };
  for (;; first = false) {
    const Result<std::optional<Frame>> frame = framer.next(unit);
    if (!frame || !*frame) return false;
    if (!(*frame)->begins) continue;
    const std::string_view body = (*frame)->body();
    switch ((*frame)->type) {
      case 'Q':
        return first &&
               reads(book_.traits(body.substr(0, body.find('\0')), standard_strings_), inside);
      case 'P': {
        const auto [name, sql] = two_strings(body);
        parsed.emplace_back(name, book_.traits(sql, standard_strings_));
        if (!parsed.back().second.anywhere) return false;
        continue;
      }
      case 'B': {
        const Traits* traits = named(two_strings(body).second);
        if (traits == nullptr || !reads(*traits, inside)) return false;
        continue;
      }
      case 'D':
      case 'C':
      case 'E':
      case 'H':
        continue;
      case 'S':
        return true;
      default:
        return false;
    }
  }
}

// `inside`: a transaction, which is READ ONLY if it is on a copy; and whether one is open after it.
bool RelaySession::reads(const Traits& traits, bool& inside) const {
  switch (traits.verb) {
    case Traits::Verb::begin:
      if (std::exchange(inside, true)) return traits.anywhere;
      return traits.anywhere && (traits.read_only || read_only_by_default());
    case Traits::Verb::commit:
    case Traits::Verb::rollback:
      return std::exchange(inside, false);
    case Traits::Verb::mixed:
      return false;
    case Traits::Verb::none:
      break;
  }
  return traits.anywhere;
}

bool RelaySession::read_only_by_default() const {
  const std::string* statement = settings_->find(kReadOnlySetting);
  return statement != nullptr && *statement == SessionSettings::statement(kReadOnlySetting, "on");
}

}  // namespace spar::gateway::relay
