// Promise 6: what follows the admitted primary holds a part of its log, byte for byte.
#include "sim/servers/world.h"

namespace spar::sim::servers {
namespace {

class DivergedNeverServes : public Checker {
 public:
  void moved(World& world) override {
    const Node& node = world.node();
    if (!node.up || !node.place) return;
    const Server& primary = world.server(node.place->server);
    for (const Server& server : world.servers()) {
      if (server.upstream != primary.id || agree(primary.log, server.log)) continue;
      if (!world.streams(primary, server)) continue;
      world.violated("diverged_never_serves",
                     "server " + std::to_string(server.id.value) + " follows server " +
                         std::to_string(primary.id.value) + " on a log of its own");
    }
  }
};

}  // namespace

std::unique_ptr<Checker> diverged_never_serves() {
  return std::make_unique<DivergedNeverServes>();
}

}  // namespace spar::sim::servers
