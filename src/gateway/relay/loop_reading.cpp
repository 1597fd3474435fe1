// Copies of a RelayLoop that only answer reads: who is sent there, and what happens when one fails.
#include <utility>

#include "gateway/relay/loop_parts.h"

namespace spar::gateway::relay {
namespace {

// Later than every answer that was read up to here, which now_ is not.
Monotonic this_moment() {
  return std::chrono::steady_clock::now();
}

}  // namespace

// Whose connection the session is to have next.
RelayLoop::Source& RelayLoop::source_for(Client& client) {
  const ReadSettings* wanted = client.session->wants_copy();
  if (std::exchange(client.wants_primary, false) || wanted == nullptr || !options_.read_map ||
      draining_) {
    return *client.source;
  }
  const ReadMapPtr map = options_.read_map(client.source->database);
  if (map == nullptr) return *client.source;
  if (client.trail == nullptr) client.trail = std::make_unique<ReadTrail>();
  const auto chosen = client.trail->choose(*map, *wanted, this_moment(), client.id);
  Source* copy = chosen ? source_of(*client.source, map->copies[*chosen]) : nullptr;
  return copy != nullptr ? *copy : *client.source;
}

// Nothing: what the loop knows of the copy is about to be renewed.
RelayLoop::Source* RelayLoop::source_of(const Source& primary, const ReadCopy& copy) {
  std::unique_ptr<Source>& source = sources_[{primary.database, primary.user, copy.copy}];
  if (source == nullptr) {
    source = std::make_unique<Source>();
    source->database = primary.database;
    source->user = primary.user;
    source->copy = copy.copy;
    source->book = primary.book;
    source->pool = Pool(options_.limits.pool);
    source->placing = copy.placing;
  }
  source->secret = primary.secret;
  // After a failed attempt it is left alone for a while.
  const bool can_wait = source->pool.idle() > 0 || source->pool.may_open(now_);
  return source->placing == copy.placing && can_wait ? source.get() : nullptr;
}

std::optional<Placing> RelayLoop::placing_of(const Source& source) const {
  if (draining_) return std::nullopt;
  if (!source.is_copy()) return options_.route(source.database);
  const ReadMapPtr map = options_.read_map ? options_.read_map(source.database) : nullptr;
  if (map == nullptr) return std::nullopt;
  for (const ReadCopy& copy : map->copies) {
    if (copy.copy == source.copy) return copy.placing;
  }
  return std::nullopt;
}

void RelayLoop::renew_copies() {
  for (const auto& [key, source] : sources_) {
    if (!source->is_copy()) continue;
    source->placing = placing_of(*source);
    retire_idle(*source);
    source->pool.retry_now();
    if (!source->placing) pass_on(*source);
  }
  if (!draining_) cut_elsewhere();
}

// Who waits for a copy gets the primary instead.
void RelayLoop::pass_on(Source& copy) {
  for (SessionId id : copy.pool.take_waiting()) pass_on(*clients_[id]);
}

void RelayLoop::pass_on(Client& client) {
  client.waiting = false;
  client.wants_primary = passed_on_ = urgent_ = true;
  client.retry_at = now_;
  pausing_.insert(client.id);
}

// What comes next cannot be answered there. In a transaction its statements are repeated on the
// primary, and the answers compared, as when the copy is lost. False: that has gone on already.
bool RelayLoop::leave_copy(Client& client, std::string_view in) {
  client.server->stream.write(to_server_);
  to_server_.clear();
  if (client.session->may_release()) return release(client), true;
  client.stream.write(to_client_);
  to_client_.clear();
  client.stream.keep(in);
  server_lost(*client.server);
  return false;
}

void RelayLoop::note_place(Client& client) {
  const Server& server = *client.server;
  if (client.trail == nullptr) client.trail = std::make_unique<ReadTrail>();
  if (server.source.is_copy()) {
    client.trail->was_at(server.source.copy, server.placing, this_moment());
  } else {
    client.trail->was_at_primary(Epoch(server.placing.epoch), this_moment());
  }
}

}  // namespace spar::gateway::relay
