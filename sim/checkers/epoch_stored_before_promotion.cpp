// Promise 1: an epoch and its primary stand in the stored record before the copy is promoted.
#include "sim/world.h"

namespace spar::sim {
namespace {

class EpochStoredBeforePromotion : public Checker {
 public:
  void promoted(World& world, CopyId copy, Epoch epoch) override {
    if (world.was_stored(epoch, copy)) return;
    world.violated("epoch_stored_before_promotion",
                   "copy " + std::to_string(copy.value) + " is promoted for epoch " +
                       std::to_string(epoch.value) + ", which no record names");
  }
};

}  // namespace

std::unique_ptr<Checker> epoch_stored_before_promotion() {
  return std::make_unique<EpochStoredBeforePromotion>();
}

}  // namespace spar::sim
