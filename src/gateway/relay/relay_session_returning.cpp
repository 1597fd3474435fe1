// INSERT ... RETURNING: the rows that a client was told are given explicitly when it is repeated.
#include "gateway/relay/relay_session.h"

namespace spar::gateway::relay {
namespace {

constexpr std::string_view kExplicitName = "__spar_explicit";

}  // namespace

// The number of the step that is sent next, under which its rows are kept; 0: they are not.
std::uint32_t RelaySession::keep_returned(const Traits& traits, std::string_view body) {
  const bool wanted = traits.returns && limits_.explicit_values != nullptr &&
                      *limits_.explicit_values && !body.empty() && !journal_.overflowed();
  if (!wanted) return 0;
  returned_.insert_or_assign(journal_.end(), ReturnedRows(body));
  return journal_.end();
}

void RelaySession::keep_bound(std::uint32_t key, const Frame& frame,
                              const StatementPtr& statement) {
  auto kept = returned_.find(key);
  if (key == 0 || kept == returned_.end()) return;
  auto formats = frame.whole() ? result_formats(frame.body()) : std::nullopt;
  if (!formats) {
    returned_.erase(kept);
    return;
  }
  kept->second.use_formats(std::move(*formats));
  auto described =
      statement == nullptr ? described_inserts_.end() : described_inserts_.find(statement->id);
  if (described != described_inserts_.end()) kept->second.describe(described->second);
}

void RelaySession::hear_returned(const Owed& owed, const Step& step, const Frame& frame) {
  constexpr std::size_t kDescribedMax = 200;
  if (limits_.explicit_values == nullptr || (frame.type != 'T' && frame.type != 'D')) return;
  if (owed.what == Expect::describe_statement && step.statement != nullptr &&
      step.statement->traits.returns && frame.whole()) {
    if (described_inserts_.size() >= kDescribedMax) described_inserts_.clear();
    described_inserts_.insert_or_assign(step.statement->id, std::string(frame.body()));
    return;
  }
  auto kept = returned_.find(owed.returns);
  if (owed.returns == 0 || kept == returned_.end()) return;
  if (!frame.whole() || kept->second.size() + frame.size > limits_.journal_bytes_max) {
    returned_.erase(kept);
  } else if (frame.type == 'T') {
    kept->second.describe(frame.body());
  } else {
    kept->second.add(frame.body());
  }
}

// What says instead that these rows be inserted; empty: it is said as it was.
Bytes RelaySession::repeated_message(std::uint32_t number, Chunks& to_server) {
  auto kept = returned_.find(number);
  if (kept == returned_.end()) return {};
  const auto body = kept->second.explicit_body(*limits_.explicit_values);
  if (!body) return {};
  const Step& step = journal_.at(number);
  if (step.what == Expect::bind) return bind_explicit(journal_.message(step), *body, to_server);
  Bytes out;
  append_query(*body, out);
  return out;
}

Bytes RelaySession::bind_explicit(std::string_view bind, std::string_view body, Chunks& to_server) {
  Bytes prepare("C");
  ByteWriter(prepare).be(static_cast<std::uint32_t>(4 + 1 + kExplicitName.size() + 1));
  prepare += 'S';
  prepare += kExplicitName;
  prepare += '\0';
  append_parse(kExplicitName, body, prepare);
  to_server.copy(prepare);
  expect({.what = Expect::close, .swallow = true});
  expect({.what = Expect::parse, .swallow = true});

  const std::string_view old = bind.substr(kFrameHeader);
  const std::string_view portal = old.substr(0, old.find('\0') + 1);
  const std::string_view rest = old.substr(old.find('\0', portal.size()));
  Bytes out("B");
  ByteWriter(out).be(
      static_cast<std::uint32_t>(4 + portal.size() + kExplicitName.size() + rest.size()));
  out += portal;
  out += kExplicitName;
  return out += rest;
}

}  // namespace spar::gateway::relay
