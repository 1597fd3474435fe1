// Promise 1: in each epoch one server acknowledges, on the timeline of that epoch's fork, and none
// of an epoch before once another was admitted.
#include <map>

#include "engines/postgres/timeline.h"
#include "sim/servers/world.h"

namespace spar::sim::servers {
namespace {

class OnePrimaryAcknowledges : public Checker {
 public:
  void admitted(World&, CopyId, Epoch epoch) override { newest_ = std::max(newest_, epoch); }
  void acknowledged(World& world, AttemptId attempt, CopyId copy, Epoch epoch) override {
    const auto [place, first] = by_.try_emplace(epoch, copy);
    if (place->second != copy || epoch < newest_) {
      world.violated("one_primary_acknowledges",
                     "server " + std::to_string(copy.value) + " acknowledges in epoch " +
                         std::to_string(epoch.value) + ", where server " +
                         std::to_string(place->second.value) + " did; admitted is " +
                         std::to_string(newest_.value));
    }
    const control::Record& record = *world.stored();
    for (const auto& fork : engines::postgres::server_history(record.history, record.fork_notes)) {
      if (fork.fork.epoch == epoch) look_at_timeline(world, attempt, copy, fork.timeline);
    }
  }

 private:
  static void look_at_timeline(World& world, AttemptId attempt, CopyId copy, TimelineId timeline) {
    for (const LogRecord& record : world.server(copy).log) {
      if (record.attempt != attempt || !record.commit || record.timeline == timeline) continue;
      world.violated("one_primary_acknowledges", "attempt " + std::to_string(attempt.value) +
                                                     " is on timeline " +
                                                     std::to_string(record.timeline.value));
    }
  }
  std::map<Epoch, CopyId> by_;
  Epoch newest_;
};

}  // namespace

std::unique_ptr<Checker> one_primary_acknowledges() {
  return std::make_unique<OnePrimaryAcknowledges>();
}

}  // namespace spar::sim::servers
