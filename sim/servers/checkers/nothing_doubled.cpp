// Promises 3 and 4: what a client wants done once is done once, however often it was tried.
#include "sim/servers/world.h"

namespace spar::sim::servers {
namespace {

class NothingDoubled : public Checker {
 public:
  void acknowledged(World& world, AttemptId, CopyId copy, Epoch) override {
    look(world, world.server(copy));
  }
  void admitted(World& world, CopyId copy, Epoch) override { look(world, world.server(copy)); }

 private:
  static void look(World& world, const Server& server) {
    for (const Operation& operation : world.operations()) {
      if (operation.attempts.size() < 2) continue;
      const auto done = std::ranges::count_if(
          operation.attempts, [&](AttemptId attempt) { return server.holds(attempt); });
      if (done < 2) continue;
      return world.violated("nothing_doubled",
                            "operation " + std::to_string(operation.id) + " is on server " +
                                std::to_string(server.id.value) + " more than once");
    }
  }
};

}  // namespace

std::unique_ptr<Checker> nothing_doubled() {
  return std::make_unique<NothingDoubled>();
}

}  // namespace spar::sim::servers
