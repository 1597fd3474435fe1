// replicate/wakeup.h: one thread waits, another says go, once.
//
// std::binary_semaphore spins and yields before it sleeps, which costs dearly when 32 sessions wait
// on two cores; this sleeps at once (futex, absolute monotonic deadlines).
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>
#include <ctime>

#include "base/time.h"

namespace spar::replicate {

class Wakeup {
 public:
  void signal() {
    state_.store(1, std::memory_order_release);
    syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }

  // False when the deadline passed first.
  bool wait_until(Monotonic deadline) {
    while (state_.load(std::memory_order_acquire) == 0) {
      timespec until{};
      if (deadline != kNoDeadline) {
        auto since = deadline.time_since_epoch();
        auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
        until.tv_sec = seconds.count();
        until.tv_nsec =
            std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count();
      }
      long waited =
          syscall(SYS_futex, &state_, FUTEX_WAIT_BITSET_PRIVATE, 0,
                  deadline == kNoDeadline ? nullptr : &until, nullptr, FUTEX_BITSET_MATCH_ANY);
      if (waited < 0 && errno == ETIMEDOUT) return state_.load(std::memory_order_acquire) != 0;
    }
    return true;
  }

 private:
  std::atomic<std::uint32_t> state_{0};
};

}  // namespace spar::replicate
