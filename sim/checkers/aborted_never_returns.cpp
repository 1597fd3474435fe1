// Promise 3: a commit whose client was told that it did not happen is on no later primary.
#include <set>

#include "sim/world.h"

namespace spar::sim {
namespace {

class AbortedNeverReturns : public Checker {
 public:
  void aborted(World&, std::uint64_t transaction) override { aborted_.insert(transaction); }

  void admitted(World& world, CopyId copy, Epoch) override {
    for (const Transaction& transaction :
         std::ranges::find(world.copies(), copy, &Copy::id)->directory.log) {
      if (!aborted_.contains(transaction.id)) continue;
      return world.violated("aborted_never_returns",
                            "transaction " + std::to_string(transaction.id) + " is back on copy " +
                                std::to_string(copy.value));
    }
  }

 private:
  std::set<std::uint64_t> aborted_;
};

}  // namespace

std::unique_ptr<Checker> aborted_never_returns() {
  return std::make_unique<AbortedNeverReturns>();
}

}  // namespace spar::sim
