// What goes wrong in a world, and what its operator does.
#include "sim/world.h"

namespace spar::sim {

// What was not flushed may be gone: any prefix of it is legal.
void World::lose_tail(Copy& copy) {
  Directory& directory = copy.directory;
  const std::size_t kept = random_.between(directory.durable, directory.log.size());
  directory.log.resize(kept);
  directory.durable = kept;
  directory.applied = std::min(directory.applied, kept);
}

void World::break_copy(Copy& copy) {
  const std::size_t dice = random_.below(4);
  if (dice == 0) {
    say("-- slow disk: copy " + std::to_string(copy.id.value));
    return observe_failure(copy, "flush too slow");
  }
  say("-- copy breaks: " + std::to_string(copy.id.value) + (dice == 1 ? " disk" : " directory"));
  if (dice == 1) copy.disk_dead = true;
  if (dice != 1) copy.directory.there = false;
  if (dice == 3) observe_failure(copy, "noticed at once");
}

Directory World::foreign_directory() {
  Directory directory;
  directory.whole = true;
  directory.cluster = cluster_;
  directory.incarnation = stored_->incarnation;
  if (random_.chance(500)) {
    directory.cluster.bytes[0] ^= 0x55;
  } else {
    ++directory.incarnation.value;
  }
  const std::size_t size = random_.below(30);
  for (std::size_t i = 0; i < size; ++i) append(directory.log, next_transaction_++, Epoch{1});
  directory.durable = directory.applied = size;
  directory.told = Epoch{1};
  return directory;
}

void World::put_foreign_copy_in_use() {
  copies_.front().directory = foreign_directory();
  copies_.front().in_use = true;
}

// Something else stands in the place of a copy; the process notices (inode and link count).
void World::replace_directory(Copy& copy) {
  copy.directory.there = true;
  copy.disk_dead = false;
  observe_failure(copy, "another directory in its place");
  ++copy.generation;
  copy.older.push_back(copy.directory);
  const std::size_t dice = random_.below(10);
  std::string what = "itself";
  if (dice < 4) {
    what = "empty";
    copy.directory = Directory{};
    copy.rolled_back = false;
  } else if (dice < 6) {
    what = "older";
    copy.directory = copy.older[random_.below(copy.older.size())];
    copy.directory.there = true;
    copy.rolled_back = true;
    // A process that never saw what this elector held cannot tell an older state from a good one.
    // That is a second loss, not a fault to survive: the copy is gone altogether.
    const control::CopyView* known = find_copy(node_.control, copy.id);
    const bool unseen = known == nullptr || known->received == Position{};
    if (unseen && is_elector(copy.id)) copy.directory = Directory{};
  } else if (dice < 8) {
    what = "foreign";
    copy.directory = foreign_directory();
  }
  if (copy.older.size() > 8) copy.older.erase(copy.older.begin());
  say("-- in place of copy " + std::to_string(copy.id.value) + ": " + what);
}

void World::repair_something() {
  Copy& copy = any_copy();
  if (!copy.disk_dead && copy.directory.there) return;
  say("-- repaired: copy " + std::to_string(copy.id.value));
  copy.disk_dead = false;
  copy.directory.there = true;
  if (random_.chance(300)) replace_directory(copy);
  if (!node_.up || random_.chance(500)) return;
  control::Observed seen{copy.id, control::Observed::Kind::reachable, "sim", "", {}, {}};
  copy.directory.durable = copy.directory.log.size();
  seen.report = look_at(copy);
  tell(seen, &copy);
}

// Whether a copy is there that can tell that `record` is an old one.
bool World::shows_its_age(const control::Record& record) const {
  return std::ranges::any_of(copies_, [&](const Copy& copy) {
    return look_at(copy).kind == control::Report::Kind::identified &&
           copy.directory.cluster == cluster_ && copy.directory.incarnation == record.incarnation &&
           copy.directory.told > record.epoch && find_member(record, copy.id) != nullptr;
  });
}

void World::roll_record_back() {
  if (newest_ || stored_before_.empty()) return;
  const control::Record& old = stored_before_[random_.below(stored_before_.size())];
  if (!shows_its_age(old)) return;
  say("-- an old record is put in place: " + to_string(old));
  newest_ = stored_;
  stored_ = old;
}

void World::restart() {
  if (node_.up) {
    stop_node(random_.chance(500));
    if (newest_ && random_.chance(500)) {
      stored_ = newest_;
      newest_.reset();
    } else if (random_.chance(150)) {
      roll_record_back();
    }
    return;
  }
  say("-- node starts");
  start_node();
}

void World::operator_command() {
  if (!node_.up) return;
  control::Command command;
  const CopyId copy = any_copy().id;
  switch (random_.below(9)) {
    case 0:
    case 1:
    case 2:
      command = control::Switchover{random_.chance(500) ? CopyId{} : copy};
      break;
    case 3:
      command = control::Failover{random_.chance(500) ? CopyId{} : copy, false};
      break;
    case 4:
      if (!random_.chance(200)) return;
      command = control::Failover{copy, true};
      check([&](Checker& checker) { checker.loss_accepted(*this, copy); });
      break;
    case 5:
      command = control::Pause{};
      break;
    case 6:
      command = control::Resume{};
      break;
    case 7:
      if (copies_.size() >= 6) return;
      command = control::Add{{CopyId{}, "n" + std::to_string(next_request_), "sqlite", "x", true}};
      break;
    default:
      command = control::Remove{copy};
      if (copies_.size() <= 2) return;
  }
  say("-- operator: " + std::string(name_of(command)));
  tell(control::OperatorAsked{next_request_++, command});
}

void World::fault() {
  if (!node_.up) return restart();
  const std::size_t dice = random_.below(100);
  if (dice < 30) return break_copy(any_copy());
  if (dice < 36 && node_.writer) return break_copy(*find(*node_.writer));
  if (dice < 42) return replace_directory(any_copy());
  if (dice < 70) return repair_something();
  if (dice < 82) return restart();
  operator_command();
}

}  // namespace spar::sim
