// agent/remote/orders.h: orders that were given once and are performed once, however often they are
// asked for.
//
// Contract    perform() runs `work` for an id that is new. For one that is known it waits until that
//             work has ended and gives what it gave; Code::deadline when that takes too long. The
//             work goes on when whoever asked is gone. kOutcomesKept outcomes are kept, the newest;
//             they go with the process, so what survives that must be idempotent.
// Threads     Any thread; `work` runs in the caller's.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace spar::agent::remote {

class Orders {
 public:
  using Outcome = Result<std::string>;

  Outcome perform(const std::string& id, Monotonic deadline, const std::function<Outcome()>& work);
  // False when some still run at the deadline.
  bool wait_until_idle(Monotonic deadline);

 private:
  void keep(const std::string& id, const Outcome& outcome);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::optional<Outcome>> known_;  // nothing: it runs
  std::deque<std::string> ended_;                        // oldest first
};

}  // namespace spar::agent::remote
