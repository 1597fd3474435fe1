// replicate/writer_gate.h: the right to write on one primary, first come first served.
//
// Contract    acquire() waits in line until the right is handed over, the deadline passes (55P03),
//             the session is cancelled (57014) or the gate is closed for good (Code::copy_lost).
//             release() hands it to the next. Who held the right when the primary died is the heir:
//             the next primary's gate is kept for that session, so that its transaction can be
//             replayed on the very state it had seen; the heir claims it, or lets it go by
//             releasing the old gate.
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

// One whole transaction that any thread may run for its session, which sleeps meanwhile: on a busy
// gate, waking each session for its turn would take longer than what it does then.
class Errand {
 public:
  virtual ~Errand() = default;
  // Called once, with the right to write. True: the session is to be woken now; false: `turn` was
  // left with someone who will, and the errand may be gone already.
  virtual bool run(Wakeup& turn) = 0;
  // Whether the session need not wait any longer for what run() has done.
  virtual bool settled() const = 0;
  // Sleeps until run() is over and what it left `turn` with has happened, or gives up on that.
  virtual void await(Wakeup& turn) = 0;
};

class WriterGate {
 public:
  // `previous`: the gate of the primary before, whose holder inherits this one.
  static std::shared_ptr<WriterGate> successor(const std::shared_ptr<WriterGate>& previous);

  Result<void> acquire(const WriteRequest& request);
  // Waits as acquire() does and has the errand run, here or by the session that writes before;
  // here, it then runs those of the sessions behind as long as its own is not settled.
  Result<void> perform(const WriteRequest& request, Errand& errand);
  void release(std::uint64_t session);
  void close();
  std::size_t waiting() const;

 private:
  struct Waiter {
    std::uint64_t session;
    Errand* errand = nullptr;
    bool granted = false;
    bool taken = false;  // the errand is being run, or was
    bool told = false;
    Wakeup turn;
  };

  // Takes the right, or waits for it in line; an errand may have been taken instead.
  Result<void> enter(Waiter& waiter, const WriteRequest& request);
  bool take_or_queue(Waiter& waiter, bool& full);
  Waiter* next_errand(std::uint64_t& holder);
  void hand_on();
  // Lets an inheritance go that was not claimed; gives the gate that inherited from this one.
  std::shared_ptr<WriterGate> disinherit(std::uint64_t session);

  mutable std::mutex mutex_;
  std::uint64_t holder_ = 0;  // 0: free
  bool inherited_ = false;    // holder_ has not claimed it yet
  bool closed_ = false;
  std::deque<Waiter*> line_;
  std::shared_ptr<WriterGate> next_;
};

}  // namespace spar::replicate
