#include "replicate/pipeline.h"

#include <algorithm>

#include "base/assert.h"
#include "base/mutant.h"
#include "replicate/limits.h"

namespace spar::replicate {
namespace {

std::size_t weight(const changelog::SharedRecord& record) {
  return record->changes.size() + 128;
}

}  // namespace

Position Pipeline::next() const {
  std::lock_guard lock(mutex_);
  return {epoch_, Sequence(published_.value + 1)};
}

Position Pipeline::published() const {
  std::lock_guard lock(mutex_);
  return {epoch_, published_};
}

Position Pipeline::acknowledged() const {
  return {Epoch(epoch_fast_.load()), Sequence(acknowledged_fast_.load())};
}

bool Pipeline::publish(changelog::SharedRecord record) {
  Told told{*this};
  {
    std::lock_guard lock(mutex_);
    if (sealed_ || record->position.epoch != epoch_) return false;
    SPAR_ASSERT(record->position.sequence.value == published_.value + 1);
    published_ = record->position.sequence;
    window_bytes_ += weight(record);
    window_.push_back({std::move(record), std::chrono::steady_clock::now()});
    if (mutant(Mutant::acknowledge_early)) recompute(told);
  }
  on_published_.notify_all();
  return true;
}

void Pipeline::shown(const Position& position) {
  Told told{*this};
  std::lock_guard lock(mutex_);
  if (position.epoch != epoch_) return;  // begin_epoch() has decided
  shown_ = position.sequence;
  recompute(told);
}

// A later epoch began before this position: another history has its number.
bool Pipeline::lost(const Position& position) const {
  return std::any_of(history_.begin(), history_.end(), [&](const Fork& fork) {
    return fork.epoch > position.epoch && fork.after < position.sequence;
  });
}

bool Pipeline::settled(const Position& position) const {
  return position.epoch.value == epoch_fast_.load() &&
         position.sequence.value <= acknowledged_fast_.load();
}

bool Pipeline::enlist(Waiter& waiter) {
  std::lock_guard lock(mutex_);
  if (lost(waiter.position)) {
    waiter.outcome = Outcome::not_committed;
    return false;
  }
  if (waiter.position.sequence <= acknowledged_) {
    waiter.outcome = Outcome::committed;
    return false;
  }
  auto behind = std::upper_bound(
      waiters_.begin(), waiters_.end(), waiter.position.sequence,
      [](Sequence sequence, const Waiter* other) { return sequence < other->position.sequence; });
  waiters_.insert(behind, &waiter);
  return true;
}

bool Pipeline::delist(Waiter& waiter) {
  std::lock_guard lock(mutex_);
  return std::erase(waiters_, &waiter) != 0;
}

Outcome Pipeline::wait(const Position& position, Monotonic deadline) {
  if (settled(position)) return Outcome::committed;
  Wakeup done;
  Waiter waiter{position, &done};
  if (!enlist(waiter) || done.wait_until(deadline) || delist(waiter)) return waiter.outcome;
  (void)done.wait_until(kNoDeadline);  // it is being told in this moment
  return waiter.outcome;
}

Sequence Pipeline::first_in_window() const {
  return window_.empty() ? Sequence(published_.value + 1)
                         : window_.front().record->position.sequence;
}

void Pipeline::collect(const FeedRequest& request, Feed& feed) const {
  feed.records.clear();
  feed.behind_window = false;
  feed.limit = request.acknowledged_only ? acknowledged_ : published_;
  if (request.after >= feed.limit) return;
  Sequence first = first_in_window();
  if (request.after.value + 1 < first.value) {
    feed.behind_window = true;
    return;
  }
  std::size_t bytes = 0;
  for (std::size_t i = request.after.value + 1 - first.value; i < window_.size(); ++i) {
    if (window_[i].record->position.sequence > feed.limit) break;
    if (request.records_max != 0 && feed.records.size() == request.records_max) break;
    bytes += weight(window_[i].record);
    if (bytes > request.bytes_max && !feed.records.empty()) break;
    feed.records.push_back(window_[i].record);
  }
}

Feed Pipeline::try_fetch(const FeedRequest& request) const {
  Feed feed;
  std::lock_guard lock(mutex_);
  collect(request, feed);
  return feed;
}

void Pipeline::fetch(const FeedRequest& request, Feed& feed) {
  std::unique_lock lock(mutex_);
  std::uint64_t wakes = request.wakes_seen.value_or(wakes_);
  while (true) {
    collect(request, feed);
    if (!feed.records.empty() || feed.behind_window || wakes_ != wakes) return;
    (request.acknowledged_only ? on_acknowledged_ : on_published_).wait(lock);
  }
}

std::uint64_t Pipeline::wakes() const {
  std::lock_guard lock(mutex_);
  return wakes_;
}

void Pipeline::wake() {
  {
    std::lock_guard lock(mutex_);
    ++wakes_;
  }
  on_published_.notify_all();
  on_acknowledged_.notify_all();
}

void Pipeline::durable(CopyId member, Sequence sequence) {
  Told told{*this};
  std::lock_guard lock(mutex_);
  durable_[member] = sequence;
  recompute(told);
}

void Pipeline::recompute(Told& told) {
  if (acknowledgers_.empty() || !enough_) return;
  Sequence lowest = mutant(Mutant::acknowledge_unshown) ? published_ : shown_;
  for (CopyId member : acknowledgers_) {
    auto known = durable_.find(member);
    lowest = std::min(lowest, known == durable_.end() ? Sequence() : known->second);
  }
  if (mutant(Mutant::acknowledge_early)) lowest = published_;
  if (lowest <= acknowledged_) return;
  told.rose = true;
  acknowledged_ = lowest;
  acknowledged_fast_.store(lowest.value);
  while (!waiters_.empty() && waiters_.front()->position.sequence <= lowest) {
    Waiter* waiter = waiters_.front();
    waiters_.pop_front();
    waiter->outcome = Outcome::committed;
    told.waiters.push_back(waiter);
  }
  trim();
}

void Pipeline::trim() {
  while (window_bytes_ > kWindowBytesMax && !window_.empty() &&
         window_.front().record->position.sequence <= acknowledged_) {
    window_bytes_ -= weight(window_.front().record);
    window_.pop_front();
  }
}

std::chrono::milliseconds Pipeline::lag(Sequence applied, Monotonic now) const {
  std::lock_guard lock(mutex_);
  if (applied >= acknowledged_ || window_.empty()) return {};
  Sequence first = first_in_window();
  std::size_t index = applied.value + 1 > first.value ? applied.value + 1 - first.value : 0;
  index = std::min(index, window_.size() - 1);
  auto age = now - window_[index].published;
  return std::max(std::chrono::milliseconds(0),
                  std::chrono::duration_cast<std::chrono::milliseconds>(age));
}

void Pipeline::seal() {
  std::lock_guard lock(mutex_);
  sealed_ = true;
}

void Pipeline::reopen(Epoch epoch) {
  std::lock_guard lock(mutex_);
  if (epoch == epoch_) sealed_ = false;
}

void Pipeline::hold_acknowledgements() {
  std::lock_guard lock(mutex_);
  enough_ = false;
}

void Pipeline::begin_epoch(const History& history, Epoch epoch, Sequence end) {
  Told told{*this};
  {
    std::lock_guard lock(mutex_);
    history_ = history;
    while (!window_.empty() && window_.back().record->position.sequence > end) {
      window_bytes_ -= weight(window_.back().record);
      window_.pop_back();
    }
    if (end > published_ || window_.empty()) window_.clear(), window_bytes_ = 0;
    SPAR_ASSERT(acknowledged_ <= end);
    published_ = shown_ = end;
    epoch_ = epoch;
    epoch_fast_.store(epoch.value);
    for (auto& [member, sequence] : durable_) sequence = std::min(sequence, end);
    auto gone = [&](Waiter* waiter) {
      if (!lost(waiter->position)) return false;
      waiter->outcome = Outcome::not_committed;
      told.waiters.push_back(waiter);
      return true;
    };
    std::erase_if(waiters_, gone);
    sealed_ = false;
    recompute(told);
  }
  wake();
}

void Pipeline::set_acknowledgers(const std::set<CopyId>& members, bool enough) {
  Told told{*this};
  {
    std::lock_guard lock(mutex_);
    acknowledgers_ = members;
    enough_ = enough;
    recompute(told);
  }
  wake();
}

}  // namespace spar::replicate
