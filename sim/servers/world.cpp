#include "sim/servers/world.h"

#include <iostream>

#include "base/mutant.h"

namespace spar::sim::servers {

using engines::postgres::ForkNote;

namespace {
constexpr std::size_t kMovesToSettle = 300;
constexpr unsigned kFaultsPerMille = 20;
}  // namespace

World::World(std::uint64_t seed, bool verbose, Sabotage sabotage)
    : random_(seed), verbose_(verbose), sabotage_(sabotage), checkers_(all_checkers()) {
  for (auto& byte : cluster_.bytes) byte = static_cast<std::uint8_t>(random_.next());
  std::vector<control::Member> members;
  const std::size_t count = random_.between(2, 4);
  for (std::size_t i = 0; i < count; ++i) {
    const bool may_be_primary = i == 0 || !random_.chance(100);
    members.push_back({CopyId{}, std::string(1, static_cast<char>('a' + i)), "postgres", "address",
                       may_be_primary});
  }
  const auto mirrors = static_cast<std::uint32_t>(random_.chance(700) ? 1 : 2);
  const auto durability =
      random_.chance(800) ? control::Durability::mirrored : control::Durability::mirrored_strict;
  control::Record record = control::initial_record(cluster_, members, mirrors, durability);
  record.history = {};
  control::add_fork(record, Sequence{0}, to_string(ForkNote{TimelineId{1}, Xid{}, 0}));
  store(record);
  for (const control::Member& member : stored_->members) {
    Server server;
    server.id = member.id;
    servers_.push_back(server);
  }
  Server& first = servers_.front();
  first.there = first.up = true;
  append(first, {.timeline = TimelineId{1}});
  first.durable = first.log.size();
  for (Server& server : servers_) {
    if (server.id != first.id && random_.chance(700)) rewind(server, first);
  }
}

void World::violated(std::string_view checker, const std::string& what) {
  if (!failure_.empty()) return;
  failure_ = std::string(checker) + " at move " + std::to_string(move_) + ": " + what;
}

void World::say(const std::string& line) const {
  if (verbose_) std::cerr << move_ << " " << line << "\n";
}

bool World::broken(Sabotage what) const {
  const bool defect =
      (what == Sabotage::replay_unresolved && mutant(Mutant::replay_unresolved)) ||
      (what == Sabotage::start_after_failed_rewind && mutant(Mutant::start_after_failed_rewind));
  return defect || sabotage_ == what;
}

const Server* World::find(CopyId id) const {
  auto found = std::ranges::find(servers_, id, &Server::id);
  return found == servers_.end() ? nullptr : &*found;
}
Server* World::find(CopyId id) {
  return const_cast<Server*>(std::as_const(*this).find(id));
}

void World::tell(decltype(control::Event::what) what) {
  node_.inbox.push_back({now_, std::move(what)});
}

void World::start_node() {
  say("-- node starts");
  node_ = Node{};
  node_.up = true;
  control::Started started{stored_, {}};
  for (Server& server : servers_) started.members.push_back({server.id, look(server, *stored_)});
  tell(std::move(started));
}

// Its clients are gone with it, and do not know. The servers live on.
void World::stop_node() {
  say("-- node killed");
  for (const Wanted& wanted : node_.actions) {
    const auto* body = std::get_if<control::CasRecord>(&wanted.action.what);
    if (body != nullptr && random_.chance(500) && stored_->version == body->expected_version) {
      store(body->record);
    }
  }
  for (Operation& operation : operations_) {
    if (operation.state != Operation::State::waiting) operation.state = Operation::State::told;
  }
  node_ = Node{};
}

void World::deliver() {
  if (!node_.up || node_.inbox.empty()) return;
  control::Event event = std::move(node_.inbox.front());
  node_.inbox.pop_front();
  event.now = now_;
  say("> " + to_string(event));
  control::Step result = control::step(node_.control, event);
  if (result.state.stage != node_.control.stage) {
    say("  stage " + std::string(to_string(result.state.stage)));
  }
  node_.control = std::move(result.state);
  for (control::Action& action : result.actions) {
    say("< " + to_string(action));
    const bool closes = std::holds_alternative<control::Hold>(action.what) ||
                        std::holds_alternative<control::Fence>(action.what);
    if (closes && !broken(Sabotage::admit_after_hold)) node_.last_line = action.id;
    if (std::holds_alternative<control::Hold>(action.what)) {
      node_.place.reset();
    } else if (const auto* body = std::get_if<control::Fence>(&action.what)) {
      fence(body->copy);
      control::ActionDone done;
      done.id = action.id;
      tell(done);
    } else if (reports_back(action)) {
      node_.actions.push_back({std::move(action), *node_.control.record, Lsn{}});
    }
  }
}

void World::pass_time() {
  now_ += std::chrono::milliseconds(random_.between(0, 20));
  if (random_.chance(4)) now_ += std::chrono::seconds(6);
  if (random_.chance(80)) tell(control::Tick{});
}

void World::move() {
  ++move_;
  pass_time();
  const std::size_t dice = random_.below(100);
  if (dice < 28) {
    deliver();
  } else if (dice < 44) {
    execute();
  } else if (dice < 58) {
    clients();
  } else if (dice < 88) {
    live();
  } else {
    if (node_.up) watch(any());
  }
  check([&](Checker& checker) { checker.moved(*this); });
}

void World::run(std::size_t moves) {
  start_node();
  for (std::size_t i = 0; i < moves && failure_.empty(); ++i) {
    faults_ = i >= kMovesToSettle;  // else most worlds never had a mirror
    move();
    if (faults_ && random_.chance(kFaultsPerMille)) fault();
  }
  if (failure_.empty()) heal();
}

}  // namespace spar::sim::servers
