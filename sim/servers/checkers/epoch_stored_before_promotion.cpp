// Promise 1: an epoch and its primary stand in the stored record before the server becomes primary
// on that epoch's timeline, however late it does.
#include "sim/servers/world.h"

namespace spar::sim::servers {
namespace {

class EpochStoredBeforePromotion : public Checker {
 public:
  void promoted(World& world, CopyId copy, TimelineId timeline) override {
    if (world.was_stored(Epoch(timeline.value), copy)) return;
    world.violated("epoch_stored_before_promotion",
                   "server " + std::to_string(copy.value) + " is primary on timeline " +
                       std::to_string(timeline.value) + ", whose epoch no record gave it");
  }
};

}  // namespace

std::unique_ptr<Checker> epoch_stored_before_promotion() {
  return std::make_unique<EpochStoredBeforePromotion>();
}

}  // namespace spar::sim::servers
