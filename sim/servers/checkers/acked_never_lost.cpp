// Promise 2: a primary that is admitted holds every commit that a client was told of, by its answer
// or by a resolution, unless the operator accepted to lose some by promoting this very server. And so
// that this can be kept whatever fails next: nothing is acknowledged that a server named by the
// stored record does not hold.
#include "sim/servers/world.h"

namespace spar::sim::servers {
namespace {

class AckedNeverLost : public Checker {
 public:
  void acknowledged(World& world, AttemptId attempt, CopyId, Epoch) override {
    told_committed(world, attempt);
  }
  void told_committed(World& world, AttemptId attempt) override {
    acked_.push_back(attempt);
    for (const Server& server : world.servers()) {
      if (!world.is_elector(server.id) || server.holds(attempt)) continue;
      world.violated("acked_never_lost", "attempt " + std::to_string(attempt.value) +
                                             " is acknowledged without server " +
                                             std::to_string(server.id.value));
    }
  }
  void loss_accepted(World&, CopyId copy) override { accepted_ = copy; }
  void admitted(World& world, CopyId copy, Epoch epoch) override {
    const Server& server = world.server(copy);
    auto lost = [&](AttemptId attempt) { return !server.holds(attempt); };
    if (std::exchange(accepted_, CopyId{}) == copy) std::erase_if(acked_, lost);
    const auto first = std::ranges::find_if(acked_, lost);
    if (first == acked_.end()) return;
    world.violated("acked_never_lost", "attempt " + std::to_string(first->value) +
                                           " is not on server " + std::to_string(copy.value) +
                                           ", primary of epoch " + std::to_string(epoch.value));
  }

 private:
  std::vector<AttemptId> acked_;
  CopyId accepted_;
};

}  // namespace

std::unique_ptr<Checker> acked_never_lost() {
  return std::make_unique<AckedNeverLost>();
}

}  // namespace spar::sim::servers
