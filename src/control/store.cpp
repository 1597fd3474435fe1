// The record: one compare-and-set at a time; after a lost or unknown one it is read again.
#include <algorithm>

#include "control/turn.h"

namespace spar::control {
namespace {

// Every member has a view, and only members have one.
void sync_members(Turn& turn) {
  State& state = turn.state;
  for (const CopyView& copy : state.copies) {
    if (find_member(turn.record(), copy.id) == nullptr) {
      turn.act(turn.record().epoch, Forget{copy.id});
    }
  }
  std::erase_if(state.copies, [&](const CopyView& copy) {
    return find_member(turn.record(), copy.id) == nullptr;
  });
  for (const Member& member : turn.record().members) {
    if (find_copy(state, member.id) != nullptr) continue;
    CopyView copy;
    copy.id = member.id;
    copy.retry_at = turn.now;
    copy.text = "not looked at yet";
    state.copies.push_back(copy);
  }
}

// What a primary holds past the fork of its own epoch is of that epoch, also when it was told by the
// history of before: nobody else's log has that fork behind it.
void date_primary(Turn& turn) {
  const Record& record = turn.record();
  CopyView* primary = find_copy(turn.state, record.primary);
  if (primary == nullptr || !fork_known(record)) return;
  Position& held = primary->received;
  if (held.epoch < record.epoch && held.sequence > record.history.back().after) {
    held.epoch = record.epoch;
  }
}

void read_again(Turn& turn, const std::string& text) {
  State& state = turn.state;
  state.must_read = true;
  state.store_text = text;
  ++state.store_failures;
  state.store_due = state.store_failures < kImmediateRetries ? turn.now : turn.now + kRetryDelay;
}

}  // namespace

void adopt(Turn& turn, Record record) {
  turn.state.record = std::move(record);
  turn.state.must_read = false;
  sync_members(turn);
  date_primary(turn);
}

void start_cas(Turn& turn, Record wanted, CasRecord::Purpose purpose) {
  State& state = turn.state;
  const std::uint64_t expected = turn.record().version;
  wanted.version = expected + 1;
  PendingCas cas{{}, wanted, purpose, turn.now + kActionDeadline};
  const Epoch epoch = wanted.epoch;
  cas.id = turn.act(epoch, CasRecord{expected, std::move(wanted), purpose});
  state.cas = std::move(cas);
}

void drive_store(Turn& turn) {
  State& state = turn.state;
  if (state.cas && turn.now >= state.cas->due) {
    state.cas.reset();
    read_again(turn, "no answer from the store");
  }
  if (state.read.in_flight() && turn.now >= state.read.due) {
    state.read = {};
    read_again(turn, "no answer from the store");
  }
  if (!state.must_read || state.read.in_flight() || turn.now < state.store_due) return;
  turn.ask(state.read, state.record ? turn.record().epoch : Epoch{}, ReadRecord{});
}

void on_cas(Turn& turn, const CasResult& result) {
  State& state = turn.state;
  if (!state.cas || state.cas->id != result.id) return;
  PendingCas cas = std::move(*state.cas);
  state.cas.reset();
  if (result.result != Cas::ok) {
    turn.note(result.result == Cas::lost ? "the record was changed by someone else"
                                         : "it is unknown whether the record was stored",
              result.text);
    return read_again(turn, result.text);
  }
  state.store_failures = 0;
  adopt(turn, std::move(cas.wanted));
}

void on_read(Turn& turn, const RecordRead& read) {
  State& state = turn.state;
  if (!state.read.in_flight() || state.read.id != read.id) return;
  state.read = {};
  if (!read.record) {
    return read_again(turn, read.error.empty() ? "there is no record any more" : read.error);
  }
  if (state.record && state.record->cluster_id != read.record->cluster_id) {
    return read_again(turn, "the record is another cluster's");
  }
  adopt(turn, *read.record);
}

}  // namespace spar::control
