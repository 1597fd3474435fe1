// Promise 6: while a primary accepts writes, every copy that follows it holds a prefix of its log.
#include "sim/world.h"

namespace spar::sim {
namespace {

class DivergedNeverServes : public Checker {
 public:
  void moved(World& world) override {
    const Node& node = world.node();
    if (!node.up || !node.admitted || !node.writer) return;
    const Copy& writer = *std::ranges::find(world.copies(), *node.writer, &Copy::id);
    if (!writer.in_use) return;
    const TransactionLog& log = writer.directory.log;
    for (const Copy& copy : world.copies()) {
      const TransactionLog& other = copy.directory.log;
      if (!copy.in_use || copy.following != node.epoch) continue;
      if (other.size() <= log.size() && agree(log, other)) continue;
      world.violated("diverged_never_serves", "copy " + std::to_string(copy.id.value));
    }
  }
};

}  // namespace

std::unique_ptr<Checker> diverged_never_serves() {
  return std::make_unique<DivergedNeverServes>();
}

}  // namespace spar::sim
