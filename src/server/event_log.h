// server/event_log.h: what happened in the clusters of a node, newest kept, for `spar events`.
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
  std::string cluster;
  std::string what;
  std::string copy;  // "": the cluster as a whole
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
