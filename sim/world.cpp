#include "sim/world.h"

#include <iostream>

namespace spar::sim {

using control::Observed;

World::World(std::uint64_t seed, bool verbose, Sabotage sabotage)
    : random_(seed), verbose_(verbose), sabotage_(sabotage), checkers_(all_checkers()) {
  for (auto& byte : cluster_.bytes) byte = static_cast<std::uint8_t>(random_.next());
  std::vector<control::Member> members;
  const std::size_t count = random_.between(2, 5);
  for (std::size_t i = 0; i < count; ++i) {
    const bool may_be_primary = i == 0 || !random_.chance(150);
    members.push_back(
        {CopyId{}, std::string(1, static_cast<char>('a' + i)), "sqlite", "copies", may_be_primary});
  }
  const auto mirrors = static_cast<std::uint32_t>(random_.chance(700) ? 1 : 2);
  const auto durability = random_.chance(700)   ? control::Durability::mirrored
                          : random_.chance(700) ? control::Durability::mirrored_strict
                                                : control::Durability::async;
  store(control::initial_record(cluster_, members, mirrors, durability));
  for (const control::Member& member : stored_->members) {
    Copy copy;
    copy.id = member.id;
    if (member.id == stored_->primary || random_.chance(500)) {
      copy.directory.whole = true;
      copy.directory.cluster = cluster_;
      copy.directory.incarnation = stored_->incarnation;
    }
    copies_.push_back(copy);
  }
}

void World::violated(std::string_view checker, const std::string& what) {
  if (!failure_.empty()) return;
  failure_ = std::string(checker) + " at move " + std::to_string(move_) + ": " + what;
}

void World::say(const std::string& line) {
  if (verbose_) std::cerr << move_ << " " << line << "\n";
}

Copy* World::find(CopyId id) {
  auto found = std::ranges::find(copies_, id, &Copy::id);
  return found == copies_.end() ? nullptr : &*found;
}

control::Report World::look_at(const Copy& copy) const {
  control::Report report;
  const Directory& directory = copy.directory;
  if (copy.disk_dead || !directory.there) {
    report.text = copy.disk_dead ? "I/O error" : "no such directory";
    return report;
  }
  report.kind = directory.whole ? control::Report::Kind::identified : control::Report::Kind::empty;
  report.cluster_id = directory.cluster;
  report.incarnation = directory.incarnation;
  report.epoch = directory.told;
  report.position = directory.position();
  return report;
}

void World::tell(decltype(control::Event::what) what, const Copy* looked_at) {
  Letter letter{{now_, std::move(what)}, CopyId{}, 0};
  if (looked_at != nullptr) {
    letter.looked_at = looked_at->id;
    letter.generation = looked_at->generation;
  }
  node_.inbox.push_back(std::move(letter));
}

bool World::is_elector(CopyId copy) const {
  return copy == stored_->primary || control::contains(stored_->synchronous, copy);
}

void World::start_node() {
  node_ = Node{};
  node_.up = true;
  if (newest_ && !shows_its_age(*stored_)) {
    stored_ = newest_;
    newest_.reset();
  }
  control::Started started{stored_, {}};
  for (Copy& copy : copies_) {
    if (copy.rolled_back && is_elector(copy.id)) copy.directory = Directory{};  // see faults.cpp
    copy.in_use = copy.told_caught_up = false;
    copy.generation_known = copy.generation;
    copy.following = copy.fenced = {};
    copy.last_action = {};
    if (!copy.disk_dead) copy.directory.durable = copy.directory.log.size();  // opening syncs
    started.members.push_back({copy.id, look_at(copy)});
  }
  tell(std::move(started));
}

void World::stop_node(bool power_cut) {
  say(power_cut ? "-- power cut" : "-- node killed");
  // The store may still have got what was sent to it.
  for (const control::Action& action : node_.actions) {
    const auto* body = std::get_if<control::CasRecord>(&action.what);
    if (body != nullptr && random_.chance(500) && stored_->version == body->expected_version) {
      store(body->record);
    }
  }
  node_ = Node{};
  if (!power_cut) return;
  for (Copy& copy : copies_) lose_tail(copy);
}

void World::deliver() {
  if (!node_.up || node_.inbox.empty()) return;
  Letter letter = std::move(node_.inbox.front());
  node_.inbox.pop_front();
  if (Copy* copy = find(letter.looked_at)) copy->generation_known = letter.generation;
  control::Event& event = letter.event;
  event.now = now_;
  say("> " + to_string(event));
  control::Step result = control::step(node_.control, event);
  const auto before = node_.control.stage;
  node_.control = std::move(result.state);
  if (node_.control.stage != before) say("  stage " + std::string(to_string(node_.control.stage)));
  for (control::Action& action : result.actions) {
    say("< " + to_string(action));
    if (reports_back(action)) {
      const Copy* copy = find(touched(action));
      if (copy != nullptr) node_.meant[action.id] = copy->generation_known;
      node_.actions.push_back(std::move(action));
    } else {
      execute_now(action);
    }
  }
}

void World::client_commits() {
  if (!node_.up || !node_.admitted || node_.draining || !node_.writer || quiet_) return;
  Copy& copy = *find(*node_.writer);
  if (!copy.in_use || copy.disk_dead || !copy.directory.there) return;
  TransactionLog& log = copy.directory.log;
  append(log, next_transaction_++, node_.epoch);
  copy.directory.applied = log.size();
  node_.attempts.push_back({log.back().id, Sequence{log.size()}});
  check([&](Checker& checker) { checker.appended(*this, copy.id, log.back()); });
}

void World::stream() {
  Copy& copy = any_copy();
  if (!node_.up || !node_.writer || copy.id == *node_.writer || !copy.in_use ||
      copy.following != node_.epoch || !copy.directory.there || copy.disk_dead) {
    return;
  }
  const Copy& writer = *find(*node_.writer);
  if (!writer.in_use) return;
  const TransactionLog& source = writer.directory.log;
  TransactionLog& log = copy.directory.log;
  for (std::size_t n = random_.between(1, 16); n > 0 && log.size() < source.size(); --n) {
    const Transaction& next = source[log.size()];
    append(log, next.id, next.epoch);
  }
}

void World::flush() {
  Copy& copy = any_copy();
  if (!node_.up || !copy.in_use) return;
  if (copy.disk_dead || !copy.directory.there) return observe_failure(copy, "flush failed");
  copy.directory.durable = copy.directory.log.size();
  acknowledge();
}

void World::acknowledge() {
  const bool open = node_.admitted || node_.draining;
  if (!node_.up || !open || node_.hold_commits || !node_.writer) return;
  if (!find(*node_.writer)->in_use) return;
  auto has = [&](CopyId id, const Attempt& attempt) {
    const Copy* copy = find(id);
    return copy != nullptr && copy->in_use && copy->directory.holds(attempt.id, attempt.sequence) &&
           copy->directory.durable >= attempt.sequence.value;
  };
  std::erase_if(node_.attempts, [&](const Attempt& attempt) {
    if (!has(*node_.writer, attempt)) return false;
    const bool early = sabotage_ == Sabotage::acknowledge_early;
    if (!early && !std::ranges::all_of(node_.set, [&](CopyId id) { return has(id, attempt); }))
      return false;
    acknowledged_.push_back({attempt.id, attempt.sequence});
    check([&](Checker& checker) { checker.acknowledged(*this, acknowledged_.back()); });
    return true;
  });
  const std::size_t newest = acknowledged_.empty() ? 0 : acknowledged_.back().sequence.value;
  for (Copy& copy : copies_) {  // mirrors apply what was acknowledged
    Directory& directory = copy.directory;
    if (!copy.in_use || copy.following != node_.epoch) continue;
    directory.applied = std::max(directory.applied, std::min(directory.durable, newest));
  }
}

void World::report_progress() {
  if (!node_.up || !node_.writer) return;
  Copy& copy = any_copy();
  if (!copy.in_use || copy.following != node_.epoch || copy.id == *node_.writer) return;
  const TransactionLog& log = copy.directory.log;
  Observed seen{copy.id, Observed::Kind::progress, "stream", "", copy.directory.position(), {}};
  if (copy.directory.durable != log.size()) return;
  const bool hidden = sabotage_ == Sabotage::hide_catching_up;
  if (!hidden && !copy.told_caught_up &&
      log.size() + 8 >= find(*node_.writer)->directory.log.size()) {
    seen.kind = Observed::Kind::caught_up;
    copy.told_caught_up = true;
  }
  tell(seen);
}

void World::pass_time() {
  now_ += std::chrono::milliseconds(random_.between(0, 20));
  if (random_.chance(4)) now_ += std::chrono::seconds(6);
  if (random_.chance(200)) tell(control::Tick{});
}

void World::move() {
  ++move_;
  pass_time();
  const std::size_t dice = random_.below(100);
  if (dice < 34) {
    deliver();
  } else if (dice < 56) {
    execute();
  } else if (dice < 64) {
    client_commits();
  } else if (dice < 76) {
    stream();
  } else if (dice < 90) {
    flush();
  } else {
    report_progress();
  }
  check([&](Checker& checker) { checker.moved(*this); });
}

void World::run(std::size_t moves) {
  start_node();
  for (std::size_t i = 0; i < moves && failure_.empty(); ++i) {
    move();
    if (random_.chance(25)) fault();
  }
  if (failure_.empty()) heal();
}

}  // namespace spar::sim
