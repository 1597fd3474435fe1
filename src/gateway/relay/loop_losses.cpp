// What a RelayLoop does with sessions whose server connection was lost: they go on over the next one,
// wait, or end.
#include <sys/eventfd.h>

#include <algorithm>
#include <utility>

#include "gateway/relay/loop_parts.h"

namespace spar::gateway::relay {

// The connection under a client is gone.
void RelayLoop::server_lost(Server& server, Why why) {
  if (server.stage == Server::Stage::dead) return;
  if (why != Why::ended && why != Why::diverged) ++disturbances_;
  if (server.stage == Server::Stage::open) {
    server.source.pool.lost(server.id);
  } else {
    server.source.pool.open_failed(now_);
    if (server.source.is_copy()) pass_on(server.source);
  }
  if (server.client != nullptr && server.client->session->reads_elsewhere()) {
    note_place(*server.client);
  }
  Client* client = std::exchange(server.client, nullptr);
  const Placing placing = server.placing;
  drop(server);
  if (client == nullptr) return;
  client->ended.reset();
  if (why == Why::ended) client->ended = {placing, disturbances_};
  bool pause = why == Why::unfit || why == Why::ended;  // it would only be lost again now
  client->server = nullptr;
  pausing_.erase(client->id);
  note_busy(*client);
  if (client->stage == Client::Stage::draining || client->session->heard_fatal()) {
    return drop(*client);
  }
  if (client->give_up_at == kNoDeadline) {
    client->give_up_at = now_ + options_.limits.pool.wait_max;
  } else {
    pause = true;  // not for the first time
  }
  client->retry_at = now_;
  if (pause) {
    const PoolLimits& limits = options_.limits.pool;
    client->pause = std::clamp(client->pause * 2, limits.retry_min, limits.retry_max);
    client->retry_at += client->pause;
  }
  constexpr std::chrono::seconds kElectionTime{1};  // or sooner, when the route changes
  if (why == Why::full) client->retry_at += kElectionTime;
  go_on(*client, client->session->lose(to_client_), placing.epoch);
}

RelayLoop::Why RelayLoop::why_lost(const Error& error) {
  if (error.sqlstate == "40001") return Why::diverged;
  if (error.sqlstate == kDiskFull) return Why::full;
  return error.sqlstate == "57P01" ? Why::ended : Why::unfit;
}

void RelayLoop::go_on(Client& client, RelaySession::Loss loss, std::uint64_t epoch) {
  client.stream.write(to_client_);
  to_client_.clear();
  client.epoch = epoch;
  client.paused = false;
  client.stream.want(true);
  note_repeating(client);
  switch (loss) {
    case RelaySession::Loss::none:
      return converse(client, client.stream.kept());
    case RelaySession::Loss::in_doubt:
      ask_outcome(client, epoch);
      return note_repeating(client);
    case RelaySession::Loss::end:
      return fail_client(client, client.session->fate());
    case RelaySession::Loss::needs_server:
      break;
  }
  if (now_ >= client.give_up_at) {
    return fail_client(
        client,
        failure(Code::deadline, "the transaction could not be repeated in time", "57P03").error());
  }
  if (now_ >= client.retry_at) return converse(client, client.stream.kept());
  pausing_.insert(client.id);
  urgent_ = true;
}

void RelayLoop::ask_outcome(Client& client, std::uint64_t epoch) {
  client.ticket = next_ticket_++;
  auto done = [inbox = inbox_, id = client.id, ticket = client.ticket](Outcome outcome) {
    const std::lock_guard guard(inbox->lock);
    if (inbox->wake < 0) return;
    inbox->entries.push_back({.client = id, .ticket = ticket, .outcome = outcome});
    (void)eventfd_write(inbox->wake, 1);
  };
  options_.resolve(client.source->database, epoch, client.session->in_doubt(), std::move(done));
}

void RelayLoop::take_outcomes() {
  std::vector<Inbox::Entry> entries;
  {
    const std::lock_guard guard(inbox_->lock);
    entries.swap(inbox_->entries);
  }
  for (const Inbox::Entry& entry : entries) {
    Client* client = entry.client < clients_.size() ? clients_[entry.client].get() : nullptr;
    if (client == nullptr || client->stage == Client::Stage::dead) continue;
    if (client->ticket != entry.ticket) continue;
    client->ticket = 0;
    go_on(*client, client->session->resolved(entry.outcome, to_client_), client->epoch);
  }
}

// Sessions whose connection was lost for a reason that needs time, or a change of the route.
void RelayLoop::retry_losses(bool all) {
  for (SessionId id : std::vector<SessionId>(pausing_.begin(), pausing_.end())) {
    Client& client = *clients_[id];
    if (!all && now_ < client.retry_at) continue;
    const bool rest = client.stage == Client::Stage::talking && client.session->told_only();
    if (rest && repeats_first()) continue;
    pausing_.erase(id);
    if (client.stage == Client::Stage::dead) continue;
    if (rest) client.session->repeat_rest(to_server_, to_client_);
    converse(client, client.stream.kept());
  }
}

void RelayLoop::note_repeating(Client& client) {
  const bool repeats =
      client.stage == Client::Stage::talking &&
      (client.ticket != 0 || (client.session->repeats_told() && !client.session->lost_copy()));
  if (repeats) {
    if (repeating_.empty()) repeats_first_until_ = now_ + options_.limits.repeats_first_max;
    repeating_.insert(client.id);
  } else if (repeating_.erase(client.id) > 0) {
    all_repeated_ |= repeating_.empty();
  }
}

void RelayLoop::hold(Client& client) {
  client.retry_at = repeats_first_until_;
  pausing_.insert(client.id);
  urgent_ = true;
}

// A server that goes ends all of its processes, and takes no new connection; one that still does
// has ended this one because somebody said so, and what it ran is not to be run again.
bool RelayLoop::was_ended(const Client& client, const Server& server) const {
  if (!client.ended || !client.session->recovering()) return false;
  const std::string* read_only = server.side.defaults->find(kReadOnlySetting);
  const bool fenced =
      read_only != nullptr && *read_only == SessionSettings::statement(kReadOnlySetting, "on");
  return !fenced && client.ended->disturbances == disturbances_ &&
         client.ended->placing == server.placing;
}

Error RelayLoop::ended_by_command() {
  return sql_error("57P01", "terminating connection due to administrator command").error();
}

}  // namespace spar::gateway::relay
