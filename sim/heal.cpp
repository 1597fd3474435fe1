// Faults end, everything is put right, and the cluster has to be well again by itself.
#include "sim/world.h"

namespace spar::sim {

namespace {
constexpr std::size_t kMovesToConverge = 6000;
constexpr std::size_t kMovesBeforeOperator = 1500;
}  // namespace

void World::heal_copies() {
  for (Copy& copy : copies_) {
    const bool foreign =
        copy.directory.whole &&
        (copy.directory.cluster != cluster_ || copy.directory.incarnation != stored_->incarnation);
    copy.disk_dead = false;
    copy.directory.there = true;
    if (foreign) {
      observe_failure(copy, "emptied by the operator");
      copy.directory = Directory{};
    }
  }
}

// A copy that the record names and that holds all that was acknowledged is enough; only where none
// is left may the operator have to give something up.
void World::heal_operator() {
  if (node_.control.stage != control::Stage::waiting) return;
  const Copy* best = nullptr;
  for (const Copy& copy : copies_) {
    const bool holds_all = copy.directory.whole && !copy.rolled_back &&
                           !diverged(*stored_, copy.directory.position()) &&
                           std::ranges::all_of(acknowledged_, [&](const Acknowledged& acked) {
                             return copy.directory.holds(acked.id, acked.sequence);
                           });
    if (holds_all && is_elector(copy.id)) {
      return violated("convergence", "waits, although copy " + std::to_string(copy.id.value) +
                                         " holds everything: " + to_string(node_.control));
    }
    const bool usable =
        control::usable(node_.control, copy.id) && find_member(*stored_, copy.id)->may_be_primary;
    if (usable && (best == nullptr || copy.directory.log.size() > best->directory.log.size())) {
      best = &copy;
    }
  }
  if (best == nullptr) return;
  say("-- operator accepts loss: copy " + std::to_string(best->id.value));
  check([&](Checker& checker) { checker.loss_accepted(*this, best->id); });
  tell(control::OperatorAsked{next_request_++, control::Failover{best->id, true}});
}

void World::heal() {
  say("== healing");
  faulty_ = false;
  heal_copies();
  if (newest_) {
    stored_ = newest_;
    newest_.reset();
    stop_node(false);
  }
  if (!node_.up) start_node();
  tell(control::OperatorAsked{next_request_++, control::Resume{}});
  for (std::size_t i = 1; i <= kMovesToConverge && failure_.empty(); ++i) {
    quiet_ = i > kMovesToConverge / 2;
    move();
    if (i % 500 == 0 && stored_->paused) {
      tell(control::OperatorAsked{next_request_++, control::Resume{}});
    }
    if (i % kMovesBeforeOperator == 0) heal_operator();
    if (i % 50 == 0 && missing_for_convergence(*this).empty()) return;
  }
  if (!failure_.empty()) return;
  // Every copy that may be primary lost what it held: that is not the machine's to mend.
  const bool hopeless = std::ranges::none_of(copies_, [&](const Copy& copy) {
    return control::usable(node_.control, copy.id) &&
           find_member(*stored_, copy.id)->may_be_primary;
  });
  if (hopeless) return;
  violated("convergence", missing_for_convergence(*this) + "; " + to_string(node_.control));
}

}  // namespace spar::sim
