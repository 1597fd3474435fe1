#include "control/election.h"

#include <algorithm>
#include <tuple>

#include "base/mutant.h"

namespace spar::control {
namespace {

bool is_elector(const Record& record, CopyId copy) {
  return copy == record.primary || contains(record.synchronous, copy);
}

// Most received first; then the copy that has failed least, then the primary, then by number.
bool better(const State& state, const CopyView& a, const CopyView& b) {
  auto rank = [&](const CopyView& copy) {
    return std::tuple(~shared_sequence(state, copy).value, copy.failures,
                      copy.id != state.record->primary, copy.id);
  };
  return rank(a) < rank(b);
}

template <class Allowed>
std::optional<CopyId> best(const State& state, Allowed allowed) {
  const CopyView* chosen = nullptr;
  for (const CopyView& copy : state.copies) {
    if (!usable(copy) || !allowed(copy)) continue;
    if (chosen == nullptr || better(state, copy, *chosen)) chosen = &copy;
  }
  return chosen == nullptr ? std::nullopt : std::optional(chosen->id);
}

bool may_be_primary(const Record& record, CopyId copy) {
  const Member* member = find_member(record, copy);
  return member != nullptr && member->may_be_primary;
}

}  // namespace

Sequence shared_sequence(const State& state, const CopyView& copy) {
  return common_prefix(copy.received, state.record->history);
}

bool record_is_old(const State& state) {
  if (state.settled_once || mutant(Mutant::promote_from_old_record)) return false;
  return state.newest_told > state.record->epoch;
}

std::optional<CopyId> elect(const State& state) {
  const Record& record = *state.record;
  if (record_is_old(state)) return std::nullopt;
  return best(state, [&](const CopyView& copy) {
    return record.paused ? copy.id == record.primary : is_elector(record, copy.id);
  });
}

std::optional<CopyId> best_successor(const State& state, bool any) {
  const Record& record = *state.record;
  return best(state, [&](const CopyView& copy) {
    if (copy.id == active_primary(state) || !may_be_primary(record, copy.id)) return false;
    return any || is_elector(record, copy.id);
  });
}

bool may_keep_epoch(const State& state, CopyId target) {
  const Record& record = *state.record;
  const CopyView* primary = find_copy(state, target);
  if (target != record.primary || primary->fence_to >= record.epoch) return false;
  if (!fork_known(record)) return true;  // nobody has written in this epoch yet
  return std::ranges::all_of(state.copies, [&](const CopyView& copy) {
    if (copy.health != Health::present || copy.lost_data) return false;  // who knows what it holds
    return copy.received.epoch < record.epoch ||
           copy.received.sequence <= primary->received.sequence;
  });
}

std::string election_obstacle(const State& state) {
  const Record& record = *state.record;
  if (record_is_old(state)) {
    return "the cluster record is older than its copies: put the newest record back";
  }
  if (elect(state)) return {};
  const std::string primary = name_of(record, record.primary);
  if (record.paused && best_successor(state, false)) {
    return "no failover while paused: primary " + primary + " is lost; resume, or order a failover";
  }
  std::string text = "no primary: neither " + primary + " nor a mirror (" +
                     to_string(record.synchronous, record) + ") can be used";
  if (auto other = best_successor(state, true)) {
    text += "; " + name_of(record, *other) + " only by failover with accepted data loss";
  }
  return text;
}

}  // namespace spar::control
