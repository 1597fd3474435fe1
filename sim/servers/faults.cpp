// What goes wrong in a world of servers, and what its operator does.
#include "sim/servers/world.h"

namespace spar::sim::servers {

void World::fault_of_network() {
  Server& server = any();
  const Server& other = any();
  if (random_.chance(500)) {
    server.cut_off = true;
    return say("-- server " + std::to_string(server.id.value) + " is cut off from Spar");
  }
  if (server.id == other.id) return;
  apart_.insert(std::minmax(server.id, other.id));
  say("-- servers " + std::to_string(server.id.value) + " and " + std::to_string(other.id.value) +
      " are apart");
}

void World::repair() {
  Server& server = any();
  const std::string name = "server " + std::to_string(server.id.value);
  if (random_.chance(500)) apart_.clear();
  if (server.cut_off || server.frozen) say("-- " + name + " is itself again");
  server.cut_off = server.frozen = false;
  if (!server.there || server.up || server.damaged || random_.chance(500)) return;
  say("-- " + name + " is started");  // by somebody else, as whatever it was
  start_processes(server);
}

void World::operator_command() {
  if (!node_.up) return;
  control::Command command;
  const CopyId copy = any().id;
  switch (random_.below(7)) {
    case 0:
    case 1:
    case 2:
      command = control::Switchover{random_.chance(500) ? CopyId{} : copy};
      break;
    case 3:
      command = control::Failover{random_.chance(500) ? CopyId{} : copy, false};
      break;
    case 4:
      if (!random_.chance(100)) return;
      command = control::Failover{copy, true};
      check([&](Checker& checker) { checker.loss_accepted(*this, copy); });
      break;
    case 5:
      command = control::Pause{};
      break;
    default:
      command = control::Resume{};
  }
  say("-- operator: " + std::string(name_of(command)));
  tell(control::OperatorAsked{next_request_++, command});
}

void World::fault() {
  if (!node_.up) return start_node();
  Server& server = any();
  const std::string name = "server " + std::to_string(server.id.value);
  const std::size_t dice = random_.below(100);
  if (dice < 8) {
    say("-- " + name + " ends");
    end_processes(server);
  } else if (dice < 14) {
    say("-- " + name + " is frozen");
    server.frozen = server.up;
  } else if (dice < 40) {
    repair();
  } else if (dice < 54 && node_.place) {
    Server& primary = *find(node_.place->server);
    say("-- the primary, server " + std::to_string(primary.id.value) + ", goes");
    if (random_.chance(400)) {
      end_processes(primary);
    } else if (random_.chance(500)) {
      primary.frozen = primary.up;
    } else {
      primary.cut_off = true;
    }
  } else if (dice < 68) {
    fault_of_network();
  } else if (dice < 70) {
    // More than one loss at a time is not survived: not the last one that holds everything.
    if (is_elector(server.id) || server.id == node_.control.takeover.target) return;
    say("-- " + name + " is lost");
    end_processes(server);
    server.there = server.damaged = server.standby = false;
    server.log.clear();
    server.durable = 0;
    server.upstream.reset();
  } else if (dice < 78) {
    stop_node();
  } else {
    operator_command();
  }
}

}  // namespace spar::sim::servers
