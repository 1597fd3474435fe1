// Statements with names: the client's names, and ours on the connection that it has now.
#include "base/assert.h"
#include "gateway/relay/relay_session.h"

namespace spar::gateway::relay {
namespace {

// A message of a type byte, one subtype byte and a name.
void append_named(char type, char target, std::string_view name, Bytes& out) {
  out += type;
  ByteWriter(out).be(static_cast<std::uint32_t>(4 + 1 + name.size() + 1));
  out += target;
  out += name;
  out += '\0';
}

Failure too_many() {
  return failure(Code::invalid, "a session has too many prepared statements", "54000");
}

}  // namespace

Result<void> RelaySession::on_parse(const Frame& frame, Chunks& to_server, Chunks& to_client) {
  const std::string_view message = frame.body();
  const std::size_t zero = message.find('\0');
  const std::size_t text_end = message.find('\0', zero == message.npos ? zero : zero + 1);
  if (zero == std::string_view::npos || text_end == std::string_view::npos) {
    send({.what = Expect::parse}, frame.bytes, to_server);  // the server says what is wrong with it
    return {};
  }
  const std::string_view name = message.substr(0, zero);
  const std::string_view body = message.substr(zero + 1);
  if (!name.empty()) return parse_named(name, body, to_server, to_client);

  const std::string_view sql = body.substr(0, body.find('\0'));
  StatementBook::Judgement judgement = book_.judge(sql, standard_strings_);
  unnamed_traits_ = judgement.traits;
  unnamed_effects_ = std::move(judgement.effects);
  Bytes said = unnamed_traits_.ours ? book_.stand_in_body(body) : Bytes();
  const std::string_view kept = said.empty() ? body : std::string_view(said);
  unnamed_here_ = unnamed_noted_ = true;
  unnamed_ = kept.size() <= limits_.unnamed_bytes_max ? kept : std::string_view();
  const auto other = without_our_name(unnamed_effects_, false, to_server);
  if (other && said.empty()) said = *other + std::string(body.substr(sql.size()));
  if (said.empty()) return send({.what = Expect::parse}, frame.bytes, to_server), Result<void>();
  Bytes parse;
  append_parse("", said, parse);
  send_copy({.what = Expect::parse}, parse, to_server);
  return {};
}

Result<void> RelaySession::parse_named(std::string_view name, std::string_view body,
                                       Chunks& to_server, Chunks& to_client) {
  if (names_.contains(name)) return parse_twice(name, body, to_server), Result<void>();
  if (names_.size() >= limits_.statements_max) return too_many();
  StatementPtr statement = book_.intern(body);
  Bytes stand_in;
  if (statement->traits.ours) {
    body = stand_in = book_.stand_in_body(body);
    statement = book_.intern(body);
  }
  names_.emplace(name, statement);
  if (can_answer_parse() && server_->statements.touch(statement->id)) {
    undo_.push({.kind = Undo::Kind::known, .name = std::string(name), .statement = statement});
    Owed owed{.what = Expect::known, .undo = true};
    owed.step = note(owed, {}, nullptr);
    expect(owed);
    answer_known(to_client);
    return {};
  }
  make_place(statement, to_server);
  Bytes parse;
  append_parse(statement->server_name, body, parse);
  undo_.push({.kind = Undo::Kind::parsed, .name = std::string(name), .statement = statement});
  send_copy({.what = Expect::parse, .undo = true}, parse, to_server, statement);
  return {};
}

// In a failed transaction the server must refuse it; whether it is in one must be known.
bool RelaySession::can_answer_parse() const {
  if (status_ == 'E') return false;
  for (std::size_t i = 0; i < owed_.size(); ++i) {
    const Expect what = owed_.at(i).what;
    if (what == Expect::query || what == Expect::sync || what == Expect::function) return false;
  }
  return true;
}

// The server must refuse it, so that it also fails the transaction: it is given a name that is
// taken by what can be prepared in any state. Only the name in its error is not the client's.
void RelaySession::parse_twice(std::string_view name, std::string_view body, Chunks& to_server) {
  auto say = [&](const Owed& owed, auto&& append) {
    Bytes out;
    append(out);
    send_copy(owed, out, to_server);
  };
  say({.what = Expect::close, .swallow = true},
      [](Bytes& out) { append_named('C', 'S', kTakenName, out); });
  say({.what = Expect::parse, .swallow = true},
      [](Bytes& out) { append_parse(kTakenName, std::string_view("ROLLBACK\0\0\0", 11), out); });
  undo_.push({.kind = Undo::Kind::duplicate, .name = std::string(name), .statement = nullptr});
  say({.what = Expect::parse, .undo = true},
      [&](Bytes& out) { append_parse(kTakenName, body, out); });
}

void RelaySession::provide_named(const StatementPtr& statement, Chunks& to_server, bool probe) {
  if (server_->statements.touch(statement->id)) return;
  make_place(statement, to_server);
  Bytes out;
  append_parse(statement->server_name, statement->body, out);
  to_server.copy(out);
  undo_.push({.kind = Undo::Kind::injected, .statement = statement});
  expect({.what = Expect::parse, .swallow = true, .undo = true, .probe = probe});
}

// One of this name may be left from before it was forgotten (its plan went stale), and the
// connection may hold as many as it should.
void RelaySession::make_place(const StatementPtr& statement, Chunks& to_server) {
  Bytes out;
  append_named('C', 'S', statement->server_name, out);
  expect({.what = Expect::close, .swallow = true});
  if (auto evicted = server_->statements.add(statement)) {
    append_named('C', 'S', *evicted, out);
    expect({.what = Expect::close, .swallow = true});
  }
  to_server.copy(out);
}

// Another session's unnamed statement may be on the connection: put ours there, or none. What is
// there already must be put on the next connection, too.
void RelaySession::provide_unnamed(Chunks& to_server) {
  if (unnamed_here_ && unnamed_noted_) return;
  Owed owed{.what = unnamed_.empty() ? Expect::close : Expect::parse, .swallow = true};
  Bytes out;
  if (unnamed_.empty()) {
    append_named('C', 'S', "", out);
  } else {
    append_parse("", unnamed_, out);
  }
  if (!unnamed_here_) {
    send_copy(owed, out, to_server);
  } else if (Step* step = journal_.find(note(owed, out, nullptr))) {
    step->done = true;
  }
  unnamed_here_ = unnamed_noted_ = true;
}

// Makes the statement of the client's name be there.
StatementPtr RelaySession::provide(std::string_view name, Chunks& to_server) {
  if (name.empty()) {
    provide_unnamed(to_server);
    return nullptr;
  }
  auto known = names_.find(name);
  if (known == names_.end()) return nullptr;
  provide_named(known->second, to_server);
  return known->second;
}

// Unknown names go on as they are (SQL's PREPARE made them), but never as one of ours.
std::string RelaySession::server_name(std::string_view name) const {
  auto known = names_.find(name);
  if (known != names_.end()) return known->second->server_name;
  return name.starts_with(kServerNamePrefix) ? "?" + std::string(name) : std::string(name);
}

void RelaySession::on_bind(const Frame& frame, Chunks& to_server) {
  const std::string_view body = frame.body();
  const std::size_t portal_end = body.find('\0');
  const std::size_t name_end =
      portal_end == body.npos ? body.npos : body.find('\0', portal_end + 1);
  if (name_end == std::string_view::npos) {
    return send({.what = Expect::bind}, frame.bytes, to_server);
  }
  const std::string_view portal = body.substr(0, portal_end);
  const std::string_view name = body.substr(portal_end + 1, name_end - portal_end - 1);
  const StatementPtr statement = provide(name, to_server);
  Portal bound;
  if (name.empty()) {
    bound = {.effects = unnamed_effects_, .traits = unnamed_traits_};
  } else if (statement != nullptr) {
    bound = {.effects = statement->effects, .traits = statement->traits};
  }
  const std::string_view text = statement != nullptr ? std::string_view(statement->body) : unnamed_;
  const Owed owed{.what = Expect::bind, .returns = keep_returned(bound.traits, text)};
  keep_bound(owed.returns, frame, statement);
  bound.returns = owed.returns;
  set_portal(portal, std::move(bound));
  if (name.empty()) return send(owed, frame.bytes, to_server);
  const std::string other = server_name(name);
  Bytes head("B");
  ByteWriter(head).be(static_cast<std::uint32_t>(frame.size - 1 - name.size() + other.size()));
  head += portal;
  head += '\0';
  head += other;
  send_copy(owed, head, to_server, statement);
  more(body.substr(name_end), to_server);
}

void RelaySession::set_portal(std::string_view name, Portal portal) {
  const Traits& traits = portal.traits;
  if (portal.effects != nullptr || traits.writes || traits.verb != Traits::Verb::none) {
    portals_.insert_or_assign(std::string(name), std::move(portal));
  } else if (!portals_.empty()) {
    if (auto old = portals_.find(name); old != portals_.end()) portals_.erase(old);
  }
}

void RelaySession::on_describe(const Frame& frame, Chunks& to_server) {
  const std::string_view body = frame.body();
  if (!body.starts_with('S')) {
    Owed owed{.what = Expect::describe_portal};
    auto portal =
        portals_.empty() ? portals_.end() : portals_.find(body.substr(1, body.find('\0') - 1));
    if (portal != portals_.end()) owed.returns = portal->second.returns;
    return send(owed, frame.bytes, to_server);
  }
  const std::string_view name = body.substr(1, body.find('\0') - 1);
  const StatementPtr statement = provide(name, to_server);
  const Owed owed{.what = Expect::describe_statement};
  if (name.empty()) return send(owed, frame.bytes, to_server);
  Bytes out;
  append_named('D', 'S', server_name(name), out);
  send_copy(owed, out, to_server, statement);
}

// A shared statement stays; what the server is asked to close exists nowhere, which is no error.
void RelaySession::on_close(const Frame& frame, Chunks& to_server) {
  const std::string_view body = frame.body();
  const std::string_view name =
      body.starts_with('S') ? body.substr(1, body.find('\0') - 1) : std::string_view();
  if (body.starts_with(std::string_view("S\0", 2))) unnamed_.clear();
  auto known = names_.find(name);
  if (name.empty() || known == names_.end()) {
    return send({.what = Expect::close}, frame.bytes, to_server);
  }
  undo_.push({.kind = Undo::Kind::closed, .name = known->first, .statement = known->second});
  names_.erase(known);
  Bytes out;
  append_named('C', 'S', std::string(kServerNamePrefix) + "none", out);
  send_copy({.what = Expect::close, .undo = true}, out, to_server);
}

// DEALLOCATE of a statement that Parse made: the connection keeps its own for others, and is told
// to forget one that was made for this. A Query must not have a Parse before it, which could fail.
std::optional<std::string> RelaySession::without_our_name(const EffectsPtr& effects, bool query,
                                                          Chunks& to_server) {
  using Kind = query::SessionEffect::Kind;
  const bool deallocates = effects != nullptr && effects->single && effects->list.size() == 1 &&
                           effects->list.front().kind == Kind::deallocate;
  if (!deallocates || status_ == 'E' || !names_.contains(effects->list.front().name)) {
    return std::nullopt;
  }
  constexpr std::string_view kOfQuery = "__spar_gone", kOfBatch = "__spar_gone_too";
  auto say = [&](Expect what, auto&& append) {
    Bytes out;
    append(out);
    send_copy({.what = what, .swallow = true}, out, to_server);
  };
  if (query) {
    say(Expect::query,
        [](Bytes& out) { append_query("PREPARE \"__spar_gone\" AS SELECT 1", out); });
  } else {
    say(Expect::close, [&](Bytes& out) { append_named('C', 'S', kOfBatch, out); });
    say(Expect::parse,
        [&](Bytes& out) { append_parse(kOfBatch, std::string_view("SELECT 1\0\0\0", 11), out); });
  }
  return "DEALLOCATE \"" + std::string(query ? kOfQuery : kOfBatch) + "\"";
}

void RelaySession::undo(const Undo& entry) {
  switch (entry.kind) {
    case Undo::Kind::parsed:
      names_.erase(entry.name);
      if (server_ != nullptr) server_->statements.forget(entry.statement->id);
      return;
    case Undo::Kind::known:
      names_.erase(entry.name);
      return;
    case Undo::Kind::injected:
      if (server_ != nullptr) server_->statements.forget(entry.statement->id);
      return;
    case Undo::Kind::closed:
      names_.insert_or_assign(entry.name, entry.statement);
      return;
    case Undo::Kind::duplicate:
      return;
  }
}

}  // namespace spar::gateway::relay
