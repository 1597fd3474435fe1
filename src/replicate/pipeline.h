// replicate/pipeline.h: the order of commits and the moment each is acknowledged.
//
// Contract    A committing session publishes its record under the writer's right; members fetch
//             records from the window and report what they hold durably; a record is acknowledged
//             once every acknowledger (the primary and the synchronous set) holds it. wait() tells
//             a session how its commit, or the position that its read saw, ended.
// Threads     Any.
// Invariants  P1 acknowledged() never falls.  P2 sequence numbers are published without gaps.
//             P3 nothing is acknowledged between seal() and begin_epoch() but what was published
//             before. P4 a change of the acknowledgers takes effect only when the caller says so,
//             which is after the cluster record holds it.
//             P5 nothing is acknowledged before the primary shows it: a follower would show it, and
//             a read on the primary after that would not.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "base/position.h"
#include "base/time.h"
#include "changelog/record.h"
#include "replicate/wakeup.h"

namespace spar::replicate {

enum class Outcome { committed, not_committed, deadline };

// What a member asks the pipeline for.
struct FeedRequest {
  Sequence after;                  // the newest record it has
  bool acknowledged_only = false;  // a replica, or an applier
  std::size_t bytes_max = 0;
  std::size_t records_max = 0;  // 0: any
  // wakes() as it was before the caller looked at what a wake() announces; otherwise a wake()
  // between that look and fetch() would be lost.
  std::optional<std::uint64_t> wakes_seen = std::nullopt;
};

struct Feed {
  std::vector<changelog::SharedRecord> records;
  bool behind_window = false;  // the next record is no longer in memory: read it from a log
  Sequence limit;              // the newest sequence that the request allows
};

class Pipeline {
 public:
  // The position of the next record. REQUIRES: the writer's right.
  Position next() const;
  // False when the epoch is sealed: the record goes nowhere, roll back. REQUIRES: the writer's
  // right.
  bool publish(changelog::SharedRecord record);

  // The primary shows the record to its readers. REQUIRES: the writer's right.
  void shown(const Position& position);

  Position published() const;
  Position acknowledged() const;
  // Whether `position` is on the history and acknowledged, without waiting.
  bool settled(const Position& position) const;
  Outcome wait(const Position& position, Monotonic deadline);

  // As wait(), in parts: whoever enlists a waiter sees to it that it stays until `done` was
  // signalled or delist() has taken it out.
  struct Waiter {
    Position position;
    Wakeup* done = nullptr;
    Outcome outcome = Outcome::deadline;
  };
  // False: the outcome is known already, nothing will be signalled.
  bool enlist(Waiter& waiter);
  // False: the outcome is known, and `done` is signalled or about to be.
  bool delist(Waiter& waiter);

  // Fills `feed`, waiting until there is something; empty after wake(): ask again or stop.
  void fetch(const FeedRequest& request, Feed& feed);
  Feed try_fetch(const FeedRequest& request) const;
  void wake();
  std::uint64_t wakes() const;
  void durable(CopyId member, Sequence sequence);

  // How long ago the first acknowledged record after `applied` was published; 0 when there is none.
  // Reads are promised by it (spar.max_staleness): never by the time of day, which may jump.
  std::chrono::milliseconds lag(Sequence applied, Monotonic now) const;

  // No more publishing until begin_epoch(), or reopen() of the same epoch.
  void seal();
  void reopen(Epoch epoch);
  // Nothing is acknowledged until the next set_acknowledgers().
  void hold_acknowledgements();
  // The history goes on in `epoch` after `end`: later records were not committed.
  void begin_epoch(const History& history, Epoch epoch, Sequence end);
  // `enough`: false holds every acknowledgement (mirrored-strict without its mirrors).
  void set_acknowledgers(const std::set<CopyId>& members, bool enough);

 private:
  // Whom an advance concerns: waiters whose outcome is known, and followers. They are woken when
  // this goes, after the mutex: a wake is a system call, and the writer wants the mutex. A waiter
  // stays until it was woken.
  struct Told {
    Pipeline& pipeline;
    bool rose = false;  // acknowledged() did
    std::vector<Waiter*> waiters;
    ~Told() {
      if (rose) pipeline.on_acknowledged_.notify_all();
      for (Waiter* waiter : waiters) waiter->done->signal();
    }
  };

  Sequence first_in_window() const;  // of the window, or published + 1
  void recompute(Told& told);        // acknowledged
  void trim();
  bool lost(const Position& position) const;
  void collect(const FeedRequest& request, Feed& feed) const;

  mutable std::mutex mutex_;
  std::condition_variable on_published_;
  std::condition_variable on_acknowledged_;
  std::uint64_t wakes_ = 0;
  struct Published {
    changelog::SharedRecord record;
    Monotonic published;
  };
  std::deque<Published> window_;
  std::size_t window_bytes_ = 0;
  History history_;
  Epoch epoch_;
  Sequence published_;
  Sequence shown_;
  Sequence acknowledged_;
  std::atomic<std::uint64_t> acknowledged_fast_{0};
  std::atomic<std::uint64_t> epoch_fast_{0};
  bool sealed_ = true;
  bool enough_ = true;
  std::set<CopyId> acknowledgers_;
  std::map<CopyId, Sequence> durable_;
  std::deque<Waiter*> waiters_;
};

}  // namespace spar::replicate
