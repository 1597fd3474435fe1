// What Spar sees of the servers (server/postgres/server_watch.cpp), lies included.
#include "sim/servers/world.h"

namespace spar::sim::servers {

using control::Observed;

namespace {
constexpr std::uint64_t kCaughtUpBytes = 200;
}  // namespace

void World::tell_lost(Server& server, const std::string& text) {
  Node::Seen& seen = node_.seen[server.id];
  if (seen.busy || seen.told_lost) return;
  seen.told_lost = true;
  seen.near = false;
  const control::Record& record = *node_.control.record;
  if (seen.line) {
    seen.position = engines::postgres::place(*seen.line, engines::postgres::server_history(
                                                             record.history, record.fork_notes))
                        .position;
  }
  tell(Observed{server.id,
                Observed::Kind::failed,
                "probe",
                text,
                seen.position,
                {},
                control::newest_fork(record)});
}

void World::watch(Server& server) {
  if (!node_.control.record) return;
  const control::Record& record = *node_.control.record;
  if (node_.to_end.contains(server.id) && !server.cut_off && random_.chance(400)) {
    node_.to_end.erase(server.id);
    const bool elected_again = node_.place && record.primary == server.id;
    if (node_.drained != server.id && !elected_again && random_.chance(700)) {
      say("   its agent ends server " + std::to_string(server.id.value));
      end_processes(server);
    }
  }
  if (!server.answers()) return tell_lost(server, "it does not answer");
  const bool again =
      node_.place && node_.place->server == server.id && node_.place->starts != server.starts;
  if (again && !broken(Sabotage::overlook_restarts)) {
    node_.seen[server.id].told_lost = false;
    return tell_lost(server, "it was started again");
  }
  if (faults_ && random_.chance(10)) return tell_lost(server, "a witness that is wrong");
  do_late(server);
  if (server.is_primary() && record.primary != server.id) {
    server.read_only = true;
    server.backends.clear();
    return;
  }
  Node::Seen& seen = node_.seen[server.id];
  if (seen.busy) return;
  seen.told_lost = false;
  const Position at = place(server, record).position;
  const Server& primary = *find(record.primary);
  bool near = server.in_recovery && streams(primary, server) &&
              at.epoch == place(primary, record).position.epoch &&
              at.sequence.value + kCaughtUpBytes >= primary.end().value;
  if (broken(Sabotage::hide_catching_up)) near = false;
  const bool moved = at != seen.position;
  if (near == seen.near && !moved) return;
  const auto kind = near == seen.near ? Observed::Kind::progress
                    : near            ? Observed::Kind::caught_up
                                      : Observed::Kind::lagging;
  seen.near = near;
  seen.position = at;
  seen.line = server.line();
  tell(Observed{server.id, kind, "replication", "", at, {}, control::newest_fork(record)});
}

}  // namespace spar::sim::servers
