// One server connection of a RelayLoop: how it comes to be, what it answers, who gets it next.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "gateway/auth/scram.h"
#include "gateway/connection.h"
#include "gateway/relay/loop_parts.h"
#include "gateway/socket.h"

namespace spar::gateway::relay {
namespace {

constexpr std::size_t kNonceBytes = 18;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  template <class T>
  T& as(socklen_t bytes = sizeof(T)) {
    size = bytes;
    return *reinterpret_cast<T*>(&storage);
  }
};

std::optional<SocketAddress> resolve(const Address& address) {
  SocketAddress out;
  if (address.host.starts_with('/')) {
    const std::string path = address.host + "/.s.PGSQL." + std::to_string(address.port);
    auto& local = out.as<sockaddr_un>();
    local.sun_family = AF_UNIX;
    if (path.size() >= sizeof local.sun_path) return std::nullopt;
    std::memcpy(local.sun_path, path.data(), path.size());
    return out;
  }
  auto& four = out.as<sockaddr_in>();
  four.sin_family = AF_INET;
  four.sin_port = htons(address.port);
  if (inet_pton(AF_INET, address.host.c_str(), &four.sin_addr) == 1) return out;
  auto& six = out.as<sockaddr_in6>();
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(address.port);
  if (inet_pton(AF_INET6, address.host.c_str(), &six.sin6_addr) == 1) return out;
  return std::nullopt;
}

Failure cannot_connect(const Address& address, int number) {
  return failure(Code::unavailable,
                 "cannot connect to " + address.host + " port " + std::to_string(address.port) +
                     ": " + std::strerror(number),
                 "08001");
}

// What SHOW and RESET of our own settings find.
std::vector<std::pair<std::string, std::string>> own_defaults(std::uint64_t epoch) {
  return {{"options", "-c spar.read=strict -c spar.max_staleness=5s -c spar.after= -c spar.epoch=" +
                          std::to_string(epoch)}};
}

// What goes away by itself: the server starts, stops, or has too many connections now.
bool may_pass(const Error& error) {
  constexpr std::array<std::string_view, 4> kStates = {"53300", "57P01", "57P02", "57P03"};
  return error.code == Code::io || std::ranges::find(kStates, error.sqlstate) != kStates.end();
}

}  // namespace

Result<int> start_connecting(const Address& address) {
  const std::optional<SocketAddress> to = resolve(address);
  if (!to) return failure(Code::invalid, "not a numeric address: " + address.host, "08001");
  const int fd = ::socket(to->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return cannot_connect(address, errno);
  if (to->storage.ss_family != AF_UNIX) configure_connection(fd, Limits());
  const auto* where = reinterpret_cast<const sockaddr*>(&to->storage);
  if (::connect(fd, where, to->size) == 0 || errno == EINPROGRESS) return fd;
  const int number = errno;
  ::close(fd);
  return cannot_connect(address, number);
}

void RelayLoop::open_connections(Source& source) {
  while (source.pool.connections_wanted(now_) > 0) {
    if (!source.placing) return;  // held
    source.pool.opening();
    if (Result<void> done = connect(source, *source.placing); !done) {
      source.trouble = done.error();
      source.pool.open_failed(now_);
      if (source.is_copy()) pass_on(source);
    }
  }
}

Result<void> RelayLoop::connect(Source& source, const Placing& placing) {
  SPAR_ASSIGN(const int fd, start_connecting(placing.address));
  std::size_t place = servers_.size();
  if (free_servers_.empty()) {
    servers_.emplace_back();
  } else {
    place = free_servers_.back();
    free_servers_.pop_back();
  }
  servers_[place] =
      std::make_unique<Server>(source, placing, options_.limits.prepared_per_connection_max);
  Server& server = *servers_[place];
  server.id = static_cast<ConnectionId>(place);
  server.side.copy = source.is_copy();
  server.deadline = now_ + options_.limits.connect_timeout;
  server.stream.open(fd, epoll_, tag(Kind::server, place));
  server.stream.want(false, true);
  ++server_count_;
  return {};
}

void RelayLoop::on_server(Server& server, std::uint32_t events) {
  if (server.stage == Server::Stage::dead) return;
  if (server.stage == Server::Stage::connecting) return connected(server);
  if ((events & EPOLLOUT) != 0) {
    server.stream.flush();
    const bool room = server.stream.pending() <= options_.limits.backlog_bytes_max / 2;
    if (room && server.client != nullptr) server.client->stream.want(true);
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read_server(server);
}

void RelayLoop::connected(Server& server) {
  int number = 0;
  socklen_t size = sizeof number;
  (void)::getsockopt(server.stream.fd(), SOL_SOCKET, SO_ERROR, &number, &size);
  if (number != 0) {
    server.source.trouble = cannot_connect(server.placing.address, number).error();
    return server_lost(server);
  }
  if (server.placing.address.tls != nullptr) return ask_for_tls(server);
  begin_login(server);
}

void RelayLoop::ask_for_tls(Server& server) {
  server.stage = Server::Stage::asking_tls;
  Bytes request;
  ByteWriter writer(request);
  writer.be(std::uint32_t{8});
  writer.be(wire::kSslRequestCode);
  server.stream.write(request);
  server.stream.want(true);
}

// One byte: what came behind it was not encrypted, and is not to be trusted.
void RelayLoop::take_tls_answer(Server& server, std::string_view in) {
  if (in.empty()) return;
  server.stream.keep({});
  const ServerTls& tls = *server.placing.address.tls;
  const Address& where = server.placing.address;
  const std::string at = where.host + " port " + std::to_string(where.port);
  if (in == "N" && !tls.required()) return begin_login(server);
  constexpr std::size_t kErrorHeader = 5;
  if (in[0] == 'E' && in.size() > kErrorHeader) {  // too many connections, say
    return login_failed(server, read_server_error(in.substr(kErrorHeader)));
  }
  if (in != "S") {
    auto refused = failure(Code::unavailable,
                           in == "N" ? "the server at " + at + " offers no TLS"
                                     : "no PostgreSQL server answers at " + at,
                           "08001");
    refused.error().hint = "Set ssl = on there, or another sslmode in its address.";
    return login_failed(server, refused.error());
  }
  server.stage = Server::Stage::starting_tls;
  if (Result<void> begun = server.stream.start_tls(tls); !begun)
    login_failed(server, begun.error());
}

void RelayLoop::begin_login(Server& server) {
  server.stage = Server::Stage::login;
  server.login =
      std::make_unique<ServerLogin>(ServerIdentity{.user = server.source.user,
                                                   .database = server.source.database,
                                                   .parameters = own_defaults(server.placing.epoch),
                                                   .secret = server.source.secret},
                                    auth::encode_base64(random_bytes(kNonceBytes)));
  Bytes out;
  server.login->begin(out);
  server.stream.write(out);
  server.stream.want(true);
}

void RelayLoop::read_server(Server& server) {
  Result<std::string_view> in = server.stream.read(scratch_);
  if (!in && server.stage == Server::Stage::starting_tls) return login_failed(server, in.error());
  if (!in || server.stream.closed()) return server_lost(server);
  if (server.stage == Server::Stage::asking_tls) return take_tls_answer(server, *in);
  if (server.stage == Server::Stage::starting_tls) {
    if (server.stream.tls_established()) begin_login(server);
    return;
  }
  if (server.stage == Server::Stage::login) return log_in_server(server, *in);
  // Nobody asked: it shuts down, or has another configuration now. Either way another is better.
  if (server.client == nullptr) {
    if (!in->empty()) server_lost(server);
    return;
  }
  answer(server, *in);
}

void RelayLoop::log_in_server(Server& server, std::string_view in) {
  Bytes out;
  Result<ServerLogin::Next> next = server.login->step(in, out);
  server.stream.write(out);
  server.stream.keep(in);
  if (!next) return login_failed(server, next.error());
  if (*next == ServerLogin::Next::read) return;
  Source& source = server.source;
  server.stage = Server::Stage::open;
  server.side.key = server.login->key();
  source.welcome = server.login->parameters();
  std::vector<std::pair<std::string, std::string>> defaults;
  for (const auto& [name, value] : source.welcome) {
    if (is_settable(lower_case(name))) defaults.emplace_back(name, value);
  }
  server.side.defaults = SessionSettings::of(defaults);
  server.login.reset();
  source.trouble.reset();
  source.pool.opened();
  set_free(server);
}

void RelayLoop::login_failed(Server& server, const Error& error) {
  Source& source = server.source;
  source.trouble = error;
  server_lost(server);
  log_warning("gateway", "a server refused user " + source.user + ": " + error.message);
  if (may_pass(error) || source.is_copy()) return;
  for (SessionId id : source.pool.take_waiting()) {
    clients_[id]->waiting = false;
    fail_client(*clients_[id], error);
  }
}

void RelayLoop::answer(Server& server, std::string_view in) {
  Client& client = *server.client;
  Result<void> done = client.session->server_said(in, to_server_, to_client_);
  client.stream.write(to_client_);
  to_client_.clear();
  server.stream.write(to_server_);
  to_server_.clear();
  if (!done && done.error().code == Code::copy_lost) {
    return server_lost(server, why_lost(done.error()));
  }
  if (!done) return fail_client(client, done.error());
  server.stream.keep(in);
  if (!repeating_.empty()) note_repeating(client);
  if (client.stage == Client::Stage::draining) return drain(client);
  if (client.stream.pending() > options_.limits.backlog_bytes_max) server.stream.want(false);
  if (client.paused) {
    client.stream.want(true);
    return converse(client, client.stream.kept());
  }
  if (!client.session->recovering() && !client.session->owed()) {
    client.pause = std::chrono::milliseconds(0);
    client.give_up_at = kNoDeadline;
  }
  if (client.session->may_release()) release(client);
  note_busy(client);
}

void RelayLoop::set_free(Server& server) {
  server.freed = true;
  freed_.push_back(server.id);
}

// Each goes to whoever waits longest, or is idle.
void RelayLoop::serve_freed() {
  for (std::size_t i = 0; i < freed_.size() || all_repeated_ || passed_on_;) {
    if (std::exchange(all_repeated_, false)) {
      retry_losses(true);
      continue;
    }
    if (std::exchange(passed_on_, false)) {
      retry_losses(false);
      continue;
    }
    Server& server = *servers_[freed_[i++]];
    if (server.stage == Server::Stage::dead || server.cancels > 0) continue;
    server.freed = false;
    if (server.source.placing != server.placing) {
      server_lost(server);
      continue;
    }
    server.stream.want(true);
    const std::optional<SessionId> next = server.source.pool.offer(server.id, now_);
    if (!next) continue;
    Client& client = *clients_[*next];
    client.waiting = false;
    const bool greets = client.stage == Client::Stage::welcome;
    const bool waits = repeats_first() && !client.session->recovering();
    if (greets || (!server.source.is_copy() && waits)) {
      set_free(server);
      if (greets) {
        greet(client);
      } else {
        hold(client);
      }
      continue;
    }
    if (was_ended(client, server)) {
      set_free(server);
      fail_client(client, ended_by_command());
      continue;
    }
    lend(server, client);
    client.stream.want(true);
    converse(client, client.stream.kept());
  }
  freed_.clear();
}

void RelayLoop::drop(Server& server) {
  if (server.stage == Server::Stage::dead) return;
  server.stage = Server::Stage::dead;
  for (const auto& canceller : cancellers_) {
    if (canceller->target == &server) canceller->target = nullptr;
  }
  server.stream.close();
  dead_servers_.push_back(server.id);
  --server_count_;
}

}  // namespace spar::gateway::relay
