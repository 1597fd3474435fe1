// sim/servers/checkers/checker.h: a promise, watched while a world of servers runs.
//
// Contract    The world calls these as things happen; a checker that sees its promise broken calls
//             World::violated(). Checkers look at the truth, not at what anyone believes.
// Threads     One world, one thread.
#pragma once

#include <memory>
#include <vector>

#include "sim/servers/model.h"

namespace spar::sim::servers {

class World;

class Checker {
 public:
  virtual ~Checker() = default;
  virtual void promoted(World&, CopyId, TimelineId) {}
  virtual void admitted(World&, CopyId, Epoch) {}
  // By whom, and in which epoch the client's connection was made.
  virtual void acknowledged(World&, AttemptId, CopyId, Epoch) {}
  virtual void told_committed(World&, AttemptId) {}  // by resolution
  virtual void told_not_committed(World&, AttemptId) {}
  virtual void loss_accepted(World&, CopyId) {}
  virtual void moved(World&) {}
};

std::unique_ptr<Checker> epoch_stored_before_promotion();
std::unique_ptr<Checker> one_primary_acknowledges();
std::unique_ptr<Checker> acked_never_lost();
std::unique_ptr<Checker> answers_are_true();
std::unique_ptr<Checker> nothing_doubled();
std::unique_ptr<Checker> diverged_never_serves();
std::unique_ptr<Checker> damaged_never_starts();
std::vector<std::unique_ptr<Checker>> all_checkers();

}  // namespace spar::sim::servers
