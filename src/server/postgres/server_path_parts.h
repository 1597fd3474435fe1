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

// While it lives, the machine hears that the copy is worked on, and does not give its Rejoin up.
class ServerPath::Patience {
 public:
  Patience(ServerPath& path, CopyId copy) : thread_([this, &path, copy] { run(path, copy); }) {}
  ~Patience() {
    {
      std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

 private:
  void run(ServerPath& path, CopyId copy) {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kPatienceEvery, [this] { return done_; })) {
      control::Observed works;
      works.copy = copy;
      works.kind = control::Observed::Kind::progress;
      works.witness = "agent";
      path.ears_.observed(std::move(works));
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;
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
