// server/event_log.h: what happened in a cluster, newest kept, for `spar events`.
//
// Threads     Any.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "base/time.h"

namespace spar::server {

struct LoggedEvent {
  std::uint64_t id = 0;
  Timestamp time{};
  std::string what;
  std::string evidence;
  double took_ms = 0;
};

class EventLog {
 public:
  void add(LoggedEvent event);
  std::vector<LoggedEvent> after(std::uint64_t id) const;

 private:
  mutable std::mutex mutex_;
  std::deque<LoggedEvent> events_;
  std::uint64_t next_id_ = 1;
};

}  // namespace spar::server
