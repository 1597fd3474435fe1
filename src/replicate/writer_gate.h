// replicate/writer_gate.h: the right to write on one primary, first come first served.
//
// Contract    acquire() waits in line until the right is handed over, the deadline passes (55P03), the
//             session is cancelled (57014) or the gate is closed for good (Code::copy_lost). release()
//             hands it to the next. Who held the right when the primary died is the heir: the next
//             primary's gate is kept for that session, so that its transaction can be replayed on the
//             very state it had seen; the heir claims it, or lets it go by releasing the old gate.
// Threads     Any.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "base/result.h"
#include "base/time.h"
#include "replicate/wakeup.h"

namespace spar::replicate {

struct WriteRequest {
  std::uint64_t session = 0;  // who asks; unique in the process
  Monotonic deadline = kNoDeadline;
  const std::atomic<bool>* cancelled = nullptr;
};

class WriterGate {
 public:
  // `previous`: the gate of the primary before, whose holder inherits this one.
  static std::shared_ptr<WriterGate> successor(const std::shared_ptr<WriterGate>& previous);

  Result<void> acquire(const WriteRequest& request);
  void release(std::uint64_t session);
  void close();

 private:
  struct Waiter {
    std::uint64_t session;
    bool granted = false;
    bool told = false;
    Wakeup turn;
  };

  bool take_or_queue(Waiter& waiter, bool& full);
  void hand_on();
  // Lets an inheritance go that was not claimed; gives the gate that inherited from this one.
  std::shared_ptr<WriterGate> disinherit(std::uint64_t session);

  std::mutex mutex_;
  std::uint64_t holder_ = 0;  // 0: free
  bool inherited_ = false;    // holder_ has not claimed it yet
  bool closed_ = false;
  std::deque<Waiter*> line_;
  std::shared_ptr<WriterGate> next_;
};

}  // namespace spar::replicate
