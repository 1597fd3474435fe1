#include "replicate/writer_gate.h"

#include <algorithm>

#include "replicate/limits.h"

namespace spar::replicate {
namespace {

Failure closed() {
  return failure(Code::copy_lost, "the primary changed", "57P01");
}

// Waits for the turn; false when the deadline passed or the session was cancelled.
bool wait_turn(Wakeup& turn, const WriteRequest& request) {
  while (true) {
    Monotonic now = std::chrono::steady_clock::now();
    if (turn.wait_until(std::min(request.deadline, now + kCancelLook))) return true;
    if (request.cancelled != nullptr && request.cancelled->load()) return false;
    if (std::chrono::steady_clock::now() >= request.deadline) return false;
  }
}

}  // namespace

std::shared_ptr<WriterGate> WriterGate::successor(const std::shared_ptr<WriterGate>& previous) {
  auto gate = std::make_shared<WriterGate>();
  if (!previous) return gate;
  std::lock_guard lock(previous->mutex_);
  gate->holder_ = previous->holder_;
  gate->inherited_ = gate->holder_ != 0;
  previous->next_ = gate;
  return gate;
}

bool WriterGate::take_or_queue(Waiter& waiter, bool& full) {
  if (holder_ == 0 || (inherited_ && holder_ == waiter.session)) {
    holder_ = waiter.session;
    inherited_ = false;
    return true;
  }
  full = line_.size() >= kWritersWaitingMax;
  if (!full) line_.push_back(&waiter);
  return false;
}

Result<void> WriterGate::acquire(const WriteRequest& request) {
  Waiter waiter{request.session};
  return enter(waiter, request);
}

Result<void> WriterGate::enter(Waiter& waiter, const WriteRequest& request) {
  {
    std::lock_guard lock(mutex_);
    if (closed_) return closed();
    bool full = false;
    if (take_or_queue(waiter, full)) return {};
    if (full) return failure(Code::unavailable, "too many sessions wait to write", "53300");
  }
  bool turn = wait_turn(waiter.turn, request);
  std::lock_guard lock(mutex_);
  if (waiter.granted || waiter.taken) return {};
  if (turn || waiter.told) return closed();
  std::erase(line_, &waiter);
  if (request.cancelled != nullptr && request.cancelled->load()) {
    return failure(Code::cancelled, "canceling statement due to user request", "57014");
  }
  return failure(Code::deadline, "canceling statement due to lock timeout", "55P03");
}

Result<void> WriterGate::perform(const WriteRequest& request, Errand& errand) {
  Waiter waiter{request.session, &errand};
  SPAR_TRY(enter(waiter, request));
  if (waiter.taken) {
    errand.await(waiter.turn);
    return {};
  }
  Wakeup done;
  const bool sleeps = !errand.run(done);
  std::uint64_t holder = request.session;
  while (!errand.settled()) {
    Waiter* next = next_errand(holder);
    if (next == nullptr) break;
    if (next->errand->run(next->turn)) next->turn.signal();
  }
  release(holder);
  if (sleeps) errand.await(done);
  return {};
}

// The errand of the next in line, to be run by the holder's thread in that session's name.
WriterGate::Waiter* WriterGate::next_errand(std::uint64_t& holder) {
  std::lock_guard lock(mutex_);
  if (closed_ || next_ || holder_ != holder || line_.empty() || line_.front()->errand == nullptr) {
    return nullptr;
  }
  Waiter* next = line_.front();
  line_.pop_front();
  next->taken = true;
  holder = holder_ = next->session;
  return next;
}

void WriterGate::hand_on() {
  holder_ = 0;
  if (line_.empty()) return;
  Waiter* next = line_.front();
  line_.pop_front();
  holder_ = next->session;
  next->granted = true;
  next->told = true;
  next->turn.signal();
}

void WriterGate::release(std::uint64_t session) {
  std::shared_ptr<WriterGate> next;
  {
    std::lock_guard lock(mutex_);
    if (holder_ != session) return;
    next = next_;
    if (!next) hand_on();
  }
  // The primary changed under this session, once or more: give up the inheritance unless claimed.
  while (next) next = next->disinherit(session);
}

std::shared_ptr<WriterGate> WriterGate::disinherit(std::uint64_t session) {
  std::lock_guard lock(mutex_);
  if (!inherited_ || holder_ != session) return nullptr;
  inherited_ = false;
  hand_on();
  return next_;
}

std::size_t WriterGate::waiting() const {
  std::lock_guard lock(mutex_);
  return line_.size();
}

void WriterGate::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  for (Waiter* waiter : line_) {
    waiter->told = true;
    waiter->turn.signal();
  }
  line_.clear();
}

}  // namespace spar::replicate
