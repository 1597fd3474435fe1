// Faults end, everything is put right, and the cluster has to be well again by itself.
#include "sim/servers/world.h"

namespace spar::sim::servers {

namespace {
constexpr std::size_t kMovesToConverge = 16000;
constexpr std::size_t kMovesBeforeOperator = 2500;
}  // namespace

std::string World::missing_for_convergence() const {
  const control::State& state = node_.control;
  if (state.stage != control::Stage::settled) {
    return "stage is " + std::string(to_string(state.stage));
  }
  const control::Record& record = *state.record;
  if (state.record != stored_ || record.paused) return "the record is another one";
  std::size_t others = 0;
  for (const control::Member& member : record.members) {
    others += member.may_be_primary && member.id != record.primary ? 1 : 0;
  }
  if (record.synchronous.size() != std::min<std::size_t>(record.mirrors, others)) {
    return "mirrors missing";
  }
  if (state.asked != record.synchronous || !state.asked_done) return "set not confirmed";
  for (const control::CopyView& copy : state.copies) {
    const bool primary = copy.id == record.primary;
    if (copy.health != control::Health::serving || (!primary && !copy.caught_up)) {
      return "copy " + std::to_string(copy.id.value) + " does not follow";
    }
  }
  if (holds_commits(record)) return {};
  for (const Operation& operation : operations_) {
    if (operation.state != Operation::State::told) {
      return "operation " + std::to_string(operation.id) + " has no answer, state " +
             std::to_string(static_cast<int>(operation.state));
    }
  }
  return {};
}

// One that the record names and that holds all that was acknowledged is enough.
void World::heal_operator() {
  if (node_.control.stage != control::Stage::waiting) return;
  for (const Server& server : servers_) {
    if (!is_elector(server.id) || !server.there || server.damaged) continue;
    return violated("convergence", "waits, although server " + std::to_string(server.id.value) +
                                       " is there: " + to_string(node_.control));
  }
}

void World::heal() {
  say("== healing");
  faults_ = false;
  apart_.clear();
  for (Server& server : servers_) {
    server.cut_off = server.frozen = false;
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
    if (i % 50 == 0 && missing_for_convergence().empty()) return;
  }
  if (!failure_.empty()) return;
  // Every server that may be primary is gone: that is not the machine's to mend.
  const bool hopeless = std::ranges::none_of(servers_, [&](const Server& server) {
    return server.there && !server.damaged && find_member(*stored_, server.id)->may_be_primary &&
           is_elector(server.id);
  });
  if (hopeless) return;
  violated("convergence", missing_for_convergence() + "; " + to_string(node_.control));
}

}  // namespace spar::sim::servers
