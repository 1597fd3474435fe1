#include "server/postgres/catalogues.h"

#include <chrono>

#include "base/log.h"
#include "engines/postgres/catalogue_objects.h"
#include "server/postgres/limits.h"

namespace spar::server::postgres {

using engines::postgres::CatalogueObjects;
using engines::postgres::Conninfo;
using engines::postgres::ServerLink;

Catalogues::Catalogues(Primary primary, std::function<void()> changed)
    : primary_(std::move(primary)), changed_(std::move(changed)), thread_([this] { run(); }) {}

Catalogues::~Catalogues() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

ObjectsPtr Catalogues::of(std::string_view database) {
  std::lock_guard lock(mutex_);
  auto found = databases_.find(database);
  if (found != databases_.end()) return found->second.objects;
  if (databases_.size() >= kDatabasesMax) return nullptr;
  databases_.emplace(std::string(database), Database{});
  urgent_ = true;
  wake_.notify_all();
  return nullptr;
}

void Catalogues::touched(std::string_view database) {
  std::lock_guard lock(mutex_);
  auto found = databases_.find(database);
  if (found == databases_.end()) return;
  found->second = {};
  urgent_ = true;
  wake_.notify_all();
}

void Catalogues::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    wake_.wait_for(lock, kLookAtCatalogues, [&] { return stop_ || urgent_; });
    urgent_ = false;
    std::vector<std::string> names;
    for (const auto& [name, database] : databases_) names.push_back(name);
    lock.unlock();
    if (auto primary = primary_()) {
      for (const std::string& name : names) look_at(name, *primary);
    }
    lock.lock();
  }
}

// The fingerprint comes first: what changes after it shows in the next one.
void Catalogues::look_at(const std::string& name, const Conninfo& primary) {
  const Monotonic deadline = std::chrono::steady_clock::now() + kCatalogueTime;
  Link& kept = links_[name];
  if (kept.address != primary.text() || !kept.link || !kept.link->usable()) {
    Conninfo address = primary;
    address.set("dbname", name);
    auto link = ServerLink::connect(address, deadline);
    if (!link && link.error().sqlstate == "3D000") {  // anybody can name any database
      std::lock_guard lock(mutex_);
      databases_.erase(name);
    }
    if (!link) return;
    kept = {primary.text(), std::move(*link)};
  }
  auto fingerprint = CatalogueObjects::fingerprint(*kept.link, deadline);
  if (!fingerprint) return;
  {
    std::lock_guard lock(mutex_);
    if (databases_[name].fingerprint == *fingerprint) return;
  }
  auto objects = CatalogueObjects::load(*kept.link, deadline);
  if (!objects) {
    log_warning("server", "the catalogues of database " + name +
                              " cannot be read: " + objects.error().message);
    return;
  }
  {
    std::lock_guard lock(mutex_);
    databases_[name] = {std::move(*objects), std::move(*fingerprint)};
  }
  changed_();
}

}  // namespace spar::server::postgres
