// After everything was healed: one primary, as many mirrors as asked for, all members caught up.
#include "sim/world.h"

namespace spar::sim {
namespace {

std::size_t mirrors_possible(const control::Record& record) {
  auto eligible = std::ranges::count_if(record.members, &control::Member::may_be_primary);
  const bool primary_counts = find_member(record, record.primary)->may_be_primary;
  auto others = static_cast<std::size_t>(eligible) - (primary_counts ? 1 : 0);
  if (record.durability == control::Durability::async) return 0;
  return std::min<std::size_t>(record.mirrors, others);
}

}  // namespace

std::string missing_for_convergence(const World& world) {
  const control::State& state = world.node().control;
  if (state.stage != control::Stage::settled) {
    return "stage is " + std::string(to_string(state.stage));
  }
  if (state.record != world.stored() || state.record->paused) return "the record is another one";
  if (state.record->synchronous.size() != mirrors_possible(*state.record)) return "mirrors missing";
  if (state.asked != state.record->synchronous || !state.asked_done) return "set not confirmed";
  for (const control::CopyView& copy : state.copies) {
    const bool primary = copy.id == state.record->primary;
    if (copy.health != control::Health::serving || (!primary && !copy.caught_up)) {
      return "copy " + std::to_string(copy.id.value) + " does not follow";
    }
  }
  return {};
}

std::vector<std::unique_ptr<Checker>> all_checkers() {
  std::vector<std::unique_ptr<Checker>> checkers;
  checkers.push_back(epoch_stored_before_promotion());
  checkers.push_back(one_writer_per_epoch());
  checkers.push_back(foreign_never_serves());
  checkers.push_back(diverged_never_serves());
  checkers.push_back(aborted_never_returns());
  checkers.push_back(acked_never_lost());
  return checkers;
}

}  // namespace spar::sim
