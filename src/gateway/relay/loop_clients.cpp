// One client of a RelayLoop: its login, its conversation, its end.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "gateway/connection.h"
#include "gateway/relay/loop_parts.h"
#include "gateway/wire/encoder.h"

namespace spar::gateway::relay {
namespace {

constexpr std::size_t kLoginBytesMax = 16u << 10;

// The size of the login packet at the front; 0 when more bytes are needed. A size that cannot be is
// given as it is: the decoder says what is wrong with it.
std::size_t packet_size(std::string_view in, bool has_type) {
  const std::size_t header = has_type ? 5 : 4;
  if (in.size() < header) return 0;
  const std::size_t length = ByteReader(in.substr(header - 4)).be<std::uint32_t>();
  const std::size_t size = length + (has_type ? 1 : 0);
  if (length < 4 || size > kLoginBytesMax) return in.size();
  return in.size() < size ? 0 : size;
}

}  // namespace

void RelayLoop::on_client(Client& client, std::uint32_t events) {
  if (client.stage == Client::Stage::dead || client.stage == Client::Stage::draining) return;
  if ((events & EPOLLOUT) != 0) {
    client.stream.flush();
    const bool room = client.stream.pending() <= options_.limits.backlog_bytes_max / 2;
    if (room && client.server != nullptr) client.server->stream.want(true);
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read_client(client);
}

void RelayLoop::read_client(Client& client) {
  Result<std::string_view> in = client.stream.read(scratch_);
  if (!in || client.stream.closed()) return client_gone(client);
  if (client.stage == Client::Stage::login) return log_in(client, *in);
  if (client.stage == Client::Stage::welcome || client.waiting || client.paused ||
      client.ticket != 0 || pausing_.contains(client.id)) {
    client.stream.keep(*in);
    const bool full = client.stream.kept().size() >= options_.limits.waiting_input_bytes_max;
    if (full) client.stream.want(false);
    return;
  }
  converse(client, *in);
}

void RelayLoop::log_in(Client& client, std::string_view in) {
  if (client.logging_in == nullptr) return client.stream.keep({});  // waits for its cancel request
  while (client.stage == Client::Stage::login && client.logging_in != nullptr) {
    if (!log_in_step(client, in)) return;
  }
}

// One packet. False: no more now.
bool RelayLoop::log_in_step(Client& client, std::string_view& in) {
  Client::LoggingIn& parts = *client.logging_in;
  const std::size_t size = packet_size(in, parts.login.expects_password());
  if (size == 0) {
    client.stream.keep(in);
    return false;
  }
  parts.decoder.feed(in.substr(0, size));
  in.remove_prefix(size);
  Result<std::optional<wire::Message>> message = parts.decoder.next();
  if (!message || !*message) {
    fail_client(client,
                message ? sql_error("08P01", "invalid login message").error() : message.error());
    return false;
  }
  Bytes out;
  const Login::Next next = parts.login.handle(**message, out);
  client.stream.write(out);
  if (parts.login.expects_password()) parts.decoder.enter(wire::Decoder::Phase::login);
  switch (next) {
    case Login::Next::read:
      return true;
    case Login::Next::start_tls:
      if (!in.empty()) return drop(client), false;  // said before TLS began: not to be trusted
      client.stream.keep({});
      client.stream.start_tls(*options_.tls);
      parts.login.tls_started(options_.tls->certificate_digest());
      return false;
    case Login::Next::cancel:
      begin_cancel(client, parts.login.cancel_request());
      return false;
    case Login::Next::authenticated:
      begin_session(client, in);
      return false;
    case Login::Next::close:
      drop(client);
      return false;
  }
  return false;
}

RelayLoop::Source& RelayLoop::source_of(const std::string& database, const std::string& user) {
  std::unique_ptr<Source>& source = sources_[{database, user, CopyId{}}];
  if (source == nullptr) {
    source = std::make_unique<Source>();
    source->database = database;
    source->user = user;
    source->pool = Pool(options_.limits.pool);
    source->placing = draining_ ? std::nullopt : options_.route(database);
    for (const auto& [key, other] : sources_) {
      if (other->database == database && other->book != nullptr) source->book = other->book;
    }
    if (source->book == nullptr) {
      source->book = std::make_shared<StatementBook>(book_options(database));
    }
  }
  return *source;
}

StatementBook::Options RelayLoop::book_options(std::string_view database) const {
  StatementBook::Options options;
  auto known = options_.objects ? options_.objects(database) : nullptr;
  if (known != nullptr) options.objects = std::move(known);
  const std::string seed = random_bytes(sizeof options.seed);
  std::memcpy(&options.seed, seed.data(), sizeof options.seed);
  return options;
}

void RelayLoop::begin_session(Client& client, std::string_view rest) {
  const Login& login = client.logging_in->login;
  if (const auto checked = check_read_settings(login.parameters()); !checked) {
    return fail_client(client, checked.error());
  }
  Source& source = source_of(login.database(), login.user());
  client.source = client.queue = &source;
  ++source.clients;
  const std::optional<auth::ScramKeys> keys = login.keys();
  source.secret = keys ? ServerSecret(*keys) : options_.secret_of(login.user());
  client.session.emplace(*source.book, SessionSettings::of(login.parameters()),
                         options_.limits.session);
  client.stage = Client::Stage::welcome;
  client.stream.keep(rest);
  timed_.erase(client.id);
  client.deadline = kNoDeadline;
  std::uint32_t secret = 0;
  std::memcpy(&secret, random_bytes(sizeof secret).data(), sizeof secret);
  client.secret = secret;
  if (!source.welcome.empty()) return greet(client);
  wait_for_server(client);
}

// What a server says at the end of a login, with the client's own start-up parameters in it.
void RelayLoop::greet(Client& client) {
  Bytes out;
  wire::Encoder encoder(out);
  for (const auto& [name, value] : client.source->welcome) {
    const std::string* own = nullptr;
    for (const auto& [key, text] : client.logging_in->login.parameters()) {
      if (lower_case(key) == lower_case(name) && is_settable(lower_case(name))) own = &text;
    }
    encoder.parameter_status(name, own != nullptr ? *own : value);
  }
  encoder.backend_key(client.id + 1, client.secret);
  if (options_.greeting) {
    const std::string text = options_.greeting(client.source->database);
    if (!text.empty()) {
      encoder.notice(wire::Severity::warning, sql_error("01000", text).error());
    }
  }
  encoder.ready_for_query('I');
  client.stream.write(out);
  client.logging_in.reset();
  client.stage = Client::Stage::talking;
  if (client.stream.kept().empty()) return;
  client.stream.want(true);
  converse(client, client.stream.kept());
}

void RelayLoop::converse(Client& client, std::string_view in) {
  for (;;) {
    auto progress = client.session->client_said(in, to_server_, to_client_);
    if (!progress) {
      to_server_.clear();
      client.stream.write(to_client_);
      return fail_client(client, progress.error());
    }
    if (*progress == RelaySession::Progress::farewell) {
      if (client.server != nullptr) client.server->stream.write(to_server_);
      to_server_.clear();
      to_client_.clear();
      return client_gone(client);
    }
    client.paused = *progress == RelaySession::Progress::needs_answers;
    if (client.paused || *progress == RelaySession::Progress::read) break;
    if (*progress == RelaySession::Progress::needs_primary) {
      if (!leave_copy(client, in)) return;
      continue;
    }
    Source& source = source_for(client);
    if (!source.is_copy() && repeats_first() && !client.session->recovering()) {
      hold(client);
      break;
    }
    if (auto id = source.pool.acquire(client.id, now_)) {
      Server& server = *servers_[*id];
      if (was_ended(client, server)) {
        set_free(server);
        return fail_client(client, ended_by_command());
      }
      lend(server, client);
    } else {
      client.waiting = urgent_ = true;
      client.queue = &source;
      open_connections(source);
      break;
    }
  }
  client.stream.write(to_client_);
  to_client_.clear();
  if (client.server != nullptr) {
    Stream& server = client.server->stream;
    server.write(to_server_);
    if (server.pending() > options_.limits.backlog_bytes_max) client.stream.want(false);
  }
  to_server_.clear();
  client.stream.keep(in);
  if (client.session->may_release()) release(client);
  note_busy(client);
}

void RelayLoop::note_busy(Client& client) {
  const bool busy = client.server != nullptr && !client.session->is_idle();
  if (busy == std::exchange(client.busy, busy)) return;
  busy_count_ += busy ? 1 : static_cast<std::size_t>(-1);
}

void RelayLoop::wait_for_server(Client& client) {
  if (auto id = client.source->pool.acquire(client.id, now_)) {
    set_free(*servers_[*id]);  // only its welcome was needed, and that is known now
    return greet(client);
  }
  client.waiting = urgent_ = true;
  client.queue = client.source;
  open_connections(*client.source);
}

// What the session repeats on it goes to to_server_.
void RelayLoop::lend(Server& server, Client& client) {
  SPAR_ASSERT(server.client == nullptr && client.server == nullptr);
  client.server = &server;
  server.client = &client;
  client.session->attach(server.side, to_server_, to_client_,
                         repeats_first() && !server.source.is_copy());
  if (repeating_.empty()) return;
  note_repeating(client);
  if (client.session->told_only()) hold(client);
}

void RelayLoop::release(Client& client) {
  Server& server = *client.server;
  if (client.session->reads_elsewhere()) note_place(client);
  client.session->release();
  client.server = nullptr;
  server.client = nullptr;
  set_free(server);
}

void RelayLoop::fail_client(Client& client, const Error& error) {
  if (client.stage == Client::Stage::dead) return;
  to_client_.clear();
  RelaySession::write_fatal(error, to_client_);
  client.stream.write(to_client_);
  to_client_.clear();
  if (client.server != nullptr) {
    Server& server = *client.server;
    client.server = nullptr;
    server.client = nullptr;
    server_lost(server);  // what it is in the middle of is not known
  }
  drop(client);
}

void RelayLoop::client_gone(Client& client) {
  if (client.server == nullptr) return drop(client);
  client.stage = Client::Stage::draining;
  client.stream.close();
  client.deadline = now_ + options_.limits.drain_timeout;
  timed_.insert(client.id);
  urgent_ = true;
  client.server->stream.want(true);
  drain(client);
}

// Lets the server answer, cleans the connection and gives it back; or closes it.
void RelayLoop::drain(Client& client) {
  RelaySession& session = *client.session;
  if (session.owed()) return;
  Server& server = *client.server;
  if (!client.cleaned) {
    client.cleaned = true;
    const bool can_clean = session.clean_up(to_server_);
    server.stream.write(to_server_);
    to_server_.clear();
    if (!can_clean) return server_lost(server);
    if (session.owed()) return;
  }
  if (!session.is_idle()) return server_lost(server);
  release(client);
  drop(client);
}

void RelayLoop::drop(Client& client) {
  if (client.stage == Client::Stage::dead) return;
  if (client.waiting) client.queue->pool.abandon(client.id);
  if (client.source != nullptr) --client.source->clients;
  for (const auto& canceller : cancellers_) {
    if (canceller->asking == &client) canceller->asking = nullptr;
  }
  if (client.stream.is_open()) (void)::shutdown(client.stream.fd(), SHUT_WR);
  if (client.busy) --busy_count_;
  client.stage = Client::Stage::dead;
  client.stream.close();
  timed_.erase(client.id);
  pausing_.erase(client.id);
  note_repeating(client);
  dead_clients_.push_back(client.id);
  --client_count_;
}

}  // namespace spar::gateway::relay
