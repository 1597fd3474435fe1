// Clients of Spar's, and what the gateway does for them.
#include <set>

#include "engines/postgres/timeline.h"
#include "sim/servers/world.h"

namespace spar::sim::servers {

using Fate = engines::postgres::Outcome;
using engines::postgres::ServerHistory;
using engines::postgres::XactStatus;
using State = Operation::State;

namespace {

constexpr std::size_t kOpenOperationsMax = 6;

// What the forks after `epoch` say of the transactions that a lost server had numbered.
struct Numbers {
  Xid given_again{~std::uint64_t{0}};  // by a promoted server: none of the old ones is committed
  Xid doubtful{~std::uint64_t{0}};     // by the same server after a crash: perhaps
};

Numbers numbers_after(const ServerHistory& history, Epoch epoch) {
  Numbers numbers;
  std::set<TimelineId> begun;
  for (const auto& fork : history) {
    const bool promotion = begun.insert(fork.timeline).second;
    Xid& from = promotion ? numbers.given_again : numbers.doubtful;
    if (fork.fork.epoch > epoch) from = std::min(from, fork.next_xid);
  }
  return numbers;
}

}  // namespace

Operation* World::operation_of(AttemptId attempt) {
  for (Operation& operation : operations_) {
    if (!operation.attempts.empty() && operation.attempts.back() == attempt) return &operation;
  }
  return nullptr;
}

// Whether what the server says still reaches the client.
bool World::connected(const Operation& operation) const {
  if (!node_.up || !node_.served || operation.state == State::in_doubt) return false;
  const bool same =
      node_.served->server == operation.server && node_.served->epoch == operation.epoch;
  return same && (!node_.cut || broken(Sabotage::acknowledge_after_fence));
}

void World::clients() {
  if (!node_.up) return;
  const auto open = std::ranges::count_if(
      operations_, [](const Operation& each) { return each.state != State::told; });
  if (!quiet_ && static_cast<std::size_t>(open) < kOpenOperationsMax && random_.chance(500)) {
    operations_.push_back({.id = next_operation_++, .knows_number = random_.chance(700)});
  }
  std::vector<Operation*> waiting;
  for (Operation& each : operations_) {
    if (each.state != State::told) waiting.push_back(&each);
  }
  if (waiting.empty()) return;
  Operation& operation = *waiting[random_.below(waiting.size())];
  if (operation.state == State::waiting) return begin(operation);
  if (operation.state == State::running) return ask(operation);
  if (operation.state == State::in_doubt) return resolve(operation);
}

void World::begin(Operation& operation) {
  if (!node_.place) return;
  Server& server = *find(node_.place->server);
  if (!server.answers() || server.in_recovery || server.read_only) return;
  const bool same = node_.place->starts == server.starts;
  if (!same && !broken(Sabotage::overlook_restarts)) return;
  operation.server = server.id;
  operation.epoch = node_.place->epoch;
  operation.xid = server.next_xid();
  operation.attempts.push_back(AttemptId(next_attempt_++));
  const bool at_once = !operation.knows_number;
  server.backends.push_back({operation.attempts.back(), operation.xid, at_once});
  append(server, {.timeline = server.line().timeline, .xid = operation.xid});
  operation.state = at_once ? State::asked : State::running;
}

void World::ask(Operation& operation) {
  Server& server = *find(operation.server);
  auto backend = std::ranges::find(server.backends, operation.attempts.back(), &Backend::attempt);
  if (!connected(operation) || server.cut_off) return;
  if (!server.up || backend == server.backends.end()) {
    operation.state = State::waiting;  // COMMIT was never sent
    return;
  }
  backend->asked = true;
  operation.state = State::asked;
}

void World::answer(Server& server, const Backend& backend) {
  Operation* operation = operation_of(backend.attempt);
  if (operation == nullptr || operation->state != State::asked || server.cut_off ||
      !connected(*operation)) {
    return;
  }
  operation->state = State::told;
  ++acknowledgements_;
  check([&](Checker& checker) {
    checker.acknowledged(*this, backend.attempt, server.id, operation->epoch);
  });
}

// The connections are gone. Who had not asked to commit is tried again; who has a number waits for
// what became of it; of a single statement nobody can tell.
void World::cut() {
  node_.cut = true;
  if (broken(Sabotage::acknowledge_after_fence)) return;
  for (Operation& operation : operations_) {
    if (operation.state == State::running) operation.state = State::waiting;
    if (operation.state != State::asked) continue;
    const bool again = broken(Sabotage::replay_unresolved);
    if (!operation.knows_number) operation.state = again ? State::waiting : State::told;
    if (operation.knows_number) operation.state = State::in_doubt;
  }
}

void World::resolve(Operation& operation) {
  if (!node_.place) return;
  const control::Record& record = *node_.control.record;
  Server& primary = *find(record.primary);
  const bool same = node_.place->starts == primary.starts;
  if (!primary.answers() || (!same && !broken(Sabotage::overlook_restarts))) return;
  const Numbers numbers = numbers_after(
      engines::postgres::server_history(record.history, record.fork_notes), operation.epoch);
  if (operation.xid < numbers.given_again) {  // a session of its own may still be there
    std::erase_if(primary.backends,
                  [&](const Backend& each) { return each.attempt == operation.attempts.back(); });
  }
  const bool by_number = broken(Sabotage::resolve_by_xid_alone);
  const Xid fork = by_number ? Xid(~std::uint64_t{0}) : numbers.given_again;
  Fate outcome = outcome_of(operation.xid, fork, primary.status(operation.xid));
  const bool doubtful = operation.xid >= numbers.doubtful && !broken(Sabotage::trust_kept_numbers);
  if (outcome == Fate::committed && doubtful) outcome = Fate::unknown;
  // Committed is said when the whole set has it.
  if (outcome == Fate::committed && !satisfied(primary, primary.end())) return;
  if (outcome == Fate::unknown && primary.status(operation.xid) == XactStatus::in_progress) {
    return;  // another transaction has its number now
  }
  ++resolutions_;
  const AttemptId attempt = operation.attempts.back();
  operation.state = outcome == Fate::not_committed ? State::waiting : State::told;
  if (outcome == Fate::committed) {
    check([&](Checker& checker) { checker.told_committed(*this, attempt); });
  } else if (outcome == Fate::not_committed) {
    check([&](Checker& checker) { checker.told_not_committed(*this, attempt); });
  }
}

}  // namespace spar::sim::servers
