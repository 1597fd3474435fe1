// sim/checkers/checker.h: a promise, watched while a world runs.
//
// Contract    The world calls these as things happen; a checker that sees its promise broken calls
//             World::violated(). Checkers look at the truth (the directories), not at what the
//             control machine believes.
// Threads     One world, one thread.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "sim/model.h"

namespace spar::sim {

class World;

class Checker {
 public:
  virtual ~Checker() = default;
  virtual void promoted(World&, CopyId, Epoch) {}
  virtual void admitted(World&, CopyId, Epoch) {}
  virtual void appended(World&, CopyId, const Transaction&) {}
  virtual void acknowledged(World&, const Acknowledged&) {}
  virtual void aborted(World&, std::uint64_t /*transaction*/) {}  // the client was told so
  virtual void loss_accepted(World&, CopyId) {}
  virtual void moved(World&) {}  // after every move of the world
};

std::unique_ptr<Checker> one_writer_per_epoch();
std::unique_ptr<Checker> acked_never_lost();
std::unique_ptr<Checker> aborted_never_returns();
std::unique_ptr<Checker> epoch_stored_before_promotion();
std::unique_ptr<Checker> foreign_never_serves();
std::unique_ptr<Checker> diverged_never_serves();
std::vector<std::unique_ptr<Checker>> all_checkers();

// After everything was healed: what is still missing until the cluster is well; empty when nothing.
std::string missing_for_convergence(const World& world);

}  // namespace spar::sim
