// A copy of another cluster, or of another incarnation, is never in use.
#include "sim/world.h"

namespace spar::sim {
namespace {

class ForeignNeverServes : public Checker {
 public:
  void moved(World& world) override {
    for (const Copy& copy : world.copies()) {
      const Directory& directory = copy.directory;
      const bool ours = directory.cluster == world.cluster() &&
                        directory.incarnation == world.stored()->incarnation;
      if (!copy.in_use || !directory.whole || ours) continue;
      world.violated("foreign_never_serves", "copy " + std::to_string(copy.id.value));
    }
  }
};

}  // namespace

std::unique_ptr<Checker> foreign_never_serves() {
  return std::make_unique<ForeignNeverServes>();
}

}  // namespace spar::sim
