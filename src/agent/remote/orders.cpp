#include "agent/remote/orders.h"

#include "agent/remote/limits.h"

namespace spar::agent::remote {

void Orders::keep(const std::string& id, const Outcome& outcome) {
  std::lock_guard lock(mutex_);
  known_[id] = outcome;
  ended_.push_back(id);
  if (ended_.size() > kOutcomesKept) {
    known_.erase(ended_.front());
    ended_.pop_front();
  }
  changed_.notify_all();
}

Orders::Outcome Orders::perform(const std::string& id, Monotonic deadline,
                                const std::function<Outcome()>& work) {
  {
    std::unique_lock lock(mutex_);
    if (known_.contains(id)) {
      auto gone_or_ended = [&] {
        auto found = known_.find(id);
        return found == known_.end() || found->second.has_value();
      };
      auto found =
          changed_.wait_until(lock, deadline, gone_or_ended) ? known_.find(id) : known_.end();
      if (found != known_.end()) return *found->second;
      return failure(Code::deadline, "the order has not ended yet", "57014");
    }
    known_.emplace(id, std::nullopt);
  }
  Outcome outcome = work();
  keep(id, outcome);
  return outcome;
}

bool Orders::wait_until_idle(Monotonic deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline, [&] { return known_.size() == ended_.size(); });
}

}  // namespace spar::agent::remote
