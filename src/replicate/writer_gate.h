// replicate/writer_gate.h: the right to write on one primary, first come first served.
//
// Contract    acquire() waits in line until the right is handed over, the deadline passes (Code::deadline,
//             55P03) or the gate is closed for good (Code::copy_lost). release() hands it to the next.
// Threads     Any.
#pragma once

#include <deque>
#include <mutex>
#include <semaphore>

#include "base/result.h"
#include "base/time.h"

namespace spar::replicate {

class WriterGate {
 public:
  Result<void> acquire(Monotonic deadline);
  void release();
  void close();

 private:
  struct Waiter {
    bool granted = false;
    bool told = false;
    std::binary_semaphore turn{0};
  };

  std::mutex mutex_;
  bool held_ = false;
  bool closed_ = false;
  std::deque<Waiter*> line_;
};

}  // namespace spar::replicate
