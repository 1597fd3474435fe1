// Promise 6, and I4 of control/step.h: a server whose rewind did not come to its end is not started
// (World::start_processes tells of it), and none that the stored record names is rewound.
#include "sim/servers/world.h"

namespace spar::sim::servers {
namespace {

class DamagedNeverStarts : public Checker {
 public:
  void moved(World& world) override {
    for (const Server& server : world.servers()) {
      if (!server.damaged || !world.is_elector(server.id)) continue;
      world.violated("damaged_never_starts", "server " + std::to_string(server.id.value) +
                                                 " is rewound, and the record names it");
    }
  }
};

}  // namespace

std::unique_ptr<Checker> damaged_never_starts() {
  return std::make_unique<DamagedNeverStarts>();
}

std::vector<std::unique_ptr<Checker>> all_checkers() {
  std::vector<std::unique_ptr<Checker>> checkers;
  checkers.push_back(epoch_stored_before_promotion());
  checkers.push_back(one_primary_acknowledges());
  checkers.push_back(diverged_never_serves());
  checkers.push_back(damaged_never_starts());
  checkers.push_back(answers_are_true());
  checkers.push_back(nothing_doubled());
  checkers.push_back(acked_never_lost());
  return checkers;
}

}  // namespace spar::sim::servers
