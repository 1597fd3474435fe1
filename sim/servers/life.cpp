// What servers do by themselves, whether Spar sees them or not.
#include "sim/servers/world.h"

namespace spar::sim::servers {

using engines::postgres::ServerLine;

namespace {

// Where `line` ended on `timeline`.
std::optional<Lsn> end_on(const ServerLine& line, TimelineId timeline) {
  if (line.timeline == timeline) return line.end;
  for (const auto& left : line.switches) {
    if (left.timeline == timeline) return left.at;
  }
  return std::nullopt;
}

}  // namespace

// Keeps the record's id and end when it has them already.
void World::append(Server& server, LogRecord record) {
  const LogRecord before = server.log.empty() ? LogRecord{} : server.log.back();
  if (record.id == 0) {
    record.id = next_record_++;
    record.end = Lsn(before.end.value + random_.between(1, 40));
  }
  record.chain = (before.chain ^ record.id) * 0x9e3779b97f4a7c15u + 1;
  server.log.push_back(record);
}

// Whether `to` receives from `from`: as far as bytes and timelines tell, and no further.
bool World::streams(const Server& from, const Server& to) const {
  if (!from.up || from.frozen || !to.up || to.frozen || !to.in_recovery) return false;
  if (to.upstream != from.id || !linked(from.id, to.id)) return false;
  const ServerLine mine = to.line();
  const auto end = end_on(from.line(), mine.timeline);
  return end && *end >= mine.end;
}

void World::stream(Server& server) {
  if (!server.upstream) return;
  const Server& from = *find(*server.upstream);
  if (!streams(from, server)) return;
  server.log.resize(server.durable);
  auto next = std::ranges::upper_bound(from.log.begin(),
                                       from.log.begin() + static_cast<std::ptrdiff_t>(from.durable),
                                       server.end(), {}, &LogRecord::end);
  const auto last = from.log.begin() + static_cast<std::ptrdiff_t>(from.durable);
  for (std::size_t n = random_.between(1, 8); n > 0 && next != last; --n) append(server, *next++);
  if (random_.chance(800)) server.durable = server.log.size();
}

// One step of a primary.
void World::work(Server& server) {
  const TimelineId timeline = server.line().timeline;
  const std::size_t dice = random_.below(10);
  if (dice < 2) {  // a checkpoint, a snapshot of what runs
    append(server, {.timeline = timeline});
    server.durable = server.log.size();
  } else if (dice < 3 && !server.read_only && !server.restarted_at) {
    // Autovacuum, and whoever comes without Spar.
    append(server, {.timeline = timeline, .xid = server.next_xid(), .ends = true, .commit = true});
    server.durable = server.log.size();
  } else if (!server.backends.empty()) {
    Backend& backend = server.backends[random_.below(server.backends.size())];
    const Operation* operation = operation_of(backend.attempt);
    const bool abandoned = operation == nullptr || operation->state == Operation::State::waiting ||
                           operation->state == Operation::State::told;
    if (!backend.asked && abandoned) {  // its connection is closed
      append(server, {.timeline = timeline, .xid = backend.xid, .ends = true});
      std::erase_if(server.backends,
                    [xid = backend.xid](const Backend& each) { return each.xid == xid; });
    } else if (backend.asked && backend.committed == 0) {
      append(server, {.timeline = timeline,
                      .xid = backend.xid,
                      .attempt = backend.attempt,
                      .ends = true,
                      .commit = true});
      server.durable = backend.committed = server.log.size();
    } else if (backend.committed > 0 && !server.cut_off &&  // else it says so again
               satisfied(server, end_of(server.log, backend.committed))) {
      const Backend finished = backend;
      std::erase_if(server.backends,
                    [&](const Backend& each) { return each.attempt == finished.attempt; });
      answer(server, finished);
    }
  }
}

// Every one of the set says that it has flushed so much.
bool World::satisfied(const Server& primary, Lsn lsn) const {
  if (primary.waiting.nobody) return false;
  return std::ranges::all_of(primary.waiting.names, [&](CopyId name) {
    const Server* mirror = find(name);
    return mirror != nullptr && streams(primary, *mirror) && mirror->end() >= lsn;
  });
}

void World::end_processes(Server& server) {
  if (!server.up) return;
  server.up = server.frozen = false;
  server.backends.clear();
  server.late.clear();
  server.log.resize(random_.between(server.durable, server.log.size()));
  server.durable = server.log.size();
}

void World::start_processes(Server& server) {
  server.up = true;
  server.frozen = false;
  server.in_recovery = server.standby;
  ++server.starts;
  if (!server.standby && !server.restarted_at) server.restarted_at = server.next_xid();
  if (server.damaged) {
    violated("damaged_never_starts", "server " + std::to_string(server.id.value));
  }
}

// False when it may not.
bool World::start(Server& server, bool may_be_primary) {
  if (server.damaged && !broken(Sabotage::start_after_failed_rewind)) return false;
  if (!server.standby && !may_be_primary) return false;
  start_processes(server);
  return true;
}

void World::become_primary(Server& server, TimelineId timeline) {
  if (!server.in_recovery) return;
  server.durable = server.log.size();
  server.promoted_at[timeline] = server.ended_xid();
  server.in_recovery = server.standby = false;
  server.upstream.reset();
  server.restarted_at.reset();
  append(server, {.timeline = timeline});
  server.durable = server.log.size();
  ++promotions_;
  say("   server " + std::to_string(server.id.value) + " is primary on timeline " +
      std::to_string(timeline.value));
  check([&](Checker& checker) { checker.promoted(*this, server.id, timeline); });
}

// A1: in order, and all of them before anything new.
void World::do_late(Server& server) {
  while (!server.late.empty()) {
    Late late = server.late.front();
    server.late.pop_front();
    say("   late, on server " + std::to_string(server.id.value));
    if (late.waiting) server.waiting = *late.waiting;
    if (late.promote != TimelineId{}) become_primary(server, late.promote);
  }
}

void World::live() {
  Server& server = any();
  if (!server.up || server.frozen) return;
  if (!server.late.empty() && random_.chance(300)) return do_late(server);
  if (server.in_recovery) return stream(server);
  if (!quiet_ || !server.backends.empty()) work(server);
}

}  // namespace spar::sim::servers
