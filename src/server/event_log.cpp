#include "server/event_log.h"

#include "server/limits.h"

namespace spar::server {

void EventLog::add(LoggedEvent event) {
  std::lock_guard lock(mutex_);
  event.id = next_id_++;
  events_.push_back(std::move(event));
  if (events_.size() > kEventsKept) events_.pop_front();
}

std::vector<LoggedEvent> EventLog::after(std::uint64_t id) const {
  std::lock_guard lock(mutex_);
  std::vector<LoggedEvent> found;
  for (const LoggedEvent& event : events_) {
    if (event.id > id) found.push_back(event);
  }
  return found;
}

}  // namespace spar::server
