// Promise 3: what a resolution says of a transaction is so, then and on every later primary.
#include <set>

#include "sim/servers/world.h"

namespace spar::sim::servers {
namespace {

class AnswersAreTrue : public Checker {
 public:
  void told_committed(World& world, AttemptId attempt) override {
    if (world.server(world.stored()->primary).holds(attempt)) return;
    world.violated("answers_are_true",
                   "attempt " + std::to_string(attempt.value) + " is said to be committed");
  }
  void told_not_committed(World& world, AttemptId attempt) override {
    gone_.insert(attempt);
    look(world, world.server(world.stored()->primary));
  }
  void admitted(World& world, CopyId copy, Epoch) override { look(world, world.server(copy)); }

 private:
  void look(World& world, const Server& server) {
    for (const LogRecord& record : server.log) {
      if (!record.commit || !gone_.contains(record.attempt)) continue;
      return world.violated("answers_are_true", "attempt " + std::to_string(record.attempt.value) +
                                                    " was said not to be committed");
    }
  }
  std::set<AttemptId> gone_;
};

}  // namespace

std::unique_ptr<Checker> answers_are_true() {
  return std::make_unique<AnswersAreTrue>();
}

}  // namespace spar::sim::servers
