// engines/sqlite/vfs_fault.h: remembers that a copy's files have failed.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "base/result.h"

namespace spar::engines::sqlite {

using FaultHandler = std::function<void(const Error&)>;

// The first fault is kept and given to the handler, once. Any thread.
class FaultLatch {
 public:
  explicit FaultLatch(FaultHandler handler) : handler_(std::move(handler)) {}

  bool broken() const { return broken_.load(std::memory_order_acquire); }
  void report(const Error& error) {
    {
      std::lock_guard lock(mutex_);
      if (first_) return;
      first_ = error;
      broken_.store(true, std::memory_order_release);
    }
    if (handler_) handler_(error);
  }
  Result<void> check() const {
    if (!broken()) return {};
    std::lock_guard lock(mutex_);
    return Failure(*first_);
  }

 private:
  FaultHandler handler_;
  std::atomic<bool> broken_{false};
  mutable std::mutex mutex_;
  std::optional<Error> first_;
};

}  // namespace spar::engines::sqlite
