#include "replicate/writer_gate.h"

#include <algorithm>

#include "replicate/limits.h"

namespace spar::replicate {
namespace {

Failure closed() { return failure(Code::copy_lost, "the primary changed", "57P01"); }

}  // namespace

Result<void> WriterGate::acquire(Monotonic deadline) {
  Waiter waiter;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return closed();
    if (!held_) {
      held_ = true;
      return {};
    }
    if (line_.size() >= kWritersWaitingMax) {
      return failure(Code::unavailable, "too many sessions wait to write", "53300");
    }
    line_.push_back(&waiter);
  }
  if (deadline == kNoDeadline) {
    waiter.turn.acquire();
  } else if (!waiter.turn.try_acquire_until(deadline)) {
    std::lock_guard lock(mutex_);
    if (!waiter.told) {
      std::erase(line_, &waiter);
      return failure(Code::deadline, "canceling statement due to lock timeout", "55P03");
    }
  }
  std::lock_guard lock(mutex_);
  if (waiter.granted) return {};
  return closed();
}

void WriterGate::release() {
  std::lock_guard lock(mutex_);
  if (line_.empty()) {
    held_ = false;
    return;
  }
  Waiter* next = line_.front();
  line_.pop_front();
  next->granted = !closed_;
  next->told = true;
  next->turn.release();
}

void WriterGate::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  for (Waiter* waiter : line_) {
    waiter->told = true;
    waiter->turn.release();
  }
  line_.clear();
}

}  // namespace spar::replicate
