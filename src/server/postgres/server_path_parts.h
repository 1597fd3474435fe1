// server/postgres/server_path_parts.h: what the files of ServerPath share, private to them.
#pragma once

#include "control/limits.h"
#include "server/postgres/limits.h"
#include "server/postgres/server_path.h"

namespace spar::server::postgres {

// While it lives, what the server of this copy does not answer is no sign of anything.
class ServerPath::Busy {
 public:
  Busy(ServerPath& path, CopyId copy) : path_(path), copy_(copy) {
    {
      std::lock_guard lock(path_.mutex_);
      ++path_.copies_[copy_].seen.busy;
      path_.reads_.lost(copy_);
    }
    path_.tell_copies();
  }
  ~Busy() {
    std::lock_guard lock(path_.mutex_);
    Seen& seen = path_.copies_[copy_].seen;
    --seen.busy;
    seen.told_lost = false;
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  ServerPath& path_;
  CopyId copy_;
};

// Bytes of log that the primary has and the copy has not; -1: nobody knows.
inline std::int64_t behind(const Position& copy, const Position& primary) {
  const std::uint64_t at = copy.sequence.value, end = primary.sequence.value;
  if (at == 0 || end == 0) return -1;
  return at >= end ? 0 : static_cast<std::int64_t>(end - at);
}

inline control::ActionDone unsure_or_failed(const Error& error) {
  control::ActionDone done = did_not(error);
  if (error.code == Code::deadline) done.result = control::ActionDone::Result::unknown;
  return done;
}

}  // namespace spar::server::postgres
