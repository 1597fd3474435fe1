// Promise 1: in each epoch, one copy at most ever takes a write.
#include <map>

#include "sim/world.h"

namespace spar::sim {
namespace {

class OneWriterPerEpoch : public Checker {
 public:
  void admitted(World& world, CopyId copy, Epoch epoch) override { writes(world, copy, epoch); }
  void appended(World& world, CopyId copy, const Transaction& transaction) override {
    writes(world, copy, transaction.epoch);
  }

 private:
  void writes(World& world, CopyId copy, Epoch epoch) {
    auto [place, first] = writers_.try_emplace(epoch, copy);
    if (place->second == copy) return;
    world.violated("one_writer_per_epoch",
                   "epoch " + std::to_string(epoch.value) + " has writers " +
                       std::to_string(place->second.value) + " and " + std::to_string(copy.value));
  }
  std::map<Epoch, CopyId> writers_;
};

}  // namespace

std::unique_ptr<Checker> one_writer_per_epoch() {
  return std::make_unique<OneWriterPerEpoch>();
}

}  // namespace spar::sim
