#include "gateway/relay/loop.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "gateway/connection.h"
#include "gateway/relay/loop_parts.h"
#include "gateway/socket.h"
#include "gateway/wire/encoder.h"

namespace spar::gateway::relay {
namespace {

constexpr std::size_t kScratchBytes = 64u << 10;
constexpr std::chrono::milliseconds kTick{100};
constexpr std::chrono::milliseconds kQuiet{1'000};

void watch(int epoll, int fd, std::uint64_t tag) {
  epoll_event event{.events = EPOLLIN, .data = {.u64 = tag}};
  SPAR_ASSERT(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

// A place in a list of slots: an empty one, or a new one.
template <class T>
std::size_t place_in(std::vector<std::unique_ptr<T>>& slots, std::vector<std::size_t>& free) {
  if (free.empty()) {
    slots.emplace_back();
    return slots.size() - 1;
  }
  const std::size_t place = free.back();
  free.pop_back();
  return place;
}

}  // namespace

RelayLoop::RelayLoop(Options options) : options_(std::move(options)), scratch_(kScratchBytes) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  SPAR_ASSERT(epoll_ >= 0 && wake_ >= 0);
  watch(epoll_, wake_, tag(Kind::wake, 0));
  inbox_ = std::make_shared<Inbox>();
  inbox_->wake = wake_;
  options_.limits.session.resolves = options_.resolve != nullptr;
  options_.limits.session.explicit_values = &options_.explicit_values;
  for (int fd : options_.sockets) {
    (void)::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    watch(epoll_, fd, tag(Kind::listener, static_cast<std::size_t>(fd)));
  }
}

RelayLoop::~RelayLoop() {
  {
    const std::lock_guard guard(inbox_->lock);
    inbox_->wake = -1;
  }
  ::close(wake_);
  ::close(epoll_);
}

void RelayLoop::stop() {
  stopping_ = true;
  (void)eventfd_write(wake_, 1);
}

void RelayLoop::route_changed() {
  route_changed_ = true;
  (void)eventfd_write(wake_, 1);
}

void RelayLoop::objects_changed() {
  objects_changed_ = true;
  (void)eventfd_write(wake_, 1);
}

void RelayLoop::copies_changed() {
  copies_changed_ = true;
  (void)eventfd_write(wake_, 1);
}

void RelayLoop::renew_objects() {
  if (!options_.objects) return;
  for (const auto& [key, source] : sources_)
    source->book->renew(options_.objects(source->database));
}

void RelayLoop::tell_touched() {
  if (!options_.schema_touched) return;
  for (const auto& [key, source] : sources_) {
    if (source->book->take_touched()) options_.schema_touched(source->database);
  }
}

void RelayLoop::set_draining(bool draining) {
  draining_ = draining;
  route_changed();
}

void RelayLoop::run() {
  std::array<epoll_event, 256> events;
  for (;;) {
    const std::chrono::milliseconds wait = urgent_ || stopping_ ? kTick / 2 : kQuiet;
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                 static_cast<int>(wait.count()));
    now_ = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      handle(event.data.u64, event.events);
      serve_freed();
    }
    if (now_ >= next_tick_) tick();
    bury();
    if (stopping_ && shut_down()) return;
  }
}

void RelayLoop::handle(std::uint64_t tag, std::uint32_t events) {
  const auto kind = static_cast<Kind>(tag >> 32);
  const auto index = static_cast<std::size_t>(tag & 0xffffffff);
  switch (kind) {
    case Kind::wake:
      return on_wake();
    case Kind::listener:
      return accept_clients(static_cast<int>(index));
    case Kind::client:
      if (clients_[index] != nullptr) on_client(*clients_[index], events);
      return;
    case Kind::server:
      if (servers_[index] != nullptr) on_server(*servers_[index], events);
      return;
    case Kind::canceller:
      if (!cancellers_[index]->done) on_canceller(*cancellers_[index], events);
      return;
  }
}

void RelayLoop::on_wake() {
  eventfd_t ignored = 0;
  (void)eventfd_read(wake_, &ignored);
  if (copies_changed_.exchange(false)) renew_copies();
  if (route_changed_.exchange(false)) retire_elsewhere();
  take_outcomes();
  if (objects_changed_.exchange(false)) renew_objects();
}

void RelayLoop::accept_clients(int listening) {
  constexpr int kAtOnce = 64;
  for (int i = 0; i < kAtOnce; ++i) {
    const int fd = ::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    configure_connection(fd, Limits());
    const std::size_t place = place_in(clients_, free_clients_);
    clients_[place] = std::make_unique<Client>();
    Client& client = *clients_[place];
    client.id = static_cast<SessionId>(place);
    client.stream.open(fd, epoll_, tag(Kind::client, place));
    client.deadline = now_ + options_.limits.login_timeout;
    timed_.insert(client.id);
    urgent_ = true;
    ++client_count_;
    if (client_count_ > options_.limits.sessions_max || stopping_) {
      fail_client(client, sql_error("53300", "sorry, too many clients already").error());
      continue;
    }
    client.logging_in = std::make_unique<Client::LoggingIn>(
        options_.credentials, Login::Options{.tls_offered = options_.tls != nullptr,
                                             .tls_required = options_.tls_required,
                                             .random = random_bytes});
  }
}

void RelayLoop::tick() {
  next_tick_ = now_ + kTick;
  tick_clients();
  tick_servers();
  retry_losses(false);
  urgent_ = !timed_.empty() || !pausing_.empty();
  for (auto it = sources_.begin(); it != sources_.end();) {
    Source& source = *it->second;
    tick_source(source);
    urgent_ |= source.pool.waiting() > 0 || source.pool.opening_now() > 0;
    // Under trust anybody can name any user: what nobody uses is not kept.
    const bool unused =
        source.clients == 0 && source.pool.size() == 0 && source.pool.waiting() == 0;
    it = unused ? sources_.erase(it) : std::next(it);
  }
  tell_touched();
  serve_freed();
}

void RelayLoop::tick_clients() {
  for (SessionId id : std::vector<SessionId>(timed_.begin(), timed_.end())) {
    Client& client = *clients_[id];
    if (client.stage == Client::Stage::dead || now_ < client.deadline) continue;
    if (client.stage == Client::Stage::draining && client.server != nullptr) {
      server_lost(*client.server);
    } else {
      drop(client);
    }
  }
}

void RelayLoop::tick_servers() {
  for (const auto& server : servers_) {
    if (server == nullptr || server->stage >= Server::Stage::open || now_ < server->deadline) {
      continue;
    }
    server->source.trouble = failure(Code::deadline, "the server did not answer", "08006").error();
    server_lost(*server);
  }
  for (const auto& canceller : cancellers_) {
    if (!canceller->done && now_ >= canceller->deadline) end_cancel(*canceller);
  }
}

void RelayLoop::tick_source(Source& source) {
  for (ConnectionId id : source.pool.expired(now_)) drop(*servers_[id]);
  for (SessionId id : source.pool.overdue(now_)) {
    if (source.is_copy()) {
      pass_on(*clients_[id]);
      continue;
    }
    Error error = failure(Code::deadline, "no server could be reached in time", "57P03").error();
    if (source.trouble) error.detail = source.trouble->message;
    clients_[id]->waiting = false;
    fail_client(*clients_[id], error);
  }
  open_connections(source);
}

void RelayLoop::retire_elsewhere() {
  for (const auto& [key, source] : sources_) {
    source->placing = placing_of(*source);
    retire_idle(*source);
    if (source->is_copy() && !source->placing) pass_on(*source);
  }
  ++disturbances_;
  if (!draining_) cut_elsewhere();
  repeats_first_until_ = now_ + options_.limits.repeats_first_max;  // now they can be
  for (const auto& [key, source] : sources_) source->pool.retry_now();
  retry_losses(true);
  for (const auto& [key, source] : sources_) open_connections(*source);
}

void RelayLoop::retire_idle(Source& source) {
  for (ConnectionId id : source.pool.take_idle()) {
    if (source.placing == servers_[id]->placing) {
      source.pool.give_back(id, now_);
    } else {
      drop(*servers_[id]);
    }
  }
}

// Also what is in use: that server may not be the primary any more.
void RelayLoop::cut_elsewhere() {
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    Server* server = servers_[i].get();
    if (server == nullptr || server->stage == Server::Stage::dead || server->freed) continue;
    if (server->source.placing != server->placing) server_lost(*server);
  }
}

bool RelayLoop::shut_down() {
  if (shutdown_at_ == kNoDeadline) shutdown_at_ = now_ + options_.limits.shutdown_timeout;
  const Error error = ended_by_command();
  for (const auto& client : clients_) {
    if (client == nullptr || client->stage == Client::Stage::dead) continue;
    const bool busy = client->session && (client->session->attached() || client->ticket != 0);
    if (!busy || now_ >= shutdown_at_) fail_client(*client, error);
  }
  serve_freed();
  bury();
  if (client_count_ > 0 && now_ < shutdown_at_) return false;
  for (const auto& server : servers_) {
    if (server != nullptr) drop(*server);
  }
  bury();
  return true;
}

// What died while events were handled goes now, and its place with it.
void RelayLoop::bury() {
  for (SessionId id : dead_clients_) {
    clients_[id].reset();
    free_clients_.push_back(id);
  }
  for (ConnectionId id : dead_servers_) {
    servers_[id].reset();
    free_servers_.push_back(id);
  }
  dead_clients_.clear();
  dead_servers_.clear();
  while (!cancellers_.empty() && cancellers_.back()->done) cancellers_.pop_back();
}

}  // namespace spar::gateway::relay
