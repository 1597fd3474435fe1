#include "server/postgres/server_path.h"

#include <algorithm>
#include <future>

#include "base/log.h"
#include "server/postgres/server_path_parts.h"

namespace spar::server::postgres {

using control::Record;
using engines::postgres::Lsn;

Result<std::unique_ptr<ServerPath>> ServerPath::make_path(storage::Disk& disk,
                                                          std::vector<ServerSpec> servers,
                                                          std::string ledger_directory) {
  std::unique_ptr<ServerPath> path(new ServerPath(disk, std::move(ledger_directory)));
  for (ServerSpec& spec : servers) {
    std::string name = spec.name;
    path->specs_.emplace(std::move(name), std::move(spec));
  }
  return path;
}

ServerPath::~ServerPath() {
  stop();
}

void ServerPath::attach(Gateway gateway) {
  gateway_ = std::move(gateway);
}

Result<void> ServerPath::add_server(ServerSpec spec) {
  std::lock_guard lock(mutex_);
  if (control::find_member(record_, spec.name) != nullptr) {
    return failure(Code::invalid, "there is a copy \"" + spec.name + "\" already");
  }
  std::string name = spec.name;
  specs_.insert_or_assign(std::move(name), std::move(spec));
  return {};
}

void ServerPath::remove_server(const std::string& name) {
  std::lock_guard lock(mutex_);
  specs_.erase(name);
}

std::optional<Place> ServerPath::place() const {
  std::lock_guard lock(mutex_);
  return place_;
}

std::optional<engines::postgres::Conninfo> ServerPath::primary_address() const {
  std::lock_guard lock(mutex_);
  auto primary = copies_.find(record_.primary);
  if (!place_ || primary == copies_.end() || !primary->second.server) return std::nullopt;
  return primary->second.server->address();
}

void ServerPath::stop() {
  stop_ = true;
  changed_.notify_all();
  {
    std::lock_guard lock(mutex_);
    for (auto& [id, copy] : copies_) {
      if (copy.server) copy.server->give_up();
    }
  }
  for (auto& [id, copy] : copies_) {
    if (copy.watcher.joinable()) copy.watcher.join();
  }
}

void ServerPath::stop_servers() {
  const CopyId primary = record().primary;
  const Epoch epoch = record().epoch;
  if (ServerCopy* server = find(primary); server != nullptr && server->ends_with_node()) {
    (void)server->stop(epoch, agent::Stop::fast, in(kStopTime));
  }
  std::vector<std::future<void>> rest;
  for (ServerCopy* server : others(primary)) {
    if (!server->ends_with_node()) continue;
    rest.push_back(std::async(std::launch::async, [server, epoch] {
      (void)server->stop(epoch, agent::Stop::fast, in(kStopTime));
    }));
  }
}

// --- copies ---

Record ServerPath::record() const {
  std::lock_guard lock(mutex_);
  return record_;
}

ServerCopy* ServerPath::find(CopyId copy) const {
  std::lock_guard lock(mutex_);
  auto found = copies_.find(copy);
  return found == copies_.end() ? nullptr : found->second.server.get();
}

Result<ServerCopy*> ServerPath::known(CopyId copy) const {
  ServerCopy* server = find(copy);
  if (server != nullptr) return server;
  return failure(Code::unavailable,
                 "the configuration has no server for copy " + std::to_string(copy.value));
}

std::vector<ServerCopy*> ServerPath::others(CopyId copy) const {
  std::lock_guard lock(mutex_);
  std::vector<ServerCopy*> rest;
  for (const control::Member& member : record_.members) {
    auto found = copies_.find(member.id);
    if (member.id != copy && found != copies_.end() && found->second.server) {
      rest.push_back(found->second.server.get());
    }
  }
  return rest;
}

void ServerPath::adopt(const Record& record) {
  std::lock_guard lock(mutex_);
  record_ = record;
  history_ = engines::postgres::server_history(record.history, record.fork_notes);
  reads_.lost(record.primary);
  for (const control::Member& member : record.members) {
    auto spec = specs_.find(member.name);
    if (copies_.contains(member.id) || spec == specs_.end()) continue;
    auto made = ServerCopy::make(disk_, member.id, spec->second);
    if (!made) {
      log_error("server", member.name + ": " + made.error().message);
      continue;
    }
    Copy& copy = copies_[member.id];
    copy.server = std::move(*made);
    if (watching_) copy.watcher = std::thread([this, id = member.id] { watch_copy(id); });
  }
}

void ServerPath::forget(CopyId copy) {
  fencer_.post([this, copy] { let_go(copy); });
}

// It is no member any more: it is ended where Spar started it, and the primary keeps no log for it.
void ServerPath::let_go(CopyId copy) {
  const Record now = record();
  ServerCopy* server = find(copy);
  if (server == nullptr || control::find_member(now, copy) != nullptr) return;
  if (server->managed()) {
    if (auto ended = server->stop(now.epoch, agent::Stop::fast, in(kStopTime)); !ended) {
      log_warning("server", server->name() + " is no copy any more, and cannot be stopped: " +
                                ended.error().message);
    }
  }
  const Monotonic deadline = in(kActionTime);
  ServerCopy* primary = find(now.primary);
  if (primary == nullptr) return;
  auto control = primary->control(deadline);
  if (control) (void)keep_slots(*control, now.primary, now, deadline);  // else at the next follow
}

void ServerPath::tell_again(CopyId copy) {
  std::lock_guard lock(mutex_);
  auto found = copies_.find(copy);
  if (found != copies_.end()) found->second.seen.near = false;
}

// --- the way for clients ---

void ServerPath::hold() {
  {
    std::lock_guard lock(mutex_);
    if (!place_) return;
    place_.reset();
    reads_.close();
    (void)reads_.take_changed();  // whoever hears of the way looks at these, too
  }
  if (gateway_.changed) gateway_.changed(RouteChange::drain);
}

void ServerPath::fence(CopyId copy, Epoch epoch) {
  {
    std::lock_guard lock(mutex_);
    fenced_to_ = std::max(fenced_to_, epoch);
  }
  hold();
  if (gateway_.changed) gateway_.changed(RouteChange::cut);
  fencer_.post([this, copy] { end_old_primary(copy); });
}

// What SQL can do is done by its watcher as soon as it answers.
void ServerPath::end_old_primary(CopyId copy) {
  ServerCopy* server = find(copy);
  if (server == nullptr || !server->managed()) return;
  Epoch epoch;
  {
    std::lock_guard lock(mutex_);
    if (drained_ == copy || stop_) return;
    if (place_ && record_.primary == copy) return;  // it was elected again meanwhile
    epoch = record_.epoch;
  }
  Busy busy(*this, copy);
  if (auto ended = server->stop(epoch, agent::Stop::kill, in(kEndTime)); !ended) {
    log_warning("server", server->name() + " cannot be ended: " + ended.error().message);
  }
}

// --- for people ---

CopyStatus ServerPath::status(CopyId copy) {
  CopyStatus status;
  ServerCopy* server = find(copy);
  if (server == nullptr) return status;
  {
    std::lock_guard lock(mutex_);
    const Seen& seen = copies_[copy].seen;
    const Monotonic now = std::chrono::steady_clock::now();
    status.up = seen.up;
    status.received = seen.position;
    status.applied = {seen.position.epoch, Sequence(seen.applied.value)};
    status.lag = trail_.lag(status.applied.sequence, now);
    status.behind_bytes = behind(seen.position, copies_[record_.primary].seen.position);
    status.trouble = trouble_of(copy, seen, now);
    status.advice = seen.advice;
  }
  status.address = server->host() + ":" + std::to_string(server->port());
  status.pid = server->pid();
  return status;
}

std::string ServerPath::text_of(const Position& position) const {
  return std::to_string(position.epoch.value) + "/" + to_string(Lsn(position.sequence.value));
}

Position ServerPath::acknowledged() {
  std::lock_guard lock(mutex_);
  auto primary = copies_.find(record_.primary);
  return primary == copies_.end() ? Position{} : primary->second.seen.position;
}

}  // namespace spar::server::postgres
