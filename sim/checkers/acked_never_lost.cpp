// Promise 2: a primary that accepts writes holds every acknowledged transaction, in its place,
// unless the operator accepted to lose some by promoting this very copy. And so that this can be
// kept whatever fails next: nothing is acknowledged that a copy named by the stored record does not
// hold.
#include "sim/world.h"

namespace spar::sim {
namespace {

class AckedNeverLost : public Checker {
 public:
  void acknowledged(World& world, const Acknowledged& acked) override {
    acked_.push_back(acked);
    for (const Copy& copy : world.copies()) {
      const bool holds = copy.directory.holds(acked.id, acked.sequence) &&
                         copy.directory.durable >= acked.sequence.value;
      if (holds || !world.is_elector(copy.id)) continue;
      world.violated("acked_never_lost", "transaction " + std::to_string(acked.id) +
                                             " is acknowledged without copy " +
                                             std::to_string(copy.id.value));
    }
  }
  void loss_accepted(World&, CopyId copy) override { accepted_ = copy; }

  void admitted(World& world, CopyId copy, Epoch epoch) override {
    const Directory& directory = std::ranges::find(world.copies(), copy, &Copy::id)->directory;
    const bool excused = accepted_ == copy;
    accepted_ = CopyId{};
    auto lost = [&](const Acknowledged& acked) {
      return !directory.holds(acked.id, acked.sequence);
    };
    if (excused) std::erase_if(acked_, lost);
    auto first = std::ranges::find_if(acked_, lost);
    if (first == acked_.end()) return;
    world.violated("acked_never_lost", "transaction " + std::to_string(first->id) + " at " +
                                           std::to_string(first->sequence.value) +
                                           " is not on copy " + std::to_string(copy.value) +
                                           ", primary of epoch " + std::to_string(epoch.value));
  }

 private:
  std::vector<Acknowledged> acked_;
  CopyId accepted_;
};

}  // namespace

std::unique_ptr<Checker> acked_never_lost() {
  return std::make_unique<AckedNeverLost>();
}

}  // namespace spar::sim
